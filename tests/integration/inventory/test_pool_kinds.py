"""What pools are of, what a reservation keeps, and what a released value waits for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from inventory.drift import drift_rows, pool_audits
from inventory.planning import configured
from inventory.pools import (
    pool_absence,
    pool_claims,
    pool_desk,
    pool_sql,
    pool_there,
    pool_values,
    pool_views,
    pools,
)
from inventory.rows import ownership, tables
from oss_agent import errors, store
from oss_agent.spi import audit, clock
from oss_agent.spi import drift as spi_drift
from oss_agent.spi.tree import Step, Tree

_AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
_KIND = pool_values.Kind
_BLOCK = pools.PoolRange.of_prefix("blocks", "203.0.113.0/24", 30, longest=32)
_VNI = pools.PoolRange("vni", 100, 102, 60, kind=_KIND.VNI, unseen=3_600)


def _after(seconds: float) -> datetime:
    return _AT + timedelta(seconds=seconds)


def _claim(c: sa.Connection, key: str, pool: str = "vni", at: datetime = _AT, **of: Any) -> str:
    return pool_claims.claim(c, pool=pool, key=key, at=at, **{"wanted": None, **of})


def _seeded(connection: sa.Connection, *some: pools.PoolRange) -> sa.Connection:
    pools.seed(connection, some or [_VNI, _BLOCK], tenant="default", at=_AT)
    return connection


@pytest.mark.parametrize(
    ("kind", "administrator", "first", "texts"),
    [
        (_KIND.VLAN, None, 4093, ["4093", "4094"]),
        (_KIND.AS, None, 4_200_000_000, ["4200000000", "4200000001"]),
        (_KIND.RD, "65000", 4_294_967_294, ["65000:4294967294", "65000:4294967295"]),
        (_KIND.RT, "192.0.2.1", 65_534, ["192.0.2.1:65534", "192.0.2.1:65535"]),
        (_KIND.RD, "4200000000", 7, ["4200000000:7", "4200000000:8"]),
    ],
)
def test_every_kind_is_written_as_its_standard_says(
    connection: sa.Connection,
    kind: pool_values.Kind,
    administrator: str | None,
    first: int,
    texts: list[str],
) -> None:
    one = pools.PoolRange("p", first, first + 1, kind=kind, administrator=administrator)
    _seeded(connection, one)
    assert [_claim(connection, key, "p") for key in "ab"] == texts
    with pytest.raises(errors.Conflict, match=f"{texts[1]} of pool p is held by b"):
        _claim(connection, "c", "p", wanted=texts[1])


@pytest.mark.parametrize(
    ("kind", "administrator", "last", "words"),
    [
        (_KIND.VLAN, None, 4095, "not all vlan: it is 1 to 4094"),
        (_KIND.VNI, None, 2**24, "not all vni"),
        (_KIND.AS, None, 30_000, "AS 23456 lies in it"),
        (_KIND.RD, "192.0.2.1", 65_536, "behind 192.0.2.1 is room for 0 to 65535"),
        (_KIND.RD, "4200000000", 65_536, "behind 4200000000 is room"),
        (_KIND.RT, "192.0.2.1\n", 5, "neither an AS number"),
        (_KIND.RT, "65000:1", 5, "neither an AS number"),
        (_KIND.RD, "0", 5, "no AS number"),
    ],
)
def test_what_no_standard_allows_is_refused_by_name(
    connection: sa.Connection,
    kind: pool_values.Kind,
    administrator: str | None,
    last: int,
    words: str,
) -> None:
    one = pools.PoolRange("p", 1, last, kind=kind, administrator=administrator)
    with pytest.raises(errors.ConfigurationError, match=f"pool p: .*{words}"):
        _seeded(connection, one)


def test_a_block_gives_prefixes_of_the_length_that_is_asked_for(connection: sa.Connection) -> None:
    _seeded(connection)
    assert _claim(connection, "a", "blocks") == "203.0.113.0/30"
    assert _claim(connection, "b", "blocks", wanted="/26") == "203.0.113.64/26"
    assert _claim(connection, "b", "blocks", wanted="/26") == "203.0.113.64/26"
    assert _claim(connection, "c", "blocks", wanted="/32") == "203.0.113.4/32"
    assert _claim(connection, "d", "blocks", wanted="203.0.113.128/25") == "203.0.113.128/25"
    assert pool_claims.likely(connection, "blocks", _AT, ["203.0.113.8/30"]) == "203.0.113.12/30"


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("203.0.113.0/24", "lies over 203.0.113.64/26, which is held by b"),
        ("203.0.113.64/27", "lies over 203.0.113.64/26"),
        ("203.0.113.64/26", "of pool blocks is held by b"),
        ("/24", "exhausted for a /24"),
        ("/33", "/33 is no length of pool"),
        ("/23", "/23 is no length of pool"),
        ("/x", "/x is not in pool"),
        ("/030", "/030 is not in pool"),
        ("/" + "9" * 5_000, "is not in pool"),
        ("/9999999999999999999999", "is no length"),
        ("203.0.113.65/26", "is not in pool"),
    ],
)
def test_what_lies_over_anothers_prefix_is_refused_by_name(
    connection: sa.Connection, wanted: str, words: str
) -> None:
    _seeded(connection)
    _claim(connection, "b", "blocks", wanted="203.0.113.64/26")
    with pytest.raises(errors.Conflict, match=words):
        _claim(connection, "new", "blocks", wanted=wanted)


def test_a_smaller_prefix_may_lie_where_a_larger_one_has_rested(connection: sa.Connection) -> None:
    _seeded(connection)
    _claim(connection, "b", "blocks", wanted="203.0.113.0/25")
    pool_claims.release(connection, key="b", at=_AT)
    with pytest.raises(errors.Conflict, match="rests until"):
        _claim(connection, "c", "blocks", _after(299), wanted="203.0.113.64/27")
    assert _claim(connection, "c", "blocks", _after(301), wanted="203.0.113.64/27")
    assert _claim(connection, "b", "blocks", _after(302), wanted="/25") == "203.0.113.128/25"


def test_a_reservation_keeps_its_value_until_its_time_is_over(connection: sa.Connection) -> None:
    _seeded(connection)
    kept = _claim(connection, "reservation.acme", until=_after(100))
    assert (kept, _claim(connection, "svc.vni")) == ("100", "101")
    with pytest.raises(errors.Conflict, match=r"reserved by reservation\.acme until"):
        _claim(connection, "reservation.other", wanted="100", until=_after(50))
    assert _claim(connection, "other.vni", at=_after(99)) == "102"
    assert _claim(connection, "late.vni", at=_after(100)) == "100"


def test_an_order_that_names_a_reserved_value_has_it_for_good(connection: sa.Connection) -> None:
    _seeded(connection)
    _claim(connection, "reservation.acme", until=_after(100))
    assert _claim(connection, "svc.vni", wanted="100", at=_after(50)) == "100"
    assert _claim(connection, "reservation.acme", at=_after(60), until=_after(90)) == "101"
    assert _claim(connection, "other.vni", at=_after(500)) == "101"
    assert _claim(connection, "svc.vni", at=_after(500)) == "100"


def test_a_number_is_written_in_one_way(connection: sa.Connection) -> None:
    """As 0100 it would be kept from the order that names 100, and compared with what devices say."""
    _seeded(connection)
    with pytest.raises(errors.Conflict, match="0100 is not in pool vni"):
        _claim(connection, "reservation.acme", wanted="0100", until=_after(100))


def test_a_reservation_is_asked_for_longer_and_never_for_less(connection: sa.Connection) -> None:
    _seeded(connection)
    for until in (100, 200, 50):
        _claim(connection, "reservation.acme", until=_after(until))
    shown = pool_views.claims(connection, pool_views.found(connection, "default", "vni"), _AT)
    assert [(one.state, one.until) for one in shown] == [("reserved", _after(200))]


def test_what_rests_of_a_need_is_that_needs_again_under_whatever_key(
    connection: sa.Connection,
) -> None:
    """A modify claims beside what its service has; its undo wants back what that one released."""
    _seeded(connection, pools.PoolRange("p", 1, 9))
    _claim(connection, "s1.vni", "p", wanted="5")
    _claim(connection, "s1.vni~t2", "p", wanted="6")
    for other in ("s1.vni~t3", "s1.vni"):  # what is held is no rest
        with pytest.raises(errors.Conflict, match=r"6 of pool p is held by|already has 5"):
            _claim(connection, other, "p", wanted="6")
    pool_claims.release(connection, key="s1.vni", at=_AT)
    for other in ("s1.vnis", "s1.vn", "s1.transit.pe1", "s10.vni", "s1.vni.pe1", "s"):
        with pytest.raises(errors.Conflict, match=r"5 of pool p was released by s1\.vni and rests"):
            _claim(connection, other, "p", wanted="5")
    assert _claim(connection, "s1.vni~t3", "p", wanted="5") == "5"
    pool_claims.release(connection, key="s1.vni~t2", at=_AT)
    pool_claims.release(connection, key="s1.vni~t3", at=_AT)
    assert _claim(connection, "s1.vni~t4", "p", wanted="6") == "6"
    assert _claim(connection, "s1.vni", "p", wanted="5") == "5"


def test_what_was_only_reserved_never_rests(connection: sa.Connection) -> None:
    _seeded(connection)
    _claim(connection, "reservation.acme", until=_after(100))
    pool_claims.release(connection, key="reservation.acme", at=_after(1))
    assert _claim(connection, "svc.vni", at=_after(1)) == "100"


def _configure(connection: sa.Connection, value: str, at: datetime = _AT) -> None:
    leaf = Tree(Step("vxlan", (("name", f"vxlan{value}"),)), children=(Tree(Step("vni"), value),))
    tree = Tree(Step(""), children=(leaf,) if value else ())
    holding = ownership.Holding("svc", "pe1", "netconf")
    configured.record(connection, holding, tree, tenant="default", at=at)


def _resting(connection: sa.Connection, at: datetime) -> Mapping[str, str]:
    pool = pool_views.found(connection, "default", "vni")
    return {one.value: one.why for one in pool_views.claims(connection, pool, at)}


def test_a_value_that_a_device_was_read_back_with_rests_longer(connection: sa.Connection) -> None:
    _seeded(connection)
    _claim(connection, "svc.vni")
    _configure(connection, "100")
    pool_claims.release(connection, key="svc.vni", at=_AT)
    assert "by time alone: nobody has seen yet" in _resting(connection, _AT)["100"]
    assert _claim(connection, "a", at=_after(61)) == "101"
    assert _claim(connection, "b", at=_after(3_601)) == "100"


def test_a_value_that_was_seen_to_be_gone_rests_its_quarantine(connection: sa.Connection) -> None:
    _seeded(connection)
    _claim(connection, "svc.vni")
    _configure(connection, "100", _AT - timedelta(seconds=5))
    _configure(connection, "", _AT)
    pool_claims.release(connection, key="svc.vni", at=_AT)
    why = _resting(connection, _AT)["100"]
    assert "read back with nothing of its service: pe1 (netconf)" in why
    assert _claim(connection, "a", at=_after(59)) == "101"
    assert _claim(connection, "b", at=_after(61)) == "100"


def test_a_modified_service_keeps_a_device_but_not_the_old_value(
    connection: sa.Connection,
) -> None:
    _seeded(connection)
    _claim(connection, "svc.vni")
    _configure(connection, "102")
    pool_claims.release(connection, key="svc.vni", at=_AT)
    assert "read back without it: pe1 (netconf)" in _resting(connection, _AT)["100"]


def test_what_an_adoption_found_and_did_not_take_rests_until_it_is_seen_to_be_gone(
    connection: sa.Connection,
) -> None:
    """A device has it: that nothing was read back of a service that never came proves nothing."""
    _seeded(connection)
    _claim(connection, "svc.vni")
    _configure(connection, "100")
    pool_claims.release(connection, key="svc.vni", at=_AT)
    for _ in range(2):
        found = pool_there.claim(connection, pool="vni", key="new.vni", wanted="100", at=_after(10))
        assert found == "100"
    pool_claims.release(connection, key="new.vni", at=_after(20))
    assert "by time alone: nobody has seen yet" in _resting(connection, _after(20))["100"]
    assert _claim(connection, "a", at=_after(100)) == "101"
    assert _claim(connection, "b", at=_after(3_621)) == "100"


class _Clock(clock.Clock):
    def __init__(self) -> None:
        self.at = _AT

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0

    def boot(self) -> clock.BootTime:
        return clock.BootTime("test", 0.0)


@pytest.mark.anyio
async def test_the_watch_ends_what_is_over_and_sees_what_is_gone(
    engine: sa.Engine, database_url: str
) -> None:
    time = _Clock()
    with engine.begin() as connection:
        _seeded(connection)
        _claim(connection, "svc.vni")
        _configure(connection, "100")
        pool_claims.release(connection, key="svc.vni", at=_AT)
    async with store.open_store(database_url) as rows:
        desk = pool_desk.PoolDesk(rows, time)
        made = await desk.reserve("default", "vni", key="acme", wanted=None, seconds=100)
        assert (made.value, made.state) == ("101", "reserved")
        assert await desk.look() == 0
        with engine.begin() as connection:
            _configure(connection, "", _after(10))
        time.at = _after(100)
        assert await desk.look() == 2
        assert await desk.look() == 0
        view = await desk.get("default", "vni")
        with engine.begin() as connection:
            pool_there.claim(connection, pool="vni", key="new.vni", wanted="102", at=time.at)
            pool_claims.release(connection, key="new.vni", at=time.at)
        assert await desk.look() == 0, "nobody saw that it is gone"
    assert (view.held, view.reserved, view.resting, view.free) == (0, 0, 0, 3)


@pytest.mark.anyio
async def test_a_reservation_is_given_back_and_another_tenants_pool_is_not_there(
    engine: sa.Engine, database_url: str
) -> None:
    with engine.begin() as connection:
        _seeded(connection)
    async with store.open_store(database_url) as rows:
        deeds: list[audit.Deed] = []
        desk = pool_desk.PoolDesk(rows, _Clock(), told=lambda _, deed: deeds.append(deed))
        kept = await desk.reserve(
            "default", "blocks", key="acme", wanted="/29", seconds=60, by="op"
        )
        assert kept.value == "203.0.113.0/29"
        assert (await desk.get("default", "blocks")).reserved == 8
        await desk.forgo("default", "blocks", key="acme", by="op")
        await desk.forgo("default", "blocks", key="acme", by="op")
        assert [(one.actor, one.action, one.subject) for one in deeds] == [
            ("op", "reserve", "pool:blocks"),
            ("op", "forgo", "pool:blocks"),
        ]
        assert all(one.detail["value"] == kept.value for one in deeds)
        assert await desk.claims("default", "blocks") == ()
        assert [one.name for one in await desk.forecasts("default")] == ["blocks", "vni"]
        assert await desk.list("other") == ()
        with pytest.raises(errors.NotFound, match="pool vni"):
            await desk.get("other", "vni")


def test_a_pool_of_one_length_becomes_one_of_several_while_values_are_held(
    connection: sa.Connection,
) -> None:
    one = pools.PoolRange.of_prefix("net", "203.0.113.0/28", 30, 0)
    several = pools.PoolRange.of_prefix("net", "203.0.113.0/28", 30, 0, longest=30)
    finer = pools.PoolRange.of_prefix("net", "203.0.113.0/28", 30, 0, longest=31)
    _seeded(connection, one)
    assert _claim(connection, "a", "net") == "203.0.113.0/30"

    _seeded(connection, several)
    assert _claim(connection, "b", "net", wanted="/29") == "203.0.113.8/29"
    for other in (one, finer):
        with pytest.raises(errors.ConfigurationError, match="still has a value"):
            _seeded(connection, other)
    assert _claim(connection, "a", "net") == "203.0.113.0/30"


def _audited(connection: sa.Connection, device: str, now: Tree, at: datetime) -> None:
    """An audit of ``device`` that began at ``at`` and read ``now``."""
    ground = drift_rows.ground(connection, device)
    gone = pool_audits.gone(ground.resting, ground.parts["netconf"], now)
    seen = [("netconf", row) for row in gone]
    drift_rows.settle(connection, ground, spi_drift.Audited(device, at), seen)


def _vxlan(vni: str, name: str = "100") -> Tree:
    leaf = Tree(Step("vxlan", (("name", f"vxlan{name}"),)), children=(Tree(Step("vni"), vni),))
    return Tree(Step(""), children=(leaf,))


_OTHERS = Tree(Step(""), children=(Tree(Step("hostname"), "pe1-100"),))
"""What somebody else has there: the value in it is not the service's."""


def _stands_on(connection: sa.Connection, *devices: str) -> None:
    """A service with value 100 on these devices, that is released now."""
    _seeded(connection)
    _claim(connection, "svc.vni")
    for device in devices:
        holding = ownership.Holding("svc", device, "netconf")
        configured.record(connection, holding, _vxlan("100"), tenant="default", at=_AT)
    pool_claims.release(connection, key="svc.vni", at=_AT)


def _evidence(connection: sa.Connection) -> str | None:
    row = connection.execute(sa.select(tables.pool_claims).where(pool_sql.UNSEEN)).mappings().one()
    return pool_absence.evidence(connection, row, "100")


def test_audits_of_every_device_that_had_a_value_end_its_rest(connection: sa.Connection) -> None:
    _stands_on(connection, "pe1", "pe2")
    _audited(connection, "pe1", _OTHERS, _after(10))
    assert _evidence(connection) is None, "pe2 was not audited"
    _audited(connection, "pe2", _OTHERS, _after(20))
    assert _evidence(connection) == ("audited and found without it: pe1 (netconf), pe2 (netconf)")


@pytest.mark.parametrize("now", [_vxlan("100"), _vxlan("102"), Tree(Step(""))])
def test_a_value_that_an_audit_finds_or_cannot_rule_out_rests_on(
    connection: sa.Connection, now: Tree
) -> None:
    """It is there; its port is still named after it; the device shows nothing at all."""
    _stands_on(connection, "pe1")
    _audited(connection, "pe1", now, _after(10))
    assert _evidence(connection) is None


def test_the_last_audit_counts_and_none_from_before_the_release(connection: sa.Connection) -> None:
    _stands_on(connection, "pe1")
    ground = drift_rows.ground(connection, "pe1")
    _audited(connection, "pe1", _OTHERS, _after(10))
    assert _evidence(connection) is not None
    _audited(connection, "pe1", _vxlan("100"), _after(20))
    assert _evidence(connection) is None, "it came back"

    _claim(connection, "svc.vni", at=_after(30))
    assert drift_rows.ground(connection, "pe1").resting == (), "what is held does not rest"
    pool_claims.release(connection, key="svc.vni", at=_after(40))
    gone = pool_audits.gone(ground.resting, ground.parts["netconf"], _OTHERS)
    seen = [("netconf", row) for row in gone]
    drift_rows.settle(connection, ground, spi_drift.Audited("pe1", _after(50)), seen)
    assert _evidence(connection) is None, "its reading began before the release"


def test_a_device_is_audited_soon_after_such_a_release(connection: sa.Connection) -> None:
    _stands_on(connection, "pe1")
    assert drift_rows.turns(connection)["pe1"].expecting
    _audited(connection, "pe1", _vxlan("100"), _after(10))
    assert not drift_rows.turns(connection)["pe1"].expecting, "in its turn again"
