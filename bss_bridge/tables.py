"""The bridge's own rows: who listens to which events."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

METADATA: Final = sa.MetaData()

LISTENERS: Final = sa.Table(
    "hub_listener",
    METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("tenant", sa.String(255), nullable=False),
    sa.Column("surface", sa.String(64), nullable=False),
    sa.Column("callback", sa.Text, nullable=False),
    sa.Column("query", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Index("hub_listener_tenant", "tenant", "surface"),
)
"""One subscription. ``surface`` is the base path it was made at: a listener of TMF641 gets orders,
not services. ``query`` is the sender's text, "" for everything."""
