"""What Alembic runs to migrate a ledger: in the connection, and the transaction, of whoever asks."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
