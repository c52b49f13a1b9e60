"""The caller's own metrics."""

from prometheus_client import Counter, Gauge

CALLS_UP = Gauge("rehearsal_calls_up", "Calls that this process holds now.")
CALLS_ENDED = Counter("rehearsal_calls_ended", "Calls that ended.", ("end_reason",))
LEASES_LOST = Counter("rehearsal_leases_lost", "Calls hung up because their lease was over.")
RECORDINGS = Counter("rehearsal_recordings", "Recordings, by what became of them.", ("outcome",))
RECORDINGS_WAITING = Gauge("rehearsal_recordings_waiting", "Recordings on disk that wait for their store.")
ATTEMPTS_REAPED = Counter("rehearsal_attempts_reaped", "Attempts whose lease ran out.", ("outcome",))
