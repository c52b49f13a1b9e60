"""Accept or refuse requests for test calls: many in one transaction, each as if it were alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.api.domain.admission import NoAgentAssigned, Target, TargetNotFound, admit, find_target
from services.api.domain.asking import Accepted, Answer, Asked, IdempotencyKey, KeyInUse, KeyMismatch, Replayed
from services.api.domain.pricing import Pricing
from services.api.domain.reach import has_sound, unreachable
from services.api.domain.views import BatchView, RunView
from services.api.ports import Desk, KeyOfOrg
from shared.events.conditions import Conditions
from shared.events.connection import read_connection
from shared.events.requests import Price, RequestedRun, TestCallRequested
from shared.events.requests import Target as CallTarget
from shared.messaging.messages import Say

# Numbers of the fictional range 555-0100…0199: who the bot seems to be, and the agent's where it is called directly.
DEMO_BOT_NUMBER = "+15555550100"
DEMO_AGENT_NUMBER = "+15555550199"
CREATED = 201


@dataclass(frozen=True, slots=True)
class _Admitted:
    """A request that has its room; ids follow."""

    index: int
    asked: Asked
    target: Target

    @property
    def recording(self) -> bool:
        """Whether its calls are recorded."""
        wanted = self.asked.recording
        return has_sound(self.asked.mode, self.target.kind) if wanted is None else wanted


async def accept_test_calls(
    desk: Desk, asked: Sequence[Asked], *, pricing: Pricing, write: Callable[[RunView | BatchView], bytes]
) -> tuple[list[Answer], list[Say]]:
    """Answer each request; say TestCallRequested for each accepted one. `write` gives the body that a replay repeats.

    Idempotent by (organisation, Idempotency-Key). Order of checks (contract): 404, the 400 of a number without an
    agent or of a mode that does not reach it, 402, 429. Requests of one organisation see each other's effects in the
    order they came.
    """
    answers: dict[int, Answer] = await _answer_by_key(desk, asked)
    left = [(index, one) for index, one in enumerate(asked) if index not in answers]
    found: list[_Admitted] = []
    targets = await desk.find_targets([one for _, one in left]) if left else []
    for (index, one), candidate in zip(left, targets, strict=True):
        match find_target(candidate, one.target_type, one.direction):
            case Target() as target if no_way := unreachable(target, one.mode, one.direction, one.conditions):
                answers[index] = no_way
            case Target() as target:
                found.append(_Admitted(index, one, target))
            case TargetNotFound() | NoAgentAssigned() as refusal:
                answers[index] = refusal
    rooms, now = await desk.rooms({ask.asked.org_id for ask in found}) if found else ({}, datetime.min)
    admitted: list[_Admitted] = []
    for ask in found:
        no_room = admit(
            rooms[ask.asked.org_id],
            run_count=ask.asked.run_count,
            is_batch=ask.asked.is_batch,
            estimated_cost_cents=ask.asked.run_count * pricing.estimate_cents(ask.target.product),
        )
        if no_room is None:
            admitted.append(ask)
        else:
            answers[ask.index] = no_room
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
    admitted: Sequence[_Admitted],
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
        says.append(Say(_requested(one, request_id, batch_id, mine, pricing, now), asked.traceparent))
    await desk.add_batches(batches)
    await desk.add_runs(runs)
    await desk.store_answers(keys)
    return says


def _run_view(
    one: _Admitted, run_id: int, batch_id: int | None, prompt: str, estimate: int, pricing: Pricing, now: datetime
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
        transcript=[],
    )


def _batch_view(
    one: _Admitted, batch_id: int, run_ids: list[int], estimate: int, pricing: Pricing, now: datetime
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
        run_ids=run_ids,
    )


def _requested(
    one: _Admitted, request_id: int, batch_id: int | None, run_ids: list[int], pricing: Pricing, now: datetime
) -> TestCallRequested:
    asked, target = one.asked, one.target
    prompts = list(dict.fromkeys(asked.prompt_of(nth) for nth in range(asked.run_count)))
    place = {prompt: index for index, prompt in enumerate(prompts)}
    return TestCallRequested(
        request_id=request_id,
        org_id=asked.org_id,
        batch_id=batch_id,
        runs=tuple(
            RequestedRun(run_id=run_id, prompt_index=place[asked.prompt_of(nth)]) for nth, run_id in enumerate(run_ids)
        ),
        prompts=tuple(prompts),
        direction=asked.direction,
        mode=asked.mode,
        target=CallTarget(
            target_type=asked.target_type,
            target_id=asked.target_id,
            agent_id=target.agent_id or 0,
            agent_name=target.agent_name,
            agent_number=target.agent_number or DEMO_AGENT_NUMBER,
            bot_number=asked.target_number or DEMO_BOT_NUMBER,
            product=target.product,
            voice=target.voice,
            connection=read_connection(target.connection),
            sip_uri=target.sip_uri if asked.direction == "outbound" else None,
        ),
        price=Price(
            tariff_cents_per_minute=pricing.tariff_cents_per_minute(target.product),
            charge_multiplier=pricing.charge_multiplier,
            held_minutes=pricing.held_minutes,
        ),
        stagger_seconds=asked.stagger_seconds,
        requested_at=now,
        conditions=Conditions.model_validate(asked.conditions) if asked.conditions else None,
        recording=one.recording,
    )
