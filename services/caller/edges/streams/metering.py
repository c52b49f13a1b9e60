"""A connection that takes no more from its far end than speech can be: what floods it is cut off, not waited for."""

import time

from websockets.asyncio.client import ClientConnection
from websockets.client import ClientProtocol
from websockets.protocol import Event

# A frame of 20 ms is sent 50 times a second. A whole answer of two minutes may come at once in such frames.
MESSAGES_PER_SECOND = 500
MAX_BURST_MESSAGES = 6_000
# Speech in messages is 17 KB a second. All that is kept of an answer may come at once.
BYTES_PER_SECOND = 256 * 1_024
MAX_BURST_BYTES = 4 * 1_024 * 1_024
# What is looked at before it is asked again whether it is too much: empty frames have two bytes.
SLICE_BYTES = 4_096


class MeteredConnection(ClientConnection):
    """Counts bytes, and frames of every kind: an empty ping costs us as much as a word, and its sender two bytes."""

    def __init__(self, protocol: ClientProtocol, **limits: float | None) -> None:
        super().__init__(protocol, **limits)  # type: ignore[arg-type]
        self._room = float(MAX_BURST_MESSAGES)
        self._bytes_room = float(MAX_BURST_BYTES)
        self._counted_at = time.monotonic()
        self.flooded = False

    def data_received(self, data: bytes) -> None:
        """Take what came, up to the limit; beyond it, end the connection without a word."""
        now = time.monotonic()
        passed_seconds, self._counted_at = now - self._counted_at, now
        self._room = min(float(MAX_BURST_MESSAGES), self._room + passed_seconds * MESSAGES_PER_SECOND)
        self._bytes_room = min(float(MAX_BURST_BYTES), self._bytes_room + passed_seconds * BYTES_PER_SECOND) - len(data)
        for start in range(0, len(data), SLICE_BYTES):
            super().data_received(data[start : start + SLICE_BYTES])
            if min(self._room, self._bytes_room) < 0:
                self.flooded = True
                self.transport.abort()
                return

    def process_event(self, event: Event) -> None:
        """Count what came."""
        self._room -= 1
        super().process_event(event)
