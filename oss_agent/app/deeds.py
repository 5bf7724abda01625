"""Writes into the audit what rooms do that may not know it (``spi.audit``)."""

from __future__ import annotations

import sqlalchemy as sa

from oss_agent import audit
from oss_agent.spi.audit import Deed


def append(connection: sa.Connection, deed: Deed) -> None:
    """``spi.audit.Audit``: the deed as an entry, sealed over the one before."""
    entry = audit.Entry(deed.tenant, deed.at, deed.actor, deed.action, deed.subject, deed.detail)
    audit.append(connection, entry)
