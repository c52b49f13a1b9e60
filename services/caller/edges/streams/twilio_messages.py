"""Messages of Twilio Media Streams as the carrier writes them.

Source: Twilio's "Media Streams - WebSocket Messages". Numbers are strings there, and `sequenceNumber` counts from the
`start` message on.
"""

import json
from base64 import b64encode
from collections.abc import Mapping

PROTOCOL_VERSION = "1.0.0"
TRACK = "inbound"  # seen from the carrier: what the caller says


class CarrierMessages:
    """Writes the messages of one stream, numbered."""

    def __init__(self, *, stream_sid: str, call_sid: str, account_sid: str) -> None:
        self._stream_sid = stream_sid
        self._call_sid = call_sid
        self._account_sid = account_sid
        self._written = 0
        self._chunks = 0

    def connected(self) -> bytes:
        """Return the first message."""
        return json.dumps({"event": "connected", "protocol": "Call", "version": PROTOCOL_VERSION}).encode()

    def start(self, parameters: Mapping[str, str]) -> bytes:
        """Return what the stream is."""
        start = {
            "accountSid": self._account_sid,
            "streamSid": self._stream_sid,
            "callSid": self._call_sid,
            "tracks": [TRACK],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": dict(parameters),
        }
        return self._message("start", start)

    def media(self, sound: bytes, timestamp_ms: int) -> bytes:
        """Return a frame of µ-law. Written by hand: 50 of them are sent in each second of each call."""
        self._written += 1
        self._chunks += 1
        return (
            b'{"event":"media","sequenceNumber":"%d","media":{"track":"inbound","chunk":"%d","timestamp":"%d",'
            b'"payload":"%b"},"streamSid":"%b"}'
            % (self._written, self._chunks, timestamp_ms, b64encode(sound), self._stream_sid.encode())
        )

    def mark(self, name: str) -> bytes:
        """Return that everything before a mark was played, or dropped."""
        return self._message("mark", {"name": name})

    def digit(self, digit: str) -> bytes:
        """Return a key that was pressed."""
        return self._message("dtmf", {"track": f"{TRACK}_track", "digit": digit})

    def stop(self) -> bytes:
        """Return the last message."""
        return self._message("stop", {"accountSid": self._account_sid, "callSid": self._call_sid})

    def _message(self, event: str, content: object) -> bytes:
        self._written += 1
        return json.dumps(
            {"event": event, "sequenceNumber": str(self._written), event: content, "streamSid": self._stream_sid}
        ).encode()
