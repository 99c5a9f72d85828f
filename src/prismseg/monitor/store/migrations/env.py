"""Runs migrations on the connection that `prismseg.monitor.store.database` has opened."""

from alembic import context

from prismseg.monitor.store.schema import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
