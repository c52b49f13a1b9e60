"""What the caller refuses to start with."""

import re

import pytest
from pydantic import ValidationError

from services.caller.settings import CallerSettings

NEEDED = {"database_url": "postgresql://localhost/x", "kafka_bootstrap": "localhost:9092", "ops_port": 8601}


def settings(**values: object) -> CallerSettings:
    return CallerSettings(**(NEEDED | values))  # type: ignore[arg-type]


def test_the_bot_is_offline_unless_told_otherwise() -> None:
    assert settings().bot_connection is None


def test_an_openai_mind_needs_a_model() -> None:
    with pytest.raises(ValidationError, match="BOT_MODEL"):
        settings(bot_mind="openai")


def test_an_openai_mind_is_reached_as_the_settings_say() -> None:
    connection = settings(
        bot_mind="openai", bot_model="small", bot_base_url="http://mind/v1", bot_api_key_ref="env:MIND"
    ).bot_connection
    assert connection is not None
    assert (connection.model, connection.base_url, connection.api_key_ref) == ("small", "http://mind/v1", "env:MIND")


@pytest.mark.parametrize("speed", [0, -1, 1_001])
def test_a_speed_that_no_clock_can_go_at_is_refused(speed: float) -> None:
    with pytest.raises(ValidationError):
        settings(call_speed=speed)


@pytest.mark.parametrize(
    ("given", "allowed"), [("", ()), (" , ", ()), ("AGENT_KEY_", ("AGENT_KEY_",)), ("A_, B_ ,", ("A_", "B_"))]
)
def test_a_blank_prefix_of_secrets_allows_nothing(given: str, allowed: tuple[str, ...]) -> None:
    assert settings(agent_secret_prefixes=given).agent_secret_prefixes == allowed


@pytest.mark.parametrize("listed", ["A_,A_1_", "A_1_,A_", "A_,A_"])
def test_a_prefix_that_begins_another_would_make_a_secret_two_organisations_own(listed: str) -> None:
    with pytest.raises(ValidationError, match="two organisations"):
        settings(agent_secret_prefixes=listed)


def test_no_network_inside_is_called_unless_it_is_listed() -> None:
    assert not settings().address_policy.admits("127.0.0.1")
    assert settings(agent_allowed_networks="127.0.0.0/8, ::1/128").address_policy.admits("127.0.0.1")


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("agent_allowed_networks", "10.0.0.0/33", "10.0.0.0/33"),
        ("agent_proxy", "socks5://proxy:1080", "http://host:port"),
        ("agent_ca_file", "/nowhere.pem", "no certificates could be read"),
        ("agent_ca_file", __file__, "no certificates could be read"),
        ("reply_limit_seconds", 0, "greater than 0"),
        ("reply_limit_seconds", 61, "less than or equal to 60"),
    ],
)
def test_a_setting_that_cannot_work_is_named_at_the_start(name: str, value: object, named: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(named)) as refused:
        settings(**{name: value})
    assert name in str(refused.value)
