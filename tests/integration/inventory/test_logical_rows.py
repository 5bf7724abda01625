"""What a device says it has by name: kept with its past, ended when the device says so itself."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bss_bridge.resources import tmf639
from inventory.devices import device_views
from inventory.facts import facts
from inventory.looks import observed
from inventory.rows import tables
from inventory.services import resource_events, resource_queries
from oss_agent.spi import events
from oss_agent.spi.query import Filter, Operator, Query
from tests.unit.bss_bridge import test_tmf_surfaces, world

_AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_PEER = facts.LogicalFact("bgp-neighbour", "10.0.0.1", {"remote_as": 20, "state": "established"})
_VLAN = facts.LogicalFact("vlan", "100", {"title": "acme", "tagged": ["eth4"], "untagged": []})


def _told(connection: sa.Connection) -> list[tuple[str, str]]:
    view = device_views.get(connection, "default", "pe1")
    return [(one.name, one.attributes.get("state", "")) for one in view.logical]


def test_a_neighbour_that_goes_down_is_a_version_and_one_taken_away_ends(
    connection: sa.Connection,
) -> None:
    down = dataclasses.replace(_PEER, attributes={**_PEER.attributes, "state": "idle"})
    looks: tuple[dict[str, tuple[facts.LogicalFact, ...]], ...] = (
        {"bgp-neighbour": (_PEER,), "vlan": (_VLAN,)},
        {"bgp-neighbour": (down,), "vlan": (_VLAN,)},
        {"bgp-neighbour": (down,)},
        {"bgp-neighbour": (), "vlan": (_VLAN,)},
    )
    told: list[list[tuple[str, str]]] = []
    for minute, logical in enumerate(looks):
        seen = facts.DeviceFacts("pe1", logical=logical)
        observed.record(connection, seen, _AT + timedelta(minutes=minute))
        told.append(_told(connection))

    assert told == [
        [("10.0.0.1", "established"), ("100", "")],
        [("10.0.0.1", "idle"), ("100", "")],
        [("10.0.0.1", "idle"), ("100", "")],
        [("100", "")],
    ]
    c = tables.logical.c
    versions = sa.select(sa.func.count()).where(c.name == "100")
    assert connection.execute(versions).scalar_one() == 1, "nothing changed of it"


_VRF = facts.LogicalFact(
    "vrf", "a/b c", {"route_distinguisher": "65000:17", "state": "down", "ports": ["eth3"]}
)
_PORTS = tuple(facts.InterfaceFact(f"eth{n}", n, "up", "up") for n in (3, 4))
_SEEN = facts.DeviceFacts(
    "pe1", interfaces=_PORTS, logical={"vlan": (_VLAN,), "vrf": (_VRF,), "bgp-neighbour": (_PEER,)}
)
_LOGICAL = Query("default", (Filter("category", Operator.EQ, ("logical",)),))


def test_vlans_and_vrfs_are_logical_resources_of_their_device_on_their_ports(
    connection: sa.Connection,
) -> None:
    observed.record(connection, _SEEN, _AT)

    shown = {one.id: one for one in resource_queries.find(connection, _LOGICAL).items}
    assert sorted(shown) == ["pe1~vlan=100", "pe1~vrf=a/b c"]
    vlan, vrf = shown["pe1~vlan=100"], shown["pe1~vrf=a/b c"]
    assert vlan.relationships == (("isContainedIn", "pe1"), ("appliesTo", "pe1:eth4"))
    assert (vlan.name, vlan.characteristics["title"]) == ("vlan 100", "acme")
    assert vrf.relationships == (("isContainedIn", "pe1"), ("appliesTo", "pe1:eth3"))
    assert (vlan.operational_state, vrf.operational_state) == ("enabled", "disabled")
    assert resource_queries.get(connection, "default", vrf.id) == vrf
    device = resource_queries.get(connection, "default", "pe1")
    assert {("contains", key) for key in shown} <= set(device.relationships)


@pytest.mark.reference
@pytest.mark.parametrize("spec", test_tmf_surfaces.SPECS_639)
def test_they_satisfy_both_editions(connection: sa.Connection, spec: str) -> None:
    observed.record(connection, _SEEN, _AT)
    for view in resource_queries.find(connection, _LOGICAL).items:
        body = tmf639.render(view, world.LINKS)
        world.judge(spec, "Resource", body)
        assert body["@type"] == "LogicalResource"


def test_a_vlan_that_comes_changes_and_goes_is_told(connection: sa.Connection) -> None:
    told: list[tuple[str, str]] = []

    def sink(_: sa.Connection, event: events.Event) -> None:
        if event.entity.startswith("resource:pe1~"):
            told.append((event.kind.value, event.entity))

    teller = resource_events.Teller(sink)
    moved = dataclasses.replace(_VLAN, attributes={**_VLAN.attributes, "tagged": []})
    some = resource_events.Some(parts_of=frozenset({"pe1"}))
    for minute, vlans in enumerate(((_VLAN,), (_VLAN,), (moved,), ())):
        at = _AT + timedelta(minutes=minute)
        with teller.around(connection, some, at):
            seen = facts.DeviceFacts("pe1", interfaces=_PORTS, logical={"vlan": vlans})
            observed.record(connection, seen, at)

    kinds = events.EventKind
    assert [kind for kind, _ in told] == [
        kinds.RESOURCE_CREATE,
        kinds.RESOURCE_CHANGE,
        kinds.RESOURCE_DELETE,
    ]
