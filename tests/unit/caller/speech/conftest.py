"""What the tests of the speech endpoint's client need."""

from collections.abc import AsyncIterator

import pytest

from tests.support.speech_endpoint import SpeechAnswers, a_speech_endpoint


@pytest.fixture(scope="session")
async def one_for_all() -> AsyncIterator[SpeechAnswers]:
    """The one speech endpoint of this session."""
    async with a_speech_endpoint() as endpoint:
        yield endpoint


@pytest.fixture
def answers(one_for_all: SpeechAnswers) -> SpeechAnswers:
    """A speech endpoint that nobody has asked yet."""
    one_for_all.forget()
    return one_for_all
