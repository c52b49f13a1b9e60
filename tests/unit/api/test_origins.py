"""CORS_ORIGINS: origins, comma-separated; nothing that is none, and no wildcard."""

import pytest
from pydantic import ValidationError

from services.api.edges.http.cors import Cors
from services.api.settings import ApiSettings

NEEDED = {"database_url": "postgresql://api@localhost/x", "kafka_bootstrap": "localhost:9092", "ops_port": 8601}


def settings(**fields: object) -> ApiSettings:
    return ApiSettings.model_validate({**NEEDED, **fields})


def test_nobody_is_named_by_default() -> None:
    assert settings().cors_origins == ()
    message = {"type": "http.response.start", "status": 200, "headers": []}
    Cors(settings().cors_origins).add({"type": "http", "method": "GET", "headers": [(b"origin", b"null")]}, message)
    assert message["headers"] == []


def test_origins_are_separated_by_commas() -> None:
    named = settings(cors_origins="https://app.example.com, http://localhost:3000,http://[::1]:80,")
    assert named.cors_origins == ("https://app.example.com", "http://localhost:3000", "http://[::1]:80")


@pytest.mark.parametrize(
    "wrong", ["*", "null", "app.example.com", "https://a.example/", "https://*.a.example", "ftp://a"]
)
def test_what_is_no_origin_stops_the_start(wrong: str) -> None:
    with pytest.raises(ValidationError, match="is no origin"):
        settings(cors_origins=f"https://b.example,{wrong}")
