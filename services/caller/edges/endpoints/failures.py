"""Why an endpoint gave no answer. What the customer is told about it stands in `parties/chat/sentences.py`."""


class Unanswered(Exception):  # noqa: N818
    """A request got no answer. No text: an address or a key must not reach a log."""


class NotCalled(Unanswered):
    """Nothing was contacted: the name is unknown, or leads where this deployment does not call."""


class NotReached(Unanswered):
    """No connection: refused, or nobody there in time."""


class Distrusted(Unanswered):
    """TLS failed; `why` is one of `TLS_REASONS`."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self.why = why


class HungUp(Unanswered):
    """The request was sent, and the connection ended before the answer did."""


class TooSlow(Unanswered):
    """The request was sent, and the answer did not come in time."""


class TooLong(Unanswered):
    """More came than a chat completion has, or something that would unpack into more."""


class Unspeakable(Unanswered):
    """What came is no HTTP."""
