"""The usual spellings of a base_url lead to the chat completions, or are told as what they are."""

import pytest

from services.caller.edges.endpoints.asking import HttpAsks
from services.caller.edges.parties.chat.address import BadAddress, read_address
from tests.unit.caller.endpoint import KEY, Endpoint, failure_of


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("http://agent.test/v1", "/v1/chat/completions"),
        ("http://agent.test/v1/", "/v1/chat/completions"),
        ("http://agent.test/v1//", "/v1/chat/completions"),
        (" http://agent.test/v1\n", "/v1/chat/completions"),
        ("HTTP://agent.test/v1", "/v1/chat/completions"),
        ("http://agent.test", "/v1/chat/completions"),
        ("http://agent.test/", "/v1/chat/completions"),
        ("http://agent.test:8080", "/v1/chat/completions"),
        ("http://agent.test/chat/completions", "/chat/completions"),
        ("http://agent.test/v1/chat/completions", "/v1/chat/completions"),
        ("http://agent.test/v1/chat/completions/", "/v1/chat/completions"),
        ("http://agent.test/v1/chat", "/v1/chat/completions"),
        ("http://agent.test/v1/completions", "/v1/chat/completions"),
        ("http://agent.test/v1/responses", "/v1/chat/completions"),
        ("http://agent.test/v1/models", "/v1/chat/completions"),
        ("http://agent.test/v1#fragment", "/v1/chat/completions"),
        ("http://agent.test/api/v1", "/api/v1/chat/completions"),
        ("http://agent.test/v1beta/openai/", "/v1beta/openai/chat/completions"),
        ("http://agent.test/a%20b/v1", "/a%20b/v1/chat/completions"),
        ("http://agent.test/v1?token=a%26b", "/v1/chat/completions?token=a%26b"),
        ("http://agent.test?v=1", "/v1/chat/completions?v=1"),
        ("https://x.openai.azure.com", "/openai/v1/chat/completions"),
        ("https://x.openai.azure.com/openai/v1/", "/openai/v1/chat/completions"),
        (
            "https://x.openai.azure.com/openai/deployments/gpt?api-version=2024-10-21",
            "/openai/deployments/gpt/chat/completions?api-version=2024-10-21",
        ),
        (
            "https://x.openai.azure.com/openai/deployments/gpt/chat/completions?api-version=2024-10-21",
            "/openai/deployments/gpt/chat/completions?api-version=2024-10-21",
        ),
    ],
)
def test_a_usual_spelling_leads_to_the_completions(written: str, path: str) -> None:
    assert read_address(written).url.target.decode() == path


@pytest.mark.parametrize(
    ("written", "host", "port", "named"),
    [
        ("https://agent.test/v1", "agent.test", None, "agent.test"),
        ("https://agent.test:8443/v1", "agent.test", 8443, "agent.test:8443"),
        ("http://[::1]:8080/v1", "::1", 8080, "[::1]:8080"),
        ("https://Bücher.example/v1", "xn--bcher-kva.example", None, "xn--bcher-kva.example"),
    ],
)
def test_hosts_are_named_as_they_are_on_the_wire(written: str, host: str, port: int | None, named: str) -> None:
    address = read_address(written)
    assert (address.url.host.decode(), address.url.port, address.host) == (host, port, named)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "agent.test/v1",
        "ftp://agent.test",
        "http://",
        "http://:80/v1",
        "http://[::1",
        "http://x:99999/",
        "http://x:0/",
    ],
)
def test_what_is_no_address_is_told(written: str) -> None:
    with pytest.raises(BadAddress, match="has an address that cannot be read"):
        read_address(written)


def test_a_password_in_an_address_is_told_and_not_sent() -> None:
    with pytest.raises(BadAddress, match="keys are named by api_key_ref") as bad:
        read_address("https://user:hunter2@agent.test/v1")
    assert "hunter2" not in str(bad.value)


@pytest.mark.parametrize("end", ["", "/v1/", "/v1/chat/completions", "/v1/completions"])
async def test_an_endpoint_is_reached_by_any_of_them(endpoint: Endpoint, asks: HttpAsks, end: str) -> None:
    url = f"http://127.0.0.1:{endpoint.port}{end}"
    assert (await endpoint.party(asks, url=url).take_turn(())).text == "Hello."
    assert endpoint.paths == ["/v1/chat/completions"]


async def test_a_deployment_of_azure_s_gets_the_key_in_its_own_header(endpoint: Endpoint, asks: HttpAsks) -> None:
    url = f"http://127.0.0.1:{endpoint.port}/openai/deployments/gpt?api-version=1"
    await endpoint.party(asks, url=url).take_turn(())
    assert endpoint.paths == ["/openai/deployments/gpt/chat/completions?api-version=1"]
    assert endpoint.keys == [KEY]


async def test_an_address_that_cannot_be_read_is_told_to_the_customer(endpoint: Endpoint, asks: HttpAsks) -> None:
    assert (
        await failure_of(endpoint, asks, url="http://[::1") == "The agent's endpoint has an address that cannot be read"
    )
