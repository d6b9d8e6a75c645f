"""Alembic's environment: the connection is handed in by `agent.ledger.migrate`; there is no ini file."""

from alembic import context

from agent.ledger.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
