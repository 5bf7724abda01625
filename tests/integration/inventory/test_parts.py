"""Parts of devices as rows with history, as cases when one is swapped, and as TMF639 resources."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from inventory.facts import facts
from inventory.looks import component_rows, observed
from inventory.rows import history, tables
from inventory.services import resource_queries
from oss_agent.spi.query import Filter, Operator, Query

_T0 = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_PORT = facts.InterfaceFact("eth4", 5, "up", "up", place="chassis.module-1.port-1")
_PARTS = (
    facts.ComponentFact("chassis", "chassis", "pe1", serial="FOC1", model="X1"),
    facts.ComponentFact("chassis.module-1", "module", "card 1", "chassis", serial="C1"),
    facts.ComponentFact(
        "chassis.module-1.port-1", "port", "eth4", "chassis.module-1", interface="eth4"
    ),
    facts.ComponentFact(
        "chassis.module-1.port-1.transceiver-1", "transceiver", "", "chassis.module-1.port-1"
    ),
    facts.ComponentFact("chassis.sensor-1", "sensor", "temp", "chassis"),
)
_SEEN = facts.DeviceFacts(
    "pe1", serials=("FOC1",), interfaces=(_PORT,), components=_PARTS, uptime=1
)


def _at(minutes: int) -> datetime:
    return _T0 + timedelta(minutes=minutes)


def _with(place: str, serial: str) -> facts.DeviceFacts:
    parts = tuple(
        dataclasses.replace(part, serial=serial) if part.place == place else part for part in _PARTS
    )
    return dataclasses.replace(_SEEN, components=parts)


def _cases(connection: sa.Connection) -> list[tuple[str, str]]:
    c = tables.cases.c
    rows = connection.execute(sa.select(c.subject, c.kind).where(history.current(tables.cases)))
    return sorted((subject, kind) for subject, kind in rows)


def test_a_card_swap_is_a_new_version_in_its_place_and_a_case(connection: sa.Connection) -> None:
    observed.record(connection, _SEEN, _at(1))
    observed.record(connection, _SEEN, _at(2))
    assert _cases(connection) == []
    swapped = _with("chassis.module-1", "C2")
    observed.record(connection, swapped, _at(3))
    observed.record(connection, swapped, _at(4))

    assert _cases(connection) == [("pe1~chassis.module-1", "part-swapped")]
    c = tables.components.c
    told = sa.select(c.serial, c.valid_from, c.valid_to).where(
        c.place == "chassis.module-1", c.known_to.is_(None)
    )
    assert connection.execute(told.order_by(c.valid_from)).all() == [
        ("C1", _at(1), _at(3)),
        ("C2", _at(3), None),
    ]
    connection.execute(sa.update(tables.cases).values(decision="accept"))
    observed.record(connection, swapped, _at(5))
    assert _cases(connection) == []


def test_a_part_that_is_pulled_ends_but_not_by_a_cut_look(connection: sa.Connection) -> None:
    observed.record(connection, _SEEN, _at(1))
    less = dataclasses.replace(_SEEN, components=_PARTS[:3])
    observed.record(connection, dataclasses.replace(less, complete=False), _at(2))
    assert len(component_rows.current(connection, "pe1")) == 5
    observed.record(connection, dataclasses.replace(less, components=None), _at(3))
    assert len(component_rows.current(connection, "pe1")) == 5, "SNMP said nothing of parts"
    observed.record(connection, less, _at(4))
    assert len(component_rows.current(connection, "pe1")) == 3


def test_two_devices_that_claim_one_serial_stay_two(connection: sa.Connection) -> None:
    observed.record(connection, _SEEN, _at(1))
    other = dataclasses.replace(_SEEN, device="pe2")
    observed.record(connection, other, _at(2))
    observed.record(connection, _SEEN, _at(3))

    assert _cases(connection) == [("pe1", "serial-claimed-twice"), ("pe2", "serial-claimed-twice")]
    for device in ("pe1", "pe2"):
        assert len(component_rows.current(connection, device)) == 5
    told = sa.select(tables.cases.c.text).where(tables.cases.c.device == "pe2")
    assert "serial number FOC1; they are kept apart" in connection.execute(told).scalar_one()


@pytest.mark.parametrize(
    ("key", "related"),
    [
        ("pe1", [("contains", "pe1:eth3"), ("contains", "pe1:eth4"), ("contains", "pe1~chassis")]),
        ("pe1~chassis", [("contains", "pe1~chassis.module-1"), ("isContainedIn", "pe1")]),
        ("pe1~chassis.module-1", [("contains", "pe1:eth4"), ("isContainedIn", "pe1~chassis")]),
        (
            "pe1:eth4",
            [
                ("contains", "pe1~chassis.module-1.port-1.transceiver-1"),
                ("isConnectedTo", "b1:eth1"),
                ("isContainedIn", "pe1"),
                ("isContainedIn", "pe1~chassis.module-1"),
            ],
        ),
        ("pe1~chassis.module-1.port-1.transceiver-1", [("isContainedIn", "pe1:eth4")]),
    ],
)
def test_parts_are_resources_that_contain_each_other(
    connection: sa.Connection, key: str, related: list[tuple[str, str]]
) -> None:
    observed.record(connection, _SEEN, _at(1))
    view = resource_queries.get(connection, "default", key)

    assert sorted(view.relationships) == related


def test_a_list_of_parts_has_neither_ports_twice_nor_sensors(connection: sa.Connection) -> None:
    observed.record(connection, _SEEN, _at(1))
    asked = Query("default", (Filter("category", Operator.EQ, ("part",)),))
    found = resource_queries.find(connection, asked)

    assert [view.id for view in found.items] == [
        "pe1~chassis",
        "pe1~chassis.module-1",
        "pe1~chassis.module-1.port-1.transceiver-1",
    ]
    assert found.items[0].characteristics["serial"] == "FOC1"
    assert "maker" not in found.items[0].characteristics
