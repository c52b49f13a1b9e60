"""The store of recordings: a folder, or a bucket of anything that speaks S3. It is asked from threads."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import obstore
from obstore.exceptions import BaseError, InvalidPathError
from obstore.store import LocalStore, ObjectStore, S3Store

from shared.errors import Transient

CONNECT_SECONDS, REQUEST_SECONDS = 3, 30
RETRY_SECONDS = 5  # within one request; what lasts longer is for whoever asks
AMAZONS = "https://s3.{region}.amazonaws.com"
LISTED_AT_ONCE = 1_000

T = TypeVar("T")


class StoreAway(Transient):
    """The store does not answer, or not as it should."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An object that lies in the store."""

    name: str
    modified_at: datetime
    size_bytes: int


class RecordingStore:
    """Objects by their names. What is not there is None, and can be deleted; every other fault is StoreAway."""

    def __init__(self, inner: ObjectStore, *, folder: Path | None = None) -> None:
        self._inner = inner
        self._folder = folder

    async def put(self, name: str, content: Path | bytes) -> None:
        """Put an object there, whole or not at all. Raises FileNotFoundError if the content is not there."""
        if not await self._ask(lambda: isinstance(content, bytes) or content.is_file()):
            raise FileNotFoundError
        if await self._ask(lambda: obstore.put(self._inner, name, content)) is None:
            raise StoreAway("there is no such store of recordings")

    async def read(self, name: str, *, max_bytes: int) -> bytes | None:
        """Return an object's bytes; what is larger than it may be is as good as not there."""

        def read() -> bytes | None:
            found = obstore.get(self._inner, name)
            return bytes(found.bytes()) if found.meta["size"] <= max_bytes else None

        return await self._ask(read)

    async def is_there(self, name: str) -> bool:
        """Say whether an object is there."""
        return await self._ask(lambda: obstore.head(self._inner, name)) is not None

    async def delete(self, names: Sequence[str]) -> None:
        """Delete objects; those that are not there are gone already."""
        for name in names:
            await self._ask(lambda name=name: obstore.delete(self._inner, name))  # type: ignore[misc]

    async def listed(self) -> AsyncIterator[Sequence[Listed]]:
        """Return everything that lies there, some at a time."""
        pages = iter(obstore.list(self._inner, chunk_size=LISTED_AT_ONCE))
        while (page := await self._ask(lambda: next(pages, None))) is not None:
            yield [Listed(one["path"], one["last_modified"], one["size"]) for one in page]

    def path_of(self, name: str) -> Path | None:
        """Return the file that an object is, None where the store is no folder."""
        return self._folder / name if self._folder is not None else None

    def presigned(self, name: str, seconds: int) -> str:
        """Return an address from which whoever has it can get the object so long. Not of a folder."""
        assert isinstance(self._inner, S3Store)  # noqa: S101 - said above
        return obstore.sign(self._inner, "GET", name, timedelta(seconds=seconds))

    async def _ask(self, ask: Callable[[], T]) -> T | None:
        try:
            return await asyncio.to_thread(ask)
        except FileNotFoundError:
            return None
        except (InvalidPathError, ValueError):
            return None  # a name that no object can have
        except (BaseError, OSError) as error:
            # Never its text: an address with its signature may stand in it.
            raise StoreAway(f"the store of recordings does not do it ({type(error).__name__})") from None


def in_folder(folder: Path) -> RecordingStore:
    """Return a store in a folder, which is made if it is not there."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return RecordingStore(LocalStore(prefix=folder), folder=folder)


def in_bucket(bucket: str, *, endpoint: str, region: str, access_key_id: str, secret_access_key: str) -> RecordingStore:
    """Return a store in a bucket. An endpoint is anything that speaks S3; without one it is Amazon's own."""
    return RecordingStore(
        S3Store(
            bucket,
            region=region,
            access_key_id=access_key_id,
            secret_access_key=secret_access_key,
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
                "timeout": timedelta(seconds=REQUEST_SECONDS),
            },
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=RETRY_SECONDS)},
            endpoint=endpoint or AMAZONS.format(region=region),
        )
    )
