"""Accept or refuse requests for test calls: many in one transaction, each as if it were alone."""

from collections.abc import Callable, Sequence
from datetime import datetime

from services.api.domain.admission import NoAgentAssigned, Target, TargetNotFound, admit, find_target, too_dear
from services.api.domain.asking import Accepted, Answer, Asked, IdempotencyKey, KeyInUse, KeyMismatch, Priced, Replayed
from services.api.domain.pricing import Pricing
from services.api.domain.reach import unreachable
from services.api.domain.views import BatchView, PriceView, RunView
from services.api.ports import Desk, KeyOfOrg
from services.api.usecases.saying import DEMO_BOT_NUMBER, Admitted, requested
from shared.messaging.messages import Say

CREATED = 201


async def accept_test_calls(
    desk: Desk, asked: Sequence[Asked], *, pricing: Pricing, write: Callable[[RunView | BatchView], bytes]
) -> tuple[list[Answer], list[Say]]:
    """Answer each request; say TestCallRequested for each accepted one. `write` gives the body that a replay repeats.

    Idempotent by (organisation, Idempotency-Key). Order of checks (contract): 404, the 400 of a number without an
    agent, of a mode that does not reach it or of an estimate above the most that it may cost, 402, 429. Requests of one
    organisation see each other's effects in the order they came; dry runs have none.
    """
    answers: dict[int, Answer] = await _answer_by_key(desk, asked)
    left = [(index, one) for index, one in enumerate(asked) if index not in answers]
    found: list[Admitted] = []
    targets = await desk.find_targets([one for _, one in left]) if left else []
    for (index, one), candidate in zip(left, targets, strict=True):
        match find_target(candidate, one.target_type, one.direction):
            case Target() as target if no_way := unreachable(target, one.mode, one.direction, one.conditions):
                answers[index] = no_way
            case Target() as target:
                estimate = one.run_count * pricing.estimate_cents(target.product)
                if (refusal := too_dear(estimate, one.max_cost_cents)) is not None:
                    answers[index] = refusal
                else:
                    found.append(Admitted(index, one, target, estimate))
            case TargetNotFound() | NoAgentAssigned() as refusal:
                answers[index] = refusal
    rooms, now = await desk.rooms({ask.asked.org_id for ask in found}) if found else ({}, datetime.min)
    admitted: list[Admitted] = []
    for ask in found:
        room, is_dry = rooms[ask.asked.org_id], ask.asked.is_dry
        no_room = admit(
            room,
            run_count=ask.asked.run_count,
            is_batch=ask.asked.is_batch,
            estimated_cost_cents=ask.estimated_cost_cents,
            takes_room=not is_dry,
        )
        if no_room is not None:
            answers[ask.index] = no_room
        elif is_dry:
            answers[ask.index] = Priced(_price_view(ask, pricing, room.available_cents))
        else:
            admitted.append(ask)
    says = await _store(desk, admitted, answers, pricing, now, write) if admitted else []
    return [answers[index] for index in range(len(asked))], says


async def _answer_by_key(desk: Desk, asked: Sequence[Asked]) -> dict[int, Answer]:
    """Answer what a key decides: replays, mismatches, and twins of a request that still runs."""
    answers: dict[int, Answer] = {}
    first: dict[KeyOfOrg, tuple[int, IdempotencyKey]] = {}
    for index, one in enumerate(asked):
        if (idempotency := one.idempotency) is not None:
            key = (one.org_id, idempotency.key)
            if first.setdefault(key, (index, idempotency))[0] != index:
                answers[index] = KeyInUse()
    if not first:
        return answers
    locked = await desk.lock_keys(sorted(first))
    spellings = {key: (key[0], first[key][1].spelling) for key in locked}
    stored = await desk.stored_answers({*locked, *spellings.values()})
    for key, (index, idempotency) in first.items():
        if key not in locked:
            answers[index] = KeyInUse()
        elif found := stored.get(key) or stored.get(spellings[key]):
            fingerprint, status, body = found
            is_same = fingerprint in (idempotency.fingerprint, idempotency.verbatim)
            answers[index] = Replayed(status, body) if is_same else KeyMismatch()
    return answers


async def _store(
    desk: Desk,
    admitted: Sequence[Admitted],
    answers: dict[int, Answer],
    pricing: Pricing,
    now: datetime,
    write: Callable[[RunView | BatchView], bytes],
) -> list[Say]:
    request_ids, batch_ids, run_ids = await desk.numbers(
        requests=len(admitted),
        batches=sum(one.asked.is_batch for one in admitted),
        runs=sum(one.asked.run_count for one in admitted),
    )
    next_batch, next_run = iter(batch_ids), iter(run_ids)
    batches, runs, says, keys = [], [], [], []
    for one, request_id in zip(admitted, request_ids, strict=True):
        asked = one.asked
        batch_id = next(next_batch) if asked.is_batch else None
        mine = [next(next_run) for _ in range(asked.run_count)]
        estimate = pricing.estimate_cents(one.target.product)
        views = [
            _run_view(one, run_id, batch_id, asked.prompt_of(nth), estimate, pricing, now)
            for nth, run_id in enumerate(mine)
        ]
        runs += [(asked.org_id, request_id, view) for view in views]
        shown: RunView | BatchView = views[0]
        if batch_id is not None:
            shown = _batch_view(one, batch_id, mine, estimate, pricing, now)
            batches.append((asked.org_id, request_id, shown))
        answers[one.index] = Accepted(shown)
        if asked.idempotency is not None:
            keys.append((asked.org_id, asked.idempotency, CREATED, write(shown)))
        says.append(Say(requested(one, request_id, batch_id, mine, pricing, now), asked.traceparent))
    await desk.add_batches(batches)
    await desk.add_runs(runs)
    await desk.store_answers(keys)
    return says


def _run_view(
    one: Admitted, run_id: int, batch_id: int | None, prompt: str, estimate: int, pricing: Pricing, now: datetime
) -> RunView:
    asked, target = one.asked, one.target
    return RunView(
        id=run_id,
        target_type=asked.target_type,
        target_id=asked.target_id,
        target_name=target.target_name,
        agent_id=target.agent_id or 0,
        agent_name=target.agent_name,
        direction=asked.direction,
        target_number=asked.target_number or DEMO_BOT_NUMBER,
        scenario_prompt=prompt,
        mode=asked.mode,
        status="queued",
        charge_multiplier=pricing.charge_multiplier,
        estimated_cost_cents=estimate,
        call_id=None,
        sip_call_id=None,
        error_message="",
        batch_id=batch_id,
        started_at=None,
        completed_at=None,
        created_at=now,
        updated_at=now,
        duration_seconds=None,
        metadata=asked.metadata,
        conditions=asked.conditions,
        recording=one.recording,
        cancel_requested_at=None,
        transcript=[],
    )


def _price_view(one: Admitted, pricing: Pricing, available_cents: int) -> PriceView:
    asked, target = one.asked, one.target
    return PriceView(
        target_type=asked.target_type,
        target_id=asked.target_id,
        target_name=target.target_name,
        agent_name=target.agent_name,
        direction=asked.direction,
        mode=asked.mode,
        run_count=asked.run_count,
        recording=one.recording,
        charge_multiplier=pricing.charge_multiplier,
        tariff_cents_per_minute=pricing.tariff_cents_per_minute(target.product),
        estimated_minutes=asked.run_count * pricing.held_minutes,
        estimated_cost_cents=one.estimated_cost_cents,
        available_cents=available_cents,
    )


def _batch_view(
    one: Admitted, batch_id: int, run_ids: list[int], estimate: int, pricing: Pricing, now: datetime
) -> BatchView:
    asked = one.asked
    return BatchView(
        id=batch_id,
        name=asked.name,
        target_type=asked.target_type,
        target_id=asked.target_id,
        direction=asked.direction,
        target_number=asked.target_number or DEMO_BOT_NUMBER,
        mode=asked.mode,
        scenario_prompts=list(asked.prompts),
        stagger_seconds=asked.stagger_seconds,
        run_count=asked.run_count,
        completed_runs=0,
        failed_runs=0,
        estimated_minutes=asked.run_count * pricing.held_minutes,
        estimated_cost_cents=asked.run_count * estimate,
        charge_multiplier=pricing.charge_multiplier,
        error_message="",
        status="in_progress",
        started_at=None,
        completed_at=None,
        created_at=now,
        updated_at=now,
        conditions=asked.conditions,
        recording=one.recording,
        parent_batch_id=asked.parent_batch_id,
        run_ids=run_ids,
    )
