"""What the other side tells by itself of what it said and did."""

from services.caller.domain.media import Telling
from services.caller.domain.speech import spoken_ms, spoken_within
from services.caller.domain.voice.ears import Ears
from services.caller.domain.voice.transcript import Transcript


class Told:
    """Takes it tick by tick: then nothing of that side has to be read."""

    def __init__(self, telling: Telling, ears: Ears, transcript: Transcript) -> None:
        self._telling = telling
        self._ears = ears
        self._transcript = transcript

    def take(self, now_ms: int, left_out_ms: int, *, answered: bool) -> None:
        """Take what is new. `left_out_ms`: of the call, by the clock; the far end's times don't know of it."""
        for tool in self._telling.tools():
            self._transcript.add_tool(tool, now_ms)
        for one in self._telling.spoken():
            text = one.text if one.share >= 1 else spoken_within(one.text, round(one.share * spoken_ms(one.text)))
            self._ears.told(text, one.start_ms + left_out_ms, one.end_ms + left_out_ms, answered=answered)
