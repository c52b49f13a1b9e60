"""What customers get of recordings: links, and waveforms."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from services.api.edges.recordings.links import Links
from shared.recordings.store import RecordingStore

MAX_PEAKS_BYTES = 256 * 1024  # 2 000 peaks a channel are some 30 KiB


class Shelf:
    """The store of recordings, as the API hands it out. Without a store there is nothing."""

    def __init__(self, store: RecordingStore | None, links: Links) -> None:
        self._store = store
        self._links = links

    @property
    def link(self) -> Links:
        """What makes links, and knows them again."""
        return self._links

    async def audio(self, name: str) -> tuple[str, datetime] | None:
        """Return a link to a recording and when it ends, None if the recording is not there. A bucket has its own."""
        if self._store is None or not await self._store.is_there(name):
            return None
        if self._store.path_of(name) is not None:
            return self._links.until(name)
        return self.presigned(name), datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=self._links.seconds)

    async def waveform(self, peaks_name: str) -> bytes | None:
        """Return a recording's peaks as JSON, None if they are not there."""
        return await self._store.read(peaks_name, max_bytes=MAX_PEAKS_BYTES) if self._store is not None else None

    def file(self, name: str) -> Path | None:
        """Return a recording's file, None where the store is a bucket, or the file is not there."""
        path = self._store.path_of(name) if self._store is not None else None
        return path if path is not None and path.is_file() else None

    def presigned(self, name: str) -> str:
        """Return the bucket's own address of a recording."""
        assert self._store is not None  # noqa: S101 - asked by those who call
        return self._store.presigned(name, self._links.seconds)

    @property
    def is_bucket(self) -> bool:
        """Whether recordings are fetched from a bucket itself."""
        return self._store is not None and self._store.path_of("any") is None
