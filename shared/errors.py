"""The three families of errors. Every error that crosses a layer belongs to exactly one of them."""


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not a fault
    """The domain said no. Carries what the caller needs to know; nothing was changed."""


class Transient(Exception):  # noqa: N818
    """It may work later: retried with back-off, bounded."""


class Poison(Exception):  # noqa: N818
    """It will never work: the record goes to the dead letters with this sentence as its reason."""


class NotYet(Transient):
    """These records wait for others that are not there yet for a good reason (topics have no order among each other).

    `positions` are (topic, partition, offset) of the records that cannot be applied yet; the consumer holds their
    partitions back and lets the others go on.
    """

    def __init__(self, sentence: str, positions: "frozenset[tuple[str, int, int]]") -> None:
        super().__init__(sentence)
        self.positions = positions
