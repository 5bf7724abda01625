"""What Alembic runs for a migration: on the connection it is given, in that one's transaction."""

from __future__ import annotations

from alembic import context

from oss_agent.migrations import rendering

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes.get("rooms"),
    render_item=rendering.as_stored,
)
with context.begin_transaction():
    context.run_migrations()
