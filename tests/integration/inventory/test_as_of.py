"""What did we believe then? Services, devices, ports, pools and their claims, of any moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from inventory.devices import device_views
from inventory.facts import facts
from inventory.looks import observed
from inventory.pools import pool_claims, pool_views, pools
from inventory.rows import history, tables
from inventory.services import ports, service_queries, service_views, services
from oss_agent import errors, store
from oss_agent.spi import ledger
from oss_agent.spi.moments import AsOf
from oss_agent.spi.query import Filter, Operator, Query
from oss_agent.spi.views import ServiceState, SpecificationRef

_T0 = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)


def _at(minutes: int) -> datetime:
    return _T0 + timedelta(minutes=minutes)


def _then(minutes: int, known: int | None = None) -> AsOf:
    return AsOf(_at(minutes), _at(minutes if known is None else known))


def _put(connection: sa.Connection, minutes: int, port: str = "eth4") -> None:
    row = ledger.ServiceRow(
        id="svc-1",
        tenant="default",
        name="acme",
        category="CFS",
        specification=SpecificationRef("eline", "1", "E-Line"),
        characteristics={"port": port},
        customer="acme",
        order="17",
        resources=(("pe1", port),),
    )
    services.put(connection, row, _at(minutes))


def test_a_service_with_what_it_stood_on(connection: sa.Connection) -> None:
    _put(connection, 10)
    services.move(connection, "svc-1", ServiceState.ACTIVE, _at(20))
    _put(connection, 30, port="eth3")

    def one(when: AsOf | None) -> tuple[str, tuple[str, ...]]:
        view = service_views.one(connection, "svc-1", tenant="default", when=when)
        return view.state.value, view.supporting_resources

    assert one(_then(15)) == ("designed", ("pe1:eth4",))
    assert one(_then(25)) == ("active", ("pe1:eth4",))
    assert one(None) == one(_then(30)) == ("active", ("pe1:eth3",))
    with pytest.raises(errors.NotFound, match=r"at 2026-11-22T01:05:00\.000Z, as far as is known"):
        one(_then(5))
    on_port = Filter("supportingResource.id", Operator.EQ, ("pe1:eth4",))
    asked = Query("default", (on_port,))
    assert service_queries.find(connection, asked, _then(25)).total == 1
    assert service_queries.find(connection, asked).total == 0


def test_what_was_so_and_what_was_believed_are_two_questions(connection: sa.Connection) -> None:
    """At eleven it was learned that the description had been wrong since the very beginning."""
    key, first = {"device": "pe1"}, {"tenant": "default", "description": "FRR 8"}
    history.put(connection, tables.device_states, key, first, _at(10))
    row = connection.execute(sa.select(tables.device_states)).mappings().one()
    c = tables.device_states.c
    connection.execute(sa.update(tables.device_states).values(known_to=_at(60)))
    right = {k: v for k, v in row.items() if k != "row"}
    right |= {"description": "FRR 10", "known_from": _at(60)}
    connection.execute(sa.insert(tables.device_states).values(**right))
    add = {"valid_from": _T0, "known_from": _T0}
    connection.execute(
        sa.update(tables.devices).where(tables.devices.c.name == "pe1").values(**add)
    )

    def said(when: AsOf | None) -> str | None:
        return device_views.get(connection, "default", "pe1", when).description

    assert said(_then(30)) == "FRR 8", "believed at half past one"
    assert said(_then(30, known=90)) == "FRR 10", "so at half past one, as is known now"
    assert said(None) == "FRR 10"
    assert connection.execute(sa.select(sa.func.count(c.row))).scalar_one() == 2


def test_a_device_with_its_ports_names_and_links_of_then(connection: sa.Connection) -> None:
    connection.execute(sa.update(tables.devices).values(valid_from=_T0, known_from=_T0))

    def look(minutes: int, name: str, oper: str) -> None:
        port = facts.InterfaceFact(name, 5, "up", oper, mac="02:00:00:00:00:05")
        seen = facts.DeviceFacts("pe1", interfaces=(port,), uptime=minutes * 6000)
        observed.record(connection, seen, _at(minutes))

    look(10, "ge5", "up")
    look(20, "ge5", "down")
    look(30, "wan0", "up")

    def ports_of(when: AsOf | None) -> dict[str, tuple[str, tuple[str, ...]]]:
        view = device_views.get(connection, "default", "pe1", when)
        return {p.name: (p.oper_status, p.formerly) for p in view.interfaces if p.index == 5}

    assert ports_of(_then(5)) == {}
    assert ports_of(_then(15)) == {"ge5": ("up", ())}
    assert ports_of(_then(25)) == {"ge5": ("down", ())}
    assert ports_of(_then(35)) == ports_of(None) == {"wan0": ("up", ("ge5",))}
    past = device_views.get(connection, "default", "pe1", _then(25))
    assert past.last_seen is None, "when it answered is not kept"
    assert device_views.get(connection, "default", "pe1").last_seen == _at(30)
    assert device_views.find(connection, Query("default"), AsOf(_at(-1), _at(-1))).total == 0
    assert device_views.find(connection, Query("default"), _then(5)).total == 3


def test_a_pool_and_who_had_what(connection: sa.Connection) -> None:
    vni = pools.PoolRange("core-vni", 100, 109, quarantine=600.0, unseen=600.0)
    pools.seed(connection, [vni], tenant="default", at=_at(0))
    pool_claims.claim(connection, pool="core-vni", key="svc-1.vni", wanted=None, at=_at(10))
    pool_claims.release(connection, key="svc-1.vni", at=_at(20))

    def told(when: AsOf | None) -> tuple[int, int, int, list[tuple[str, str]]]:
        now = _at(100)
        pool = pool_views.found(connection, "default", "core-vni", when)
        view = pool_views.view(connection, pool, now, when=when)
        rows = pool_views.claims(connection, pool, now, when)
        return view.held, view.resting, view.free, [(one.value, one.state) for one in rows]

    assert told(_then(5)) == (0, 0, 10, [])
    assert told(_then(15)) == (1, 0, 9, [("100", "held")])
    assert told(_then(25)) == (0, 1, 9, [("100", "resting")])
    assert told(_then(35)) == told(None) == (0, 0, 10, [])
    with pytest.raises(errors.NotFound):
        told(_then(-1))


def test_the_port_asks_of_then_too(
    database_url: str, network: Callable[[sa.Connection], None]
) -> None:
    async def story() -> None:
        async with store.open_store(database_url) as rows:
            await rows.write(tables.METADATA.create_all)
            await rows.write(network)
            await rows.write(lambda c: _put(c, 10))
            port = ports.ServicePort(rows)
            assert (await port.find(Query("default"), _then(5))).total == 0
            assert (await port.find(Query("default"), _then(15))).total == 1
            assert (await port.get("default", "svc-1", _then(15))).name == "acme"

    asyncio.run(story())
