"""Each kind of leak, planted into the sound books of `sound_books.py`."""

# Kind of leak → what has to happen to sound books (runs: 1 completed, 2 failed, 3 queued, 4 up, 6 declined).
PLANTED = {
    "unknown_to_billing": """
        UPDATE api.runs SET funds_answered = false WHERE id = 6; DELETE FROM billing.reservations WHERE run_id = 6
    """,
    "answer_not_heard": "UPDATE api.runs SET funds_answered = false WHERE id = 3",
    "unknown_to_scheduler": "DELETE FROM scheduler.runs WHERE run_id = 3",
    "open_without_hold": """
        INSERT INTO api.runs SELECT (jsonb_populate_record(r, '{"id": 7, "request_id": 7}')).* FROM api.runs r
        WHERE id = 3
    """,
    "open_after_its_end": """
        UPDATE scheduler.runs SET status = 'ended', ended_at = now() - interval '40 min' WHERE run_id = 3
    """,
    "in_progress_without_attempt": """
        DELETE FROM caller.attempts WHERE run_id = 4; UPDATE scheduler.orgs SET in_use = 0;
        UPDATE scheduler.runs SET status = 'queued' WHERE run_id = 4
    """,
    "held_after_the_end": """
        UPDATE api.runs SET status = 'failed', error_message = 'x', completed_at = now() WHERE id = 3;
        UPDATE scheduler.runs SET status = 'ended', ended_at = now() - interval '40 min' WHERE run_id = 3
    """,
    "held_for_no_run": "DELETE FROM api.runs WHERE id = 3",
    "completed_without_charge": """
        UPDATE api.runs SET status = 'completed', error_message = '', call_id = 102 WHERE id = 2
    """,
    "failed_beside_a_charge": "UPDATE api.runs SET status = 'failed', error_message = 'x' WHERE id = 1",
    "unbilled": "UPDATE api.runs SET billed_at = NULL WHERE id = 1",
    "billed_otherwise": "UPDATE api.runs SET billed_cents = 15 WHERE id = 1",
    "queued_after_the_end": "UPDATE scheduler.runs SET status = 'queued', ended_at = NULL WHERE run_id = 2",
    "slot_without_attempt": """
        UPDATE scheduler.runs SET status = 'dispatched' WHERE run_id = 3; UPDATE scheduler.orgs SET in_use = 2
    """,
    "attempt_after_the_end": """
        INSERT INTO caller.attempts SELECT (jsonb_populate_record(a, '{"run_id": 6, "call_id": 106}')).*
        FROM caller.attempts a WHERE run_id = 4
    """,
    "call_without_hold": """
        DELETE FROM api.runs WHERE id = 3; DELETE FROM scheduler.runs WHERE run_id = 3;
        UPDATE billing.reservations SET status = 'voided' WHERE run_id = 3;
        INSERT INTO billing.ledger VALUES (8, 5, 'run:3', 'release', 'org:5:held', 'org:5:available', 16, 3, NULL, NULL,
                                           84, 16, now());
        UPDATE billing.accounts SET held_cents = 16;
        INSERT INTO caller.attempts SELECT (jsonb_populate_record(a, '{"run_id": 3, "call_id": 103}')).*
        FROM caller.attempts a WHERE run_id = 4;
        INSERT INTO api.ledger_entries VALUES (8, 5, 3, NULL, NULL, 'release', 16, 84, 16, now());
        UPDATE api.funds SET held_cents = 16
    """,
    "queued_past_its_time": "UPDATE scheduler.runs SET expires_at = now() - interval '40 min' WHERE run_id = 3",
    "attempt_past_its_lease": """
        UPDATE caller.attempts SET lease_expires_at = now() - interval '40 min' WHERE run_id = 4
    """,
    "other_organisation": "UPDATE caller.attempts SET org_id = 6 WHERE run_id = 4",
    "hold_unbalanced": "UPDATE billing.reservations SET held_cents = 17 WHERE run_id = 3",
    "hold_without_reservation": """
        DELETE FROM billing.reservations WHERE run_id = 3; DELETE FROM api.runs WHERE id = 3
    """,
    "ledger_broken": """
        UPDATE billing.ledger SET debit_account = 'revenue' WHERE id = 5
    """,
    "account_otherwise": """
        UPDATE billing.accounts SET balance_cents = 85 WHERE org_id = 5;
        UPDATE api.funds SET balance_cents = 85 WHERE org_id = 5
    """,
    "funds_otherwise": "UPDATE api.funds SET balance_cents = 85",
    "funds_not_heard": "UPDATE api.funds SET version = 8, heard_at = now() - interval '40 min'",
    "entry_not_heard": "DELETE FROM api.ledger_entries WHERE entry_id = 5",
    "entry_otherwise": "UPDATE api.ledger_entries SET amount_cents = 15 WHERE entry_id = 3",
    "slots_otherwise": "UPDATE scheduler.orgs SET in_use = 2",
    "open_runs_otherwise": "UPDATE api.open_runs SET queued_runs = queued_runs + 1",
    "outbox_stuck": """
        INSERT INTO scheduler.outbox (topic, headers, written_at) VALUES ('t', '', now() - interval '40 min')
    """,
    "set_aside": """
        INSERT INTO caller.outbox_aside (id, topic, headers, written_at, reason, set_aside_at)
        VALUES (1, 't', '', now(), 'too large', now() - interval '40 min')
    """,
}
# Other ways to the same kinds.
MORE = (
    (
        "open_after_its_end",
        """
        UPDATE caller.attempts SET status = 'failed', lease_token = NULL, lease_expires_at = NULL,
                                   ended_at = now() - interval '40 min' WHERE run_id = 4;
        UPDATE scheduler.orgs SET in_use = 0;
        UPDATE scheduler.runs SET status = 'ended', ended_at = now() - interval '40 min' WHERE run_id = 4
        """,
    ),
    ("ledger_broken", "UPDATE billing.ledger SET balance_cents = 85 WHERE id = 5"),
    (
        "account_otherwise",
        """
        INSERT INTO billing.accounts (org_id, balance_cents) VALUES (9, 1);
        INSERT INTO api.funds (org_id, balance_cents, held_cents, version) VALUES (9, 1, 0, 0)
        """,
    ),
    ("funds_otherwise", "UPDATE api.funds SET version = 10"),
    (
        "funds_otherwise",
        "INSERT INTO api.funds (org_id, balance_cents, held_cents, version) VALUES (9, 1, 0, 3)",
    ),
    ("open_runs_otherwise", "UPDATE api.open_runs SET unanswered_cents = -16"),
    ("open_runs_otherwise", "DELETE FROM api.open_runs"),
    ("open_runs_otherwise", "INSERT INTO api.open_runs (org_id, active_runs) VALUES (9, 1)"),
    (
        "entry_otherwise",
        """
        INSERT INTO api.ledger_entries
        VALUES (99, 5, NULL, NULL, NULL, 'deposit', 1, 1, 0, now() - interval '40 min')
        """,
    ),
    (
        "attempt_past_its_lease",
        """
        UPDATE caller.attempts SET status = 'waiting', lease_token = NULL, lease_expires_at = NULL,
                                   start_before = now() - interval '40 min' WHERE run_id = 4
        """,
    ),
    (
        "slot_without_attempt",
        """
        DELETE FROM caller.attempts WHERE run_id = 4;
        UPDATE api.runs SET status = 'queued', call_id = NULL WHERE id = 4
        """,
    ),
)
