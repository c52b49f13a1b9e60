"""The caller's limits, each with its unit."""

from dataclasses import dataclass

MS_PER_MINUTE = 60_000
# We hang up just before the held minutes are used up, so that rounding up never costs a minute more.
HANG_UP_MARGIN_MS = 500

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
DRAIN_SECONDS = 10.0
MAX_CLAIM_ATTEMPTS = 200
MAX_REAP_ATTEMPTS = 500
ENDED_ATTEMPTS_KEPT_DAYS = 10  # longer than the topics keep a dispatch


@dataclass(frozen=True, slots=True)
class CallLimits:
    """How long one call may last, in its own time."""

    max_call_ms: int

    @classmethod
    def for_held_minutes(cls, minutes: int) -> "CallLimits":
        """Return the limit of a call for which `minutes` are held."""
        return cls(minutes * MS_PER_MINUTE - HANG_UP_MARGIN_MS)
