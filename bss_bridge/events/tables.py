"""The bridge's own rows: who listens to which events, and usage that is told by the day."""

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

USAGE: Final = sa.Table(
    "hub_usage",
    METADATA,
    sa.Column("receiver", sa.String(64), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("tenant", sa.String(255), nullable=False),
    sa.Column("service", sa.String(255), nullable=False),
    sa.Column("service_name", sa.String(255), nullable=False),
    sa.Column("customer", sa.String(255), nullable=False),
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("octets_in", sa.BigInteger, nullable=False),
    sa.Column("octets_out", sa.BigInteger, nullable=False),
    sa.Column("told", sa.String(64), nullable=True),
    sa.Index("hub_usage_open", "receiver", "told", "day"),
)
"""A usage record that waits for its day's end (UTC) at a receiver. ``told`` is the event that told of
it; the row stays, for it is what keeps the same record from being counted twice."""
