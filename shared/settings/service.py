"""What every service is told from outside, by environment variables."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _listed(given: object) -> object:
    return tuple(part for one in given.split(",") if (part := one.strip())) if isinstance(given, str) else given


Port = Annotated[int, Field(ge=1, le=65_535)]
Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]  # comma-separated; blanks are none


class ServiceSettings(BaseSettings):
    """Settings shared by all four services; each service adds its own. A wrong value stops the start with its name."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    database_url: Annotated[str, Field(pattern=r"^postgres(ql)?://", description="The service's own role and database")]
    kafka_bootstrap: Annotated[str, Field(min_length=1, description="host:port, comma-separated")]
    kafka_topic_prefix: Annotated[str, Field(max_length=60, pattern=r"^[a-z0-9.-]*$")] = ""
    ops_host: str = "127.0.0.1"
    ops_port: Port
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    traces_exporter: Literal["none", "console", "file", "otlp"] = "none"
    traces_file: str = "traces.jsonl"
