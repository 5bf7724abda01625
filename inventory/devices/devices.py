"""Decides how a device is reached: address, ports, pinned keys, and a login resolved at use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from inventory.rows import history, tables
from inventory.words import grammar, secrets
from oss_agent import errors
from oss_agent.spi import store
from oss_agent.spi.device import Credential, Endpoint

_ONE = sa.select(tables.devices).where(
    history.current(tables.devices), tables.devices.c.name == sa.bindparam("at_name")
)
_KEYS = (
    sa.select(tables.device_keys.c.key)
    .where(
        history.current(tables.device_keys),
        tables.device_keys.c.device == sa.bindparam("at_name"),
    )
    .order_by(tables.device_keys.c.key)
)
"""Made once: to build a statement costs several times as much as to run it."""


class StoredDevices:
    """``spi.ledger.Devices`` over the store; ``environment`` is where ``env:NAME`` is looked up."""

    def __init__(self, store: store.Store, environment: Mapping[str, str]) -> None:
        self._store = store
        self._environment = environment

    async def endpoint(self, device: str) -> Endpoint:
        """How to reach a device; DeviceRefused when it may not or cannot be."""
        row, keys = await self._trusted(device)
        if not row["username"]:
            raise errors.DeviceRefused(device, "no login is known; import one and try again")
        return self._endpoint(row, keys, login=True)

    async def place(self, device: str) -> Endpoint:
        """The same without its login, for one that has none yet; it may be one that is only listed."""
        row, keys = await self._trusted(device, unknown=True)
        return self._endpoint(row, keys, login=False)

    async def unknown(self, device: str) -> Endpoint | None:
        """A trusted device that nobody knows and whose login we have, to ask it what it is.

        None of one that has a platform, or that an operator's file describes. DeviceRefused.
        """
        row, keys = await self._trusted(device, unknown=True)
        if not is_unknown(row) or not row["username"]:
            return None
        return self._endpoint(row, keys, login=True)

    async def _trusted(
        self, device: str, *, unknown: bool = False
    ) -> tuple[sa.RowMapping, list[str]]:
        found = await self._store.read(lambda connection: _one(connection, device))
        if found is None:
            raise errors.DeviceRefused(device, "it is not in the inventory; import it first")
        row, keys = found
        if not row["managed"] and not (unknown and is_unknown(row)):
            raise errors.DeviceRefused(device, f"it is not managed: {row['reason']}")
        if not keys:
            raise errors.DeviceRefused(
                device,
                "no host key is pinned: compare its fingerprint with the device's console, then "
                f"oss-agent device trust {device} SHA256:…",
            )
        return row, keys

    async def by_address(self, address: str) -> str | None:
        """The one device with this management or interface address, else None.

        Management addresses decide first; an address that several devices have names nobody.
        """
        canonical = grammar.address(address)
        if canonical is None:
            return None
        return await self._store.read(lambda connection: _owner(connection, canonical))

    async def pollable(self) -> tuple[Endpoint, ...]:
        """Trusted, managed devices with an SNMP community. Without login: polling needs none.

        A device whose community cannot be resolved is left out; ``endpoint`` says why.
        """
        found: list[Endpoint] = []
        for row, keys in await self._store.read(_pollable):
            try:
                found.append(self._endpoint(row, keys, login=False))
            except errors.DeviceRefused:
                continue
        return tuple(found)

    def _endpoint(self, row: sa.RowMapping, keys: Sequence[str], *, login: bool) -> Endpoint:
        name = row["name"]
        password = self._secret(name, row["password_ref"]) if login else None
        return Endpoint(
            device=name,
            platform=row["platform"],
            address=row["address"],
            credential=Credential(row["username"], password),
            host_keys=tuple(keys),
            ports=row["ports"],
            snmp_community=self._secret(name, row["community_ref"]),
        )

    def _secret(self, device: str, reference: str | None) -> str | None:
        if reference is None:
            return None
        try:
            return secrets.resolve(reference, self._environment)
        except secrets.SecretMissing as reason:
            raise errors.DeviceRefused(device, f"its secret is missing: {reason}") from reason


def is_unknown(row: sa.RowMapping) -> bool:
    """Listed, and neither a person nor a file nor the device itself said what it is."""
    return not (row["managed"] or row["platform"] or row["kind"])


def _one(connection: sa.Connection, device: str) -> tuple[sa.RowMapping, list[str]] | None:
    row = connection.execute(_ONE, {"at_name": device}).mappings().first()
    return (row, _keys(connection, device)) if row is not None else None


def _pollable(connection: sa.Connection) -> list[tuple[sa.RowMapping, list[str]]]:
    d = tables.devices
    query = sa.select(d).where(history.current(d), d.c.managed, d.c.community_ref.is_not(None))
    rows = connection.execute(query.order_by(d.c.name)).mappings().all()
    found = [(row, _keys(connection, row["name"])) for row in rows]
    return [(row, keys) for row, keys in found if keys]


def _keys(connection: sa.Connection, device: str) -> list[str]:
    return list(connection.execute(_KEYS, {"at_name": device}).scalars())


def _owner(connection: sa.Connection, address: str) -> str | None:
    d, a = tables.devices, tables.addresses
    managed = sa.select(d.c.name).where(history.current(d), d.c.address == address)
    interface = sa.select(a.c.device).where(history.current(a), a.c.address == address)
    for query in (managed, interface):
        names = connection.execute(query.distinct().limit(2)).scalars().all()
        if names:
            return names[0] if len(names) == 1 else None
    return None
