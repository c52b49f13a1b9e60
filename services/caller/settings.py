"""What the caller is told from outside."""

from ipaddress import ip_address
from itertools import permutations
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from services.caller.domain.limits import MAX_REPLY_LIMIT_SECONDS, REPLY_LIMIT_SECONDS
from services.caller.edges.endpoints.proxies import Proxies
from services.caller.edges.endpoints.trust import trusted
from services.caller.edges.lines import Lines, read_range
from services.caller.edges.speech.limits import SPEECH_LIMIT_SECONDS
from services.caller.edges.speech.reached import SpeechEndpoint
from shared.events.connection import OpenAIConnection
from shared.hooks.signing import read_secret
from shared.network.addresses import AddressPolicy, read_networks
from shared.recordings.settings import RecordingSettings
from shared.settings.service import Listed


class CallerSettings(RecordingSettings):
    """CALL_SPEED: 1 is real time, 20 is twenty times as fast. BOT_*: the bot's mind. AGENT_*: reaching agents.
    SPEECH_*: the endpoint that speaks and reads; without SPEECH_BASE_URL there is none.

    DRAIN_SECONDS: how long calls that are up may go on once the process was told to stop; as long as they can, if it is
    not set.
    """

    call_speed: Annotated[float, Field(gt=0, le=1_000)] = 1.0
    calls_per_process: Annotated[int, Field(ge=1, le=10_000)] = 500
    drain_seconds: Annotated[float, Field(ge=0, le=86_400)] | None = None
    bot_mind: Literal["offline", "openai"] = "offline"
    bot_base_url: str = "https://api.openai.com/v1"
    bot_model: str = ""
    bot_api_key_ref: str | None = None
    reply_limit_seconds: Annotated[float, Field(gt=0, le=MAX_REPLY_LIMIT_SECONDS)] = REPLY_LIMIT_SECONDS
    speech_base_url: str = ""
    speech_tts_model: str = "tts-1"
    speech_tts_voice: str = "rms"
    speech_agent_voice: str = "awb"  # beside rms it is the one that is told apart and recognised best
    speech_stt_model: str = "whisper-1"
    speech_api_key_ref: str | None = None
    speech_limit_seconds: Annotated[float, Field(gt=0, le=MAX_REPLY_LIMIT_SECONDS)] = SPEECH_LIMIT_SECONDS
    # Names of environment variables that an agent's connection may name; a blank one, which would allow all, is none.
    agent_secret_prefixes: Listed = ("AGENT_KEY_",)
    secrets_folder: Path | None = None
    agent_allowed_networks: str = ""
    agent_ca_file: Path | None = None
    agent_proxy: str = ""
    media_ports: str = "20000-20999"
    sip_host: str = "127.0.0.1"
    sip_port: Annotated[int, Field(ge=0, le=65_535)] = 0
    inbound_webhook_url: str = ""
    inbound_webhook_secret: str = ""
    recordings_spool_folder: Path | None = None

    @model_validator(mode="after")
    def _mind_has_a_model(self) -> "CallerSettings":
        if self.bot_mind == "openai" and not self.bot_model:
            raise ValueError("BOT_MIND=openai needs BOT_MODEL")
        if self.bot_mind == "openai" and not self.bot_base_url.startswith(("http://", "https://")):
            raise ValueError("BOT_BASE_URL must begin with http:// or https://")
        if self.speech_base_url and not self.speech_base_url.startswith(("http://", "https://")):
            raise ValueError("SPEECH_BASE_URL must begin with http:// or https://")
        return self

    @field_validator("bot_api_key_ref", "speech_api_key_ref")
    @classmethod
    def _refers_to_a_secret(cls, reference: str | None) -> str | None:
        kind, _, name = (reference or "").partition(":")
        if reference and (kind not in ("env", "file") or not name):
            raise ValueError("must be env:NAME or file:name")
        return reference

    @field_validator("secrets_folder")
    @classmethod
    def _is_a_folder(cls, folder: Path | None) -> Path | None:
        if folder is not None and not folder.is_dir():
            raise ValueError("must be a folder")
        return folder

    @field_validator("agent_secret_prefixes")
    @classmethod
    def _prefixes_are_apart(cls, listed: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse A_ beside A_1_: A_1_2_X would be a secret of organisation 1 and of organisation 2."""
        for one, other in permutations(listed, 2):
            if other.startswith(one):
                raise ValueError(f"{one} is the beginning of {other}: a name would belong to two organisations")
        return listed

    @field_validator("agent_allowed_networks")
    @classmethod
    def _networks_can_be_read(cls, listed: str) -> str:
        read_networks(listed)
        return listed

    @field_validator("agent_ca_file")
    @classmethod
    def _authorities_can_be_read(cls, file: Path | None) -> Path | None:
        try:
            trusted(file)
        except OSError as error:  # an SSLError is one: a file that is not there, or holds no certificate
            raise ValueError(f"no certificates could be read from it ({type(error).__name__})") from None
        return file

    @field_validator("agent_proxy")
    @classmethod
    def _proxy_can_be_read(cls, url: str) -> str:
        Proxies.from_environment(url)
        return url

    @field_validator("sip_host")
    @classmethod
    def _host_is_an_address(cls, host: str) -> str:
        if ip_address(host).is_unspecified:
            raise ValueError("must be the one address that far ends can reach, not all of them")
        return host

    @field_validator("media_ports")
    @classmethod
    def _ports_can_be_read(cls, listed: str) -> str:
        read_range(listed)
        return listed

    @model_validator(mode="after")
    def _recordings_have_a_spool(self) -> "CallerSettings":
        if self.recordings_bucket and self.recordings_spool_folder is None:
            raise ValueError("RECORDINGS_BUCKET needs RECORDINGS_SPOOL_FOLDER: where recordings wait for it")
        return self

    @property
    def spool_folder(self) -> Path | None:
        """Where recordings wait for their store: beside a folder's, if nothing else is said; None without a store."""
        if self.recordings_spool_folder is not None or self.recordings_folder is None:
            return self.recordings_spool_folder
        return self.recordings_folder.with_name(f"{self.recordings_folder.name}.spool")

    @property
    def address_policy(self) -> AddressPolicy:
        """Which addresses an agent may have."""
        return AddressPolicy(read_networks(self.agent_allowed_networks))

    @model_validator(mode="after")
    def _webhook_has_a_secret(self) -> "CallerSettings":
        if self.inbound_webhook_url:
            if not self.inbound_webhook_url.startswith(("http://", "https://")):
                raise ValueError("INBOUND_WEBHOOK_URL must begin with http:// or https://")
            try:
                read_secret(self.inbound_webhook_secret)
            except ValueError as error:
                raise ValueError(f"INBOUND_WEBHOOK_SECRET {error}") from None
        return self

    @property
    def lines(self) -> Lines:
        """Where calls with sound are on the network."""
        return Lines(self.sip_host, self.sip_port, *read_range(self.media_ports))

    @property
    def bot_connection(self) -> OpenAIConnection | None:
        """The endpoint of the bot's mind, None for the offline one."""
        if self.bot_mind == "offline":
            return None
        return OpenAIConnection(
            kind="openai", base_url=self.bot_base_url, model=self.bot_model, api_key_ref=self.bot_api_key_ref
        )

    @property
    def speech_endpoint(self) -> SpeechEndpoint | None:
        """The endpoint that speaks and reads, None where there is none."""
        if not self.speech_base_url:
            return None
        return SpeechEndpoint(
            self.speech_base_url,
            self.speech_tts_model,
            self.speech_stt_model,
            self.speech_api_key_ref,
            self.speech_limit_seconds,
        )
