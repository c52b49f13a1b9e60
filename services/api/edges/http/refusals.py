"""The one table from refusals to answers."""

from starlette.responses import Response

from services.api import metrics
from services.api.domain import admission, asking
from services.api.domain.reach import Unreachable, Why
from services.api.edges.http import problems

RETRY_AFTER_SECONDS = 5

Refusal = admission.Refused | Unreachable | asking.KeyMismatch | asking.KeyInUse

NO_WAY: dict[Why, str] = {
    "sip_only": "This agent is reached over SIP alone: its mode must be sip.",
    "no_sip_address": "This agent has no SIP address: its connection is {kind}, and its number names none.",
    "cannot_be_made_to_dial": "Over SIP only an agent that is hosted here can be made to place the call.",
    "not_over_rtp": "Takes effect in calls over SIP alone.",
    "answers_by_itself": "This agent answers the call by itself.",
    "no_sound": "Takes effect in calls with sound alone: this agent's connection is {kind}, its calls are text.",
    "no_digits": "An agent whose connection is {kind} takes no digits.",
}


def refused(refusal: Refusal) -> Response:
    """Return the answer to a refused POST, and count it."""
    status, code, sentence = _told(refusal)
    metrics.RUNS_REFUSED.labels(code).inc()
    if isinstance(refusal, admission.NoAgentAssigned):
        return problems.invalid({"target_id": [sentence]})
    if isinstance(refusal, admission.TooDear):
        return problems.invalid({"max_cost_cents": [sentence]})
    if isinstance(refusal, Unreachable):
        return problems.invalid({refusal.field: [f"{refusal.of}: {sentence}" if refusal.of else sentence]})
    retry = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status in (409, 429) else None
    return problems.problem(status, code, sentence, retry)


def _told(refusal: Refusal) -> tuple[int, str, str]:
    match refusal:
        case admission.TargetNotFound("agent"):
            return 404, "target_not_found", "There is no such agent in this organisation."
        case admission.TargetNotFound():
            return 404, "target_not_found", "There is no such phone number in this organisation."
        case admission.NoAgentAssigned(direction):
            role = "inbound" if direction == "outbound" else "outbound"
            return 400, "validation_error", f"The phone number has no {role} agent assigned."
        case Unreachable(why=why, kind=kind):
            return 400, "validation_error", NO_WAY[why].format(kind=kind)
        case admission.TooDear(limit, estimate):
            return 400, "validation_error", f"The estimate of {estimate} cents exceeds the limit of {limit} cents."
        case admission.InsufficientBalance(available, estimate):
            sentence = f"The estimate of {estimate} cents exceeds the available funds of {available} cents."
            return 402, "insufficient_balance", sentence
        case admission.ConcurrencyLimit(limit):
            sentence = f"All {limit} concurrent test-call runs of this organisation are in use."
            return 429, "concurrency_limit", sentence
        case admission.QueueFull(limit):
            sentence = f"The batch does not fit into this organisation's queue of {limit} waiting runs."
            return 429, "queue_full", sentence
        case asking.KeyMismatch():
            return 422, "idempotency_mismatch", "This idempotency key was used for a different request."
        case asking.KeyInUse():
            return 409, "idempotency_conflict", "The first request with this key is still running."
