"""The tables that every service keeps in its own schema: what it says next, what could not be said, what it heard."""

OUTBOX = """
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic text NOT NULL,
    key bytea,
    value bytea,
    headers bytea NOT NULL,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (
    -- Rows live for milliseconds: without eager vacuuming the relay would wade through dead ones.
    autovacuum_vacuum_scale_factor = 0.0,
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_cost_delay = 0
)
"""

CONSUMER_OFFSETS = """
CREATE TABLE consumer_offsets (
    cluster_id text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL CHECK (next_offset >= 0),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (cluster_id, topic, partition)
) WITH (fillfactor = 50)
"""

# Rows that can't be sent: out of the way of the others, until an operator has looked (shared/messaging/aside.py).
OUTBOX_ASIDE = """
CREATE TABLE outbox_aside (
    id bigint PRIMARY KEY,
    topic text NOT NULL,
    key bytea,
    value bytea,
    headers bytea NOT NULL,
    written_at timestamptz NOT NULL,
    reason text NOT NULL,
    set_aside_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""

MESSAGING_TABLES = (OUTBOX, CONSUMER_OFFSETS)
ASIDE_TABLES = (OUTBOX_ASIDE,)

# Kafka's own id of the topic that the offset belongs to, as its tools write it: a topic made again has another one.
TOPIC_IDS = "ALTER TABLE consumer_offsets ADD COLUMN topic_id text"
