"""What SDP says of a call's sound: G.711 and telephone events, nothing else (RFC 3264, RFC 4566)."""

import secrets
from dataclasses import dataclass

from aiosipua.sdp import (
    ConnectionData,
    MediaDescription,
    Origin,
    SdpMessage,
    SdpNegotiationError,
    negotiate_sdp,
    parse_sdp,
    serialize_sdp,
)

from services.caller.edges.sip.agent import PCMA, PCMU, Address, Media
from services.caller.edges.sip.limits import MAX_MEDIA_SECTIONS
from services.caller.edges.sip.names import literal

CONTENT_TYPE = "application/sdp"
CODECS = (PCMU, PCMA)
OUR_DTMF_PAYLOAD_TYPE = 101
DTMF_RATE_HZ = 8_000
MAX_PAYLOAD_TYPE = 127
FRAME_MS = 20
NOWHERE = ("0.0.0.0", "::")  # noqa: S104 - RFC 2543's way to hold


class NotSpoken(Exception):  # noqa: N818
    """SDP that cannot be read."""


class NothingInCommon(Exception):  # noqa: N818
    """SDP without sound that we can make: no G.711 over RTP/AVP."""


@dataclass(frozen=True, slots=True)
class Described:
    """The far end's side. `media` is None where it holds the call by an address that is none."""

    sdp: SdpMessage
    media: Media | None
    held: bool


def read_sound(body: bytes) -> Described:
    """Read an offer or an answer. Raises NotSpoken, NothingInCommon."""
    try:
        sdp = parse_sdp(body.decode("utf-8", errors="replace"))
        if len(sdp.media) > MAX_MEDIA_SECTIONS:
            raise NotSpoken
        audio = sdp.audio
    except (ValueError, IndexError):
        raise NotSpoken from None
    if audio is None or audio.port == 0 or audio.proto.upper() != "RTP/AVP":
        raise NothingInCommon
    chosen = next((one.payload_type for one in audio.codecs if one.payload_type in CODECS), None)
    if chosen is None:
        raise NothingInCommon
    held = audio.direction in ("sendonly", "inactive")
    connection = audio.connection or sdp.connection
    if connection is not None and connection.address in NOWHERE:
        return Described(sdp, None, held=True)
    where = literal(connection.address, audio.port) if connection is not None else None
    if where is None:
        raise NotSpoken
    return Described(sdp, Media(*where, chosen, _dtmf_of(audio)), held)


def _dtmf_of(audio: MediaDescription) -> int | None:
    return next(
        (
            one.payload_type
            for one in audio.codecs
            if one.encoding_name.lower() == "telephone-event"
            and one.clock_rate == DTMF_RATE_HZ
            and 0 <= one.payload_type <= MAX_PAYLOAD_TYPE
        ),
        None,
    )


class OwnSound:
    """Our side of a call: where we want RTP. Each description is a new version of one session."""

    def __init__(self, local: Address) -> None:
        self._host, self._port = local
        self._session_id = str(secrets.randbits(31))
        self._version = 0

    def offer(self) -> bytes:
        """Return an offer of all we can."""
        dtmf = OUR_DTMF_PAYLOAD_TYPE
        audio = MediaDescription(
            media="audio",
            port=self._port,
            formats=[str(PCMU), str(PCMA), str(dtmf)],
            attributes={
                "rtpmap": [f"{PCMU} PCMU/8000", f"{PCMA} PCMA/8000", f"{dtmf} telephone-event/{DTMF_RATE_HZ}"],
                "fmtp": [f"{dtmf} 0-16"],
                "ptime": [str(FRAME_MS)],
                "sendrecv": [],
            },
        )
        connection = ConnectionData(addr_type=self._family, address=self._host)
        return self._written(SdpMessage(session_name="-", connection=connection, media=[audio]))

    def answer(self, offer: Described) -> bytes:
        """Return the answer to an offer. Raises NothingInCommon."""
        try:
            answer, _chosen = negotiate_sdp(
                offer.sdp,
                self._host,
                self._port,
                supported_codecs=list(CODECS),
                dtmf_payload_type=(offer.media and offer.media.dtmf_payload_type) or 0,
                ptime=FRAME_MS,
            )
        except (SdpNegotiationError, ValueError):
            raise NothingInCommon from None
        if (audio := answer.audio) is not None:
            audio.attributes["ptime"] = [str(FRAME_MS)]
        return self._written(answer)

    @property
    def _family(self) -> str:
        return "IP6" if ":" in self._host else "IP4"

    def _written(self, sdp: SdpMessage) -> bytes:
        self._version += 1
        sdp.origin = Origin(
            session_id=self._session_id,
            session_version=str(self._version),
            addr_type=self._family,
            address=self._host,
        )
        return serialize_sdp(sdp).encode()
