"""What an audit of configurations is given of us: our open logins, and which devices are left alone.

Implements ``spi.drift.Reader``, ``Witness`` and ``Quiet``. It passes no failpoint: it only reads, so a
crash in the middle of it leaves nothing behind.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import failpoints, limits
from oss_agent.fulfilment.talk import connections, contact, quiet
from oss_agent.spi import device, drift, proof
from oss_agent.spi.logins import Asker
from oss_agent.spi.tree import Path, Tree

_CHANGES = "configuration-changes"


class AuditReader:
    """Over the lines that orders use: one login per device serves both."""

    def __init__(
        self, drivers: device.Drivers, lines: connections.Connections, bounds: limits.Limits
    ) -> None:
        self._lines = lines
        nowhere = failpoints.Failpoints()
        self._contact = contact.Contact(drivers, lines, nowhere, bounds, Asker.AUDITS)

    async def read(self, name: str, store: str, paths: Sequence[Path]) -> Tree:
        """What running has at these paths. DeviceError."""
        try:
            return await self._contact.ask(name, store, lambda talk: talk.read(paths))
        except errors.Conflict as unlike:
            # Only a device that changes while it is read, or lies, answers so.
            reason = f"it answers two questions otherwise: {unlike.reason}"
            raise errors.DeviceUnreachable(name, reason) from unlike

    async def changes(self, name: str, store: str, since: datetime) -> tuple[drift.Change, ...]:
        """Who changed its configuration, where its platform has a question for that."""
        question = proof.Question(_CHANGES, {"since": since.isoformat()})
        try:
            told = await self._contact.ask(
                name,
                store,
                lambda talk: talk.call("observe", lambda session: session.observe(question)),
            )
        except errors.DeviceError:
            return ()  # it was read a moment ago: who changed it is worth no more tries
        rows = told.values.get("rows")
        return tuple(_changes(rows)) if isinstance(rows, str) else ()

    def since(self, connection: sa.Connection, name: str) -> str | None:
        """As ``spi.drift.Quiet``."""
        return quiet.since(connection, self._lines, name)


def _changes(rows: str) -> Iterator[drift.Change]:
    """What the driver made of the device's words; a moment that is none tells nothing."""
    for row in json.loads(rows):
        try:
            at = datetime.fromisoformat(row["at"])
        except ValueError:
            continue
        if at.tzinfo is not None:
            targets = tuple(row["targets"].split("\n"))
            yield drift.Change(at, row["user"], row["host"], row["session"], targets)
