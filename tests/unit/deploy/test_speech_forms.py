"""Forms as clients send them: any bytes come through, and what is none is refused."""

import random

import httpx2
import pytest

from deploy.local.speech.forms import read_form


def test_any_bytes_come_through() -> None:
    randomness = random.Random(7)
    for size in (0, 1, 100, 10_000):
        for content in (randomness.randbytes(size), b"\r\n" * size, b"\n-\r--\x00" * size, bytes(range(256))):
            form = httpx2.Request("POST", "http://a/", data={"prompt": "Grüße\nyou"}, files={"file": ("a", content)})
            read = read_form(form.headers["content-type"], form.read())
            assert read == {"prompt": "Grüße\nyou".encode(), "file": content}


@pytest.mark.parametrize("kind", ["", "application/json", "multipart/form-data; boundary=a\r\nX: y"])
def test_what_is_no_form_is_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="multipart/form-data"):
        read_form(kind, b"a")


@pytest.mark.parametrize(
    "body", [b"", b"--a", b"--a\r\n\r\n", b"--a\r\nContent-Disposition: form-data\r\n\r\nx\r\n--a--"]
)
def test_a_form_without_fields_has_none(body: bytes) -> None:
    assert read_form("multipart/form-data; boundary=a", body) == {}
