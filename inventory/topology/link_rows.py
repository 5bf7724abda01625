"""Decides which rows the topology is computed from: declared links, sightings, identities."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import sqlalchemy as sa

from inventory.devices import device_words
from inventory.facts import neighbour_ids, port_words
from inventory.rows import history, tables
from inventory.topology import bundles, neighbour_identity, topology
from oss_agent.spi.moments import AsOf
from oss_agent.spi.views import LinkView

_TENANT: sa.BindParameter[str] = sa.bindparam("at_tenant")
_THESE: sa.BindParameter[str] = sa.bindparam("at_devices", expanding=True)
_NAMES: sa.BindParameter[str] = sa.bindparam("at_names", expanding=True)
_CHASSIS: sa.BindParameter[str] = sa.bindparam("at_chassis", expanding=True)
_MACS: sa.BindParameter[str] = sa.bindparam("at_macs", expanding=True)
_Held: TypeAlias = Callable[[Any], sa.ColumnElement[bool]]
"""Which versions of a table's rows count."""


@dataclass(frozen=True, slots=True)
class _Statements:
    declared: sa.Select[Any]
    declared_of: sa.Select[Any]
    seen: sa.Select[Any]
    seen_of: sa.Select[Any]
    ports: sa.Select[Any]
    identities: sa.Select[Any]
    identities_of: sa.Select[Any]
    holders: sa.Select[Any]
    any_heard: sa.Select[Any]


def _statements(held: _Held) -> _Statements:
    """What reads a tenant's topology, of those row versions."""
    links, heard, ports = tables.links, tables.neighbours, tables.interfaces
    declared = sa.select(links).where(held(links), links.c.tenant == _TENANT)
    seen, everybody = _seen(held), _everybody(held)
    ends = (links.c.a_device.in_(_THESE), links.c.z_device.in_(_THESE))
    about = (
        heard.c.device.in_(_THESE),
        heard.c.system_name.in_(_NAMES),
        heard.c.chassis.in_(_CHASSIS),
    )
    return _Statements(
        declared=declared,
        declared_of=declared.where(links.c.row.in_(_each(links, held, ends))),
        seen=seen,
        seen_of=seen.where(heard.c.row.in_(_each(heard, held, about))),
        ports=_ports(held),
        identities=everybody,
        identities_of=everybody.where(tables.devices.c.name.in_(_THESE)),
        holders=sa.select(ports.c.device)
        .where(held(ports), ports.c.tenant == _TENANT, ports.c.mac.in_(_MACS))
        .distinct(),
        any_heard=sa.select(heard.c.device).where(held(heard), heard.c.tenant == _TENANT).limit(1),
    )


def _seen(held: _Held) -> sa.Select[Any]:
    """Neighbours, each with when those of its device were last read."""
    heard, looks = tables.neighbours, tables.sightings
    return (
        sa.select(heard, looks.c.discovered_at)
        .select_from(heard.outerjoin(looks, looks.c.device == heard.c.device))
        .where(held(heard), heard.c.tenant == _TENANT)
    )


def _ports(held: _Held) -> sa.Select[Any]:
    """Ports of some devices with their labels, planned ones first."""
    ports, labels = tables.interfaces, tables.port_labels
    label = sa.and_(held(labels), labels.c.device == ports.c.device, labels.c.port == ports.c.name)
    return (
        sa.select(ports, labels.c.lldp_id, labels.c.bundle)
        .select_from(ports.outerjoin(labels, label))
        .where(held(ports), ports.c.tenant == _TENANT, ports.c.device.in_(_THESE))
        .order_by(ports.c.ledger.desc())
    )


def _everybody(held: _Held) -> sa.Select[Any]:
    """Devices by all that neighbours may know them by."""
    devices, own, looks = tables.devices, tables.device_states, tables.sightings
    state = sa.and_(held(own), own.c.device == devices.c.name)
    identity: list[sa.ColumnElement[Any]] = [
        devices.c.name,
        devices.c.address,
        own.c.chassis,
        own.c.system_name,
        own.c.called,
        looks.c.discovered_at,
        looks.c.unreachable_since,
    ]
    return (
        sa.select(*identity)
        .select_from(
            devices.outerjoin(own, state).outerjoin(looks, looks.c.device == devices.c.name)
        )
        .where(held(devices), devices.c.tenant == _TENANT)
    )


def _each(
    table: sa.Table[Any], held: _Held, which: Sequence[sa.ColumnElement[bool]]
) -> sa.CompoundSelect[Any]:
    """Rows of which one of these holds, each found by its own index: an OR may be found by none."""
    return sa.union(*(sa.select(table.c.row).where(held(table), one) for one in which))


_NOW, _THEN = _statements(history.current), _statements(history.then)
"""Made once: to build a statement costs several times as much as to run it."""


def links(connection: sa.Connection, tenant: str, when: AsOf | None = None) -> tuple[LinkView, ...]:
    """Every link of a tenant with its evidence; links between bundles with their members."""
    return bundled(picture(connection, tenant, when))


def links_of(
    connection: sa.Connection, tenant: str, devices: Collection[str], when: AsOf | None = None
) -> tuple[LinkView, ...]:
    """The links of these devices, as ``links`` has them; perhaps some of their neighbours'."""
    return bundled(picture_of(connection, tenant, devices, when))


def picture_of(
    connection: sa.Connection, tenant: str, devices: Collection[str], when: AsOf | None = None
) -> topology.Picture:
    """What ``links_of`` is made of.

    Where nobody heard a neighbour and no file names a link, all devices need not be read for that.
    """
    reader = _reader(connection, tenant, when)
    return reader.picture(devices) if reader.anything(devices) else topology.Picture((), ())


def picture(connection: sa.Connection, tenant: str, when: AsOf | None = None) -> topology.Picture:
    """A tenant's links and what they are made of, now or as of a moment."""
    return _reader(connection, tenant, when).picture(None)


def _reader(connection: sa.Connection, tenant: str, when: AsOf | None) -> _Reader:
    return _Reader(connection, tenant, _NOW if when is None else _THEN, when)


def bundled(found: topology.Picture) -> tuple[LinkView, ...]:
    """The links of a picture, those between the same bundles as one."""
    return bundles.bundled(found.links, {name: one.bundles for name, one in found.known.items()})


@dataclass(frozen=True, slots=True)
class _Reader:
    """One tenant's rows, of one moment."""

    connection: sa.Connection
    tenant: str
    statements: _Statements
    when: AsOf | None

    def anything(self, devices: Collection[str]) -> bool:
        """Did anybody hear a neighbour, or does a file name a link of these devices?"""
        asked = (self.statements.any_heard, self.statements.declared_of)
        return any(self._rows(statement, list(devices)) for statement in asked)

    def picture(self, devices: Collection[str] | None) -> topology.Picture:
        """Of these devices and what is near them; of all when none are named."""
        return self._all() if devices is None else self._part(list(devices))

    def _all(self) -> topology.Picture:
        identities = self._rows(self.statements.identities, [])
        ports = self._ports([row["name"] for row in identities])
        seen = self._sightings(self._rows(self.statements.seen, []))
        return self._drawn(self.statements.declared, [], seen, identities, ports)

    def _part(self, devices: Sequence[str]) -> topology.Picture:
        own = self._ports(devices)
        these = self._rows(self.statements.identities_of, devices)
        seen = self._seen(devices, these, own)
        identities = self._around(seen, devices)
        more = sorted({row["name"] for row in identities} - set(devices))
        ports = {**own, **(self._ports(more) if more else {})}
        return self._drawn(self.statements.declared_of, devices, seen, identities, ports)

    def _drawn(
        self,
        declared: sa.Select[Any],
        devices: Sequence[str],
        seen: Sequence[neighbour_identity.Seen],
        identities: Sequence[Any],
        ports: Mapping[str, Mapping[str, Any]],
    ) -> topology.Picture:
        files = [_declared(row) for row in self._rows(declared, devices)]
        return topology.picture(files, seen, [self._known(row, ports) for row in identities])

    def _rows(self, statement: sa.Select[Any], devices: Sequence[str], **more: Any) -> list[Any]:
        asked = {"at_tenant": self.tenant, "at_devices": devices, **more}
        asked |= history.moment(self.when)
        return list(self.connection.execute(statement, asked).mappings())

    def _seen(
        self,
        devices: Sequence[str],
        identities: Sequence[Any],
        ports: Mapping[str, Mapping[str, Any]],
    ) -> list[neighbour_identity.Seen]:
        """What these devices hear, and who hears them, by all that they are called."""
        words = {word for row in identities for word in device_words.of(row)}
        ids = _ids(identities, words, ports)
        if len(devices) + len(words) + len(ids) > device_words.MOST:
            return self._sightings(self._rows(self.statements.seen, []))
        named = {"at_names": sorted(words), "at_chassis": sorted(ids)}
        return self._sightings(self._rows(self.statements.seen_of, devices, **named))

    def _around(self, seen: Sequence[neighbour_identity.Seen], devices: Sequence[str]) -> list[Any]:
        """The identities of these devices, and of all that may be an end of what was seen."""
        if self.when is not None:  # words are kept of what devices call themselves now
            return self._rows(self.statements.identities, [])
        near = device_words.near(self.connection, self.tenant, _heard(seen))
        if near is None or len(near) + len(devices) > device_words.MOST:
            return self._rows(self.statements.identities, [])
        found = self._rows(self.statements.identities_of, sorted(near | set(devices)))
        holders = self._holders(seen, found)
        if holders is None:
            return self._rows(self.statements.identities, [])
        more = sorted(holders - {row["name"] for row in found})
        return found + (self._rows(self.statements.identities_of, more) if more else [])

    def _holders(
        self, seen: Sequence[neighbour_identity.Seen], identities: Sequence[Any]
    ) -> set[str] | None:
        """Devices that have a port with a MAC address heard in the place of a chassis id.

        None: too many to ask for.
        """
        proven = {row["chassis"] for row in identities}
        strange = {one.chassis for one in seen} - proven
        macs = {neighbour_ids.chassis_mac(one) for one in strange} - {None}
        if len(macs) > device_words.MOST:
            return None
        rows = self._rows(self.statements.holders, (), at_macs=list(macs)) if macs else ()
        return {row["device"] for row in rows}

    def _sightings(self, rows: Sequence[Any]) -> list[neighbour_identity.Seen]:
        return [self._sighting(row) for row in rows]

    def _sighting(self, row: Any) -> neighbour_identity.Seen:
        looked = row["discovered_at"] or row["valid_from"]
        fresh = looked
        if self.when is not None:
            fresh = max(row["valid_from"], min(looked, self.when.valid))
        return neighbour_identity.Seen(
            at=(row["device"], row["port"]),
            chassis=row["chassis"],
            port_id=row["port_id"],
            port_description=row["port_description"],
            system_name=row["system_name"],
            when=row["heard_until"] or fresh,
            port_subtype=row["port_subtype"],
            address=row["address"],
            missed=row["heard_until"] is not None,
            since=row["valid_from"],
            description=row["description"],
            model=row["model"],
            capabilities=row["capabilities"],
        )

    def _ports(self, devices: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Rows by device and port; what was observed stands before what was planned."""
        found: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        for row in self._rows(self.statements.ports, devices):
            found[row["device"]][row["name"]] = row
        return found

    def _known(self, row: Any, ports: Mapping[str, Mapping[str, Any]]) -> neighbour_identity.Known:
        own = ports.get(row["name"], {})
        return neighbour_identity.Known(
            row["name"],
            row["chassis"],
            tuple(_port(one) for one in own.values()),
            called=frozenset(device_words.of(row)),
            addresses=frozenset({row["address"]}),
            bundles={one["name"]: one["bundle"] for one in own.values() if one["bundle"]},
            reads=row["discovered_at"] is not None,
            # Whether it answered is kept of today only.
            silent=row["unreachable_since"] if self.when is None else None,
        )


def _declared(row: Any) -> topology.Declared:
    return topology.Declared(
        (row["a_device"], row["a_port"]),
        (row["z_device"], row["z_port"]),
        f"lab {row['source']}",
        row["valid_from"],
    )


def _port(row: Any) -> port_words.Port:
    return port_words.Port(
        row["name"],
        index=row["ifindex"],
        mac=row["mac"],
        long_name=row["descr"],
        alias=row["description"],
        lldp_id=row["lldp_id"],
        present=row["missing_since"] is None,
    )


def _ids(
    rows: Sequence[Any], words: Collection[str], ports: Mapping[str, Mapping[str, Any]]
) -> set[str]:
    """The chassis ids under which these devices may be heard."""
    own = {row["chassis"] for row in rows if row["chassis"] is not None}
    macs = {port["mac"] for row in rows for port in ports.get(row["name"], {}).values()} - {None}
    named = {neighbour_ids.cdp_chassis(word.encode()) for word in words} - {None}
    return own | {neighbour_ids.mac_chassis(mac) for mac in macs} | {one for one in named if one}


def _heard(seen: Sequence[neighbour_identity.Seen]) -> device_words.Heard:
    """By what ``Directory`` would look up who was seen, and who saw."""
    chassis = {one.chassis for one in seen}
    names = {one.system_name for one in seen} | {one.at[0] for one in seen}
    names |= {neighbour_ids.chassis_text(one) for one in chassis}
    names |= {neighbour_ids.chassis_name(one) for one in chassis}
    addresses = {neighbour_ids.chassis_address(one) for one in chassis}
    return device_words.Heard(
        chassis,
        {one for one in addresses if one},
        {name.casefold() for name in names if name},
    )
