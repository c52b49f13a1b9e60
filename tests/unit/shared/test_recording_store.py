"""The store of recordings keeps one promise in a folder and in a bucket: whole objects, and plain words for faults."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest
from moto.server import ThreadedMotoServer

from shared.recordings.names import new_names
from shared.recordings.store import RecordingStore, StoreAway, in_bucket, in_folder

BUCKET = "recordings"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Something that speaks S3, on a port of this machine."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()


def a_bucket(endpoint: str, bucket: str = BUCKET) -> RecordingStore:
    return in_bucket(bucket, endpoint=endpoint, region="us-east-1", access_key_id="a", secret_access_key="b")


@pytest.fixture(params=["folder", "bucket"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RecordingStore]:
    if request.param == "folder":
        yield in_folder(tmp_path / "recordings")
        return
    endpoint = request.getfixturevalue("endpoint")
    async with httpx2.AsyncClient(base_url=endpoint, trust_env=False) as client:
        await client.post("/moto-api/reset")
        assert (await client.put(f"/{BUCKET}")).status_code == 200
    yield a_bucket(endpoint)


async def names_in(store: RecordingStore) -> set[str]:
    return {one.name async for page in store.listed() for one in page}


async def test_what_is_put_there_is_there(store: RecordingStore, tmp_path: Path) -> None:
    name, peaks = new_names(7, 1)
    (tmp_path / "sound").write_bytes(b"sound")
    await store.put(name, tmp_path / "sound")
    await store.put(peaks, b"{}")
    assert (await store.read(name, max_bytes=5), await store.read(peaks, max_bytes=5)) == (b"sound", b"{}")
    assert await names_in(store) == {name, peaks}
    assert await store.is_there(name)


async def test_what_is_put_there_again_is_replaced(store: RecordingStore) -> None:
    await store.put("7/a.wav", b"one")
    await store.put("7/a.wav", b"another")
    assert await store.read("7/a.wav", max_bytes=9) == b"another"


async def test_what_is_not_there_is_none_and_can_be_deleted(store: RecordingStore) -> None:
    await store.put("7/b.wav", b"b")
    await store.delete(["7/a.wav", "7/b.wav", "7/b.wav", "9/none"])
    assert await store.read("7/b.wav", max_bytes=9) is None
    assert not await store.is_there("7/b.wav")
    assert await names_in(store) == set()


async def test_what_is_larger_than_it_may_be_is_not_read(store: RecordingStore) -> None:
    await store.put("7/a.json", b"123456")
    assert await store.read("7/a.json", max_bytes=5) is None


@pytest.mark.parametrize("name", ["../a.wav", "7/../../a.wav"])
async def test_nothing_is_read_outside_of_the_store(store: RecordingStore, name: str, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"secret")
    assert await store.read(name, max_bytes=99) is None
    assert not await store.is_there(name)


async def test_content_that_is_gone_is_no_fault_of_the_store(store: RecordingStore, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await store.put("7/a.wav", tmp_path / "gone")
    assert await names_in(store) == set()


async def test_a_bucket_gives_addresses_that_need_no_key(endpoint: str) -> None:
    store = a_bucket(endpoint)
    async with httpx2.AsyncClient(trust_env=False) as client:
        await client.put(f"{endpoint}/{BUCKET}")
        await store.put("7/a.wav", b"sound")
        assert (await client.get(store.presigned("7/a.wav", 60))).content == b"sound"
    assert store.path_of("7/a.wav") is None


async def test_a_store_that_is_away_says_so_without_its_address() -> None:
    store = a_bucket("http://127.0.0.1:1")
    for ask in (store.put("7/a", b"a"), store.read("7/a", max_bytes=1), store.is_there("7/a"), store.delete(["7/a"])):
        with pytest.raises(StoreAway) as away:
            await ask
        assert "127.0.0.1" not in str(away.value)


async def test_a_bucket_that_is_not_there_is_a_store_that_is_away(endpoint: str) -> None:
    with pytest.raises(StoreAway):
        await a_bucket(endpoint, "nobodys-bucket").put("7/a.wav", b"a")


def test_names_are_of_an_organisation_and_a_call_and_cannot_be_guessed() -> None:
    names = {new_names(7, 11, is_second_leg=leg) for leg in (False, True) for _ in range(50)}
    assert len(names) == 100
    assert {name.split("-")[0] for name, _ in names} == {"7/11a", "7/11b"}
    assert all(len(name.split("-", 1)[1]) >= 22 and peaks.startswith(name[:-4]) for name, peaks in names)
