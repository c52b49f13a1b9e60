"""Requests that are answered together: each as if it were alone, and one after the other."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from services.api.domain.admission import ConcurrencyLimit, InsufficientBalance, Room, Target, TargetNotFound
from services.api.domain.asking import Accepted, Answer, Asked, IdempotencyKey, KeyInUse, KeyMismatch, Priced, Replayed
from services.api.domain.pricing import Pricing
from services.api.domain.views import BatchView, RunView
from services.api.ports import KeyOfOrg
from services.api.usecases.accept_test_calls import accept_test_calls
from shared.events.connection import BuiltinConnection
from shared.events.requests import TestCallRequested
from shared.messaging.messages import Say

ANN = Target("Ann", 7, "Ann", "", "default", "", BuiltinConnection().model_dump_json())
PRICING = Pricing({"default": 8}, charge_multiplier=2, held_minutes=1)


class FakeDesk:
    """Tables in memory: organisation 1 has what it is given, agent 7 is everybody's, `taken` keys are locked."""

    def __init__(self, *, available_cents: int = 1_000, slots: int = 20) -> None:
        self.room = Room(1, slots, 200, available_cents, 0, 0)
        self.taken: set[KeyOfOrg] = set()
        self.stored: dict[KeyOfOrg, tuple[bytes, int, bytes]] = {}
        self.runs: list[RunView] = []
        self.batches: list[BatchView] = []
        self.asked_for_room = 0

    async def lock_keys(self, keys: Sequence[KeyOfOrg]) -> frozenset[KeyOfOrg]:
        return frozenset(keys) - self.taken

    async def stored_answers(self, keys: Collection[KeyOfOrg]) -> dict[KeyOfOrg, tuple[bytes, int, bytes]]:
        return {key: self.stored[key] for key in keys if key in self.stored}

    async def find_targets(self, asked: Sequence[Asked]) -> list[Target | None]:
        return [ANN if one.target_id == 7 else None for one in asked]

    async def rooms(self, org_ids: Collection[int]) -> tuple[dict[int, Room], datetime]:
        self.asked_for_room += 1
        return dict.fromkeys(org_ids, self.room), datetime.now(UTC)

    async def numbers(self, *, requests: int, batches: int, runs: int) -> tuple[list[int], list[int], list[int]]:
        return [*range(1, requests + 1)], [*range(1, batches + 1)], [*range(1, runs + 1)]

    async def add_batches(self, batches: Sequence[tuple[int, int, BatchView]]) -> None:
        self.batches += [view for _, _, view in batches]

    async def add_runs(self, runs: Sequence[tuple[int, int, RunView]]) -> None:
        self.runs += [view for _, _, view in runs]

    async def store_answers(self, answers: Sequence[tuple[int, IdempotencyKey, int, bytes]]) -> None:
        self.stored |= {(org_id, key.key): (key.fingerprint, status, body) for org_id, key, status, body in answers}


def asked(*, target_id: int = 7, runs: int | None = None, key: str | None = None, content: bytes = b"f") -> Asked:
    return Asked(
        org_id=1,
        target_type="agent",
        target_id=target_id,
        direction="outbound",
        target_number="",
        prompts=("a", "b"),
        run_count=runs or 1,
        is_batch=runs is not None,
        name="",
        stagger_seconds=0,
        metadata={},
        idempotency=IdempotencyKey(key, content, f'"{key}"', b"to the letter") if key else None,
        traceparent=None,
    )


async def accept(desk: FakeDesk, *requests: Asked) -> tuple[list[Answer], list[Say]]:
    return await accept_test_calls(desk, requests, pricing=PRICING, write=lambda view: str(view.id).encode())


async def test_answers_come_in_the_order_of_the_requests() -> None:
    answers, says = await accept(FakeDesk(), asked(), asked(target_id=8), asked(runs=3), asked())
    kinds = [type(one.view) if isinstance(one, Accepted) else one for one in answers]
    assert kinds == [RunView, TargetNotFound("agent"), BatchView, RunView]
    assert len(says) == 3


async def test_requests_of_one_group_see_what_those_before_them_took() -> None:
    answers, _ = await accept(FakeDesk(slots=2), asked(), asked(), asked())
    assert answers[2] == ConcurrencyLimit(2)
    desk = FakeDesk(available_cents=50)
    answers, _ = await accept(desk, asked(), asked(runs=3), asked(), asked(runs=1), asked())
    assert [type(one) for one in answers] == [Accepted, InsufficientBalance, Accepted, Accepted, InsufficientBalance]
    assert desk.room.available_cents == 2


async def test_what_is_refused_leaves_nothing_and_is_not_said() -> None:
    desk = FakeDesk(available_cents=0)
    _, says = await accept(desk, asked(key="k"), asked(runs=2), asked(target_id=8))
    assert (desk.runs, desk.batches, desk.stored, says) == ([], [], {}, [])


async def test_every_run_has_one_id_and_belongs_to_one_request() -> None:
    desk = FakeDesk()
    _, says = await accept(desk, asked(), asked(runs=3), asked(runs=2))
    said = [say.event for say in says if isinstance(say.event, TestCallRequested)]
    assert [[run.run_id for run in one.runs] for one in said] == [[1], [2, 3, 4], [5, 6]]
    assert [one.request_id for one in said] == [1, 2, 3]
    assert [batch.run_ids for batch in desk.batches] == [[2, 3, 4], [5, 6]]
    assert [run.scenario_prompt for run in desk.runs] == ["a", "a", "b", "a", "a", "b"]


async def test_of_twins_in_one_group_the_first_is_served() -> None:
    desk = FakeDesk()
    answers, _ = await accept(desk, asked(key="k"), asked(key="k"), asked(key="k", content=b"other"))
    assert isinstance(answers[0], Accepted)
    assert answers[1:] == [KeyInUse(), KeyInUse()]
    assert len(desk.runs) == 1


async def test_a_replay_and_a_mismatch_ask_for_no_room() -> None:
    desk = FakeDesk()
    await accept(desk, asked(key="k"))
    desk.asked_for_room = 0
    assert (await accept(desk, asked(key="k")))[0] == [Replayed(201, b"1")]
    assert (await accept(desk, asked(key="k", content=b"other")))[0] == [KeyMismatch()]
    assert desk.asked_for_room == 0


async def test_a_key_that_another_instance_holds_is_in_use_and_its_neighbours_go_on() -> None:
    desk = FakeDesk()
    desk.taken.add((1, "k"))
    answers, _ = await accept(desk, asked(key="k"), asked(key="other"), asked())
    assert [type(one) for one in answers] == [KeyInUse, Accepted, Accepted]


async def test_what_releases_before_have_answered_is_recognised() -> None:
    """They compared bodies to the letter, and a quoted key was another one with its quotes."""
    desk = FakeDesk()
    desk.stored[1, "old"] = (b"to the letter", 201, b"first")
    desk.stored[1, '"quoted"'] = (b"to the letter", 201, b"second")
    desk.stored[1, '"other"'] = (b"something else", 201, b"third")
    answers, says = await accept(desk, *(asked(key=key) for key in ("old", "quoted", "other", "new")))
    assert answers[:3] == [Replayed(201, b"first"), Replayed(201, b"second"), KeyMismatch()]
    assert isinstance(answers[3], Accepted)
    assert len(says) == 1
    assert set(desk.stored) == {(1, "old"), (1, '"quoted"'), (1, '"other"'), (1, "new")}


async def test_a_dry_run_takes_nothing_from_those_behind_it() -> None:
    desk = FakeDesk(available_cents=16)
    answers, says = await accept(desk, replace(asked(), is_dry=True), asked(), replace(asked(), is_dry=True))
    assert [type(one) for one in answers] == [Priced, Accepted, InsufficientBalance]
    assert (len(desk.runs), len(says)) == (1, 1)
