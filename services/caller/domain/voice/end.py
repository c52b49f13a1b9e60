"""One side of a spoken call: a mind that hears through speech recognition and talks through speech synthesis."""

import asyncio

from services.caller.domain.conversation import ROLES, SILENT, Conversation, EndReason
from services.caller.domain.limits import MAX_BOT_ASKED, MAX_TOOLS_OF_TURN, MAX_TURN_CHARS
from services.caller.domain.media import Speech, SpeechError, Telling
from services.caller.domain.turn import Party, PartyError, Reply, Side, Turn
from services.caller.domain.voice import manners
from services.caller.domain.voice.ears import MS_PER_SECOND, Ears
from services.caller.domain.voice.interrupting import Interrupting
from services.caller.domain.voice.keys import Keys
from services.caller.domain.voice.line import Line
from services.caller.domain.voice.listening import Utterance
from services.caller.domain.voice.patience import Patience
from services.caller.domain.voice.phone import Conduct, OwnTimes, Phone
from services.caller.domain.voice.sentences import FELL_SILENT, HUNG_UP, NEVER_SPOKE, OTHER, Over
from services.caller.domain.voice.speaking import Speaking
from services.caller.domain.voice.told import Told
from services.caller.domain.voice.transcript import Transcript


class VoiceEnd:
    """One end of an answered call. `first`: it is the one that answered, and speaks first.

    Only what was really said is in the transcript: one's own words to the word, of a line that was cut those that its
    share of the sound gives; the other's as they were understood. `hang_up` ends the call on the line; it is called
    once, whatever ended the talk.
    """

    def __init__(
        self,
        side: Side,
        mind: Party,
        phone: Phone,
        *,
        speech: Speech,
        voice: str,
        first: bool,
        expected: tuple[str, ...] = (),
        conduct: Conduct | None = None,
    ) -> None:
        self._side = side
        self._mind = mind
        self._phone = phone
        self._speech = speech
        self._voice = voice
        self._first = first
        self._conduct = conduct or Conduct()
        self._transcript = Transcript()
        self._line = Line(phone, on_heard=self._heard, on_said=self._said, on_frame=self._hear_beside)
        self._ears = Ears(ROLES[OTHER[side]], self._transcript, speech, expected)
        self._told = Told(phone.leg, self._ears, self._transcript) if isinstance(phone.leg, Telling) else None
        self._patience = Patience(side, phone, self._line, self._ears)
        self._keys = Keys(side, phone.leg, self._conduct, self._transcript)
        self._answered_lines = 0  # of those that were read
        self._asked_again = 0
        self._said_hello = False
        self._interrupting = Interrupting(self._conduct, self._line.listening)
        self._talks_over = False
        self._fell_silent_ms = 0
        self.own = OwnTimes(stt=self._ears.took_ms)

    async def talk(self) -> Conversation:
        """Talk until one of both hangs up or a limit is reached.

        Raises what cut the call otherwise, LeaseLost among it: it is silent and hung up by then, `cut` tells the rest.
        """
        self._line.pick_up()
        try:
            over = await self._until_over()
        finally:
            self._line.lay_down()
            self._keys.finish()
            try:
                await self._phone.hang_up()
                if self._told is None and (unheard := self._line.listening.flush()) is not None:
                    self._ears.take(unheard, answered=False)
                await self._ears.finish(manners.LAST_READING_SECONDS)
            finally:
                await self._ears.stop()
        return self._ended(over.reason, over.sentence)

    def cut(self, sentence: str) -> Conversation:
        """Return what was said until now, of a call that cannot go on."""
        return self._ended("error", sentence)

    @property
    def turns(self) -> tuple[Turn, ...]:
        """What was said until now."""
        return self._transcript.turns

    def _ended(self, reason: EndReason, sentence: str = "") -> Conversation:
        return Conversation(self._transcript.turns, reason, self._line.now_ms, sentence)

    async def _until_over(self) -> Over:
        try:
            if not self._first:
                await self._hear()
            while True:
                if (reply := await self._find_words()) is not None:
                    await self._speak(reply, drops=reply.waited)
                await self._hear()
        except Over as over:
            return over
        except (PartyError, SpeechError) as error:
            return Over("error", str(error))

    # Hearing.

    def _heard(self, utterance: Utterance) -> None:
        """Take a line that is over, in the tick; one that came and went while one talked wants no answer."""
        self._fell_silent_ms = utterance.end_ms
        if self._told is None:
            self._ears.take(utterance, answered=not self._line.speaking)

    def _hear_beside(self) -> None:
        """Take what comes beside sound, in the tick."""
        self._keys.hear(self._line.now_ms)
        if self._told is not None:
            self._told.take(self._line.now_ms, self._line.left_out_ms, answered=not self._line.speaking)

    def _wants_answer(self) -> bool:
        return self._ears.read_lines > self._answered_lines and not self._ears.busy and not self._line.listening.talking

    async def _hear(self) -> None:
        """Wait until the other side has said something, or it is time to speak without it."""
        while True:
            self._asks_for_an_end()
            self._press_keys()
            await self._patience.until(self._has_to_speak)
            if self._wants_answer() or self._interrupting.is_due():
                self._said_hello = False
                self._press_keys()
                return
            await self._ask_whether_anybody_is_there()

    def _has_to_speak(self) -> bool:
        return self._wants_answer() or self._interrupting.is_due() or self._silent_for_too_long()

    def _silent_for_too_long(self) -> bool:
        if self._ears.busy or self._line.listening.talking:
            return False
        limit_ms = manners.GIVE_UP_AFTER_MS if self._said_hello else manners.HELLO_AFTER_MS
        return self._line.now_ms - self._line.active_ms >= limit_ms

    async def _ask_whether_anybody_is_there(self) -> None:
        if self._said_hello:
            spoke = any(turn.role == ROLES[OTHER[self._side]] for turn in self._transcript.turns)
            raise Over("error", (FELL_SILENT if spoke else NEVER_SPOKE)[OTHER[self._side]])
        self._said_hello = True
        await self._speak(Reply(manners.HELLO), drops=True)

    def _is_quiet(self) -> bool:
        return self._conduct.is_quiet(self._line.now_ms)

    def _press_keys(self) -> None:
        self._keys.press(self._ears.noted_lines, self._line.now_ms)

    # Finding words.

    async def _find_words(self) -> Reply | None:
        """Return what to say, None if the other side has gone on talking and is to be heard out first."""
        turns = self._transcript.turns
        self._talks_over = self._interrupting.is_due()
        if self._talks_over:
            so_far = self._line.listening.so_far()
            self._interrupting.begin()
            text = await self._patience.for_task(self._ears.read(so_far))
            turns = (*turns, Turn(ROLES[OTHER[self._side]], "text/plain", text or "", so_far.start_ms, so_far.end_ms))
        elif self._answered_lines < self._ears.read_lines and self._ears.last == manners.INAUDIBLE:
            self._answered_lines = self._ears.read_lines
            self._asked_again += 1
            if self._asked_again <= manners.MAX_ASKED_AGAIN:
                return Reply(manners.SAY_AGAIN)
        else:
            self._asked_again = 0
        return await self._ask_mind(turns)

    async def _ask_mind(self, turns: tuple[Turn, ...]) -> Reply | None:
        lines = self._ears.read_lines
        began = _now_ms()

        def goes_on() -> bool:
            return not self._talks_over and self._line.listening.talking

        for _ in range(MAX_BOT_ASKED if self._side == "bot" else 1):
            reply = await self._patience.for_task(self._mind.take_turn(turns), goes_on)
            if reply is None:
                return None
            self.own.llm.append(_now_ms() - began)
            if reply.text.strip() or reply.ending != "none":
                break
        else:
            raise Over("error", SILENT[self._side])
        self._answered_lines = lines
        return reply

    # Speaking.

    async def _speak(self, reply: Reply, *, drops: bool = False) -> None:
        """Say it, as far as the other side lets one, and do what comes with it.

        If the other side has gone on talking meanwhile, a line waits for its end; with `drops` it is not said at all:
        a mind that thinks anew each time is asked again.
        """
        text = " ".join(reply.text[:MAX_TURN_CHARS].split())
        if text and not await self._say(text, reply, drops=drops):
            return
        for tool in reply.tools[:MAX_TOOLS_OF_TURN]:
            self._transcript.add_tool(tool, self._line.now_ms)
        if text:
            await self._patience.until(lambda: not self._line.speaking or self._is_quiet())
            self._line.stop()
        if reply.ending != "none":
            await self._patience.pause(manners.PARTING_MS)
            raise Over("transfer" if reply.ending == "transfer" else HUNG_UP[self._side])

    async def _say(self, text: str, reply: Reply, *, drops: bool) -> bool:
        """Begin to say a line; return whether it is being said."""
        began = _now_ms()
        sound = await self._patience.for_task(self._speech.say(text, self._voice))
        self.own.tts.append(_now_ms() - began)
        if not reply.waited:  # a simulated pause: what has passed since the other side fell silent is part of it
            await self._patience.pause(reply.think_ms - (self._line.now_ms - self._fell_silent_ms))
        await self._patience.until(lambda: not self._is_quiet())
        if self._line.listening.talking and not self._talks_over:
            if drops:
                self._answered_lines = min(self._answered_lines, self._ears.read_lines - 1)
                return False
            await self._patience.until(lambda: not self._line.listening.talking and not self._is_quiet())
        self._line.say(text, sound or b"", over_the_other=self._talks_over)
        self._talks_over = False
        return True

    def _said(self, said: Speaking, now_ms: int) -> None:
        if text := said.said():
            self._transcript.add(ROLES[self._side], text, said.start_ms, now_ms)

    # What ends it.

    def _asks_for_an_end(self) -> None:
        """Let the bot give up a call that both have taken leave in, or that has lasted too long for any reason."""
        if self._side == "bot" and (self._transcript.full or self._transcript.took_leave()):
            raise Over("caller_hangup")


def _now_ms() -> int:
    return round(asyncio.get_running_loop().time() * MS_PER_SECOND)
