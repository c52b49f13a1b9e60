"""What a Realtime agent says, item by item: its words beside its sound, and how much of it was played."""

from collections import deque
from dataclasses import dataclass

from services.caller.domain.limits import MAX_TURN_CHARS
from services.caller.domain.media import FRAME_MS, Spoken
from services.caller.edges.streams.sound import BYTES_PER_MS

MAX_ITEMS = 200  # that are not played to their end
MAX_UNREAD = 200


@dataclass(slots=True)
class _Item:
    item_id: str
    start_byte: int
    sound_bytes: int = 0
    words: str = ""
    complete: bool = False
    first_tick: int | None = None

    @property
    def end_byte(self) -> int:
        return self.start_byte + self.sound_bytes

    def said(self) -> str:
        return self.words.strip()


class Items:
    """Items in the order in which they are played. Bytes count µ-law that was put into the playout."""

    def __init__(self) -> None:
        self._items: deque[_Item] = deque()
        self._cut: deque[str] = deque(maxlen=MAX_ITEMS)  # what comes of these is not played any more
        self._spoken: deque[Spoken] = deque(maxlen=MAX_UNREAD)

    def was_cut(self, item_id: str) -> bool:
        """Say whether an item was interrupted."""
        return item_id in self._cut

    def add_sound(self, item_id: str, at_byte: int, sound_bytes: int) -> bool:
        """Note sound of an item; return False where there is no room for another one."""
        item = self._of(item_id, at_byte)
        if item is None:
            return False
        if not item.sound_bytes:
            item.start_byte = at_byte
        item.sound_bytes += sound_bytes
        return True

    def add_words(self, item_id: str, at_byte: int, words: str) -> None:
        """Note more of an item's words."""
        item = self._of(item_id, at_byte)
        if item is not None:
            item.words = (item.words + words)[:MAX_TURN_CHARS]

    def set_text(self, item_id: str, at_byte: int, text: str) -> None:
        """Note all of an item's words."""
        item = self._of(item_id, at_byte)
        if item is not None:
            item.words = text[:MAX_TURN_CHARS]

    def complete(self) -> None:
        """Note that no more comes for the items there are."""
        for item in self._items:
            item.complete = True

    def played(self, played_bytes: int, tick: int) -> None:
        """Note how much was played with this tick's frame."""
        for item in self._items:
            if item.sound_bytes and item.first_tick is None and played_bytes > item.start_byte:
                item.first_tick = tick
        while self._items and self._items[0].complete and self._items[0].end_byte <= played_bytes:
            self._tell(self._items.popleft(), 1.0, tick)

    def cut(self, played_bytes: int, tick: int) -> tuple[str, int] | None:
        """Drop what is not played; return the item that was being said, and its milliseconds that were heard."""
        heard = None
        for item in self._items:
            self._cut.append(item.item_id)
            in_play = item.first_tick is not None and item.sound_bytes
            if in_play:
                played = min(max(played_bytes - item.start_byte, 0), item.sound_bytes)
                heard = item.item_id, played // BYTES_PER_MS
                self._tell(item, played / item.sound_bytes, tick)
        self._items.clear()
        return heard

    def take(self) -> tuple[Spoken, ...]:
        """Return what was said since the last time."""
        taken = tuple(self._spoken)
        self._spoken.clear()
        return taken

    def _of(self, item_id: str, at_byte: int) -> _Item | None:
        for item in self._items:
            if item.item_id == item_id:
                return item
        if len(self._items) >= MAX_ITEMS:
            return None
        self._items.append(_Item(item_id, at_byte))
        return self._items[-1]

    def _tell(self, item: _Item, share: float, tick: int) -> None:
        if item.first_tick is not None and (said := item.said()):
            self._spoken.append(Spoken(said, item.first_tick * FRAME_MS, (tick + 1) * FRAME_MS, share))
