"""Alembic's entry: runs on the connection that `shared.db.migrate` opened, a transaction for each migration."""

from alembic import context

connection = context.config.attributes["connection"]
schema = context.config.attributes["schema"]

context.configure(
    connection=connection,
    version_table="schema_version",
    version_table_schema=schema,
    transaction_per_migration=True,  # a migration may leave its transaction, to build an index beside running services
)
with context.begin_transaction():
    context.run_migrations()
