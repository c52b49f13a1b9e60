"""How long the messaging tables of every service keep their rows."""

from shared.db.cleaning import Kept

MESSAGING_KEPT = (
    Kept("outbox", "until Kafka has acknowledged them"),
    Kept("outbox_aside", "until an operator has sent them again or deleted them: each is an alarm"),
    Kept("consumer_offsets", "for ever, one row for each partition: what was heard must not be heard again"),
)
