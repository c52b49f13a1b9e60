"""May this request be accepted? Decided from what the API knows, in the contract's order: 404, 400, 402, 429."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Target:
    """What the bot is to call, as the directory has it. `agent_id` is None for a number without an agent.

    `kind` is the connection's, `sip_uri` the number's own address.
    """

    target_name: str
    agent_id: int | None
    agent_name: str
    agent_number: str
    product: str
    voice: str
    connection: str
    kind: str = "builtin"
    sip_uri: str | None = None


@dataclass(slots=True)
class Room:
    """What an organisation has left, under its row lock. Every acceptance takes from it."""

    org_id: int
    max_concurrent_runs: int
    max_queued_runs: int
    available_cents: int
    active_runs: int  # unended single runs and started batch runs
    queued_runs: int


@dataclass(frozen=True, slots=True)
class TargetNotFound:
    """404: no such agent or number in this organisation."""

    target_type: Literal["agent", "phone_number"]


@dataclass(frozen=True, slots=True)
class NoAgentAssigned:
    """400 on target_id: the number has no agent for this direction."""

    direction: Literal["outbound", "inbound"]


@dataclass(frozen=True, slots=True)
class InsufficientBalance:
    """402: the available funds are below the estimate."""

    available_cents: int
    estimated_cost_cents: int


@dataclass(frozen=True, slots=True)
class ConcurrencyLimit:
    """429: no slot is free for a single run."""

    max_concurrent_runs: int


@dataclass(frozen=True, slots=True)
class QueueFull:
    """429: the batch does not fit into the queue."""

    max_queued_runs: int


@dataclass(frozen=True, slots=True)
class TooDear:
    """400 on max_cost_cents: the estimate is above what the client wants to spend."""

    max_cost_cents: int
    estimated_cost_cents: int


Refused = TargetNotFound | NoAgentAssigned | TooDear | InsufficientBalance | ConcurrencyLimit | QueueFull


def find_target(
    target: Target | None, target_type: Literal["agent", "phone_number"], direction: Literal["outbound", "inbound"]
) -> Target | TargetNotFound | NoAgentAssigned:
    """Return the target if it can be called."""
    if target is None:
        return TargetNotFound(target_type)
    if target.agent_id is None:
        return NoAgentAssigned(direction)
    return target


def too_dear(estimated_cost_cents: int, max_cost_cents: int | None) -> TooDear | None:
    """Say whether the estimate is above what the client set as the most."""
    if max_cost_cents is None or estimated_cost_cents <= max_cost_cents:
        return None
    return TooDear(max_cost_cents, estimated_cost_cents)


def admit(
    room: Room, *, run_count: int, is_batch: bool, estimated_cost_cents: int, takes_room: bool = True
) -> Refused | None:
    """Take `run_count` runs into the room, all or nothing; return why not. A dry run leaves it as it is."""
    if room.available_cents < estimated_cost_cents:
        return InsufficientBalance(room.available_cents, estimated_cost_cents)
    if not is_batch and room.active_runs + run_count > room.max_concurrent_runs:
        return ConcurrencyLimit(room.max_concurrent_runs)
    if is_batch and room.queued_runs + run_count > room.max_queued_runs:
        return QueueFull(room.max_queued_runs)
    if not takes_room:
        return None
    room.available_cents -= estimated_cost_cents
    room.queued_runs += run_count
    if not is_batch:
        room.active_runs += run_count
    return None
