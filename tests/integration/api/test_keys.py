"""Who may ask: a secret key that is known and not revoked, in one well-formed header. Everything else is a 401."""

import pytest

from shared.events.directory import ApiKeyRevoked
from tests.integration.api.builders import a_key
from tests.integration.api.harness import BATCHES, CALLS, Api
from tests.integration.api.problems import assert_problem

pytestmark = pytest.mark.integration

PATHS = (CALLS, BATCHES, f"{CALLS}/1", "/v1/calls", "/v1/calls/1/transcript", "/v1/billing", "/v1/billing/entries")
MAX_REVOCATION_SECONDS = 5.0


@pytest.mark.parametrize("path", PATHS)
async def test_without_a_key_every_endpoint_is_closed(api: Api, path: str) -> None:
    answer = await api.client.get(path)
    assert_problem(answer, 401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", [CALLS, BATCHES])
async def test_a_post_without_a_key_is_refused_before_its_body_is_looked_at(api: Api, path: str) -> None:
    async with api.storing_nothing():
        assert_problem(await api.client.post(path, content=b"{"), 401, "unauthorized")


@pytest.mark.parametrize(
    "form",
    [
        b"%s",
        b"Basic %s",
        b"Token %s",
        b"Bearer",
        b"Bearer ",
        b"Bearer%s",
        b"Bearer %s x",
        b"Bearer x%s",
        b"Bearer %s,Bearer %s",
        b"Bearer %s\xe9",
        b"Bearer \xc3\xa9%s",
        b"Bearer %s" + b"x" * 5_000,
        b"bearer: %s",
    ],
)
async def test_a_malformed_header_is_no_key(api: Api, form: bytes) -> None:
    org = await api.org()
    header = form.replace(b"%s", org.key.encode())
    answer = await api.client.get(CALLS, headers=[(b"Authorization", header)])
    assert_problem(answer, 401, "unauthorized")


@pytest.mark.parametrize(("length", "status"), [(504, 200), (505, 200), (506, 401)])
async def test_a_header_has_up_to_512_characters(api: Api, length: int, status: int) -> None:
    org = await api.org()
    key = f"sk_{org.org_id}_".ljust(length, "x")
    await api.hear(a_key(org, key, nth=3))
    header = f"Bearer {key}"
    answer = await api.client.get(CALLS, headers={"Authorization": header})
    assert (answer.status_code, len(header) <= 512) == (status, status == 200)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_schemes_case_does_not_matter(api: Api, scheme: str) -> None:
    org = await api.org()
    assert (await api.client.get(CALLS, headers={"Authorization": f"{scheme} {org.key}"})).status_code == 200


async def test_two_headers_are_no_key_even_if_each_were_one(api: Api) -> None:
    org = await api.org()
    header = ("Authorization", f"Bearer {org.key}")
    assert (await api.client.get(CALLS, headers=[header])).status_code == 200
    assert_problem(await api.client.get(CALLS, headers=[header, header]), 401, "unauthorized")


async def test_an_unknown_key_is_refused_as_no_key_is(api: Api) -> None:
    unknown = await api.client.get(CALLS, headers={"Authorization": "Bearer sk_live_nobody"})
    missing = await api.client.get(CALLS)
    assert_problem(unknown, 401, "unauthorized")
    assert unknown.content == missing.content


@pytest.mark.parametrize(
    ("key", "kind"), [("pk_live_%s", "publishable"), ("pk_%s", "secret"), ("sk_%s", "publishable")]
)
async def test_a_publishable_key_opens_nothing_by_its_name_or_by_its_kind(api: Api, key: str, kind: str) -> None:
    org = await api.org()
    key = key % org.org_id
    await api.hear(a_key(org, key, nth=3, kind=kind))
    assert_problem(await api.client.get(CALLS, headers={"Authorization": f"Bearer {key}"}), 401, "unauthorized")


async def test_a_revoked_key_is_out_within_five_seconds(api: Api) -> None:
    org = await api.org()
    assert (await api.get(org, CALLS)).status_code == 200
    await api.hear(ApiKeyRevoked(org_id=org.org_id, key_id=org.org_id + 2))
    api.clock.now += MAX_REVOCATION_SECONDS
    assert_problem(await api.get(org, CALLS), 401, "unauthorized")


async def test_a_revoked_key_that_nobody_remembers_is_out_at_once(api: Api) -> None:
    org = await api.org()
    await api.hear(ApiKeyRevoked(org_id=org.org_id, key_id=org.org_id + 2))
    assert_problem(await api.get(org, CALLS), 401, "unauthorized")


async def test_a_revocation_takes_one_key_of_one_organisation(api: Api) -> None:
    org, other = await api.org(), await api.org()
    await api.hear(a_key(org, f"sk_second_{org.org_id}", nth=3))
    await api.hear(ApiKeyRevoked(org_id=org.org_id, key_id=org.org_id + 2))
    await api.hear(ApiKeyRevoked(org_id=org.org_id, key_id=other.org_id + 2))
    second = {"Authorization": f"Bearer sk_second_{org.org_id}"}
    assert (await api.client.get(CALLS, headers=second)).status_code == 200
    assert (await api.get(other, CALLS)).status_code == 200


async def test_a_key_that_was_unknown_is_let_in_soon_after_its_issue(api: Api) -> None:
    org = await api.org()
    late = {"Authorization": f"Bearer sk_late_{org.org_id}"}
    assert (await api.client.get(CALLS, headers=late)).status_code == 401
    await api.hear(a_key(org, f"sk_late_{org.org_id}", nth=3))
    api.clock.now += MAX_REVOCATION_SECONDS
    assert (await api.client.get(CALLS, headers=late)).status_code == 200


async def test_keys_are_stored_as_digests(api: Api) -> None:
    org = await api.org()
    stored = await api.value(
        "SELECT string_agg(CAST(api_keys AS text), ' ') FROM api_keys WHERE org_id = :id", id=org.org_id
    )
    assert org.key not in stored
    assert org.key.removeprefix("sk_test_") not in stored
