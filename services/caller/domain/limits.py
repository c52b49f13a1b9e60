"""The caller's limits, each with its unit."""

from dataclasses import dataclass

MS_PER_MINUTE = 60_000
SECONDS_PER_MINUTE = 60
# We hang up just before the held minutes are used up, so that rounding up never costs a minute more.
HANG_UP_MARGIN_MS = 500

# What a call takes of its process's room, in calls in text: 50 calls with sound, both of whose ends are here, are what
# one process was seen to carry with its ticks in time; of 100 it could not (`make bench-spoken`).
TEXT_CALL_WEIGHT = 1
SOUND_CALL_WEIGHT = 10

WORDS_PER_MINUTE = 180
MAX_TURNS = 200
MAX_TURN_CHARS = 4_000
MAX_TRANSCRIPT_BYTES = 256 * 1024
REPLY_LIMIT_SECONDS = 20.0  # the default of the setting: how long a party may think
MAX_REPLY_LIMIT_SECONDS = 60.0
# What a turn takes at most, with a name looked up and a connection made: a party that is silent for longer is broken.
MAX_TURN_SECONDS = MAX_REPLY_LIMIT_SECONDS + 15.0
# Ringing as a whole: the first lines of both sides, if it is the bot that answers.
RING_LIMIT_SECONDS = 20.0
MAX_TOOLS_OF_TURN = 8
MAX_BOT_ASKED = 2  # times for one line
FAREWELLS_THAT_END_A_CALL = 4  # in a row: two rounds

LEASE_SECONDS = 15.0
LEASE_MARGIN_SECONDS = 3.0
HEARTBEAT_SECONDS = 5.0
ANNOUNCE_ROOM_EVERY_SECONDS = 3.0
REAP_EVERY_SECONDS = 3.0
CLAIM_FALLBACK_SECONDS = 1.0
MAX_CLAIM_ATTEMPTS = 200
MAX_CLAIM_ORGS = 200
MAX_REAP_ATTEMPTS = 500
MAX_REAP_ROUNDS = 200
ENDED_ATTEMPTS_KEPT_DAYS = 10  # longer than the topics keep a dispatch

# What a call that is told to stop, or to be over, needs to say so.
DRAIN_MARGIN_SECONDS = 10.0
HANG_UP_SECONDS = 5.0


def call_seconds(held_minutes: int, speed: float) -> float:
    """Return how long a call may take. A high speed shortens speech, but not what a mind behind HTTP takes."""
    return held_minutes * SECONDS_PER_MINUTE / min(speed, 1.0)


def drain_seconds(held_minutes: int, speed: float) -> float:
    """Return how long a call that is just being placed may take to its end."""
    return call_seconds(held_minutes, speed) + RING_LIMIT_SECONDS + DRAIN_MARGIN_SECONDS


def seconds_after_latest_start(held_minutes: int, speed: float) -> float:
    """Return when a run's last lease is over, counted from the moment until which it may be dialled.

    Each part has its own limit. Together with what passes from the dispatch to that moment and until the reaper has
    looked, they are the promise: a run has ended `END_WITHIN_SECONDS` after its longest duration, counted from the
    dispatch, whether its worker lives or not.
    """
    return RING_LIMIT_SECONDS + call_seconds(held_minutes, speed) + LEASE_MARGIN_SECONDS


END_WITHIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class CallLimits:
    """How long one call may last, in its own time."""

    max_call_ms: int

    @classmethod
    def for_held_minutes(cls, minutes: int) -> "CallLimits":
        """Return the limit of a call for which `minutes` are held."""
        return cls(minutes * MS_PER_MINUTE - HANG_UP_MARGIN_MS)
