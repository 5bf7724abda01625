"""What is told of resources (TMF639): a mirror fed by the events alone shows what the list shows."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from inventory.planning import ledger
from inventory.pools import pools
from inventory.services import resource_queries
from oss_agent.clock import SystemClock
from oss_agent.spi import events, query, views
from oss_agent.spi import ledger as seam
from oss_agent.spi.events import EventKind

_T0 = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
_RANGE = pools.PoolRange("core-vni", 10100, 10102, quarantine=60)
PORTS = (("pe1", "eth4"), ("pe2", "eth4"))


def at(seconds: float) -> datetime:
    return _T0 + timedelta(seconds=seconds)


class Mirror:
    """A listener that keeps the states and characteristics of what it was told."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.told: list[events.Event] = []
        self.rows = self.listed()
        self.ledger = ledger.SqlLedger(SystemClock(), self.hear)

    def hear(self, connection: sa.Connection, event: events.Event) -> None:
        assert connection is self.connection, "in the unit that changes it"
        self.told.append(event)
        key = event.payload["id"]
        if event.kind is EventKind.RESOURCE_DELETE:
            del self.rows[key]
            return
        assert (key in self.rows) is (event.kind is not EventKind.RESOURCE_CREATE)
        self.rows[key] = _kept(event.payload)

    def listed(self) -> dict[str, object]:
        found = resource_queries.find(self.connection, query.Query("default", limit=1_000))
        return {one.id: _kept(views.as_json(one)) for one in found.items}

    def news(self) -> list[tuple[str, str, tuple[str, ...]]]:
        """What was told since it was asked last; the mirror is true."""
        assert self.rows == self.listed()
        told, self.told = self.told, []
        return [(one.entity.partition(":")[2], one.kind.value, one.changed) for one in told]


def _kept(view: object) -> object:
    assert isinstance(view, dict)
    return {name: view[name] for name in view if name not in {"start_date", "relationships"}}


@pytest.fixture
def mirror(connection: sa.Connection) -> Mirror:
    pools.seed(connection, [_RANGE], tenant="default", at=_T0)
    return Mirror(connection)


CREATE, STATE, CHANGE = (
    one.value
    for one in (EventKind.RESOURCE_CREATE, EventKind.RESOURCE_STATE, EventKind.RESOURCE_CHANGE)
)
USE = ("usageState", "resourceStatus")


def test_what_is_ordered_by_itself_is_told_as_a_resource_and_a_service_is_not(
    mirror: Mirror,
) -> None:
    it, c = mirror.ledger, mirror.connection
    row = seam.ServiceRow(
        id="r17-1",
        tenant="default",
        name="spare",
        category=views.BY_ITSELF,
        specification=views.SpecificationRef("port-off", "1.0", "Port out of use"),
        characteristics={"port": "pe1:eth4"},
        customer="noc",
        order="ro17",
        resources=(("pe1", "eth4"),),
    )
    it.put_service(c, row, at(1))
    assert mirror.news() == [("r17-1", CREATE, ())]
    it.move_service(c, service="r17-1", state=views.ServiceState.ACTIVE, at=at(2))
    assert mirror.news() == [("r17-1", STATE, ("operationalState", *USE))]
    said = {**row.characteristics, "description": "spare"}
    it.put_service(c, dataclasses.replace(row, characteristics=said, order="ro18"), at(3))
    assert mirror.news() == [("r17-1", CHANGE, ("resourceCharacteristic",))]
    it.move_service(c, service="r17-1", state=views.ServiceState.TERMINATED, at=at(4))
    assert mirror.news() == [("r17-1", EventKind.RESOURCE_DELETE.value, ())]
    it.put_service(c, dataclasses.replace(row, id="s17-1", category="CFS"), at(5))
    assert mirror.news() == []


def test_what_an_order_takes_and_gives_back_is_told(mirror: Mirror) -> None:
    it, c = mirror.ledger, mirror.connection
    it.take_ports(c, service="s1", order="17", ports=PORTS, at=at(1))
    assert sorted(mirror.news()) == [
        ("pe1", STATE, ("usageState",)),
        ("pe1:eth4", STATE, USE),
        ("pe2", STATE, ("usageState",)),
        ("pe2:eth4", STATE, USE),
    ]
    it.take_ports(c, service="s1", order="17", ports=PORTS, at=at(2))
    assert mirror.news() == [], "nothing changed"
    it.claim(c, pool="core-vni", key="s1:vni", wanted=None, at=at(2))
    assert mirror.news() == [("core-vni:10100", CREATE, ())]
    it.release(c, key="s1:vni", at=at(3))
    it.free_ports(c, service="s1", keep=[PORTS[0]], at=at(3))
    assert sorted(mirror.news()) == [
        ("core-vni:10100", STATE, USE),
        ("pe2", STATE, ("usageState",)),
        ("pe2:eth4", STATE, USE),
    ]
    it.claim(c, pool="core-vni", key="s2:vni", wanted="10100", at=at(90))
    assert mirror.news() == [("core-vni:10100", STATE, ("resourceStatus", "usageState"))]


def test_freed_and_taken_at_one_moment_are_two_events(mirror: Mirror) -> None:
    it, c = mirror.ledger, mirror.connection
    it.take_ports(c, service="s1", order="17", ports=PORTS[:1], at=at(1))
    it.free_ports(c, service="s1", at=at(2))
    it.take_ports(c, service="s2", order="18", ports=PORTS[:1], at=at(2))
    assert len({one.id for one in mirror.told}) == len(mirror.told) == 6
    assert mirror.news()


def test_what_a_poll_sees_is_told_when_it_is_news(mirror: Mirror) -> None:
    it, c = mirror.ledger, mirror.connection
    up = [("eth3", 3, "up", "up"), ("eth4", 4, "up", "up")]
    it.observe_ports(c, device="pe1", rows=up, at=at(1))
    assert {name for name, kind, _ in mirror.news() if kind == STATE} == {
        "pe1", "pe1:eth3", "pe1:eth4",
    }  # fmt: skip
    it.observe_ports(c, device="pe1", rows=up, at=at(2))
    it.sight_device(c, device="pe1", trouble=None, at=at(2))
    assert mirror.news() == []
    it.observe_ports(c, device="pe1", rows=[*up[:1], ("eth4", 4, "up", "down")], at=at(3))
    assert mirror.news() == [("pe1:eth4", STATE, ("operationalState",))]
    it.observe_ports(c, device="pe1", rows=[("eth3", 7, "up", "up")], at=at(4))
    assert mirror.news() == [("pe1:eth3", CHANGE, ("resourceCharacteristic",))]
    it.sight_device(c, device="pe1", trouble="no answer", at=at(5))
    it.sight_device(c, device="pe1", trouble="no answer", at=at(6))
    assert mirror.news() == [("pe1", STATE, ("operationalState", "resourceStatus"))]


def test_what_a_poll_finds_new_is_created(mirror: Mirror) -> None:
    rows = [("eth9", 9, "down", "down")]
    mirror.ledger.observe_ports(mirror.connection, device="pe2", rows=rows, at=at(1))
    assert ("pe2:eth9", CREATE, ()) in mirror.news()


def test_without_anybody_to_tell_nothing_is_looked_at(connection: sa.Connection) -> None:
    silent = ledger.SqlLedger(SystemClock())
    silent.take_ports(connection, service="s1", order="17", ports=PORTS, at=at(1))
    assert resource_queries.get(connection, "default", "pe1:eth4").usage_state == "busy"
