"""Alembic's entry: runs on the connection that `shared.db.migrate` opened, in one transaction."""

from alembic import context
from sqlalchemy import text

from shared.db.migrate import MIGRATION_LOCK

connection = context.config.attributes["connection"]
schema = context.config.attributes["schema"]

context.configure(connection=connection, version_table="schema_version", version_table_schema=schema)
with context.begin_transaction():
    connection.execute(
        text("SELECT pg_advisory_xact_lock(:lock, hashtext(:schema))"), {"lock": MIGRATION_LOCK, "schema": schema}
    )
    context.run_migrations()
