"""The caller's own metrics."""

from prometheus_client import Counter, Gauge, Histogram

CALLS_UP = Gauge("rehearsal_calls_up", "Calls that this process holds now.")
CALLS_ENDED = Counter("rehearsal_calls_ended", "Calls that ended.", ("end_reason",))
LEASES_LOST = Counter("rehearsal_leases_lost", "Calls hung up because their lease was over.")
RECORDINGS = Counter("rehearsal_recordings", "Recordings, by what became of them.", ("outcome",))
RECORDINGS_WAITING = Gauge("rehearsal_recordings_waiting", "Recordings on disk that wait for their store.")
RENDERINGS_WAITING = Gauge("rehearsal_renderings_waiting", "Calls in text on disk that wait for their recording.")
ATTEMPTS_REAPED = Counter("rehearsal_attempts_reaped", "Attempts whose lease ran out.", ("outcome",))
MEDIA_TICK_LATE_SECONDS = Histogram(
    "rehearsal_media_tick_late_seconds",
    "How much later than it was due a frame of all legs was exchanged.",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.015, 0.02),
)
MEDIA_TICKS_SKIPPED = Counter("rehearsal_media_ticks_skipped", "Frames left out because this process was held up.")
MEDIA_PORTS_IN_USE = Gauge("rehearsal_media_ports_in_use", "Pairs of media ports that calls hold now.")
MEDIA_PORTS_USED_UP = Counter("rehearsal_media_ports_used_up", "Times no media port was left for a call.")
MEDIA_PACKETS_REFUSED = Counter("rehearsal_media_packets_refused", "Packets that no leg took.", ("reason",))
_SECONDS = (0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20)
CALL_SET_UP_SECONDS = Histogram(
    "rehearsal_call_set_up_seconds", "From dialling to the answer of a call with sound.", buckets=_SECONDS
)
AGENT_LATENCY_SECONDS = Histogram(
    "rehearsal_agent_latency_seconds",
    "From the bot's last word to the agent's first, in calls with sound.",
    buckets=_SECONDS,
)
OWN_SPEECH_SECONDS = Histogram(
    "rehearsal_own_speech_seconds",
    "What our own recognition (stt), mind (llm) and synthesis (tts) took of a call, in all.",
    ("kind",),
    buckets=_SECONDS,
)
RTP_PACKETS = Counter("rehearsal_rtp_packets", "Packets of sound that calls were sent, by outcome.", ("outcome",))
SIP_SURPRISES = Counter("rehearsal_sip_surprises", "SIP datagrams that were survived without knowing why.")
SIP_INVITES_REFUSED = Counter("rehearsal_sip_invites_refused", "INVITEs that were not let in.", ("reason",))
SIP_CALLS_PLACED = Counter(
    "rehearsal_sip_calls_placed", "Calls over SIP that were placed, by how that came out.", ("outcome",)
)
