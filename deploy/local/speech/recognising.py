"""pocketsphinx, for a process of its own: it holds the interpreter's lock while it listens."""

import tempfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pocketsphinx import Decoder, NGramModel

from deploy.local.speech.flite import Flite, FliteFailed
from deploy.local.speech.language_model import arpa
from deploy.local.speech.limits import COMMON_WORDS, KEPT_MODELS, MAX_LINES, MAX_WAITING_READINGS
from deploy.local.speech.words import Writing, variants

GENERAL = "general"
ALTERNATIVE = "("  # the dictionary's second and further ways to say a word
# In what was expected it is below 0.25, in what was not above 0.70 (measured): then the general model reads it again.
MOST_STRANGE = 0.5
FILLERS = ("<", "[")


@dataclass(frozen=True, slots=True)
class Pocketsphinx:
    """What is given to each process that reads with it."""

    flite: Flite
    max_waiting: int = MAX_WAITING_READINGS

    def recogniser(self) -> "Recogniser":
        """Load the model of English that its wheel carries."""
        return Recogniser(self.flite)


class Recogniser:
    """Reads what is said, with a model of what was expected, or a general one if nothing was."""

    def __init__(self, flite: Flite) -> None:
        self._flite = flite
        self._decoder: Any = Decoder(samprate=16_000, loglevel="FATAL")
        self._general = self._decoder.current_search()
        self._common = self._most_common()
        self._models: OrderedDict[tuple[str, ...], tuple[str, Writing]] = OrderedDict()
        self._made = 0

    def read(self, sound: bytes, expected: tuple[str, ...]) -> str:
        """Return the text of samples of 16 bits at 16 kHz."""
        if not expected:
            return Writing(()).of(self._heard(sound, self._general)[0])
        name, writing = self._model(expected)
        words, strange = self._heard(sound, name)
        if strange > MOST_STRANGE:
            words, _ = self._heard(sound, self._general)
        return writing.of(words)

    def _heard(self, sound: bytes, search: str) -> tuple[list[str], float]:
        """Return the words, and the share of them that no line has in this order: each was the likeliest by itself."""
        self._decoder.activate_search(search)
        self._decoder.start_utt()
        self._decoder.process_raw(sound, no_search=False, full_utt=True)
        self._decoder.end_utt()
        found = self._decoder.hyp()
        if found is None or not (words := found.hypstr.split()):
            return [], 0.0
        backed_off = [one.lback for one in self._decoder.seg() if not one.word.startswith(FILLERS)]
        return words, backed_off.count(1) / len(words)

    def _model(self, expected: tuple[str, ...]) -> tuple[str, Writing]:
        if (kept := self._models.get(expected)) is not None:
            self._models.move_to_end(expected)
            return kept
        lines = [way for line in expected[-MAX_LINES:] for way in variants(line)]
        known = {word for word in {word for line in lines for word in line} if self._knows(word)}
        lines = [tuple(word for word in line if word in known) for line in lines]
        self._made += 1
        name = f"expected-{self._made}"
        with tempfile.TemporaryDirectory(prefix="rehearsal-model-") as folder:
            file = Path(folder, "expected.lm")
            file.write_text(arpa(lines, self._common))
            self._decoder.add_lm(name, NGramModel(self._decoder.config, self._decoder.logmath, str(file)))
        self._models[expected] = name, Writing(expected)
        if len(self._models) > KEPT_MODELS:
            _, (oldest, _) = self._models.popitem(last=False)
            self._decoder.activate_search(name)
            self._decoder.remove_search(oldest)
        return self._models[expected]

    def _knows(self, word: str) -> bool:
        """Say whether a word can be recognised; one that is in no dictionary is, as flite would say it."""
        if self._decoder.lookup_word(word):
            return True
        try:
            if not (phones := self._flite.phones(word)):
                return False
            self._decoder.add_word(word, phones, False)
        except (FliteFailed, RuntimeError):  # RuntimeError: a sound that the model does not know
            return False
        return True

    def _most_common(self) -> dict[str, float]:
        """Return the commonest words of the general model."""
        model, logmath = self._decoder.get_lm(self._general), self._decoder.logmath
        dictionary = Path(self._decoder.config["dict"]).read_text().splitlines()
        words = [word for line in dictionary if line and ALTERNATIVE not in (word := line.split()[0])]
        shares = {word: float(logmath.exp(model.prob([word]))) for word in words}
        commonest = sorted(shares, key=lambda word: -shares[word])[:COMMON_WORDS]
        return {word: shares[word] for word in commonest}
