"""Where speech is asked for. Read with the settings, also by those who only start the services."""

from dataclasses import dataclass

from services.caller.edges.speech import limits


@dataclass(frozen=True, slots=True)
class SpeechEndpoint:
    """How the operator's speech endpoint is reached."""

    base_url: str
    tts_model: str
    stt_model: str
    api_key_ref: str | None = None
    limit_seconds: float = limits.SPEECH_LIMIT_SECONDS
