"""Every wrong value of a batch's own fields is a 400 that names the field and stores nothing."""

from typing import Any

import pytest

from tests.integration.api.builders import a_batch, without
from tests.integration.api.harness import BATCHES, Api
from tests.integration.api.problems import assert_invalid, assert_problem

pytestmark = pytest.mark.integration

NO_INTEGERS: list[Any] = [True, 1.0, "1", [], {}, 10**400, -(10**30)]
WRONG: dict[str, list[Any]] = {
    "run_count": [*NO_INTEGERS, None, 0, -1, 21],
    "stagger_seconds": [*NO_INTEGERS, -1, 61],
    "scenario_prompts": [
        *(True, 1, "a", {}, {"0": "a"}, [1], ["a", None], [["a"]], ["a"] * 21, ["x" * 10_001], ["a\x00"]),
        ["👋" * 4_000] * 20,
    ],
    "scenario_prompt": [True, 1, [], {}, "x" * 10_001, "\x00"],
    "name": [True, 1, [], {}, "x" * 256, "\x00"],
    "target_type": [None, True, "agents"],
    "target_id": [None, "1", 1.0, True, 0, 2**53],
    "direction": [None, "", 1],
    "target_number": ["5551234", 1],
    "mode": ["sip", "x", 1],
    "idempotency_key": ["", "x" * 129, 1],
}
EVERY = [pytest.param(field, value, id=f"{field}-{value!r:.24}") for field, values in WRONG.items() for value in values]


@pytest.mark.parametrize(("field", "value"), EVERY)
async def test_a_wrong_value_names_its_field(api: Api, field: str, value: Any) -> None:
    org = await api.org()
    async with api.storing_nothing():
        assert_invalid(await api.post(org, BATCHES, {**a_batch(org, 1), field: value}), field)


@pytest.mark.parametrize("field", ["target_type", "target_id", "direction", "run_count"])
async def test_a_missing_field_is_named(api: Api, field: str) -> None:
    org = await api.org()
    assert_invalid(await api.post(org, BATCHES, without(a_batch(org, 1), field)), field)


@pytest.mark.parametrize("stagger_seconds", [0, 60])
async def test_a_stagger_of_up_to_a_minute_is_taken(api: Api, stagger_seconds: int) -> None:
    answer = await api.batch(await api.org(), 1, stagger_seconds=stagger_seconds)
    assert (answer.status_code, answer.json()["stagger_seconds"]) == (201, stagger_seconds)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("name", "x" * 255), ("name", "👋" * 255), ("scenario_prompts", ["Ask."] * 20)),
        *(("scenario_prompts", ["x" * 10_000]), ("scenario_prompts", ["👋" * 3_276] * 20)),
    ],
)
async def test_what_is_just_within_a_limit_is_taken_and_shown(api: Api, field: str, value: Any) -> None:
    org = await api.org()
    answer = await api.batch(org, 1, **{field: value})
    assert (answer.status_code, answer.json()[field]) == (201, value)
    assert (await api.seen_batch(org, answer.json()["id"]))[field] == value


async def test_a_batchs_one_prompt_has_up_to_ten_thousand_characters(api: Api) -> None:
    batch = (await api.batch(await api.org(), 1, scenario_prompt="x" * 10_000)).json()
    assert batch["scenario_prompts"] == ["x" * 10_000]


@pytest.mark.parametrize(("wrong", "told"), [(18, 19), (19, 20), (20, 20)])
async def test_at_most_twenty_faults_are_told(api: Api, wrong: int, told: int) -> None:
    answer = await api.batch(await api.org(), 0, scenario_prompts=[1] * wrong)
    assert sum(len(sentences) for name, sentences in answer.json().items() if name != "code") == told


async def test_one_prompt_beside_several_is_refused_unless_one_of_both_is_empty(api: Api) -> None:
    org = await api.org()
    async with api.storing_nothing():
        assert_invalid(await api.batch(org, 1, scenario_prompt="a", scenario_prompts=["a"]), "scenario_prompt")
    assert (await api.batch(org, 1, scenario_prompt="", scenario_prompts=["a"])).status_code == 201
    assert (await api.batch(org, 1, scenario_prompt="a", scenario_prompts=[])).status_code == 201
    assert (await api.batch(org, 1, scenario_prompt="a", scenario_prompts=None)).status_code == 201


async def test_all_prompts_together_have_at_most_256_kibibytes_of_utf8(api: Api) -> None:
    org = await api.org()
    full = ["👋" * 6_553] * 10 + ["xxxx" * 6]  # 10 × 26 212 + 24 bytes = 262 144
    assert sum(len(prompt.encode()) for prompt in full) == 256 * 1_024
    async with api.storing_nothing():
        assert_invalid(await api.batch(org, 1, scenario_prompts=[*full, "x"]), "scenario_prompts")
    answer = await api.batch(org, 20, scenario_prompts=full)
    assert answer.status_code == 201
    assert answer.json()["scenario_prompts"] == full


async def test_the_item_that_is_wrong_is_told(api: Api) -> None:
    answer = await api.batch(await api.org(), 1, scenario_prompts=["a", 1, "b", None])
    assert [sentence.split(":")[0] for sentence in answer.json()["scenario_prompts"]] == ["Item 1", "Item 3"]


@pytest.mark.parametrize("consent", [False, "true", 1, None])
async def test_only_the_json_value_true_is_consent(api: Api, consent: Any) -> None:
    org = await api.org()
    async with api.storing_nothing():
        assert_problem(await api.batch(org, 2, consent_to_charge=consent), 400, "consent_required")


async def test_keys_that_nobody_knows_are_ignored(api: Api) -> None:
    answer = await api.batch(await api.org(), 1, matrix_dimensions={"a": 1}, run_ids=[1], status="failed", total_runs=9)
    assert answer.status_code == 201
    assert (answer.json()["total_runs"], answer.json()["status"]) == (1, "in_progress")
