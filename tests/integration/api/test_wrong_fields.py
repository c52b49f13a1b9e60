"""Every wrong value of every field of a single run is a 400 that names the field and stores nothing."""

from typing import Any

import pytest

from tests.integration.api.builders import a_call, without
from tests.integration.api.harness import CALLS, Api
from tests.integration.api.problems import assert_invalid, assert_problem

pytestmark = pytest.mark.integration

NO_STRINGS: list[Any] = [True, False, 0, 1.5, [], {}, ["a"]]
NO_NUMBERS = [
    "15551234567",
    "+05551234567",
    "+1",
    "+1234567890123456",
    "+1 555 123 4567",
    "+1-555-123",
    "+1555123456a",
    "++15551234567",
    "+",
    " ",
    "+15551234567\n",
    " +15551234567",
    "+１５５５１２３４５６７",
    "+15551234567\x00",
]
WRONG: dict[str, list[Any]] = {
    "target_type": [*NO_STRINGS, None, "", "Agent", "agents", "phone-number", "agent "],
    "target_id": [True, 1.0, 1.5, "1", None, [], {}, [1], 0, -1, 2**53, 10**30, 10**400],
    "direction": [*NO_STRINGS, None, "", "in", "OUTBOUND"],
    "target_number": [*NO_STRINGS, *NO_NUMBERS],
    "scenario_prompt": [*NO_STRINGS, "x" * 10_001, "👋" * 10_001, "a\x00b", "You are {{name}}."],
    "mode": [*NO_STRINGS, "", "BOT", "video", "sip"],
    "metadata": [True, 0, 1.5, "", "{}", [], [{}]],
    "idempotency_key": [True, 0, 1.5, [], {}, "", "x" * 129, "a\x00b"],
}
EVERY = [pytest.param(field, value, id=f"{field}-{value!r:.24}") for field, values in WRONG.items() for value in values]


@pytest.mark.parametrize(("field", "value"), EVERY)
async def test_a_wrong_value_names_its_field(api: Api, field: str, value: Any) -> None:
    org = await api.org()
    async with api.storing_nothing():
        assert_invalid(await api.call(org, **{field: value}), field)


@pytest.mark.parametrize("field", ["target_type", "target_id", "direction"])
async def test_a_missing_field_is_named(api: Api, field: str) -> None:
    org = await api.org()
    answer = await api.post(org, CALLS, without(a_call(org), field))
    assert_invalid(answer, field)
    assert answer.json()[field] == ["This field is required."]


async def test_all_wrong_fields_are_named_at_once(api: Api) -> None:
    org = await api.org()
    answer = await api.call(org, target_type="x", target_id="1", direction=None, mode=1, metadata=[])
    assert_invalid(answer, "target_type", "target_id", "direction", "mode", "metadata")


async def test_a_loop_over_sip_is_not_available_and_says_so(api: Api) -> None:
    answer = await api.call(await api.org(), mode="sip")
    assert answer.json() == {"mode": ["not available on this deployment"], "code": "validation_error"}


@pytest.mark.parametrize("number", ["+12", "+15551234567", "+442071838750", "+123456789012345"])
async def test_a_number_in_e164_form_is_taken(api: Api, number: str) -> None:
    assert (await api.call(await api.org(), target_number=number)).json()["target_number"] == number


@pytest.mark.parametrize("prompt", ["x" * 10_000, "👋" * 10_000, "", "\n\t\u2028</script>\u0001"])
async def test_a_prompt_of_up_to_ten_thousand_characters_is_kept_as_it_is(api: Api, prompt: str) -> None:
    org = await api.org()
    run = (await api.call(org, scenario_prompt=prompt)).json()
    assert run["scenario_prompt"] == prompt
    assert (await api.run(org, run["id"]))["scenario_prompt"] == prompt


@pytest.mark.parametrize("consent", [False, "true", "True", 1, 1.0, None, [], [True], {}, "", 0])
async def test_only_the_json_value_true_is_consent(api: Api, consent: Any) -> None:
    org = await api.org()
    async with api.storing_nothing():
        assert_problem(await api.call(org, consent_to_charge=consent), 400, "consent_required")


async def test_missing_consent_is_no_consent(api: Api) -> None:
    org = await api.org()
    async with api.storing_nothing():
        body = without(a_call(org), "consent_to_charge")
        assert_problem(await api.post(org, CALLS, body), 400, "consent_required")


async def test_placeholders_that_were_not_filled_are_named(api: Api) -> None:
    org = await api.org()
    answer = await api.call(org, scenario_prompt="You are {{name}}, order ${order}.")
    assert answer.json()["scenario_prompt"] == ["Holds placeholders that were not filled: {{name}}, ${order}."]
