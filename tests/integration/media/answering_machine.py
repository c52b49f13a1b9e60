"""A far end with a known answer delay, with a socket, a thread and a clock of its own."""

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import numpy as np
from aiortp import get_codec

from tests.unit.caller.media.voices import frames, vowel

FRAME_SECONDS = 0.02
LOUD = 150
ANSWER_MS = 400


class AnsweringMachine:
    """Answers what it hears after so many ms each, to the sample; notes how late it really was."""

    def __init__(self, far_end: tuple[str, int], delays_ms: tuple[int, ...]) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._far_end = far_end
        self._delays_ms = list(delays_ms)
        self._codec = get_codec(0)
        self._sequence = 0
        self._began = time.monotonic()
        self._speech_ended: float | None = None
        self._answer: list[bytes] = []
        self._is_over = False
        self.really_ms: list[float] = []

    @property
    def address(self) -> tuple[str, int]:
        """Return where it is."""
        return ("127.0.0.1", self._socket.getsockname()[1])

    @contextmanager
    def running(self) -> Iterator["AnsweringMachine"]:
        """Let it run."""
        thread = Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._is_over = True
            thread.join()
            self._socket.close()

    def _run(self) -> None:
        due = self._began + 0.0123  # on nobody else's grid
        while not self._is_over:
            self._hear_until(due)
            answers_at = self._answers_at()
            if answers_at is not None and answers_at < due + FRAME_SECONDS:
                self._hear_until(answers_at)
                self._answer = frames(vowel(ANSWER_MS, hertz=170.0))
                ended, self._speech_ended = self._speech_ended, None
                due = answers_at
                self.really_ms.append((time.monotonic() - (ended or 0.0)) * 1_000)
                self._delays_ms.pop(0)
            self._send(self._answer.pop(0) if self._answer else bytes(320), due)
            due += FRAME_SECONDS

    def _answers_at(self) -> float | None:
        if self._speech_ended is None or not self._delays_ms:
            return None
        return self._speech_ended + self._delays_ms[0] / 1_000

    def _hear_until(self, due: float) -> None:
        while (left := due - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                packet = self._socket.recv(2_048)
            except TimeoutError:
                return
            now = time.monotonic()
            loud = np.flatnonzero(np.abs(np.frombuffer(self._codec.decode(packet[12:]), "<i2").astype(int)) > LOUD)
            if len(loud) and not self._answer:
                self._speech_ended = now + (int(loud[-1]) + 1) / 8_000

    def _send(self, frame: bytes, due: float) -> None:
        timestamp = round((due - self._began) * 8_000) & 0xFFFF_FFFF
        header = struct.pack("!BBHII", 0x80, 0, self._sequence & 0xFFFF, timestamp, 77)
        self._sequence += 1
        self._socket.sendto(header + self._codec.encode(frame), self._far_end)
