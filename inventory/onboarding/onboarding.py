"""Decides how devices come in: imported, trusted by fingerprint, discovered. Thin over its modules."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from inventory.containerlab import containerlab
from inventory.devices import device_views, standings
from inventory.facts import facts
from inventory.looks import digests, discovery, observed, ports_ahead, sightings
from inventory.onboarding import imports, platform_cases, whereabouts
from inventory.rows import history, ownership, stamps, tables
from inventory.services import resource_events
from inventory.topology import link_cases, link_rows, neighbour_views, strangers
from inventory.words import grammar, host_keys, secrets
from oss_agent import errors
from oss_agent.spi import (
    audit,
    clock,
    detection,
    device,
    events,
    ledger,
    logins,
    onboarding,
    snmp,
    store,
)
from oss_agent.spi.moments import AsOf
from oss_agent.spi.query import Page, Query
from oss_agent.spi.views import DeviceView, LinkView
from oss_agent.spi.whereabouts import Whereabouts


class StoredOnboarding:
    """``spi.onboarding.Onboarding`` over the store.

    ``credentials`` is the directory for secrets that files bring (made 0700); the database gets
    references only. ``looked`` hears of each device that was asked, when that is written; ``trusted`` of
    tenant, device and who asked, when a key is pinned. ``against`` judges whether what a device says
    fits what it is run as, ``detect`` says what a neighbour seems to be by its words.
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
        told: audit.Audit = audit.nobody_listens,
        looked: Callable[[str], None] = lambda _: None,
        standing: standings.Standings | None = None,
        trusted: Callable[[str, str, str], Awaitable[None]] | None = None,
        against: detection.Against | None = None,
        detect: detection.Detector | None = None,
        sending: logins.Sending = logins.unspared,
    ) -> None:
        self._against = against
        self._detect = detect
        self._trusted = trusted
        self._store = store
        self._clock = clock
        self._audit = told
        self._standing = standing
        self._resources = resource_events.Teller(sink)
        self._looked = looked
        self._drivers = drivers
        self._key_scan = key_scan
        self._credentials = credentials
        limits = limits or discovery.Limits()
        self._explorer = discovery.Explorer(devices, drivers, engine, limits, sending)

    async def import_lab(
        self, tenant: str, files: Mapping[str, str], *, lab: str = "", by: str = ""
    ) -> onboarding.ImportReport:
        """Take in a containerlab lab, as file name -> text. OrderRejected says why not."""
        if not grammar.is_word(tenant):
            raise errors.OrderRejected(f"tenant {tenant[:64]!r} is no usable name", field="tenant")
        # In a thread: a file at its size limit takes seconds to read.
        found = await asyncio.to_thread(containerlab.read, files, lab)
        accepted = await self._store.read(lambda c: imports.acceptable(c, tenant, found))
        settled = await self._store.read(lambda c: imports.with_login(c, tenant, found))
        # Secrets first: a crash leaves a file nobody refers to, never a device without its secret.
        references = await asyncio.to_thread(self._keep_secrets, tenant, found, accepted, settled)
        at = self._clock.now()
        names = frozenset(one.name for one in found.devices)
        names |= {node for link in found.links for node in (link.a_node, link.z_node)}
        some = resource_events.Some(devices=names, ports_of=names, parts_of=names)

        def unit(connection: sa.Connection) -> onboarding.ImportReport:
            with self._resources.around(connection, some, at):
                report = imports.write(
                    connection, tenant, found, references, self._platform_trouble, at
                )
                self._judge(connection, {one.name for one in found.devices}, at)
            detail = _counted(report)
            deed = audit.Deed(tenant, at, by, "import", f"lab:{found.name}", detail)
            self._audit(connection, deed)
            return report

        return await self._store.write(unit)

    async def trust(
        self, tenant: str, device: str, fingerprint: str, *, by: str = ""
    ) -> DeviceView:
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

        def unit(connection: sa.Connection) -> None:
            with self._resources.around(connection, some, at):
                _trust(connection, tenant, device, shown[fingerprint], frozenset(offered), at)
            detail = {"fingerprint": fingerprint}
            self._audit(connection, audit.Deed(tenant, at, by, "trust", f"device:{device}", detail))

        await self._store.write(unit)
        if self._trusted is not None:
            await self._trusted(tenant, device, by)
        return await self.get(tenant, device)

    async def discover(
        self, tenant: str, device: str | None = None
    ) -> tuple[onboarding.Discovered, ...]:
        """Ask one device, or all: SNMP, LLDP, hello, test points' addresses."""
        names = [device] if device is not None else await self._names(tenant)
        if device is not None:
            await self._store.read(lambda c: _place(c, tenant, device))  # NotFound
        return await self._look_at(tenant, names, frozenset({onboarding.About.WHOLE}))

    async def look(
        self, tenant: str, device: str, about: frozenset[onboarding.About]
    ) -> onboarding.Discovered:
        """Ask one device about that much of it (``inventory.looks.rounds``); NotFound."""
        await self._store.read(lambda c: _place(c, tenant, device))
        (found,) = await self._look_at(tenant, [device], about)
        return found

    async def _look_at(
        self, tenant: str, names: Sequence[str], about: frozenset[onboarding.About]
    ) -> tuple[onboarding.Discovered, ...]:
        findings = await self._explorer.explore(names, about)
        seen = frozenset(finding.device for finding in findings)
        said: dict[str, Mapping[str, str]] = {}
        for one in findings:
            if one.learned is not None:
                # In a thread: the writer is everybody's, and a box with 20,000 ports takes half a second.
                of = await asyncio.to_thread(digests.of, one.learned, tenant)
                begun = self._clock.now()
                await ports_ahead.write(self._store, self._resources, one.learned, of, begun)
                said[one.device] = of
        at = self._clock.now()  # not of before what polls wrote while big boxes were written ahead

        def unit(connection: sa.Connection) -> tuple[onboarding.Discovered, ...]:
            # What is not news changes no resource: to compare all that a device has costs more than to write.
            news = {name: observed.news(connection, name, of) for name, of in said.items()}
            some = resource_events.Some(
                devices=seen,
                ports_of=frozenset(name for name, of in news.items() if facts.PORTS in of),
                parts_of=frozenset(name for name, of in news.items() if of),
            )
            with self._resources.around(connection, some, at):
                told = tuple(_record(connection, tenant, one, said, at) for one in findings)
                self._judge(connection, seen, at)
                if self._against is not None:
                    platform_cases.settle(connection, tenant, findings, self._against, at)
                link_cases.settle(connection, tenant, seen, at)
                return told

        told = await self._store.write(unit)
        for name in sorted(seen):
            self._looked(name)
        return told

    async def stamp(self, device: str) -> stamps.Stamp | None:
        """Whether a device may have changed, asked cheaply (``inventory.looks.rounds``)."""
        return await self._explorer.stamp(device)

    async def find(self, query: Query, when: AsOf | None = None) -> Page[DeviceView]:
        """Devices that match, without their ports."""
        return await self._store.read(lambda c: device_views.find(c, query, when))

    async def get(self, tenant: str, key: str, when: AsOf | None = None) -> DeviceView:
        """One device by name, with its ports and whom it hears there; NotFound."""

        def read(connection: sa.Connection) -> DeviceView:
            found = device_views.get(connection, tenant, key, when)
            heard, total = neighbour_views.of(connection, found.name, when, self._detect)
            return dataclasses.replace(found, neighbours=heard, neighbours_heard=total)

        return await self._store.read(read)

    async def links(self, tenant: str, when: AsOf | None = None) -> tuple[LinkView, ...]:
        """Topology with evidence and what strangers seem to be, now or as of a moment."""
        found = await self._store.read(lambda c: link_rows.links(c, tenant, when))
        # In a thread: a hundred neighbours of as many kinds take a tenth of a second.
        told = self._detect
        return found if told is None else await asyncio.to_thread(strangers.recognised, found, told)

    async def where(self, tenant: str, text: str) -> tuple[Whereabouts, ...]:
        """Where an IP or MAC address is (``spi.whereabouts``); OrderRejected when it is neither."""
        return await self._store.read(lambda c: whereabouts.find(c, tenant, text))

    async def why(
        self, tenant: str, device: str, path: str | None = None
    ) -> tuple[onboarding.Owner, ...]:
        """Who owns a configuration path, or a node above it; NotFound for an unknown device."""
        await self.get(tenant, device)
        return tuple(await self._store.read(lambda c: ownership.why(c, tenant, device, path)))

    def _judge(self, connection: sa.Connection, devices: Collection[str], at: datetime) -> None:
        """Whether they may be written to, by what is known of them now."""
        if self._standing is not None:
            self._standing.settle(connection, devices, at)

    async def _names(self, tenant: str) -> list[str]:
        return await self._store.read(lambda c: device_views.names(c, tenant))

    def _platform_trouble(self, platform: str) -> str:
        try:
            self._drivers.driver(platform)
        except errors.ConfigurationError as error:
            return f"unmanaged: {error}"
        return ""

    def _keep_secrets(
        self,
        tenant: str,
        lab: containerlab.Lab,
        accepted: frozenset[str],
        settled: frozenset[str],
    ) -> Mapping[str, imports.References]:
        """Of the devices that are accepted; the files of ``settled`` logins stay as they are."""
        place = self._credentials / tenant / lab.name
        told = {
            one.name: one.login.password if one.name not in settled else None for one in lab.devices
        }
        return {
            device.name: imports.References(
                password=_keep(place, f"{device.name}.password", told[device.name]),
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


def _counted(report: onboarding.ImportReport) -> dict[str, Any]:
    """What the audit keeps of an import: which files, and how many devices came to what."""
    outcomes = Counter(one.outcome for one in report.devices)
    return {"files": [one.file for one in report.files], "links": report.links, **outcomes}


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
) -> None:
    """Pin ``key``; other pinned keys stay only while the device still offers them."""
    c = tables.device_keys.c
    query = sa.select(c.key).where(history.current(tables.device_keys), c.device == device)
    kept = set(connection.execute(query).scalars()) & offered
    imports.pin(connection, tenant, device, sorted({key, *kept}), "operator, by fingerprint", at)


def _record(
    connection: sa.Connection,
    tenant: str,
    finding: discovery.Finding,
    said: Mapping[str, Mapping[str, str]],
    at: datetime,
) -> onboarding.Discovered:
    learned, kept_back = finding.learned, ""
    if learned is not None:
        kept_back = observed.record(connection, learned, at, said.get(finding.device))
    elif finding.silent:
        sightings.mark_unreachable(connection, finding.device, tenant, at, finding.reason)
    shown = learned if not kept_back else None
    return onboarding.Discovered(
        device=finding.device,
        interfaces=len(shown.interfaces or ()) if shown is not None else 0,
        neighbours=len(shown.neighbours or ()) if shown is not None else 0,
        reason="; ".join(reason for reason in (kept_back, finding.reason) if reason),
        complete=learned is not None and learned.complete and not kept_back,
        silent=finding.silent,
        refused=finding.refused,
    )
