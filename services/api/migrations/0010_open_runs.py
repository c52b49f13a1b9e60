"""What an organisation has open is counted as it changes, so that nobody has to count it: whatever code changes runs.

Releases before this one may run beside it: triggers count for them as well, and they go on adding up for themselves.
"""

from alembic import op
from sqlalchemy import text

from shared.db.concurrently import outside_of_transactions

revision = "0010"
down_revision = "0009"

UNANSWERED = "CASE WHEN funds_answered THEN 0 ELSE COALESCE(awaited_cents, estimated_cost_cents) END"
ACTIVE = "completed_at IS NULL AND (batch_id IS NULL OR status = 'in_progress')"
QUEUED = "completed_at IS NULL AND status = 'queued'"

TABLES = (
    # No CHECK (>= 0): until an organisation has been counted, its row has the changes alone.
    """
    CREATE TABLE open_runs (
        org_id bigint PRIMARY KEY,
        unanswered_cents bigint NOT NULL DEFAULT 0,  -- estimates that billing has not answered
        active_runs bigint NOT NULL DEFAULT 0,       -- single runs that have not ended, batches' runs that are up
        queued_runs bigint NOT NULL DEFAULT 0
    ) WITH (fillfactor = 50)
    """,
    # What the statements of a transaction changed, until its commit: no row is ever seen by anybody else, or committed.
    """
    CREATE UNLOGGED TABLE open_runs_changed (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        org_ids bigint[] NOT NULL,
        unanswered_cents bigint[] NOT NULL,
        active_runs bigint[] NOT NULL,
        queued_runs bigint[] NOT NULL
    )
    """,
)

# In the commit, so that the lock of an organisation's row is held for no statement of any client: what a poll or an
# admission does after it changed runs keeps nobody waiting, not even if its process is frozen there. In the order of
# the organisations, so that commits never wait for each other in a circle.
AT_COMMIT = (
    """
    CREATE FUNCTION count_open_runs() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO api.open_runs AS known (org_id, unanswered_cents, active_runs, queued_runs)
        SELECT * FROM unnest(new.org_ids, new.unanswered_cents, new.active_runs, new.queued_runs)
        ON CONFLICT (org_id) DO UPDATE
        SET unanswered_cents = known.unanswered_cents + excluded.unanswered_cents,
            active_runs = known.active_runs + excluded.active_runs,
            queued_runs = known.queued_runs + excluded.queued_runs;
        DELETE FROM api.open_runs_changed WHERE id = new.id;
        RETURN NULL;
    END $$
    """,
    """
    CREATE CONSTRAINT TRIGGER open_runs_are_counted AFTER INSERT ON open_runs_changed DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION count_open_runs()
    """,
)

COLUMNS = "org_id, batch_id, status, completed_at, funds_answered, awaited_cents, estimated_cost_cents"
COMING = f"SELECT 1 AS sign, {COLUMNS} FROM coming"  # noqa: S608 - here and below: constants
GOING = f"SELECT -1 AS sign, {COLUMNS} FROM going"  # noqa: S608
CHANGES = {
    "insert": (COMING, "NEW TABLE AS coming"),
    "update": (f"{COMING} UNION ALL {GOING}", "OLD TABLE AS going NEW TABLE AS coming"),
    "delete": (GOING, "OLD TABLE AS going"),
}
# One row for each statement; none if it leaves every organisation's sums as they were.
NOTE_CHANGES = """
CREATE FUNCTION note_{event}_of_runs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO api.open_runs_changed (org_ids, unanswered_cents, active_runs, queued_runs)
    SELECT array_agg(org_id ORDER BY org_id), array_agg(cents ORDER BY org_id), array_agg(active ORDER BY org_id),
           array_agg(queued ORDER BY org_id)
    FROM (
        SELECT org_id, CAST(sum(sign * ({unanswered})) AS bigint) AS cents,
               sum(CASE WHEN {active} THEN sign ELSE 0 END) AS active,
               sum(CASE WHEN {queued} THEN sign ELSE 0 END) AS queued
        FROM ({rows}) AS run GROUP BY org_id
    ) AS changed
    WHERE cents <> 0 OR active <> 0 OR queued <> 0 HAVING count(*) > 0;
    RETURN NULL;
END $$
"""
NOTE_CHANGES_ON = """
CREATE TRIGGER runs_are_counted_on_{event} AFTER {event} ON runs REFERENCING {tables}
FOR EACH STATEMENT EXECUTE FUNCTION note_{event}_of_runs()
"""

# Under the row's lock, and in a statement that began after it: who has changed runs and not counted them yet is not
# seen, and adds its change afterwards; who has counted them has committed.
RECOUNT = f"""
CREATE FUNCTION recount_open_runs(org bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO api.open_runs (org_id) VALUES (org) ON CONFLICT (org_id) DO UPDATE SET org_id = excluded.org_id;
    UPDATE api.open_runs
    SET unanswered_cents = (
            SELECT COALESCE(sum({UNANSWERED}), 0) FROM api.runs WHERE runs.org_id = org AND NOT funds_answered
        ),
        (active_runs, queued_runs) = (
            SELECT count(*) FILTER (WHERE {ACTIVE}), count(*) FILTER (WHERE {QUEUED}) FROM api.runs
            WHERE runs.org_id = org AND completed_at IS NULL
        )
    WHERE open_runs.org_id = org;
END $$
"""  # noqa: S608
ORGS = """
SELECT org_id FROM runs WHERE completed_at IS NULL UNION SELECT org_id FROM runs WHERE NOT funds_answered
"""


def _begin_to_count() -> None:
    for statement in (*TABLES, *AT_COMMIT, RECOUNT):
        op.execute(statement)
    for event, (rows, tables) in CHANGES.items():
        op.execute(NOTE_CHANGES.format(event=event, rows=rows, unanswered=UNANSWERED, active=ACTIVE, queued=QUEUED))
        op.execute(NOTE_CHANGES_ON.format(event=event, tables=tables))


def upgrade() -> None:
    connection = op.get_bind()
    if connection.scalar(text("SELECT to_regclass('open_runs') IS NULL")):  # else a try before did it, and was cut
        _begin_to_count()
    # What was there before the triggers: one organisation after the other, each for the moment that it takes.
    with outside_of_transactions():
        for org_id in connection.scalars(text(ORGS)).all():
            connection.execute(text("SELECT recount_open_runs(:org_id)"), {"org_id": org_id})
