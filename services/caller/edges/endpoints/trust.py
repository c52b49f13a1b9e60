"""Whom TLS trusts, and why it did not."""

import ssl
from pathlib import Path

import httpcore2

CLOSED = "it ended the connection while TLS was being agreed on"
NO_TLS = "it does not speak TLS there: an address with http:// may be meant"
UNAGREED = "no TLS version or cipher suits both sides"
OTHER_NAME = "its certificate is for another name"
EXPIRED = "its certificate has expired"
NOT_YET = "its certificate is not valid yet"
UNKNOWN_AUTHORITY = "its certificate is signed by nobody who is trusted here"
UNTRUSTED = "its certificate is not accepted"
# OpenSSL's X509_V_ERR_… numbers
TLS_REASONS = {
    2: UNKNOWN_AUTHORITY,
    9: NOT_YET,
    10: EXPIRED,
    18: UNKNOWN_AUTHORITY,
    19: UNKNOWN_AUTHORITY,
    20: UNKNOWN_AUTHORITY,
    21: UNKNOWN_AUTHORITY,
    62: OTHER_NAME,
    64: OTHER_NAME,
}


def trusted(ca_file: Path | None = None) -> ssl.SSLContext:
    """Return what is trusted: the system's authorities (or those of SSL_CERT_FILE), and the operator's own.

    One for the whole process: reading hundreds of certificates for each connection would take longer than the call.
    """
    context = httpcore2.default_ssl_context()
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return context


def tls_reason(cause: object) -> str | None:
    """Return why TLS failed, None for a failure that is no matter of TLS."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        return TLS_REASONS.get(cause.verify_code, UNTRUSTED)
    if isinstance(cause, ssl.SSLError):
        return NO_TLS if cause.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST") else UNAGREED
    return None
