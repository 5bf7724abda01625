"""Decides when a trusted device that nobody knows is asked for its NETCONF hello, and writes what that proves.

Only a device that is listed without a platform, and only behind a pinned key, with the login it was
taken in with: one attempt, counted as every other (``inventory.devices.login_attempts``). All that it says of
itself is weighed again together, by the detector alone. What a person or a file said is never touched.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import sqlalchemy as sa

from inventory.devices import devices, login_attempts, standings
from inventory.looks import system_group
from inventory.rows import history, tables
from inventory.services import resource_events
from inventory.words import host_keys
from oss_agent import errors
from oss_agent.spi import audit, clock, detection, events, snmp, store
from oss_agent.spi.device import Endpoint

_DEADLINE: Final = 30.0


class Places(Protocol):
    """Where devices are reached (``inventory.devices.devices``)."""

    async def unknown(self, device: str) -> Endpoint | None:
        """A trusted device that nobody knows, with its login; None of any other. DeviceRefused."""
        ...


@dataclass(frozen=True, slots=True)
class Ways:
    """How a device is asked, and who says what that means."""

    greeting: detection.Greeting
    banner: detection.Banner
    engine: snmp.SnmpEngine
    detect: detection.Detector
    standing: standings.Standings | None = None


class HelloLook:
    """Asks, and writes down what follows."""

    def __init__(
        self,
        store: store.Store,
        clock: clock.Clock,
        places: Places,
        ways: Ways,
        sink: events.EventSink | None = None,
        told: audit.Audit = audit.nobody_listens,
        limits: login_attempts.Limits | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._places = places
        self._ways = ways
        self._resources = resource_events.Teller(sink)
        self._told = told
        self._limits = limits or login_attempts.Limits()

    async def learn(self, tenant: str, device: str, by: str) -> None:
        """Look once; a device that does not answer stays as it is, and no error comes of it."""
        try:
            endpoint = await self._places.unknown(device)
        except errors.DeviceRefused:
            return
        hello = await self._hello(tenant, endpoint) if endpoint is not None else ()
        if endpoint is None or not hello:
            return
        seen = self._ways.detect(await self._evidence(endpoint, hello))
        at = self._clock.now()
        deed = audit.Deed(tenant, at, by, "detect", f"device:{device}", _detail(seen))
        await self._store.write(lambda c: self._write(c, deed, device, seen))

    async def _hello(self, tenant: str, endpoint: Endpoint) -> Sequence[str]:
        """What it announces; () when it may not be asked, or does not tell."""
        account = endpoint.credential.username
        one = login_attempts.Attempt(tenant, endpoint.device, account, self._clock.now())
        attempt = await self._store.write(lambda c: login_attempts.begin(c, one, self._limits))
        if isinstance(attempt, str):
            return ()
        refused, told = False, tuple[str, ...]()
        try:
            async with asyncio.timeout(_DEADLINE):
                told = tuple(await self._ways.greeting(endpoint))
        except errors.DeviceRefused as no:
            refused = no.login
        except (errors.DeviceError, TimeoutError):
            pass
        await self._store.write(
            lambda c: login_attempts.ended(c, attempt, refused=refused, taken=bool(told))
        )
        return told

    async def _evidence(self, endpoint: Endpoint, hello: Sequence[str]) -> detection.Evidence:
        banner = await self._ways.banner(
            endpoint.address, endpoint.ports.get("ssh", host_keys.SSH_PORT)
        )
        group = None
        if endpoint.snmp_community is not None:
            port = endpoint.ports.get("snmp", system_group.PORT)
            target = snmp.Target(endpoint.device, endpoint.address, port, endpoint.snmp_community)
            group = await system_group.ask(self._ways.engine, target)
        said = group or system_group.SystemGroup()
        return detection.Evidence(said.object_id, said.description, banner, hello)

    def _write(
        self,
        connection: sa.Connection,
        deed: audit.Deed,
        device: str,
        seen: detection.Detected,
    ) -> None:
        # Looked at again: a person may have said what it is while it was asked.
        if not _still_unknown(connection, deed.tenant, device):
            return
        some = resource_events.Some(devices=frozenset({device}))
        with self._resources.around(connection, some, deed.at):
            _keep(connection, device, seen, deed.at)
            if self._ways.standing is not None:
                self._ways.standing.settle(connection, {device}, deed.at, {device: seen})
        self._told(connection, deed)


def _still_unknown(connection: sa.Connection, tenant: str, device: str) -> bool:
    c = tables.devices.c
    query = sa.select(tables.devices).where(
        history.current(tables.devices), c.tenant == tenant, c.name == device
    )
    row = connection.execute(query).mappings().one_or_none()
    return row is not None and devices.is_unknown(row)


def _keep(connection: sa.Connection, device: str, seen: detection.Detected, at: datetime) -> None:
    facts = {
        "platform": seen.platform,
        "managed": bool(seen.platform),
        "reason": "" if seen.platform else _reason(seen),
    }
    history.put(connection, tables.devices, {"name": device}, facts, at)


def _reason(seen: detection.Detected) -> str:
    """Why it is only listed: what it is, from what that was concluded, and what is against it."""
    what = " ".join(filter(None, (seen.vendor, seen.os, seen.version)))
    known = f"{what} ({'; '.join(seen.because)})" if what else ""
    return "; ".join(filter(None, (known, *seen.doubts)))


def _detail(seen: detection.Detected) -> dict[str, str]:
    return {"os": seen.os, "platform": seen.platform, "because": "; ".join(seen.because)}
