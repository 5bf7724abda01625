"""Decides what the agent answers: system group, IF-MIB, LLDP-MIB as lldpd fills it, bgpIdentifier."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from oss_agent.testing.simulated_snmp.ber import Oid, Tag, Value, text
from oss_agent.testing.simulated_snmp.router import Port, Router

SYSTEM: Oid = (1, 3, 6, 1, 2, 1, 1)
IF_NUMBER: Oid = (1, 3, 6, 1, 2, 1, 2, 1)
IF_ENTRY: Oid = (1, 3, 6, 1, 2, 1, 2, 2, 1)
IF_X_ENTRY: Oid = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)
BGP_IDENTIFIER: Oid = (1, 3, 6, 1, 2, 1, 15, 4, 0)
LLDP_LOCAL: Oid = (1, 0, 8802, 1, 1, 2, 1, 3)
LLDP_REMOTE: Oid = (1, 0, 8802, 1, 1, 2, 1, 4, 1, 1)
LLDP_MANAGED_AT: Oid = (1, 0, 8802, 1, 1, 2, 1, 4, 2, 1)
IF_ADMIN_STATUS: Oid = (*IF_ENTRY, 7)
IF_OPER_STATUS: Oid = (*IF_ENTRY, 8)
IF_INDEX: Oid = (*IF_ENTRY, 1)
SYS_UP_TIME: Oid = (*SYSTEM, 3, 0)
_OBJECT_ID: Oid = (1, 3, 6, 1, 4, 1, 8072, 3, 2, 10)
_ETHERNET = 6
_MTU = 1500
_PACKET = 500
_CHASSIS_MAC, _PORT_MAC = 4, 3
_BRIDGE_AND_ROUTER = b"\x28\x00"


def view(router: Router) -> list[tuple[Oid, Value]]:
    """Every object instance of the router now, in the order of a walk."""
    return sorted([*_system(router), *_interfaces(router), *_lldp(router)], key=lambda row: row[0])


def status(router: Router, port: Port) -> tuple[int, int]:
    """The ifAdminStatus and ifOperStatus of a port: 1 up, 2 down."""
    enabled = router.settings(port.name)[0]
    return (1 if enabled else 2), (1 if enabled and port.up else 2)


def _system(router: Router) -> Iterator[tuple[Oid, Value]]:
    values = (
        text(router.description),
        Value(Tag.OID, _OBJECT_ID),
        Value(Tag.TIMETICKS, router.ticks()),
        text("noc@example.net"),
        text(router.name),
        text("on this machine only"),
    )
    for number, value in enumerate(values, 1):
        yield (*SYSTEM, number, 0), value
    yield (*IF_NUMBER, 0), _number(len(router.ports))
    yield BGP_IDENTIFIER, Value(Tag.IP_ADDRESS, socket.inet_aton(router.router_id))


def _interfaces(router: Router) -> Iterator[tuple[Oid, Value]]:
    for port in router.ports.values():
        for column, value in _if_row(router, port).items():
            yield (*IF_ENTRY, column, port.index), value
        for column, value in _if_x_row(router, port).items():
            yield (*IF_X_ENTRY, column, port.index), value


def _if_row(router: Router, port: Port) -> dict[int, Value]:
    admin, oper = status(router, port)
    octets_in, octets_out = _octets(router, port)
    return {
        1: _number(port.index),
        2: text(port.name),
        3: _number(_ETHERNET),
        4: _number(_MTU),
        5: Value(Tag.GAUGE32, min(port.speed, 2**32 - 1)),
        6: Value(Tag.OCTETS, port.mac),
        7: _number(admin),
        8: _number(oper),
        9: Value(Tag.TIMETICKS, int(port.changed * 100)),
        10: _counter32(octets_in),
        11: _counter32(octets_in // _PACKET),
        13: _counter32(0),
        14: _counter32(0),
        16: _counter32(octets_out),
        17: _counter32(octets_out // _PACKET),
        19: _counter32(0),
        20: _counter32(0),
    }


def _if_x_row(router: Router, port: Port) -> dict[int, Value]:
    octets_in, octets_out = _octets(router, port)
    return {
        1: text(port.name),
        6: Value(Tag.COUNTER64, octets_in),
        7: Value(Tag.COUNTER64, octets_in // _PACKET),
        10: Value(Tag.COUNTER64, octets_out),
        11: Value(Tag.COUNTER64, octets_out // _PACKET),
        14: _number(1),
        15: Value(Tag.GAUGE32, port.speed // 1_000_000),
        17: _number(1),
        18: text(router.settings(port.name)[1]),
        19: Value(Tag.TIMETICKS, 0),
    }


def _octets(router: Router, port: Port) -> tuple[int, int]:
    seconds = port.carried(router.age())
    return int(seconds * port.rate_in), int(seconds * port.rate_out)


def _lldp(router: Router) -> Iterator[tuple[Oid, Value]]:
    yield (*LLDP_LOCAL, 1, 0), _number(_CHASSIS_MAC)
    yield (*LLDP_LOCAL, 2, 0), Value(Tag.OCTETS, chassis(router.name))
    yield (*LLDP_LOCAL, 3, 0), text(router.name)
    yield (*LLDP_LOCAL, 4, 0), text(router.description)
    for port in router.ports.values():
        for column, value in _local_row(port).items():
            yield (*LLDP_LOCAL, 7, 1, column, port.index), value
        for column, value in _remote_row(router, port).items():
            yield (*LLDP_REMOTE, column, 0, port.index, 1), value
        yield from _managed_at(router, port)


def _local_row(port: Port) -> dict[int, Value]:
    return {2: _number(_PORT_MAC), 3: Value(Tag.OCTETS, port.mac), 4: text(port.name)}


def _remote_row(router: Router, port: Port) -> dict[int, Value]:
    other = router.neighbours(port)
    if other is None or port.peer is None or not port.up:
        return {}
    return {
        4: _number(_CHASSIS_MAC),
        5: Value(Tag.OCTETS, chassis(port.peer[0])),
        6: _number(_PORT_MAC),
        7: Value(Tag.OCTETS, other.mac),
        8: text(other.name),
        9: text(port.peer[0]),
        10: text(router.description),
        12: Value(Tag.OCTETS, _BRIDGE_AND_ROUTER),
    }


def _managed_at(router: Router, port: Port) -> Iterator[tuple[Oid, Value]]:
    """A row of lldpRemManAddrTable, whose index is the address: family 1 (IPv4), length, octets."""
    address = router.managed_at(port)
    if address and router.neighbours(port) is not None and port.up:
        octets = socket.inet_aton(address)
        yield (*LLDP_MANAGED_AT, 3, 0, port.index, 1, 1, len(octets), *octets), _number(2)


def chassis(name: str) -> bytes:
    """A locally administered address made of a router's name."""
    return b"\x02" + (name.encode() + b"\0" * 5)[:5]


def _number(number: int) -> Value:
    return Value(Tag.INTEGER, number)


def _counter32(number: int) -> Value:
    return Value(Tag.COUNTER32, number % 2**32)
