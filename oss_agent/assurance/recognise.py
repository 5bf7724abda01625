"""Decides which ports of ours the rows of a poll are, and how long one is waited for that is in doubt.

The inventory tells by what its last look knew. Where only another look can tell, it is asked for one, and
the port is neither judged nor metered until then, but no longer than ``PATIENCE``: then it is judged
as the poll shows it, and the alarm says that it was in doubt.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import sqlalchemy as sa

from oss_agent.assurance import port_table
from oss_agent.spi import ledger, store

PATIENCE: Final = timedelta(minutes=7)
"""Longer than two looks: each begins within half a minute and may take 150 s, and one that had begun
before the doubt tells nothing of it. The poll after them comes half a minute later."""
_Key: TypeAlias = tuple[datetime | None, Sequence[tuple[str, int, str, str, str | None]]]


@dataclass(frozen=True, slots=True)
class Recognised:
    """A poll's ports by the names we know them by. ``held`` are in doubt and waited for: not among them.

    ``unsure`` were waited for long enough. ``looked_at``: when the device's ports were last looked at.
    """

    ports: tuple[port_table.Port, ...]
    held: frozenset[str] = frozenset()
    unsure: frozenset[str] = frozenset()
    looked_at: datetime | None = None


class Recognition:
    """Remembers what each device's rows were called, and since when a port is in doubt."""

    def __init__(self, rows: store.Store, inventory: ledger.Ledger) -> None:
        self._store = rows
        self._ledger = inventory
        self._named: dict[str, tuple[_Key, ledger.NamedPorts]] = {}
        self._doubts: dict[str, dict[str, datetime]] = {}

    async def of(self, device: str, ports: tuple[port_table.Port, ...], at: datetime) -> Recognised:
        """Name a poll's ports. StoreUnavailable."""
        key, named = await self._store.read(lambda c: self._names(c, device, ports))
        self._named[device] = key, named
        held = self._held(device, named.doubted, at)
        return Recognised(_under(ports, named.names, held), held, named.doubted - held, key[0])

    def forget(self, device: str) -> None:
        """The device is no longer polled."""
        self._named.pop(device, None)
        self._doubts.pop(device, None)

    def _names(
        self, connection: sa.Connection, device: str, ports: Sequence[port_table.Port]
    ) -> tuple[_Key, ledger.NamedPorts]:
        """As at the poll before, where the rows are the same and no look came between."""
        rows = [(p.name, p.index, p.admin, p.oper, p.mac) for p in ports]
        key = self._ledger.looked_at(connection, device), rows
        before = self._named.get(device)
        if before is not None and before[0] == key:
            return before
        return key, self._ledger.name_ports(connection, device, ports)

    def _held(self, device: str, doubted: Collection[str], at: datetime) -> frozenset[str]:
        before = self._doubts.pop(device, {})
        since = {name: before.get(name, at) for name in doubted}
        if since:
            self._doubts[device] = since
        # A clock that was set back must not hold a port for longer.
        return frozenset(name for name, begun in since.items() if abs(at - begun) < PATIENCE)


def _under(
    ports: Sequence[port_table.Port], names: Sequence[str], held: Collection[str]
) -> tuple[port_table.Port, ...]:
    return tuple(
        port if port.name == name else dataclasses.replace(port, name=name)
        for port, name in zip(ports, names, strict=True)
        if name not in held
    )
