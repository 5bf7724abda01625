"""What a backup of configurations is given of us: our open logins, and which devices are left alone.

Implements ``spi.backups.Reader``. It passes no failpoint: it only reads, so a crash in the middle of
it leaves nothing behind; to the calls it is a read like those of orders.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import sqlalchemy as sa

from oss_agent import errors
from oss_agent.fulfilment import failpoints, limits
from oss_agent.fulfilment.talk import connections, contact, quiet
from oss_agent.spi import backups, device
from oss_agent.spi.logins import Asker


class BackupReader:
    """Over the logins that orders use: one a device serves both."""

    def __init__(
        self, drivers: device.Drivers, lines: connections.Connections, bounds: limits.Limits
    ) -> None:
        self._drivers = drivers
        nowhere = failpoints.Failpoints()
        self._contact = contact.Contact(drivers, lines, nowhere, bounds, Asker.BACKUPS)
        self._lines = lines

    async def read(self, name: str) -> tuple[backups.Part, ...]:
        """Every store and datastore, one after another."""
        parts: list[backups.Part] = []
        for store in (await self._contact.driver(name)).stores:
            for datastore in device.Datastore:
                whole = await self._contact.ask(name, store, _whole(datastore))
                if whole is not None:
                    parts.append(backups.Part(store, datastore, whole))
        return tuple(parts)

    def quiet(self, connection: sa.Connection, name: str) -> str | None:
        """As ``spi.backups.Reader``."""
        return quiet.since(connection, self._lines, name)

    def masked(self, platform: str, store: str, text: str, name: Callable[[str], str]) -> str:
        """As the platform's data say; of a platform that is not installed any more all is secret."""
        try:
            return self._drivers.driver(platform).masked(text, name, store)
        except errors.ConfigurationError:
            return "".join(f"{name(line)}\n" for line in text.splitlines())


def _whole(
    datastore: device.Datastore,
) -> Callable[[contact.Talk], Awaitable[device.Whole | None]]:
    return lambda talk: talk.call("read", lambda session: session.whole(datastore))
