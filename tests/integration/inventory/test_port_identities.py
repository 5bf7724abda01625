"""Ports of a database keep their history, services and meters through whatever the device does."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from inventory.devices import device_views
from inventory.facts import facts
from inventory.looks import interface_rows, observed
from inventory.planning import ledger
from inventory.rows import history, tables
from oss_agent import clock
from oss_agent.assurance import port_table
from oss_agent.spi import snmp

_T0 = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def _after(minutes: int) -> datetime:
    return _T0 + timedelta(minutes=minutes)


def _port(name: str, index: int, mac: str | None = None, **more: Any) -> facts.InterfaceFact:
    return facts.InterfaceFact(name, index, "up", "up", mac=mac, **more)


def _look(
    connection: sa.Connection,
    minutes: int,
    *ports: facts.InterfaceFact,
    device: str = "pe1",
    **more: Any,
) -> str:
    seen = facts.DeviceFacts(device, interfaces=ports, uptime=minutes * 6000)
    seen = dataclasses.replace(seen, **more)
    return observed.record(connection, seen, _after(minutes))


def _ports(connection: sa.Connection, device: str = "pe1") -> dict[str, Any]:
    return {row["name"]: row for row in interface_rows.current(connection, device)}


def _cases(connection: sa.Connection) -> list[tuple[str, str]]:
    c = tables.cases.c
    query = sa.select(c.subject, c.kind).where(history.current(tables.cases))
    return [
        (subject, kind) for subject, kind in connection.execute(query.order_by(c.subject, c.kind))
    ]


@pytest.fixture
def it() -> ledger.SqlLedger:
    return ledger.SqlLedger(clock.SystemClock())


def _stand_on(connection: sa.Connection, it: ledger.SqlLedger, port: str) -> None:
    row = {"tenant": "default", "service": "svc-1", "device": "pe1", "port": port, "meter": True}
    history.begin(connection, tables.service_resources, row, _T0)
    it.take_ports(connection, service="svc-1", order="17", ports=[("pe1", port)], at=_T0)


def test_a_reboot_that_renumbers_everything_keeps_every_identity(
    connection: sa.Connection,
) -> None:
    _look(
        connection, 1, _port("eth1", 2, "02:00:00:00:00:01"), _port("eth2", 3, "02:00:00:00:00:02")
    )
    before = {name: row["identity"] for name, row in _ports(connection).items()}
    _look(
        connection,
        2,
        _port("eth1", 3, "02:00:00:00:00:01"),
        _port("eth2", 2, "02:00:00:00:00:02"),
        uptime=7,
    )

    after = _ports(connection)
    assert {name: row["identity"] for name, row in after.items()} == before
    assert len(set(before.values())) == 2
    assert (after["eth1"]["ifindex"], after["eth2"]["ifindex"]) == (3, 2)
    assert _cases(connection) == []


def test_a_rename_takes_service_claim_and_meter_along_and_is_a_case(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    _look(
        connection, 1, _port("eth4", 5, "02:00:00:00:00:04"), _port("eth5", 6, "02:00:00:00:00:05")
    )
    _stand_on(connection, it, "eth4")
    identity = _ports(connection)["eth4"]["identity"]
    _look(
        connection, 2, _port("wan0", 5, "02:00:00:00:00:04"), _port("eth5", 6, "02:00:00:00:00:05")
    )

    assert _ports(connection)["wan0"]["identity"] == identity
    assert "eth4" not in _ports(connection)
    assert it.snapshot(connection, "default").devices["pe1"].ports["wan0"].owner == "svc-1"
    resource = (
        connection.execute(
            sa.select(tables.service_resources).where(history.current(tables.service_resources))
        )
        .mappings()
        .one()
    )
    assert (resource["port"], resource["formerly"], resource["meter"]) == ("wan0", "eth4", True)
    view = {one.name: one for one in device_views.get(connection, "default", "pe1").interfaces}
    assert view["wan0"].formerly == ("eth4",)
    assert _cases(connection) == [("pe1:wan0", "port-renamed")]
    _look(
        connection, 3, _port("wan0", 5, "02:00:00:00:00:04"), _port("eth5", 6, "02:00:00:00:00:05")
    )
    assert _cases(connection) == [("pe1:wan0", "port-renamed")], "until a person saw it"


def test_ports_that_exchange_their_places_names_exchange_what_hangs_on_them(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    """Names collide here, so that they carry their number; the places prove which is which."""
    _look(connection, 1, _port("p#4", 4, place="0/1"), _port("p#5", 5, place="0/2"))
    _stand_on(connection, it, "p#4")
    _look(connection, 2, _port("p#5", 5, place="0/1"), _port("p#4", 4, place="0/2"))

    held = sa.select(tables.port_claims.c.port).where(history.current(tables.port_claims))
    assert connection.execute(held).scalars().all() == ["p#5"]


def test_a_port_that_takes_a_name_which_a_service_holds_moves_nothing_and_is_a_case(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    mac = "02:00:00:00:00:04"
    _look(connection, 1, _port("eth4", 5, mac, descr="4"))
    _stand_on(connection, it, "eth4")
    it.take_ports(connection, service="svc-2", order="18", ports=[("pe1", "wan0")], at=_after(1))
    _look(connection, 2, _port("wan0", 5, mac, descr="4"))

    assert set(_ports(connection)) == {"wan0"}
    c = tables.port_claims.c
    held = sa.select(c.service, c.port).where(history.current(tables.port_claims))
    assert sorted(map(tuple, connection.execute(held))) == [("svc-1", "eth4"), ("svc-2", "wan0")]
    (text,) = connection.execute(sa.select(tables.cases.c.text)).scalars()
    assert "nothing moved along" in text


def test_a_missing_port_waits_out_its_grace_and_longer_while_a_service_stands_on_it(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    ports = [_port(name, n, f"02:00:00:00:00:0{n}") for n, name in enumerate(("eth3", "eth4"), 3)]
    _look(connection, 1, *ports, _port("lo", 1))
    _stand_on(connection, it, "eth4")
    _look(connection, 2, _port("lo", 1))
    away = _ports(connection)
    assert (away["eth3"]["oper_status"], away["eth3"]["missing_since"]) == ("notPresent", _after(2))
    assert _cases(connection) == [("pe1:eth4", "port-missing")]

    _look(connection, 3, _port("lo", 1), *ports)
    assert _ports(connection)["eth3"]["missing_since"] is None
    assert _ports(connection)["eth3"]["identity"] == away["eth3"]["identity"]
    assert _cases(connection) == []

    late = 4 + round(interface_rows.GRACE.total_seconds() / 60)
    _look(connection, 4, _port("lo", 1))
    _look(connection, late, _port("lo", 1))
    assert set(_ports(connection)) == {"lo", "eth4"}
    it.free_ports(connection, service="svc-1", at=_after(late))
    history.end(connection, tables.service_resources, sa.true(), _after(late))
    _look(connection, late + 1, _port("lo", 1))
    assert set(_ports(connection)) == {"lo"}


def test_a_look_that_was_cut_short_says_nothing_of_what_it_did_not_come_to(
    connection: sa.Connection,
) -> None:
    _look(connection, 1, _port("eth3", 3), _port("eth4", 4))
    _look(connection, 2, _port("eth3", 3), complete=False)

    assert _ports(connection)["eth4"]["missing_since"] is None


def test_a_table_that_was_cut_short_keeps_nothing_else_from_ending(
    connection: sa.Connection,
) -> None:
    _look(connection, 1, _port("eth3", 3), _port("eth4", 4))
    _look(connection, 2, _port("eth3", 3), complete=False, cut=("ospf-neighbour",))

    assert _ports(connection)["eth4"]["missing_since"] == _after(2)


def test_a_look_that_was_cut_short_renames_nothing(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    """Where the column of names broke off, a port has its maker's name for one look."""
    mac = "02:00:00:00:00:04"
    _look(connection, 1, _port("eth4", 5, mac, descr="Ethernet 4"))
    _stand_on(connection, it, "eth4")
    _look(connection, 2, _port("Ethernet 4", 5, mac, descr="Ethernet 4"), complete=False)

    assert set(_ports(connection)) == {"eth4"}
    assert it.snapshot(connection, "default").devices["pe1"].ports["eth4"].owner == "svc-1"
    assert _cases(connection) == []


def test_a_first_look_that_was_cut_short_is_recorded_too(connection: sa.Connection) -> None:
    _look(connection, 1, _port("eth3", 3), complete=False, neighbours=())

    assert set(_ports(connection)) == {"eth3"}


def test_a_poll_that_sees_another_name_leaves_it_to_the_next_look(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    _look(connection, 1, _port("eth4", 5, "02:00:00:00:00:04"))
    it.observe_ports(connection, device="pe1", rows=[("wan0", 5, "up", "up")], at=_after(2))

    assert set(_ports(connection)) == {"eth4"}
    stirred = sa.select(tables.sightings.c.stirred_at).where(tables.sightings.c.device == "pe1")
    assert connection.execute(stirred).scalar_one() == _after(2)
    _look(connection, 3, _port("wan0", 5, "02:00:00:00:00:04"))
    assert connection.execute(stirred).scalar_one() is None
    assert set(_ports(connection)) == {"wan0"}


def test_a_poll_of_a_port_that_was_made_anew_is_of_the_one_that_is_there(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    """net-snmp shows both under one name; the look told them apart by MAC address."""
    gone, there = _port("eth4#6", 6, "02:00:00:00:00:04"), _port("eth4", 10, "02:00:00:00:00:04")
    _look(connection, 1, gone, there)
    polled = [
        port_table.Port("eth4", 6, "down", "down", mac="02:00:00:00:00:04"),
        port_table.Port("eth4", 10, "up", "dormant", mac="02:00:00:00:00:04"),
    ]
    named = it.name_ports(connection, "pe1", polled)
    rows = [(name, *port.row[1:]) for name, port in zip(named.names, polled, strict=True)]
    it.observe_ports(connection, device="pe1", rows=rows, at=_after(2))

    seen = {name: row["oper_status"] for name, row in _ports(connection).items()}
    assert seen == {"eth4#6": "down", "eth4": "dormant"}


def test_a_look_at_half_of_another_box_does_not_make_it_the_known_one(
    connection: sa.Connection,
) -> None:
    """A trap about neighbours has the chassis id read, and no port: alone it tells no swap."""
    _look(connection, 1, _port("eth3", 3, "02:00:00:00:00:03"), chassis="4:0a")
    half = facts.DeviceFacts("pe1", chassis="7:0b", neighbours=())
    assert observed.record(connection, half, _after(2)) == ""

    told = _look(connection, 3, _port("eth3", 3, "02:99:00:00:00:03"), chassis="7:0b")
    assert "another box answers at the address of pe1" in told
    assert _cases(connection) == [("pe1", "chassis-swapped")]


def test_another_box_at_the_address_writes_nothing_before_a_person_accepts_it(
    connection: sa.Connection,
) -> None:
    _look(connection, 1, _port("eth3", 3), serials=("FOC1",))
    told = _look(connection, 2, _port("ge-0/0/0", 3), serials=("FOC2",))
    _look(connection, 3, _port("ge-0/0/0", 3), serials=("FOC2",))

    assert "serial FOC1 before, FOC2 now" in told
    assert "oss-agent case accept " in told
    assert set(_ports(connection)) == {"eth3"}
    assert _ports(connection)["eth3"]["missing_since"] is None
    assert _cases(connection) == [("pe1", "chassis-swapped")]
    connection.execute(
        sa.update(tables.cases).values(decision="accept", decided_by="ann", decided_at=_after(4))
    )
    assert "FOC3" in _look(connection, 5, serials=("FOC3",)), "accepted was FOC2, not any box"
    connection.execute(sa.update(tables.cases).values(decision=None))
    _look(connection, 6, _port("ge-0/0/0", 3), serials=("FOC2",))
    connection.execute(
        sa.update(tables.cases).values(decision="accept", decided_by="ann", decided_at=_after(6))
    )
    assert _look(connection, 7, _port("eth3", 9), serials=("FOC2",)) == ""
    assert _ports(connection)["eth3"]["ifindex"] == 9
    assert _cases(connection) == []


def test_cloned_ids_are_a_case_each_and_never_a_merge(connection: sa.Connection) -> None:
    same = {"chassis": "4:aac1ab000001", "engine_id": "80001f8804aabb"}
    _look(connection, 1, _port("eth3", 3), device="pe1", **same)
    _look(connection, 2, _port("eth3", 3), device="pe2", **same)
    assert _cases(connection) == [("pe2", "chassis-id-cloned"), ("pe2", "engine-id-cloned")]

    _look(connection, 3, _port("eth3", 3), device="pe1", **same)
    assert len(_cases(connection)) == 4
    assert set(_ports(connection, "pe1")) == set(_ports(connection, "pe2")) == {"eth3"}
    mended = {"chassis": "4:aac1ab000002", "engine_id": "80001f8804aabc"}
    _look(connection, 4, _port("eth3", 3), device="pe2", **mended)
    _look(connection, 5, _port("eth3", 3), device="pe1", **same)
    assert _cases(connection) == []


def test_a_row_of_the_release_before_gets_its_identity_at_the_first_look(
    connection: sa.Connection,
) -> None:
    row = {"tenant": "default", "ledger": tables.OBSERVED, "device": "pe1", "name": "eth9"}
    history.begin(connection, tables.interfaces, row, _T0)
    _look(connection, 1, _port("eth9", 3))

    assert _ports(connection)["eth9"]["identity"] == f"pe1:eth9@{_after(1):%Y-%m-%dT%H:%M:%S.000Z}"


def test_a_service_goes_along_with_its_port_when_two_exchange_names(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    macs = ("02:00:00:00:00:01", "02:00:00:00:00:02")
    places = ("chassis.port-1", "chassis.port-2")
    ends = list(zip(macs, places, strict=True))
    _look(connection, 1, *(_port(f"eth{n}", n, m, place=p) for n, (m, p) in enumerate(ends, 3)))
    before = {row["mac"]: row["identity"] for row in _ports(connection).values()}
    _stand_on(connection, it, "eth3")
    names = ("eth4", "eth3")
    ports = [_port(names[n], 9 - n, m, place=p) for n, (m, p) in enumerate(ends)]
    _look(connection, 2, *ports, uptime=7)

    after = _ports(connection)
    assert {row["mac"]: row["identity"] for row in after.values()} == before
    (view,) = [
        p for p in device_views.get(connection, "default", "pe1").interfaces if p.name == "eth4"
    ]
    assert view.mac == macs[0]
    c = tables.service_resources.c
    current = sa.select(c.port, c.formerly).where(history.current(tables.service_resources))
    assert connection.execute(current).all() == [("eth4", "eth3")]
    assert _cases(connection) == [("pe1:eth3", "port-renamed"), ("pe1:eth4", "port-renamed")]


@pytest.mark.parametrize(
    ("first", "then", "moves"),
    [
        (6_000, 360_000, True),
        # It restarted half an hour ago: the same number may be another port's.
        (6_000, 180_000, False),
        # Its clock went once around.
        (snmp.TICKS - 4_000, 350_000, True),
    ],
)
def test_a_number_proves_a_rename_only_where_the_device_did_not_restart(
    connection: sa.Connection, first: int, then: int, *, moves: bool
) -> None:
    mac = "02:00:00:00:00:04"
    _look(connection, 1, _port("eth4", 5, mac), uptime=first)
    before = _ports(connection)["eth4"]["identity"]
    # The look took a minute from the question to its writing.
    port = _port("wan0", 5, mac)
    _look(connection, 60, port, uptime=then - 6_000, uptime_at=_after(59))
    assert (_ports(connection)["wan0"]["identity"] == before) is moves


def test_a_port_that_a_service_only_stood_on_is_not_missed(connection: sa.Connection) -> None:
    _look(connection, 1, _port("eth4", 5), _port("eth5", 6))
    row = {"tenant": "default", "service": "svc-1", "device": "pe1", "port": "eth4", "meter": True}
    history.begin(connection, tables.service_resources, row, _T0)
    history.begin(connection, tables.services, _service("terminated"), _T0)
    _look(connection, 2, _port("eth5", 6))
    assert _cases(connection) == []


def _service(state: str) -> dict[str, Any]:
    return {
        "tenant": "default", "id": "svc-1", "name": "line", "category": "CFS", "order_id": "1",
        "specification_id": "eline", "specification_name": "eline", "specification_version": "1.0",
        "characteristics": {}, "customer": "acme", "state": state, "operating_status": "stopped",
        "status_since": _T0, "service_date": _T0,
    }  # fmt: skip


def test_a_port_that_may_have_moved_is_told_until_it_is_decided_about_or_back(
    connection: sa.Connection,
) -> None:
    mac = "02:00:00:00:00:04"
    _look(connection, 1, _port("eth4", 5, mac), _port("eth5", 6))
    other = (_port("lan8", 9, mac), _port("eth5", 7))
    for minutes in (2, 3):
        _look(connection, minutes, *other, uptime=minutes)
        assert _cases(connection) == [("pe1:eth4", "port-moved")]
    _look(connection, 4, _port("eth4", 5, mac), _port("eth5", 6))
    assert _cases(connection) == []


def test_a_card_that_was_moved_is_one_case_and_accepted_once(connection: sa.Connection) -> None:
    macs = [f"02:00:00:00:00:{n:02x}" for n in range(24)]
    _look(connection, 1, _port("lo", 1), *(_port(f"a{n}", n + 10, m) for n, m in enumerate(macs)))
    moved = [_port("lo", 1), *(_port(f"b{n}", n + 50, m) for n, m in enumerate(macs))]
    for minutes in (2, 3):
        _look(connection, minutes, *moved, uptime=minutes)
        assert _cases(connection) == [("pe1", "port-moved")]
    ids = sa.select(tables.cases.c.id).where(history.current(tables.cases))
    assert len(connection.execute(ids).scalars().all()) == 1
    connection.execute(
        sa.update(tables.cases).values(decision="accept", decided_by="ann", decided_at=_after(3))
    )
    for minutes in (4, 5):
        _look(connection, minutes, *moved, uptime=minutes)
        assert _cases(connection) == []


def test_a_subinterface_that_went_and_one_that_came_are_a_case_only_with_a_service(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    one, two = "02:00:00:00:00:04", "02:00:00:00:00:05"
    trunks = (_port("eth4", 4, one), _port("eth5", 5, two))
    _look(connection, 1, *trunks, _port("eth4.100", 6, one), _port("eth5.100", 7, two))
    _stand_on(connection, it, "eth5.100")
    _look(connection, 2, *trunks, _port("eth4.200", 8, one), _port("eth5.200", 9, two))

    assert _cases(connection) == [("pe1:eth5.100", "port-missing"), ("pe1:eth5.100", "port-moved")]


def test_an_ignored_card_stays_ignored_when_a_port_of_it_is_back(connection: sa.Connection) -> None:
    macs = [f"02:00:00:00:00:{n:02x}" for n in range(24)]
    before = [_port(f"a{n}", n + 10, m) for n, m in enumerate(macs)]
    after = [_port(f"b{n}", n + 50, m) for n, m in enumerate(macs)]
    _look(connection, 1, _port("lo", 1), *before)
    _look(connection, 2, _port("lo", 1), *after, uptime=2)
    connection.execute(
        sa.update(tables.cases).values(
            decision="ignore", decided_by="ann", decided_at=_after(2), until=_after(600)
        )
    )
    c = tables.cases.c
    query = sa.select(c.id, c.decision, c.since, c.text).where(history.current(tables.cases))
    (whole,) = connection.execute(query).all()
    for minutes in (3, 4):
        _look(connection, minutes, _port("lo", 1), before[0], *after[1:], uptime=minutes)
        (left,) = connection.execute(query).all()
        assert (left.id, left.decision, left.since) == (whole.id, "ignore", whole.since)
        assert left.text.startswith("23 of 24 ports are gone still")
    versions = sa.select(sa.func.count()).where(c.id == whole.id, c.known_to.is_(None))
    assert connection.execute(versions).scalar_one() == 2, "what is as it was is no new version"


def test_a_port_renamed_to_a_name_that_only_a_file_has_waits_for_the_look(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    """A topology file's port is planned: no look saw it, so a poll's row of that name may be any."""
    planned = {"ledger": tables.PLANNED, "device": "pe1", "name": "wan0"}
    history.put(connection, tables.interfaces, planned, {"tenant": "default"}, _T0)
    _look(connection, 1, _port("eth4", 5, "02:00:00:00:00:04"))

    polled = [port_table.Port("wan0", 5, "up", "up", mac="02:00:00:00:00:04")]
    assert it.name_ports(connection, "pe1", polled).doubted == {"eth4"}
    assert it.name_ports(connection, "pe1", [port_table.Port("eth4", 5, "up", "up")]).names == (
        "eth4",
    )


def test_a_poll_before_the_look_hides_no_new_numbers_from_it(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    """After a restart that numbered anew, an ifIndex that stayed by chance proves no renaming."""
    one, two = "02:00:00:00:00:01", "02:00:00:00:00:02"
    _look(connection, 1, _port("eth1", 2, one), _port("eth2", 3, two))
    polled = [("eth1", 9, "up", "down"), ("wan0", 3, "up", "up")]
    it.observe_ports(connection, device="pe1", rows=polled, at=_after(2))
    row = _ports(connection)["eth1"]
    assert (row["oper_status"], row["ifindex"]) == ("down", 2)

    _look(connection, 3, _port("eth1", 9, one), _port("wan0", 3, two), uptime=7)
    assert _cases(connection) == [("pe1:eth2", "port-moved")]
    assert _ports(connection)["eth1"]["ifindex"] == 9
