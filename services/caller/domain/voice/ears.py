"""Reads what was heard, beside the talk: a tick never waits for it, and what is read late stands in its place."""

import asyncio

from services.caller.domain.media import Speech, SpeechError
from services.caller.domain.turn import Role
from services.caller.domain.voice import manners
from services.caller.domain.voice.listening import Utterance
from services.caller.domain.voice.transcript import Transcript

MS_PER_SECOND = 1_000


class Ears:
    """Puts the other side's lines into the transcript. `expected` says what may well be said.

    What no words are found in is inaudible if it is long, and nothing if it is short: a cough, a door.
    """

    def __init__(self, role: Role, transcript: Transcript, speech: Speech, expected: tuple[str, ...]) -> None:
        self._role = role
        self._transcript = transcript
        self._speech = speech
        self._expected = expected
        self._reading: set[asyncio.Task[None]] = set()
        self.last = ""  # of what was read
        self.read_lines = 0  # those that ask for an answer
        self.noted_lines = 0
        self.took_ms: list[int] = []  # for each line, in real time
        self.fault: SpeechError | None = None

    @property
    def busy(self) -> bool:
        """Whether something is being read. What failed to be read is not, and is the call's end."""
        return bool(self._reading)

    def take(self, utterance: Utterance, *, answered: bool) -> None:
        """Read a line in a while. `answered`: it asks for an answer, so that it counts in `read_lines`."""
        if len(self._reading) >= manners.MAX_READING:
            self._note(utterance, "", answered)
            return
        task = asyncio.get_running_loop().create_task(self._read_and_note(utterance, answered))
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    def told(self, text: str, start_ms: int, end_ms: int, *, answered: bool) -> None:
        """Take a line that the other side tells by itself: nothing has to be read."""
        if text:
            self.last = text
            self.read_lines += answered
            self.noted_lines += 1
            self._transcript.add(self._role, text, start_ms, end_ms)

    async def read(self, utterance: Utterance) -> str:
        """Return what is said in it. What could not be read is tried once more. Raises SpeechError."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            return " ".join((await self._speech.read(utterance.sound, self._expected)).split())
        except SpeechError:
            return " ".join((await self._speech.read(utterance.sound, self._expected)).split())
        finally:
            self.took_ms.append(round((loop.time() - began) * MS_PER_SECOND))

    async def finish(self, within_seconds: float) -> None:
        """Wait for what is being read; what is not read by then is inaudible."""
        if self._reading:
            await asyncio.wait(self._reading, timeout=within_seconds)
        await self.stop()

    async def stop(self) -> None:
        """Read no more. What was not read yet stands in the transcript as inaudible."""
        reading = tuple(self._reading)
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)

    async def _read_and_note(self, utterance: Utterance, answered: bool) -> None:
        text = ""
        try:
            text = await self.read(utterance)
        except SpeechError as error:
            self.fault = error
        finally:
            self._note(utterance, text, answered)

    def _note(self, utterance: Utterance, text: str, answered: bool) -> None:
        if not text and utterance.voiced_ms < manners.INAUDIBLE_MS:
            return
        self.told(text or manners.INAUDIBLE, utterance.start_ms, utterance.end_ms, answered=answered)
