"""What each process shows at /metrics: the names and labels that dashboards and alerts are written against."""

from prometheus_client.parser import text_string_to_metric_families

Labels = tuple[str, ...]
EVERY_SERVICE: dict[str, Labels] = {
    "rehearsal_consumed_records_total": ("service",),
    "rehearsal_batch_records": ("service",),
    "rehearsal_apply_seconds": ("service",),
    "rehearsal_batch_retries_total": ("service",),
    "rehearsal_held_back_total": ("service",),
    "rehearsal_stale_consumer_total": ("service",),
    "rehearsal_offsets_off_log_total": ("service",),
    "rehearsal_dead_letters_total": ("service", "topic"),
    "rehearsal_consumer_lag_records": ("service", "topic", "partition"),
    "rehearsal_consumer_stopped_at_offset": ("service", "topic", "partition"),
    "rehearsal_published_records_total": ("service",),
    "rehearsal_publish_seconds": ("service",),
    "rehearsal_relay_failures_total": ("service",),
    "rehearsal_outbox_set_aside_total": ("service",),
    "rehearsal_outbox_aside_rows": ("service",),
    "rehearsal_outbox_oldest_seconds": ("service",),
    "rehearsal_component_restarts_total": ("service", "component"),
    "rehearsal_component_ready": ("service", "component"),
}
OWN: dict[str, dict[str, Labels]] = {
    "api": {
        "rehearsal_http_request_seconds": ("method", "route", "status"),
        "rehearsal_http_requests_in_flight": (),
        "rehearsal_http_connections": (),
        "rehearsal_http_waiting": (),
        "rehearsal_cancels_requested_total": (),
        "rehearsal_http_connections_closed_total": ("reason",),
        "rehearsal_runs_accepted_total": (),
        "rehearsal_requests_refused_total": ("code",),
        "rehearsal_run_accepted_to_billed_seconds": (),
        "rehearsal_unknown_revocations_total": (),
        "rehearsal_recordings_deleted_total": (),
        "rehearsal_recordings_orphaned": (),
    },
    "billing": {
        "rehearsal_ledger_entries_total": ("kind",),
        "rehearsal_settled_cents_total": (),
        "rehearsal_funds_declined_total": ("reason",),
        "rehearsal_payments_refused_total": ("kind",),
    },
    "scheduler": {
        "rehearsal_runs_canceled_total": (),
        "rehearsal_runs_dispatched_total": (),
        "rehearsal_runs_expired_total": (),
        "rehearsal_runs_returned_total": (),
        "rehearsal_announced_room": (),
        "rehearsal_runs_dispatched_now": (),
        "rehearsal_runs_waiting_for_room": (),
        "rehearsal_tick_seconds": (),
        "rehearsal_queue_seconds": (),
    },
    "caller": {
        "rehearsal_calls_up": (),
        "rehearsal_calls_ended_total": ("end_reason",),
        "rehearsal_leases_lost_total": (),
        "rehearsal_attempts_reaped_total": ("outcome",),
        "rehearsal_media_tick_late_seconds": (),
        "rehearsal_media_ticks_skipped_total": (),
        "rehearsal_media_ports_in_use": (),
        "rehearsal_call_set_up_seconds": (),
        "rehearsal_agent_latency_seconds": (),
        "rehearsal_own_speech_seconds": ("kind",),
        "rehearsal_rtp_packets_total": ("outcome",),
        "rehearsal_media_ports_used_up_total": (),
        "rehearsal_media_packets_refused_total": ("reason",),
        "rehearsal_recordings_total": ("outcome",),
        "rehearsal_recordings_waiting": (),
        "rehearsal_renderings_waiting": (),
        "rehearsal_sip_surprises_total": (),
        "rehearsal_sip_invites_refused_total": ("reason",),
        "rehearsal_sip_calls_placed_total": ("outcome",),
    },
}
BOOKS: dict[str, Labels] = {
    "rehearsal_books_leaks": ("kind",),
    "rehearsal_books_oldest_leak_seconds": ("kind",),
    "rehearsal_books_looked_at_seconds": ("kind",),
    "rehearsal_books_failures_total": ("kind",),
}


def shown_by(service: str) -> set[str]:
    """The metrics of one service."""
    return {*EVERY_SERVICE, *OWN[service]}


def every_metric() -> dict[str, Labels]:
    """The metrics of all processes."""
    return {name: labels for own in (EVERY_SERVICE, *OWN.values(), BOOKS) for name, labels in own.items()}


def names_in(text: str) -> set[str]:
    """The metrics of ours that a /metrics answer shows, those without samples as well."""
    return {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in text_string_to_metric_families(text)
        if family.name.startswith("rehearsal_") and not family.name.endswith("_created")
    }
