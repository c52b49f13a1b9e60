"""What the caller is told from outside."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from shared.events.connection import OpenAIConnection
from shared.settings.service import ServiceSettings


class CallerSettings(ServiceSettings):
    """CALL_SPEED: 1 is real time, 20 is twenty times as fast. BOT_*: the test bot's mind."""

    call_speed: Annotated[float, Field(gt=0, le=1_000)] = 1.0
    calls_per_process: Annotated[int, Field(ge=1, le=10_000)] = 500
    bot_mind: Literal["offline", "openai"] = "offline"
    bot_base_url: str = "https://api.openai.com/v1"
    bot_model: str = ""
    bot_api_key_ref: str | None = None
    agent_secret_prefixes: str = "AGENT_KEY_"  # noqa: S105 - names of environment variables that an agent's connection may name
    secrets_folder: Path | None = None

    @model_validator(mode="after")
    def _mind_has_a_model(self) -> "CallerSettings":
        if self.bot_mind == "openai" and not self.bot_model:
            raise ValueError("BOT_MIND=openai needs BOT_MODEL")
        if self.bot_mind == "openai" and not self.bot_base_url.startswith(("http://", "https://")):
            raise ValueError("BOT_BASE_URL must begin with http:// or https://")
        kind, _, name = (self.bot_api_key_ref or "").partition(":")
        if self.bot_api_key_ref and (kind not in ("env", "file") or not name):
            raise ValueError("BOT_API_KEY_REF must be env:NAME or file:name")
        return self

    @field_validator("secrets_folder")
    @classmethod
    def _is_a_folder(cls, folder: Path | None) -> Path | None:
        if folder is not None and not folder.is_dir():
            raise ValueError("must be a folder")
        return folder

    @property
    def secret_prefixes(self) -> tuple[str, ...]:
        """The prefixes of `agent_secret_prefixes`; a blank one, which would allow everything, is none."""
        return tuple(part for prefix in self.agent_secret_prefixes.split(",") if (part := prefix.strip()))

    @property
    def bot_connection(self) -> OpenAIConnection | None:
        """The endpoint of the bot's mind, None for the offline one."""
        if self.bot_mind == "offline":
            return None
        return OpenAIConnection(
            kind="openai", base_url=self.bot_base_url, model=self.bot_model, api_key_ref=self.bot_api_key_ref
        )
