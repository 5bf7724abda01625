"""Decides which rows the topology is computed from: declared links, sightings, identities."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

import sqlalchemy as sa

from inventory import (
    bundles,
    history,
    neighbour_identity,
    neighbour_ids,
    port_words,
    tables,
    topology,
)
from oss_agent.spi.views import LinkView

_TENANT: sa.BindParameter[str] = sa.bindparam("at_tenant")
_THESE: sa.BindParameter[str] = sa.bindparam("at_devices", expanding=True)
_NAMES: sa.BindParameter[str] = sa.bindparam("at_names", expanding=True)
_CHASSIS: sa.BindParameter[str] = sa.bindparam("at_chassis", expanding=True)
_MACS: sa.BindParameter[str] = sa.bindparam("at_macs", expanding=True)
_MOST: Final = 10_000
"""Values named in one question; databases take few more, and to read all is then quicker anyway."""
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
    holders: sa.Select[Any]


def _statements(held: _Held) -> _Statements:
    """What reads a tenant's topology, of those row versions."""
    links, heard, ports = tables.links, tables.neighbours, tables.interfaces
    own, labels, looks = tables.device_states, tables.port_labels, tables.sightings
    declared = sa.select(links).where(held(links), links.c.tenant == _TENANT)
    seen = (
        sa.select(heard, looks.c.discovered_at)
        .select_from(heard.outerjoin(looks, looks.c.device == heard.c.device))
        .where(held(heard), heard.c.tenant == _TENANT)
    )
    label = sa.and_(held(labels), labels.c.device == ports.c.device, labels.c.port == ports.c.name)
    state = sa.and_(held(own), own.c.device == tables.devices.c.name)
    identity: list[sa.ColumnElement[Any]] = [
        tables.devices.c.name,
        tables.devices.c.address,
        own.c.chassis,
        own.c.system_name,
        own.c.called,
        looks.c.discovered_at,
        looks.c.unreachable_since,
    ]
    return _Statements(
        declared=declared,
        declared_of=declared.where(
            sa.or_(links.c.a_device.in_(_THESE), links.c.z_device.in_(_THESE))
        ),
        seen=seen,
        seen_of=seen.where(
            sa.or_(
                heard.c.device.in_(_THESE),
                heard.c.system_name.in_(_NAMES),
                heard.c.chassis.in_(_CHASSIS),
            )
        ),
        ports=sa.select(ports, labels.c.lldp_id, labels.c.bundle)
        .select_from(ports.outerjoin(labels, label))
        .where(held(ports), ports.c.tenant == _TENANT, ports.c.device.in_(_THESE))
        .order_by(ports.c.ledger.desc()),
        identities=sa.select(*identity)
        .select_from(
            tables.devices.outerjoin(own, state).outerjoin(
                looks, looks.c.device == tables.devices.c.name
            )
        )
        .where(held(tables.devices), tables.devices.c.tenant == _TENANT),
        holders=sa.select(ports.c.device)
        .where(held(ports), ports.c.tenant == _TENANT, ports.c.mac.in_(_MACS))
        .distinct(),
    )


_NOW: Final = _statements(history.current)
_HEARD: Final = (
    sa.select(tables.neighbours.c.device)
    .where(history.current(tables.neighbours), tables.neighbours.c.tenant == _TENANT)
    .limit(1)
)
"""Made once: to build a statement costs several times as much as to run it."""


def links(
    connection: sa.Connection, tenant: str, at: datetime | None = None
) -> tuple[LinkView, ...]:
    """Every link of a tenant with its evidence; links between bundles with their members."""
    return bundled(picture(connection, tenant, at))


def links_of(
    connection: sa.Connection, tenant: str, devices: Collection[str]
) -> tuple[LinkView, ...]:
    """The links of these devices, as ``links`` has them; perhaps some of their neighbours'."""
    return bundled(picture_of(connection, tenant, devices))


def picture_of(
    connection: sa.Connection, tenant: str, devices: Collection[str]
) -> topology.Picture:
    """What ``links_of`` is made of.

    Where nobody heard a neighbour and no file names a link, all devices need not be read for that.
    """
    if not _any(connection, tenant, devices):
        return topology.Picture((), ())
    return _Reader(connection, tenant, _NOW, None).picture(devices)


def _any(connection: sa.Connection, tenant: str, devices: Collection[str]) -> bool:
    asked = {"at_tenant": tenant, "at_devices": list(devices)}
    return any(
        connection.execute(statement, asked).first() is not None
        for statement in (_HEARD, _NOW.declared_of)
    )


def picture(connection: sa.Connection, tenant: str, at: datetime | None = None) -> topology.Picture:
    """A tenant's links and what they are made of; with ``at`` what was believed then."""
    if at is None:
        return _Reader(connection, tenant, _NOW, None).picture(None)
    then = _statements(lambda table: history.as_of(table, at, at))
    return _Reader(connection, tenant, then, at).picture(None)


def bundled(found: topology.Picture) -> tuple[LinkView, ...]:
    """The links of a picture, those between the same bundles as one."""
    return bundles.bundled(found.links, {name: one.bundles for name, one in found.known.items()})


@dataclass(frozen=True, slots=True)
class _Reader:
    """One tenant's rows, of one moment."""

    connection: sa.Connection
    tenant: str
    statements: _Statements
    at: datetime | None

    def picture(self, devices: Collection[str] | None) -> topology.Picture:
        """Of these devices and what is near them; of all when none are named."""
        identities = self._rows(self.statements.identities, [])
        these = list(devices) if devices is not None else [row["name"] for row in identities]
        own = self._ports(these)
        near = self._seen(these, identities, own, whole=devices is None)
        asked = self.statements.declared if devices is None else self.statements.declared_of
        files = [_declared(row) for row in self._rows(asked, these)]
        if devices is not None:
            # Nobody else can be an end of what was seen; to weigh every device costs as many as there are.
            around = self._around(near, identities) | set(these)
            identities = [row for row in identities if row["name"] in around]
            more = sorted(around - set(these))
            own = {**own, **(self._ports(more) if more else {})}
        known = [self._known(row, own) for row in identities]
        return topology.picture(files, near, known)

    def _rows(self, statement: sa.Select[Any], devices: Sequence[str], **more: Any) -> list[Any]:
        asked = {"at_tenant": self.tenant, "at_devices": devices, **more}
        return list(self.connection.execute(statement, asked).mappings())

    def _seen(
        self,
        devices: Sequence[str],
        identities: Sequence[Any],
        ports: Mapping[str, Mapping[str, Any]],
        *,
        whole: bool,
    ) -> list[neighbour_identity.Seen]:
        """What these devices hear, and who hears them, by all that they are called."""
        asked = set(devices)
        these = [row for row in identities if row["name"] in asked]
        words = {word for row in these for word in _words(row)}
        ids = set[str]() if whole else _ids(these, words, ports)
        if whole or len(asked) + len(words) + len(ids) > _MOST:
            rows = self._rows(self.statements.seen, devices)
        else:
            rows = self._rows(
                self.statements.seen_of, devices, at_names=sorted(words), at_chassis=sorted(ids)
            )
        return [self._sighting(row) for row in rows]

    def _around(
        self, seen: Sequence[neighbour_identity.Seen], identities: Sequence[Any]
    ) -> set[str]:
        """Devices that may be an end of what was seen: their ports are wanted, too."""
        return _near(seen, identities) | self._holders(seen, identities)

    def _holders(
        self, seen: Sequence[neighbour_identity.Seen], identities: Sequence[Any]
    ) -> set[str]:
        """Devices that have a port with a MAC address heard in the place of a chassis id."""
        proven = {row["chassis"] for row in identities}
        strange = {one.chassis for one in seen} - proven
        macs = {neighbour_ids.chassis_mac(one) for one in strange} - {None}
        if len(macs) > _MOST:
            return {row["name"] for row in identities}
        rows = self._rows(self.statements.holders, (), at_macs=list(macs)) if macs else ()
        return {row["device"] for row in rows}

    def _sighting(self, row: Any) -> neighbour_identity.Seen:
        looked = row["discovered_at"] or row["valid_from"]
        fresh = looked if self.at is None else max(row["valid_from"], min(looked, self.at))
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
            called=frozenset(_words(row)),
            addresses=frozenset({row["address"]}),
            bundles={one["name"]: one["bundle"] for one in own.values() if one["bundle"]},
            reads=row["discovered_at"] is not None,
            # Whether it answered is kept of today only.
            silent=row["unreachable_since"] if self.at is None else None,
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


def _words(row: Any) -> set[str]:
    """What a device is called, by us and by itself."""
    return {word for word in (row["name"], row["system_name"], *(row["called"] or ())) if word}


def _ids(
    rows: Sequence[Any], words: Collection[str], ports: Mapping[str, Mapping[str, Any]]
) -> set[str]:
    """The chassis ids under which these devices may be heard."""
    own = {row["chassis"] for row in rows if row["chassis"] is not None}
    macs = {port["mac"] for row in rows for port in ports.get(row["name"], {}).values()} - {None}
    named = {neighbour_ids.cdp_chassis(word.encode()) for word in words} - {None}
    return own | {neighbour_ids.mac_chassis(mac) for mac in macs} | {one for one in named if one}


def _near(seen: Sequence[neighbour_identity.Seen], identities: Sequence[Any]) -> set[str]:
    """Those that it may be by a name, an address or a chassis id, as ``Directory`` looks them up."""
    chassis = {one.chassis for one in seen}
    names = {one.system_name for one in seen} | {one.at[0] for one in seen}
    names |= {neighbour_ids.chassis_text(one) for one in chassis}
    names |= {neighbour_ids.chassis_name(one) for one in chassis}
    flat = {name.casefold() for name in names}
    addresses = {neighbour_ids.chassis_address(one) for one in chassis}
    return {
        row["name"]
        for row in identities
        if row["chassis"] in chassis
        or row["address"] in addresses
        or any(word.casefold() in flat for word in _words(row))
    }
