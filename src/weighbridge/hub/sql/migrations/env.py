"""Runs the migrations on the connection that `Database` hands in; there is no alembic.ini and no command line."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transaction_per_migration=False)
with context.begin_transaction():
    context.run_migrations()
