"""Numbers that begin anew (RFC 1982): how far one is ahead of another, behind it if negative."""


def ahead16(number: int, of: int) -> int:
    """Return the distance of sequence numbers."""
    return ((number - of + 0x8000) & 0xFFFF) - 0x8000


def ahead32(number: int, of: int) -> int:
    """Return the distance of timestamps, in samples."""
    return ((number - of + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000
