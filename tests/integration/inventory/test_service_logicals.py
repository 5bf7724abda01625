"""Which VLAN and VRF is for which service: by what was read back of it, both ways and of any moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from bss_bridge.resources import tmf638, tmf639
from inventory.facts import configured_names, facts
from inventory.ledgers import ledger_views
from inventory.looks import observed
from inventory.planning import ledger as inventory_ledger
from inventory.rows import tables
from inventory.services import ports, services
from oss_agent import store
from oss_agent.spi import ledger
from oss_agent.spi.moments import AsOf
from oss_agent.spi.query import Filter, Operator, Query
from oss_agent.spi.tree import ROOT, Step, Tree
from oss_agent.spi.views import SpecificationRef
from tests.unit.bss_bridge import test_tmf_surfaces, world

_AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_VLAN, _VRF = ("vlan", "100"), ("vrf", "vpn10100")


def _leaf(name: str, value: str) -> Tree:
    return Tree(Step(name), value)


def _entry(called: str, /, *children: Tree, **keys: str) -> Tree:
    return Tree(Step(called, tuple(keys.items())), children=children)


def _line(text: str, *children: Tree) -> Tree:
    return Tree(Step("line", (("text", text),)), children=children)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (_entry("vrf", _leaf("vni", "10100"), name="vpn10100"), [_VRF]),
        (_entry("ni:network-instance", name="vpn10100"), [_VRF]),
        (_entry("routing-instance", name="vpn10100"), [_VRF]),
        (_leaf("vrf", "vpn10100"), [_VRF]),
        (_leaf("vrf-name", "vpn10100"), [_VRF]),
        (_leaf("vrf", "x" * 256), []),
        (_leaf("vrf-target", "vpn10100"), []),
        (_line("vrf vpn10100"), [_VRF]),
        (_line("vrf instance vpn10100"), [_VRF]),
        (_line("vrf definition vpn10100"), [_VRF]),
        (_line("router bgp 65000 vrf vpn10100"), [_VRF]),
        (_line("vxlan vrf vpn10100 vni 100"), [_VRF]),
        (_line("ip vrf forwarding vpn10100"), [_VRF]),
        (Tree(Step("router bgp 65000 vrf vpn10100")), [_VRF]),
        (_line("description my vrfs 100"), []),
        (_entry("vlan", **{"vlan-id": "100"}), [_VLAN]),
        (_entry("vlan", _leaf("vlan-id", "100"), _leaf("vni", "7"), name="acme"), [_VLAN]),
        (_leaf("access-vlan", "100"), [_VLAN]),
        (_leaf("vlan-id", "0100"), [_VLAN]),
        (_leaf("vlan-id", "4095"), []),
        (_leaf("vlan-id", "0"), []),
        (_leaf("vlan-id", "9" * 5_000), []),
        (_leaf("vlan-id", "٣"), []),
        (_line("switchport access vlan 100"), [_VLAN]),
        (_line("vlan 1001x"), []),
        (_line("interface vlan 100", _line("vrf forwarding vpn10100")), [_VLAN, _VRF]),
        (_entry("eline", _leaf("vni", "10100"), _leaf("port", "eth4"), name="acme"), []),
    ],
)
def test_a_part_speaks_of_vlans_and_vrfs_by_their_names(
    part: Tree, expected: list[tuple[str, str]]
) -> None:
    whole = Tree(ROOT, children=(_entry("services", part),))
    assert list(configured_names.named(whole)) == expected


def _service(key: str, tenant: str) -> ledger.ServiceRow:
    return ledger.ServiceRow(
        id=key,
        tenant=tenant,
        name=f"acme {key}",
        category="CFS",
        specification=SpecificationRef("l3vpn", "1", "L3VPN"),
        characteristics={},
        customer="acme",
        order="17",
        resources=(("pe1", "eth4"),) if key == "s1" else (),
    )


def _at(minutes: int) -> datetime:
    return _AT + timedelta(minutes=minutes)


def _seen(connection: sa.Connection, minutes: int, *names: tuple[str, str]) -> None:
    told = {
        kind: tuple(
            facts.LogicalFact(kind, name, {"state": "up"} if kind == "vrf" else {})
            for one, name in names
            if one == kind
        )
        for kind in ("vlan", "vrf")
    }
    observed.record(connection, facts.DeviceFacts("pe1", logical=told), _at(minutes))


def _read_back(connection: sa.Connection, minutes: int, service: str, *parts: Tree) -> None:
    tree = Tree(ROOT, children=(Tree(Step("services"), children=parts),)) if parts else Tree(ROOT)
    inventory_ledger.SqlLedger(world.StillClock()).record_configured(
        connection, device="pe1", store="netconf", service=service, tree=tree, at=_at(minutes)
    )


_BOTH = (_entry("vrf", name="vpn10100"), _leaf("vlan-id", "100"))


def _story(connection: sa.Connection) -> None:
    for key, tenant in (("s1", "default"), ("s2", "default"), ("foreign", "other")):
        services.put(connection, _service(key, tenant), _at(1))
    _read_back(connection, 2, "s1", *_BOTH)
    _seen(connection, 3, _VRF, _VLAN, ("vlan", "7"))
    _read_back(connection, 4, "foreign", _BOTH[0])
    _read_back(connection, 5, "s2", _BOTH[0])
    _read_back(connection, 6, "s1", _BOTH[0])
    _seen(connection, 7, _VLAN)
    _read_back(connection, 8, "s2")
    _seen(connection, 9, _VRF, _VLAN)


_PORT = "pe1:eth4"
_V, _R = "pe1~vlan=100", "pe1~vrf=vpn10100"
_EXPECTED: dict[int | None, tuple[list[str], list[str], list[str] | None, list[str] | None]] = {
    2: ([_PORT], [], None, None),
    3: ([_PORT, _V, _R], [], ["s1"], ["s1"]),
    4: ([_PORT, _V, _R], [], ["s1"], ["s1"]),
    5: ([_PORT, _V, _R], [_R], ["s1"], ["s1", "s2"]),
    6: ([_PORT, _R], [_R], [], ["s1", "s2"]),
    7: ([_PORT], [], [], None),
    8: ([_PORT], [], [], None),
    None: ([_PORT, _R], [], [], ["s1"]),
}
"""After each minute: what supports s1 and s2, and what the VLAN and the VRF support, if they are there."""


def test_both_ways_now_and_then_with_official_answers(
    database_url: str, network: Callable[[sa.Connection], None]
) -> None:
    async def story() -> None:
        async with store.open_store(database_url) as rows:
            await rows.write(tables.METADATA.create_all)
            await rows.write(network)
            await rows.write(_story)
            those, resources = ports.ServicePort(rows), ports.ResourcePort(rows)
            for minute, (of_s1, of_s2, vlan, vrf) in _EXPECTED.items():
                when = None if minute is None else AsOf(_at(minute), _at(minute))
                page = await those.find(Query("default"), when)
                found = {one.id: list(one.supporting_resources) for one in page.items}
                assert found == {"s1": of_s1, "s2": of_s2}, minute
                for key in (_PORT, _V, _R):
                    asked = Filter("supportingResource.id", Operator.EQ, (key,))
                    those_on = await those.find(Query("default", (asked,)), when)
                    shown_on = {name for name, ids in found.items() if key in ids}
                    assert {one.id for one in those_on.items} == shown_on, minute
                one = await those.get("default", "s1", when)
                assert list(one.supporting_resources) == of_s1
                logical = Query("default", (Filter("category", Operator.EQ, ("logical",)),))
                seen = (await resources.find(logical, when)).items
                told = {
                    view.id: [key for kind, key in view.relationships if kind == "supports"]
                    for view in seen
                    if view.id != "pe1~vlan=7"
                }
                present = {_V: vlan, _R: vrf}
                assert told == {k: v for k, v in present.items() if v is not None}, minute
            stranger = await those.get("other", "foreign")
            assert stranger.supporting_resources == (), "the device is another tenant's"
            side_by_side = ledger_views.LedgerPort(rows, world.StillClock(), lambda _: ())
            for minute, expected in (
                (2, {_V: ("spoken of (netconf)", None), _R: ("spoken of (netconf)", None)}),
                (3, {_V: ("spoken of (netconf)", "there"), _R: ("spoken of (netconf)", "up")}),
                (7, {_R: ("spoken of (netconf)", None)}),
            ):
                shown = await side_by_side.show("default", "s1", AsOf(_at(minute), _at(minute)))
                lines = {
                    one.about: (
                        one.configured.text if one.configured else None,
                        one.observed.text if one.observed else None,
                    )
                    for one in shown.lines
                    if "~" in one.about
                }
                assert lines == expected, minute
            view = await resources.get("default", _R)
            body = tmf639.render(view, world.LINKS)
            (related,) = (
                one for one in body["resourceRelationship"] if one["relationshipType"] == "supports"
            )
            assert related["href"] == world.LINKS.service("s1")
            assert related["resource"]["@referredType"] == "Service"
            for spec in test_tmf_surfaces.SPECS_639:
                world.judge(spec, "Resource", body)
            shown_service = tmf638.render(await those.get("default", "s1"), world.LINKS)
            assert world.LINKS.resource(_R) in [
                one["href"] for one in shown_service["supportingResource"]
            ]
            for spec in test_tmf_surfaces.SPECS_638:
                world.judge(spec, "Service", shown_service)

    asyncio.run(story())


def test_the_same_read_back_again_writes_nothing(connection: sa.Connection) -> None:
    _story(connection)
    count = sa.select(sa.func.count()).select_from(tables.configured_logicals)
    before = connection.execute(count).scalar_one()
    _read_back(connection, 20, "s1", _BOTH[0])
    assert connection.execute(count).scalar_one() == before
