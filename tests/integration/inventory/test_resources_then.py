"""What TMF638 and TMF639 showed at any moment of a story is what they show as of it, later."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from inventory.facts import facts
from inventory.looks import observed
from inventory.planning import port_claims
from inventory.pools import pool_claims, pools
from inventory.rows import history, tables
from inventory.services import ports, resource_queries, resource_rows, service_queries, services
from oss_agent import errors, store
from oss_agent.spi import ledger
from oss_agent.spi.moments import AsOf
from oss_agent.spi.query import Filter, Operator, Query, Sort
from oss_agent.spi.views import BY_ITSELF, ResourceView, ServiceState, ServiceView, SpecificationRef

_T0 = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
_ALL = Query("default", limit=1_000)
_CARD = (
    facts.ComponentFact("chassis", "chassis", "pe1", serial="FOC1"),
    facts.ComponentFact("chassis.module-1", "module", "card 1", "chassis", serial="C1"),
)
_VLAN = facts.LogicalFact("vlan", "100", {"tagged": ["eth4"], "untagged": []})


def _at(minutes: int) -> datetime:
    return _T0 + timedelta(minutes=minutes)


def _then(minutes: int, known: int | None = None) -> AsOf:
    return AsOf(_at(minutes), _at(minutes if known is None else known))


def _look(
    connection: sa.Connection,
    minutes: int,
    device: str,
    hears: str = "",
    card: tuple[facts.ComponentFact, ...] = (),
    vlans: tuple[facts.LogicalFact, ...] = (),
) -> None:
    place = {"pe1": 1, "pe2": 2}
    own = tuple(
        facts.InterfaceFact(
            f"eth{n}", n, "up", "up", mac=f"02:00:00:00:{place[device]:02x}:{n:02x}"
        )
        for n in (3, 4)
    )
    far = f"4:0200000000{place[hears]:02x}" if hears else ""
    seen = facts.DeviceFacts(
        device,
        chassis=f"4:0200000000{place[device]:02x}",
        interfaces=own,
        neighbours=(facts.NeighbourFact("eth3", far, 5, "eth3"),) if hears else (),
        components=card,
        logical={"vlan": vlans},
    )
    observed.record(connection, seen, _at(minutes))


def _put(connection: sa.Connection, minutes: int, key: str, port: str, category: str) -> None:
    row = ledger.ServiceRow(
        id=key,
        tenant="default",
        name=f"acme {key}",
        category=category,
        specification=SpecificationRef("eline", "1", "E-Line"),
        characteristics={"port": port},
        customer="acme",
        order="17",
        resources=(("pe1", port),),
    )
    services.put(connection, row, _at(minutes))


def _story() -> tuple[Callable[[sa.Connection, int], object], ...]:
    """One thing each minute: what comes, changes and goes of every kind."""
    vni = pools.PoolRange("core-vni", 100, 109, quarantine=600.0, unseen=600.0)

    def unlink(connection: sa.Connection, minute: int) -> None:
        history.end(connection, tables.links, sa.true(), _at(minute))

    def remove(connection: sa.Connection, minute: int) -> None:
        history.end(connection, tables.devices, tables.devices.c.name == "b1", _at(minute))

    return (
        lambda c, m: _look(c, m, "pe1", "pe2", _CARD, (_VLAN,)),
        lambda c, m: _look(c, m, "pe2", "pe1"),
        lambda c, _: pools.seed(c, [vni], tenant="default", at=_T0),
        lambda c, m: _put(c, m, "s1-1", "eth4", "CFS"),
        lambda c, m: port_claims.take(
            c, service="s1-1", order="1", ports=[("pe1", "eth4")], tenant="default", at=_at(m)
        ),
        lambda c, m: pool_claims.claim(c, pool="core-vni", key="s1-1.vni", wanted=None, at=_at(m)),
        lambda c, m: services.move(c, "s1-1", ServiceState.ACTIVE, _at(m)),
        lambda c, m: _put(c, m, "r2-1", "eth3", BY_ITSELF),
        lambda c, m: services.move(c, "r2-1", ServiceState.ACTIVE, _at(m)),
        unlink,
        lambda c, m: _look(c, m, "pe1", "", _CARD[:1], ()),
        lambda c, m: pool_claims.release(c, key="s1-1.vni", at=_at(m)),
        lambda c, m: port_claims.free(c, service="s1-1", at=_at(m)),
        lambda c, m: services.move(c, "s1-1", ServiceState.TERMINATED, _at(m)),
        lambda c, m: services.move(c, "r2-1", ServiceState.TERMINATED, _at(m)),
        remove,
    )


def _resources(c: sa.Connection, when: AsOf | None) -> Mapping[str, ResourceView]:
    page = resource_queries.find(c, _ALL, when)
    assert page.total == len(page.items)
    # When a device answered is not kept, so of the past it is not told.
    kept = (
        dataclasses.replace(one, operational_state="", resource_status="")
        if one.category == "device"
        else one
        for one in page.items
    )
    return {one.id: dataclasses.replace(one, relationships=_sorted(one)) for one in kept}


def _sorted(one: ResourceView) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(one.relationships))


def _services(c: sa.Connection, when: AsOf | None) -> tuple[ServiceView, ...]:
    return service_queries.find(c, _ALL, when).items


def test_every_moment_is_shown_as_it_was_shown_then(connection: sa.Connection) -> None:
    shown = {0: (_resources(connection, None), _services(connection, None))}
    for minute, happens in enumerate(_story(), 1):
        happens(connection, minute)
        shown[minute] = (_resources(connection, None), _services(connection, None))

    every = {
        kind for seen, _ in shown.values() for one in seen.values() for kind, _ in one.relationships
    }
    assert every == {"contains", "isContainedIn", "isConnectedTo", "appliesTo"}
    assert len({str(one) for one in shown.values()}) == len(shown) - 1, (
        "the pool alone shows nothing"
    )
    for minute, (resources, those) in shown.items():
        when = _then(minute)
        assert _resources(connection, when) == resources, minute
        assert _services(connection, when) == those, minute


def test_one_is_shown_as_the_list_of_then_shows_it(connection: sa.Connection) -> None:
    minute = 9
    for at, happens in enumerate(_story(), 1):
        happens(connection, at)
    listed = _resources(connection, _then(minute))
    for key in ("pe1:eth3", "pe1~chassis.module-1", "pe1~vlan=100"):
        one = resource_queries.get(connection, "default", key, _then(minute))
        assert _sorted(one) == listed[key].relationships
    with pytest.raises(errors.NotFound, match="as far as is known"):
        resource_queries.get(connection, "default", "pe1~vlan=100", _then(0))


def test_what_was_learned_later_counts_only_by_what_is_known_later(
    connection: sa.Connection,
) -> None:
    """In the morning it is found in the papers that the card was there since the evening."""
    c = tables.components.c
    _look(connection, 30, "pe1", card=_CARD)
    place = c.place == "chassis.module-1"
    connection.execute(sa.update(tables.components).where(place).values(valid_from=_at(10)))

    def has(when: AsOf) -> set[str]:
        asked = Query("default", (Filter("category", Operator.EQ, ("part",)),))
        return {one.id for one in resource_queries.find(connection, asked, when).items}

    assert has(_then(20)) == set()
    assert has(_then(20, known=40)) == {"pe1~chassis.module-1"}
    assert has(_then(40)) == {"pe1~chassis", "pe1~chassis.module-1"}


def test_who_answered_then_is_not_known_and_said_so(connection: sa.Connection) -> None:
    _look(connection, 10, "pe1")
    now = resource_queries.get(connection, "default", "pe1")
    assert (now.operational_state, now.resource_status) == ("enabled", "suspended")
    then = resource_queries.get(connection, "default", "pe1", _then(20))
    assert (then.operational_state, then.resource_status) == ("unknown", "unknown")
    up = Query("default", (Filter("operationalState", Operator.EQ, ("enable",)),))
    assert {one.id for one in resource_queries.find(connection, up, _then(20)).items} == {
        "pe1:eth3",
        "pe1:eth4",
    }


def test_what_was_seen_of_a_port_then_is_found_by_its_name() -> None:
    """Found by its device it cost every version of all its ports once for each of them."""
    engine = sa.create_engine("sqlite://")
    asked = sa.select(resource_rows.union(_then(20))).compile(
        engine, compile_kwargs={"literal_binds": True}
    )
    with engine.begin() as connection:
        tables.METADATA.create_all(connection)
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}").all()
    engine.dispose()
    (seen,) = (step.detail for step in plan if step.detail.startswith("SEARCH seen "))
    assert "(device=? AND name=?)" in seen


def test_filters_sort_pages_and_totals_are_of_then(connection: sa.Connection) -> None:
    for minute, happens in enumerate(_story(), 1):
        happens(connection, minute)
    busy = Query(
        "default",
        (Filter("usageState", Operator.EQ, ("busy",)),),
        sort=(Sort("id", descending=True),),
        offset=1,
        limit=1,
    )
    page = resource_queries.find(connection, busy, _then(6))
    assert ([one.id for one in page.items], page.total) == (["core-vni:100"], 2)
    assert resource_queries.find(connection, busy).total == 0
    stranger = dataclasses.replace(busy, tenant="other")
    assert resource_queries.find(connection, stranger, _then(6)).total == 0
    with pytest.raises(errors.NotFound):
        resource_queries.get(connection, "other", "pe1", _then(6))


def test_the_port_asks_of_then(database_url: str, network: Callable[[sa.Connection], None]) -> None:
    async def story() -> None:
        async with store.open_store(database_url) as rows:
            await rows.write(tables.METADATA.create_all)
            await rows.write(network)
            await rows.write(lambda c: _put(c, 10, "r2-1", "eth3", BY_ITSELF))
            port = ports.ResourcePort(rows)
            mine = Query("default", (Filter("id", Operator.EQ, ("r2-1",)),))
            assert (await port.find(mine, _then(5))).total == 0
            assert (await port.find(mine, _then(15))).total == 1
            assert (await port.get("default", "r2-1", _then(15))).category == "logical"
            with pytest.raises(errors.NotFound):
                await port.get("default", "r2-1", _then(5))

    asyncio.run(story())
