"""Messages that nobody ought to send: RFC 4475's, and valid ones that were changed by chance."""

import random
import re
from dataclasses import dataclass
from pathlib import Path

from tests.support.sip_peer import NUMBER, SDP, TOKEN

RFC_4475 = Path(__file__).with_name("rfc4475.txt")
_REPEAT = re.compile(rb"<repeat count=(\d+)>(.*?)</repeat>")
_HEX = re.compile(rb"<hex>(.*?)</hex>")
HUGE = (b"9" * 400, b"-1", b"18446744073709551616", b"\x00", b"\xff\xfe", b"<", b'"', b";" * 200, b"%00", "中".encode())


@dataclass(frozen=True, slots=True)
class Torture:
    """One message, by its name in the RFC. `status` is the first thing that is said to it, "-" for nothing."""

    name: str
    status: str
    datagram: bytes


def rfc_4475() -> list[Torture]:
    """Return the RFC's messages."""
    text = RFC_4475.read_bytes()
    return [_torture(section) for section in text.split(b"\n= ")[1:]]


def _torture(section: bytes) -> Torture:
    title, _, message = section.partition(b"\n")
    name, status = title.decode().split()
    message = _REPEAT.sub(lambda found: found[2] * int(found[1]), message.replace(b"\n", b"\r\n") + b"\r\n")
    return Torture(name, status, _HEX.sub(lambda found: bytes.fromhex(found[1].decode()), message))


def valid_messages() -> list[bytes]:
    """Return valid messages of each kind, as a friend sends them."""
    base = (
        "Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKvalid;rport\r\nMax-Forwards: 70\r\n"
        "From: <sip:+4915@127.0.0.1>;tag=f\r\n"
        f"To: <sip:{NUMBER}@127.0.0.1>\r\nCall-ID: fuzz\r\nContact: <sip:f@127.0.0.1:5060>\r\n"
        f"X-Rehearsal-Token: {TOKEN}\r\nRecord-Route: <sip:127.0.0.1;lr>, <sip:127.0.0.2;lr>\r\n"
        "P-Asserted-Identity: <sip:+4915@127.0.0.1>\r\nSupported: timer\r\nSession-Expires: 90;refresher=uac\r\n"
    )
    made = []
    for number, method in enumerate(("INVITE", "BYE", "CANCEL", "ACK", "OPTIONS", "UPDATE", "REGISTER"), start=1):
        body = SDP if method in ("INVITE", "UPDATE") else ""
        kind = "Content-Type: application/sdp\r\n" if body else ""
        head = f"{method} sip:{NUMBER}@127.0.0.1 SIP/2.0\r\n{base}CSeq: {number} {method}\r\n{kind}"
        made.append(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
    for status in (100, 180, 200, 401, 486):
        challenge = 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\n' if status == 401 else ""
        made.append(f"SIP/2.0 {status} Said\r\n{base}CSeq: 1 INVITE\r\n{challenge}Content-Length: 0\r\n\r\n".encode())
    return made


def mutated(chance: random.Random, message: bytes) -> bytes:
    """Return a message that was changed in up to four places."""
    data = bytearray(message)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(9):
            case 0:
                del data[at:]
            case 1:
                del data[at : at + chance.randint(1, 40)]
            case 2:
                data[at:at] = chance.choice(HUGE) * chance.randint(1, 3)
            case 3:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case 4:
                data[at:at] = chance.randbytes(chance.randint(1, 60))
            case 5:
                data[at:at] = data[: chance.randint(0, 2_000)]
            case 6:
                lines = bytes(data).split(b"\r\n")
                chance.shuffle(lines)
                data = bytearray(b"\r\n".join(lines))
            case 7:
                lines = bytes(data).split(b"\r\n")
                line = chance.randrange(len(lines))
                name, colon, _value = lines[line].partition(b":")
                lines[line] = name + colon + b" " + chance.choice(HUGE)
                data = bytearray(b"\r\n".join(lines))
            case _:
                digits = [where for where, byte in enumerate(data) if 48 <= byte <= 57]
                if digits:
                    where = chance.choice(digits)
                    data[where : where + 1] = chance.choice(HUGE)
        if not data:
            break
    if chance.random() < 0.01:
        data += b"x" * 70_000
    return bytes(data)
