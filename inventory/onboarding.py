"""Decides how devices come in: imported, trusted by fingerprint, discovered. Thin over its modules."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from inventory import (
    containerlab,
    device_views,
    discovery,
    grammar,
    history,
    host_keys,
    imports,
    link_cases,
    link_rows,
    observed,
    ownership,
    resource_events,
    secrets,
    stamps,
    tables,
)
from oss_agent import errors
from oss_agent.spi import clock, device, events, ledger, onboarding, snmp, store
from oss_agent.spi.query import Page, Query
from oss_agent.spi.views import DeviceView, LinkView


class StoredOnboarding:
    """``spi.onboarding.Onboarding`` over the store.

    ``credentials`` is the directory for secrets that files bring (made 0700); the database gets
    references only.
    """

    def __init__(
        self,
        store: store.Store,
        clock: clock.Clock,
        devices: ledger.Devices,
        drivers: device.Drivers,
        engine: snmp.SnmpEngine,
        key_scan: onboarding.KeyScan,
        credentials: Path,
        limits: discovery.Limits | None = None,
        sink: events.EventSink | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._resources = resource_events.Teller(sink)
        self._drivers = drivers
        self._key_scan = key_scan
        self._credentials = credentials
        self._explorer = discovery.Explorer(devices, drivers, engine, limits or discovery.Limits())

    async def import_lab(self, tenant: str, files: Mapping[str, str]) -> onboarding.ImportReport:
        """Take in a containerlab lab directory, as file name -> text. OrderRejected says why not."""
        if not grammar.is_word(tenant):
            raise errors.OrderRejected(f"tenant {tenant[:64]!r} is no usable name", field="tenant")
        # In a thread: a file at its size limit takes seconds to read.
        lab = await asyncio.to_thread(containerlab.read, files)
        accepted = await self._store.read(lambda c: imports.acceptable(c, tenant, lab))
        # Secrets first: a crash leaves a file nobody refers to, never a device without its secret.
        references = await asyncio.to_thread(self._keep_secrets, tenant, lab, accepted)
        at = self._clock.now()
        names = frozenset(one.name for one in lab.devices)
        names |= {node for link in lab.links for node in (link.a_node, link.z_node)}
        some = resource_events.Some(devices=names, ports_of=names)

        def unit(connection: sa.Connection) -> onboarding.ImportReport:
            with self._resources.around(connection, some, at):
                return imports.write(
                    connection, tenant, lab, references, self._platform_trouble, at
                )

        return await self._store.write(unit)

    async def trust(self, tenant: str, device: str, fingerprint: str) -> DeviceView:
        """Pin the offered key that has this ``SHA256:…`` fingerprint; no credential is sent.

        Conflict when the device shows other keys, DeviceUnreachable when it shows none.
        """
        address, ports = await self._store.read(lambda c: _place(c, tenant, device))
        offered = await self._offered(device, address, ports)
        shown = {host_keys.fingerprint(key): key for key in offered}
        if fingerprint not in shown:
            raise errors.Conflict(
                f"{device} shows {', '.join(sorted(shown))}, not {fingerprint[:80]}; "
                "compare with its console before trusting it",
                holder=device,
            )
        at = self._clock.now()
        some = resource_events.Some(devices=frozenset({device}))

        def unit(connection: sa.Connection) -> DeviceView:
            with self._resources.around(connection, some, at):
                key = shown[fingerprint]
                return _trust(connection, tenant, device, key, frozenset(offered), at)

        return await self._store.write(unit)

    async def discover(
        self, tenant: str, device: str | None = None
    ) -> tuple[onboarding.Discovered, ...]:
        """Ask one device, or all: SNMP, LLDP, hello, test points' addresses."""
        names = [device] if device is not None else await self._names(tenant)
        if device is not None:
            await self.get(tenant, device)  # NotFound, also for another tenant's
        findings = await self._explorer.explore(names)
        at = self._clock.now()
        seen = frozenset(finding.device for finding in findings)
        some = resource_events.Some(devices=seen, ports_of=seen)

        def unit(connection: sa.Connection) -> tuple[onboarding.Discovered, ...]:
            with self._resources.around(connection, some, at):
                told = tuple(_record(connection, tenant, one, at) for one in findings)
                link_cases.settle(connection, tenant, seen, at)
                return told

        return await self._store.write(unit)

    async def stamp(self, device: str) -> stamps.Stamp | None:
        """Whether a device may have changed, asked cheaply (``inventory.rounds``)."""
        return await self._explorer.stamp(device)

    async def find(self, query: Query) -> Page[DeviceView]:
        """Devices that match, without their ports."""
        return await self._store.read(lambda c: device_views.find(c, query))

    async def get(self, tenant: str, key: str) -> DeviceView:
        """One device by name, with its ports; NotFound."""
        return await self._store.read(lambda c: device_views.get(c, tenant, key))

    async def links(self, tenant: str, at: datetime | None = None) -> tuple[LinkView, ...]:
        """Topology with evidence; with ``at`` as it was believed then."""
        return await self._store.read(lambda c: link_rows.links(c, tenant, at))

    async def why(
        self, tenant: str, device: str, path: str | None = None
    ) -> tuple[onboarding.Owner, ...]:
        """Who owns a configuration path, or a node above it; NotFound for an unknown device."""
        await self.get(tenant, device)
        return tuple(await self._store.read(lambda c: ownership.why(c, tenant, device, path)))

    async def _names(self, tenant: str) -> list[str]:
        return await self._store.read(lambda c: device_views.names(c, tenant))

    def _platform_trouble(self, platform: str) -> str:
        try:
            self._drivers.driver(platform)
        except errors.ConfigurationError as error:
            return f"unmanaged: {error}"
        return ""

    def _keep_secrets(
        self, tenant: str, lab: containerlab.Lab, accepted: frozenset[str]
    ) -> Mapping[str, imports.References]:
        place = self._credentials / tenant / lab.name
        return {
            device.name: imports.References(
                password=_keep(place, f"{device.name}.password", device.login.password),
                community=_keep(place, f"{device.name}.community", device.community),
            )
            for device in lab.devices
            if device.name in accepted
        }

    async def _offered(
        self, device: str, address: str, ports: Mapping[str, int]
    ) -> tuple[str, ...]:
        """Keys of the device's SSH and NETCONF ports; one of the two may be closed."""
        wanted = (
            ports.get("ssh", host_keys.SSH_PORT),
            ports.get("netconf", host_keys.NETCONF_PORT),
        )
        offered: list[str] = []
        last: errors.DeviceUnreachable | None = None
        for port in dict.fromkeys(wanted):
            try:
                offered += await self._key_scan(device, address, port)
            except errors.DeviceUnreachable as error:
                last = error
        keys = tuple(key for raw in offered if (key := host_keys.normalised(raw)) is not None)
        if not keys:
            raise last or errors.DeviceUnreachable(device, "it shows no host key of a known type")
        return tuple(dict.fromkeys(keys))


def _keep(place: Path, name: str, secret: str | None) -> str | None:
    return secrets.write(place, name, secret) if secret is not None else None


def _place(connection: sa.Connection, tenant: str, device: str) -> tuple[str, Mapping[str, int]]:
    c = tables.devices.c
    query = sa.select(c.address, c.ports).where(
        history.current(tables.devices), c.tenant == tenant, c.name == device
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise errors.NotFound(f"device {device}")
    return row.address, row.ports


def _trust(
    connection: sa.Connection,
    tenant: str,
    device: str,
    key: str,
    offered: frozenset[str],
    at: datetime,
) -> DeviceView:
    """Pin ``key``; other pinned keys stay only while the device still offers them."""
    c = tables.device_keys.c
    query = sa.select(c.key).where(history.current(tables.device_keys), c.device == device)
    kept = set(connection.execute(query).scalars()) & offered
    imports.pin(connection, tenant, device, sorted({key, *kept}), "operator, by fingerprint", at)
    return device_views.get(connection, tenant, device)


def _record(
    connection: sa.Connection, tenant: str, finding: discovery.Finding, at: datetime
) -> onboarding.Discovered:
    learned, kept_back = finding.learned, ""
    if learned is not None:
        kept_back = observed.record(connection, learned, at)
    elif finding.silent:
        observed.mark_unreachable(connection, finding.device, tenant, at, finding.reason)
    shown = learned if not kept_back else None
    return onboarding.Discovered(
        device=finding.device,
        interfaces=len(shown.interfaces or ()) if shown is not None else 0,
        neighbours=len(shown.neighbours or ()) if shown is not None else 0,
        reason="; ".join(reason for reason in (kept_back, finding.reason) if reason),
        complete=learned is not None and learned.complete and not kept_back,
    )
