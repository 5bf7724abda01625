"""Decides what an order says that an edit by hand stops: which cases tell of it, where there are any yet."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.trees import owners
from oss_agent.spi.tree import path_text


@contextlib.asynccontextmanager
async def named(p: parts.Parts, tenant: str) -> AsyncIterator[None]:
    """Planning inside it raises Conflict with the cases of a tenant named that can be decided about."""
    try:
        yield
    except owners.EditedByHandError as edited:
        where, paths = edited.where, [path_text(path) for path in edited.paths[: owners.NAMED]]
        cases = await p.journal.read(lambda c: p.ledger.drift_cases(c, tenant, where, paths))
        if not cases:
            raise
        told = ", ".join(f"'oss-agent case show {key}'" for key in cases)
        raise errors.Conflict(
            f"{edited.what}: {told}; revert or adopt it there, {owners.OR_CHOOSE}",
            holder=where,
        ) from edited
