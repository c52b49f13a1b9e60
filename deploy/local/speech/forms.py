"""What comes in a multipart form, by the standard library's own reader of MIME."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import HTTP


def read_form(content_type: str, body: bytes) -> dict[str, bytes]:
    """Return a form's fields, the last of each name. Raises ValueError for what is none."""
    if not content_type.lower().startswith("multipart/form-data") or "\n" in content_type:
        raise ValueError("a form is multipart/form-data")
    form = message_from_bytes(b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n" + body, policy=HTTP)
    fields: dict[str, bytes] = {}
    for part in form.walk():
        if isinstance(part, EmailMessage) and not part.is_multipart():
            name = part["content-disposition"].params.get("name") if part["content-disposition"] else None
            content = part.get_payload(decode=True)
            if name and isinstance(content, bytes):
                fields[str(name)] = content
    return fields
