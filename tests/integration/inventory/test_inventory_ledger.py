"""The ledger seam on both databases: who holds what, whose line it is, what stands on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from inventory.devices import device_words
from inventory.facts import facts
from inventory.looks import observed
from inventory.planning import ledger
from inventory.pools import pool_claims, pools
from inventory.rows import history, tables
from inventory.services import services
from oss_agent import errors
from oss_agent.spi import clock as clocks
from oss_agent.spi import ledger as seam
from oss_agent.spi import tree
from oss_agent.spi.views import OperatingStatus, ServiceState, SpecificationRef
from tests.integration.inventory import conftest

_T0 = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
_RANGE = pools.PoolRange("core-vni", 10100, 10102, quarantine=60)
_CFS = seam.ServiceRow(
    id="svc-1",
    tenant="default",
    name="acme-hq-branch",
    category="CFS",
    specification=SpecificationRef("eline", "1", "E-Line"),
    characteristics={"bandwidth": 20},
    customer="acme",
    order="17",
    meters=(("pe1", "eth4"),),
)
_RFS = replace(
    _CFS,
    id="svc-1-a",
    category="RFS",
    parent="svc-1",
    resources=(("pe1", "eth4"),),
    meters=(),
)


class _FixedClock:
    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return 0.0

    def boot(self) -> clocks.BootTime:
        return clocks.BootTime("boot", 0.0)


def _after(seconds: float) -> datetime:
    return _T0 + timedelta(seconds=seconds)


def _claim(
    connection: sa.Connection, key: str, wanted: str | None = None, at: datetime = _T0
) -> str:
    it = ledger.SqlLedger(_FixedClock(at))
    return it.claim(connection, pool="core-vni", key=key, wanted=wanted, at=at)


@pytest.fixture
def vnis(connection: sa.Connection) -> sa.Connection:
    pools.seed(connection, [_RANGE], tenant="default", at=_T0)
    return connection


@pytest.fixture
def it() -> ledger.SqlLedger:
    return ledger.SqlLedger(_FixedClock(_T0))


def test_a_key_keeps_its_value_and_others_get_the_next(vnis: sa.Connection) -> None:
    assert [_claim(vnis, key) for key in ("a", "b", "a")] == ["10100", "10101", "10100"]


def test_likely_is_what_a_claim_then_gets(vnis: sa.Connection, it: ledger.SqlLedger) -> None:
    _claim(vnis, "a")

    assert it.likely(vnis, "core-vni") == "10101" == it.likely(vnis, "core-vni")
    assert it.likely(vnis, "core-vni", ["10101", "another pool's"]) == "10102"
    assert _claim(vnis, "b") == "10101"


def test_a_wanted_value_of_somebody_else_names_the_holder(vnis: sa.Connection) -> None:
    _claim(vnis, "order-17", "10101")

    with pytest.raises(errors.Conflict, match="10101 of pool core-vni is held by order-17") as told:
        _claim(vnis, "order-18", "10101")
    assert told.value.holder == "order-17"


@pytest.mark.parametrize(
    "wanted", ["10099", "10103", "x", "\u0661\u0660\u0661\u0660\u0660", "-1", "", "9" * 30]
)
def test_a_wanted_value_outside_of_the_pool_is_refused(vnis: sa.Connection, wanted: str) -> None:
    with pytest.raises(errors.Conflict, match="is not in pool core-vni"):
        _claim(vnis, "a", wanted)


def test_an_exhausted_pool_says_so(vnis: sa.Connection) -> None:
    for key in "abc":
        _claim(vnis, key)

    with pytest.raises(errors.Conflict, match="exhausted"):
        _claim(vnis, "d")


def test_an_unknown_pool_lists_the_known(vnis: sa.Connection, it: ledger.SqlLedger) -> None:
    with pytest.raises(errors.ConfigurationError, match="known: core-vni"):
        it.likely(vnis, "vlan")


def test_a_released_value_rests_then_goes_to_another(
    vnis: sa.Connection, it: ledger.SqlLedger
) -> None:
    _claim(vnis, "a")
    it.release(vnis, key="a", at=_after(1))
    it.release(vnis, key="a", at=_after(2))

    assert _claim(vnis, "b", at=_after(3)) == "10101"
    with pytest.raises(errors.Conflict, match="was released by a and rests until"):
        _claim(vnis, "c", "10100", at=_after(3))
    assert _claim(vnis, "c", at=_after(61)) == "10100"


def test_its_own_key_gets_a_resting_value_back_at_once(
    vnis: sa.Connection, it: ledger.SqlLedger
) -> None:
    _claim(vnis, "x")
    _claim(vnis, "a")
    it.release(vnis, key="a", at=_after(1))
    it.release(vnis, key="x", at=_after(1))

    assert _claim(vnis, "a", at=_after(2)) == "10101"


def test_pool_history_says_who_had_a_value_when(vnis: sa.Connection, it: ledger.SqlLedger) -> None:
    _claim(vnis, "a")
    it.release(vnis, key="a", at=_after(10))
    _claim(vnis, "b", at=_after(100))

    def holder(valid: float, known: float) -> Sequence[str]:
        c = tables.pool_claims.c
        which = history.as_of(tables.pool_claims, _after(valid), _after(known))
        return vnis.execute(sa.select(c.key).where(which, c.released_at.is_(None))).scalars().all()

    assert holder(5, 200) == ["a"]
    assert holder(50, 200) == []
    assert holder(150, 200) == ["b"]
    assert holder(50, 5) == ["a"]  # what was believed before the release was known


def test_a_port_is_held_by_one_service(connection: sa.Connection, it: ledger.SqlLedger) -> None:
    ports = [("pe1", "eth4"), ("pe2", "eth4")]
    it.take_ports(connection, service="svc-1", order="17", ports=ports, at=_T0)
    it.take_ports(connection, service="svc-1", order="18", ports=ports, at=_T0)

    with pytest.raises(errors.Conflict, match="pe1:eth4 is held by service svc-1 of order 17"):
        it.take_ports(
            connection,
            service="svc-2",
            order="19",
            ports=[("pe1", "eth3"), ("pe1", "eth4")],
            at=_T0,
        )
    ports_now = it.snapshot(connection, "default").devices["pe1"].ports
    assert ports_now["eth3"].owner is None
    assert (ports_now["eth4"].owner, ports_now["eth4"].owner_order) == ("svc-1", "17")

    it.free_ports(connection, service="svc-1", at=_after(1))
    it.free_ports(connection, service="svc-1", at=_after(1))
    it.take_ports(connection, service="svc-2", order="19", ports=ports, at=_after(2))


def test_a_port_of_an_unknown_device_is_not_found(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    with pytest.raises(errors.NotFound, match="pe9"):
        it.take_ports(connection, service="s", order="1", ports=[("pe9", "eth1")], at=_T0)


def test_owners_are_those_of_the_node_and_of_nodes_above(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    node = "/services/eline[name=ac_e%]"
    for service, paths in (("svc-1", [node]), ("svc-2", ["/services", node])):
        it.own(
            connection,
            service=service,
            order="17",
            device="pe1",
            store="netconf",
            paths=paths,
            at=_T0,
        )

    assert it.owners(connection, "pe1", "netconf", f"{node}/rate") == ("svc-1", "svc-2")
    assert it.owners(connection, "pe1", "netconf", "/services/eline[name=acxex]/rate") == ("svc-2",)
    assert it.owners(connection, "pe1", "netconf", "/services/eline[name=ac_e%]x") == ("svc-2",)
    assert it.owners(connection, "pe1", "netconf", "/servicesx") == ()
    assert it.owners(connection, "pe2", "netconf", node) == ()

    it.disown(connection, service="svc-2", device="pe1", store="netconf", at=_after(1))
    it.disown(connection, service="svc-2", device="pe1", store="netconf", at=_after(1))
    assert it.owners(connection, "pe1", "netconf", f"{node}/rate") == ("svc-1",)


def test_configured_is_versioned_and_ends_when_nothing_is_left(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    def configured() -> Sequence[object]:
        which = history.current(tables.configured)
        return connection.execute(sa.select(tables.configured.c.tree).where(which)).scalars().all()

    leaf = tree.Tree(tree.ROOT, children=(tree.Tree(tree.Step("rate"), "20000"),))
    for at in (_T0, _after(1)):
        it.record_configured(
            connection, device="pe1", store="netconf", service="s", tree=leaf, at=at
        )
    assert configured() == [tree.to_json(leaf)]
    assert (
        connection.execute(sa.select(sa.func.count()).select_from(tables.configured)).scalar() == 1
    )

    it.record_configured(
        connection, device="pe1", store="netconf", service="s", tree=tree.EMPTY, at=_after(2)
    )
    assert configured() == []


def _tree(path: tree.Path) -> tree.Tree:
    """Configuration that is nothing but ``path``."""
    node = tree.Tree(path[-1])
    for step in reversed(path[:-1]):
        node = tree.Tree(step, children=(node,))
    return tree.Tree(tree.ROOT, children=(node,))


def test_a_service_owns_exactly_what_its_last_order_left(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    def own(order: str, *paths: str, changed: Sequence[str] = ()) -> dict[str, str]:
        it.own(
            connection,
            service="svc-1",
            order=order,
            device="pe1",
            store="vtysh",
            paths=paths,
            changed=changed,
            at=_after(int(order)),
        )
        c = tables.ownership.c
        rows = sa.select(c.path, c.order_id).where(history.current(tables.ownership))
        return {row.path: row.order_id for row in connection.execute(rows)}

    own("1", "/a", "/b", "/c")

    assert own("2", "/a", "/b", "/d", changed=["/b"]) == {"/a": "1", "/b": "2", "/d": "2"}
    assert it.owners(connection, "pe1", "vtysh", "/b") == ("svc-1",)
    assert it.owners(connection, "pe1", "netconf", "/b") == ()


def test_what_is_configured_is_told_by_device_and_store(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    one, two = _tree((tree.Step("one"),)), _tree((tree.Step("two", (("k", "v"),)),))
    for device, store, held in (
        ("pe1", "netconf", one),
        ("pe1", "vtysh", two),
        ("pe2", "netconf", one),
    ):
        it.record_configured(connection, device=device, store=store, service="s", tree=held, at=_T0)

    assert it.configured(connection, "s") == {
        ("pe1", "netconf"): one,
        ("pe1", "vtysh"): two,
        ("pe2", "netconf"): one,
    }
    assert it.configured(connection, "t") == {}


def test_neighbours_are_who_owns_a_node_at_above_or_below(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    step = tree.Step
    entry = (step("profiles"), step("profile", (("name", "20%/x"),)))
    leaf = (*entry, step("rate"))
    other = (step("profiles"), step("profile", (("name", "20%"),)))
    for service, path, store in (
        ("at", entry, "netconf"),
        ("below", leaf, "netconf"),
        ("beside", other, "netconf"),
        ("elsewhere", entry, "vtysh"),
    ):
        it.own(
            connection,
            service=service,
            order="1",
            device="pe1",
            store=store,
            paths=[tree.path_text(path)],
            at=_T0,
        )
        it.record_configured(
            connection, device="pe1", store=store, service=service, tree=_tree(entry), at=_T0
        )

    def near(path: tree.Path, besides: str) -> set[str]:
        return set(
            it.neighbours(connection, device="pe1", store="netconf", paths=[path], besides=besides)
        )

    assert near(entry, "me") == {"at", "below"}
    assert near(leaf, "me") == {"at", "below"}
    assert near(entry, "at") == {"below"}
    assert near(other, "me") == {"beside"}


def test_a_service_and_its_children_move_together(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    for row in (_CFS, _RFS, _CFS):
        it.put_service(connection, row, _T0)
    view = it.move_service(connection, service="svc-1", state=ServiceState.ACTIVE, at=_after(1))

    assert view.state is ServiceState.ACTIVE
    assert view.operating_status is OperatingStatus.RUNNING
    assert (view.service_date, view.start_date) == (_T0, _after(1))
    assert view.supporting_services == ("svc-1-a",)
    child = it.snapshot(connection, "default").services["svc-1-a"]
    assert child.state is ServiceState.ACTIVE
    assert child.supporting_resources == ("pe1:eth4",)


def test_an_illegal_move_is_refused_and_moves_nothing(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    it.put_service(connection, _CFS, _T0)

    with pytest.raises(errors.Conflict, match="is designed and cannot become terminated"):
        it.move_service(connection, service="svc-1", state=ServiceState.TERMINATED, at=_T0)
    assert it.snapshot(connection, "default").services["svc-1"].state is ServiceState.DESIGNED


def test_a_service_that_never_lived_retires_and_a_live_one_does_not(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    for row in (_CFS, _RFS):
        it.put_service(connection, row, _T0)
    it.retire_service(connection, service="svc-1", at=_after(1))
    it.retire_service(connection, service="svc-1", at=_after(1))
    assert it.snapshot(connection, "default").services == {}

    it.put_service(connection, _CFS, _after(2))
    it.move_service(connection, service="svc-1", state=ServiceState.ACTIVE, at=_after(2))
    with pytest.raises(errors.Conflict, match="is active and cannot leave"):
        it.retire_service(connection, service="svc-1", at=_after(3))


def test_an_id_of_another_tenant_is_refused(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    it.put_service(connection, _CFS, _T0)

    with pytest.raises(errors.Conflict, match="in use"):
        it.put_service(connection, replace(_CFS, tenant="other"), _T0)


def test_impact_finds_active_customer_services_and_watches_their_meters(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    for row in (_CFS, _RFS):
        it.put_service(connection, row, _T0)
    assert it.on_port(connection, "pe1", "eth4") == ()
    assert it.watched(connection) == ()

    it.move_service(connection, service="svc-1", state=ServiceState.ACTIVE, at=_after(1))
    it.observe_ports(connection, device="pe1", rows=[("eth4", 5, "up", "up")], at=_after(1))

    (affected,) = it.on_port(connection, "pe1", "eth4")
    assert (affected.service, affected.customer) == ("svc-1", "acme")
    assert it.on_device(connection, "pe1") == (affected,)
    assert it.on_device(connection, "pe2") == ()
    (watched,) = it.watched(connection)
    assert (watched.device, watched.port, watched.index) == ("pe1", "eth4", 5)


def test_status_changes_once(connection: sa.Connection, it: ledger.SqlLedger) -> None:
    it.put_service(connection, _CFS, _T0)
    it.move_service(connection, service="svc-1", state=ServiceState.ACTIVE, at=_T0)

    def fail(seconds: float) -> object:
        return it.set_status(
            connection,
            service="svc-1",
            status=OperatingStatus.FAILED,
            cause="link down pe1:eth4",
            at=_after(seconds),
        )

    assert fail(1) is not None
    assert fail(2) is None
    view = it.snapshot(connection, "default").services["svc-1"]
    assert (view.cause, view.status_since) == ("link down pe1:eth4", _after(1))


def test_a_renumbered_port_is_the_same_port(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    before = [("eth3", 4, "up", "up"), ("eth4", 5, "up", "up")]
    after = [("eth3", 5, "up", "up"), ("eth4", 4, "up", "down")]
    it.put_service(connection, _CFS, _T0)
    it.move_service(connection, service="svc-1", state=ServiceState.ACTIVE, at=_T0)
    for at, rows in ((_T0, before), (_after(1), after)):
        it.observe_ports(connection, device="pe1", rows=rows, at=at)

    (watched,) = it.watched(connection)
    assert (watched.port, watched.index) == ("eth4", 4)
    assert it.snapshot(connection, "default").devices["pe1"].ports["eth4"].oper_status == "down"


def test_a_poll_that_saw_nothing_new_writes_no_version(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    def versions() -> int:
        return connection.execute(
            sa.select(sa.func.count()).select_from(tables.interfaces)
        ).scalar_one()

    rows = [("eth4", 5, "up", "up")]
    it.observe_ports(connection, device="pe1", rows=rows, at=_T0)
    count = versions()
    it.observe_ports(connection, device="pe1", rows=rows, at=_after(30))

    assert versions() == count


def test_a_port_is_the_networks_by_a_link_between_routers_or_by_an_address(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    def uses() -> dict[str, str]:
        return {
            n: p.use for n, p in it.snapshot(connection, "default").devices["pe1"].ports.items()
        }

    core = {"a_device": "pe1", "a_port": "eth3", "z_device": "pe2", "z_port": "eth4"}
    history.begin(connection, tables.links, {"tenant": "default", "source": "telco5", **core}, _T0)
    assert uses() == {"eth3": "", "eth4": ""}, "nobody was discovered: nothing is known"

    for name in ("pe1", "pe2"):
        state = {"tenant": "default", "device": name, "offers": ["configure"]}
        history.begin(connection, tables.device_states, state, _T0)
    assert "linked to pe2:eth4" in uses()["eth3"]
    assert uses()["eth4"] == "", "the host behind it was never discovered, and is the customer's"

    address = {"tenant": "default", "device": "pe1", "interface": "eth4", "address": "10.0.0.1"}
    history.begin(connection, tables.addresses, address, _T0)
    assert uses()["eth4"] == "it has the address 10.0.0.1"


def _list(connection: sa.Connection, name: str, kind: str, role: str = "") -> None:
    """A device that is in the inventory and that nobody can log in to."""
    conftest.add_device(connection, name, kind, "default")
    c = tables.devices.c
    facts_ = {"kind": kind, "role": role, "managed": False, "reason": "no driver"}
    connection.execute(sa.update(tables.devices).where(c.name == name).values(**facts_))


def _declare(connection: sa.Connection, port: str, far: str) -> None:
    ends = {"a_device": "pe1", "a_port": port, "z_device": far, "z_port": "e1-1"}
    history.begin(connection, tables.links, {"tenant": "default", "source": "telco5", **ends}, _T0)


@pytest.mark.parametrize(
    ("kind", "role", "protects"),
    [
        ("nokia_srlinux", "", True),
        ("nokia_srlinux", "p", True),
        ("nokia_srlinux", "CE", False),
        ("linux", "", False),
        ("keysight_ixia-c-one", "", False),
        ("of-somebody", "", True),
    ],
)
def test_a_declared_link_to_a_listed_device_of_ours_keeps_its_port(
    connection: sa.Connection, it: ledger.SqlLedger, kind: str, role: str, *, protects: bool
) -> None:
    _configurable(connection, ("pe1", "4:020000000001"))
    _list(connection, "srl1", kind, role)
    _declare(connection, "eth3", "srl1")
    told = _use(connection, it, "eth3")
    assert ("it is linked to srl1:e1-1 (declared by" in told) is protects, told


def test_what_a_port_alone_hears_of_a_listed_device_may_be_a_customers(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    _configurable(connection, ("pe1", "4:020000000001"))
    _list(connection, "srl1", "nokia_srlinux")
    _seen(connection, "pe1", "eth3", "srl1", "e1-1")
    assert _use(connection, it, "eth3") == ""
    _seen(connection, "pe1", "eth4", "customer-router", "wan0", chassis="4:0200000000aa")
    assert _use(connection, it, "eth4") == "", "no device of ours"


def test_both_ends_of_an_agreed_link_keep_their_ports_when_one_is_read_by_snmp_alone(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    _configurable(connection, ("pe1", "4:020000000001"))
    _list(connection, "srl1", "nokia_srlinux")
    state = {"tenant": "default", "device": "srl1", "offers": None, "chassis": "4:020000000009"}
    history.begin(connection, tables.device_states, state, _T0)
    _seen(connection, "pe1", "eth3", "srl1", "e1-1", chassis="4:020000000009")
    _seen(connection, "srl1", "e1-1", "pe1", "eth3", chassis="4:020000000001")
    assert "linked to srl1:e1-1" in _use(connection, it, "eth3")


def _configurable(connection: sa.Connection, *states: tuple[str, str]) -> None:
    for name, chassis in states:
        said = {"device": name, "offers": ["configure"], "chassis": chassis}
        history.begin(connection, tables.device_states, {"tenant": "default", **said}, _T0)


def _use(connection: sa.Connection, it: ledger.SqlLedger, port: str) -> str:
    some = it.around(connection, "default", devices=["pe1"], name="none")
    assert some.devices == {"pe1": it.snapshot(connection, "default").devices["pe1"]}
    return some.devices["pe1"].ports[port].use


def test_a_port_that_hears_one_of_two_cloned_routers_is_the_networks(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    conftest.add_device(connection, "p1", "frr_linux", "default")
    clone = "4:020000000001"
    _configurable(connection, ("pe1", "4:020000000002"), ("pe2", clone), ("p1", clone))
    _seen(connection, "pe1", "eth3", "nobody", "eth1", chassis=clone)

    assert _use(connection, it, "eth3") == "it hears p1 or pe2, which cannot be told apart"
    assert _use(connection, it, "eth4") == ""


def test_a_port_that_hears_another_routers_port_as_chassis_is_the_networks(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    _configurable(connection, ("pe1", "4:020000000001"), ("pe2", "4:020000000002"))
    port = facts.InterfaceFact("eth4", 4, "up", "up", mac="02:00:00:00:00:44")
    observed.record(connection, facts.DeviceFacts("pe2", interfaces=(port,)), _T0)
    _seen(connection, "pe1", "eth3", "nobody", "eth4", chassis="4:020000000044")

    assert "linked to pe2:eth4" in _use(connection, it, "eth3")


def test_more_names_than_a_database_takes_in_one_question_find_the_same(
    connection: sa.Connection, it: ledger.SqlLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_words, "MOST", 0)
    _configurable(connection, ("pe1", "4:020000000001"), ("pe2", "4:020000000002"))
    port = facts.InterfaceFact("eth4", 4, "up", "up", mac="02:00:00:00:00:44")
    observed.record(connection, facts.DeviceFacts("pe2", interfaces=(port,)), _T0)
    _seen(connection, "pe2", "eth4", "nobody", "eth3", chassis="4:020000000001")
    _seen(connection, "pe1", "eth4", "nobody", "eth4", chassis="4:020000000044")

    assert "linked to pe2:eth4" in _use(connection, it, "eth3")
    assert "linked to pe2:eth4" in _use(connection, it, "eth4")


def test_a_neighbour_by_its_name_in_capitals_is_the_same_for_one_item_and_for_all(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    _configurable(connection, ("pe1", "4:020000000001"), ("pe2", "4:020000000002"))
    port = facts.InterfaceFact("eth4", 4, "up", "up", descr="GigabitEthernet0/4")
    observed.record(connection, facts.DeviceFacts("pe2", interfaces=(port,)), _T0)
    _seen(connection, "pe1", "eth3", "PE2", "Gi0/4")

    assert "linked to pe2:eth4" in _use(connection, it, "eth3")


def test_a_port_that_was_renamed_since_a_file_linked_it_is_the_networks(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    core = {"a_device": "pe1", "a_port": "eth3", "z_device": "pe2", "z_port": "eth4"}
    history.begin(connection, tables.links, {"tenant": "default", "source": "telco5", **core}, _T0)
    _configurable(connection, ("pe1", "4:020000000001"), ("pe2", "4:020000000002"))
    for minutes, name in enumerate(("eth3", "ge3")):
        port = facts.InterfaceFact(name, 3, "up", "up", mac="02:00:00:00:00:03", descr="3")
        at = _after(minutes)
        observed.record(connection, facts.DeviceFacts("pe1", interfaces=(port,)), at)

    assert _use(connection, it, "ge3").startswith("it was eth3, and it is linked to pe2:eth4")


def test_an_address_that_a_service_brought_is_not_the_networks(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    def use() -> str:
        return it.snapshot(connection, "default").devices["pe1"].ports["eth4"].use

    def discovered(at: datetime, *addresses: str) -> None:
        found = tuple(facts.AddressFact("eth4", one, 30) for one in addresses)
        seen = facts.DeviceFacts("pe1", addresses=found, neighbours=())
        observed.record(connection, seen, at)

    ports = [("pe1", "eth4")]
    it.take_ports(connection, service="svc-1", order="17", ports=ports, at=_after(10))
    discovered(_after(20), "203.0.113.1")
    assert use() == "", "its own service may be modified"

    it.free_ports(connection, service="svc-1", at=_after(30))
    assert use() == "", "the address goes with the service; nobody looked since"
    discovered(_after(40))
    assert use() == ""
    discovered(_after(50), "203.0.113.1")
    assert use() == "it has the address 203.0.113.1"


def test_an_address_that_outlives_its_service_or_was_there_before_is_the_networks(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    def use(port: str) -> str:
        return it.snapshot(connection, "default").devices["pe1"].ports[port].use

    def discovered(at: datetime) -> None:
        found = tuple(facts.AddressFact(port, "203.0.113.1", 30) for port in ("eth3", "eth4"))
        seen = facts.DeviceFacts("pe1", addresses=found, neighbours=())
        observed.record(connection, seen, at)

    it.take_ports(connection, service="svc-1", order="17", ports=[("pe1", "eth4")], at=_T0)
    discovered(_after(10))
    it.free_ports(connection, service="svc-1", at=_after(20))
    it.take_ports(connection, service="svc-2", order="18", ports=[("pe1", "eth3")], at=_after(25))
    assert (use("eth4"), use("eth3")) == ("", ""), "who has it keeps it: it was adopted"
    it.free_ports(connection, service="svc-2", at=_after(26))
    assert (use("eth4"), use("eth3")) == ("", "it has the address 203.0.113.1")
    discovered(_after(30))
    assert use("eth4") == "it has the address 203.0.113.1", "it was seen again after the service"


def test_the_snapshot_shows_the_far_end_that_can_probe_as_test_point(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    assert it.snapshot(connection, "default").devices["pe1"].ports["eth4"].test_point is None

    state = {"tenant": "default", "device": "b1", "offers": ["probe"]}
    history.begin(connection, tables.device_states, state, _T0)
    address = {"tenant": "default", "device": "b1", "interface": "eth1", "address": "192.168.50.1"}
    history.begin(connection, tables.addresses, address, _T0)

    devices = it.snapshot(connection, "default").devices
    assert devices["pe1"].ports["eth4"].test_point == seam.TestPoint(
        "b1", "192.168.50.1", ("192.168.50.1",)
    )
    assert devices["b1"].ports["eth1"].test_point is None
    assert devices["pe1"].router_id == "10.255.0.11"
    assert it.snapshot(connection, "other").devices == {}


def test_a_wish_for_a_prefix_names_who_has_it(vnis: sa.Connection) -> None:
    """Prefix pools claim as ranges do, and what is shown is the prefix."""
    customer = pools.PoolRange.of_prefix("internet", "203.0.113.0/28", 30)
    pools.seed(vnis, [customer], tenant="default", at=_T0)
    first = pool_claims.claim(vnis, pool="internet", key="order-1", wanted=None, at=_T0)

    assert first == "203.0.113.0/30"
    with pytest.raises(errors.Conflict, match=r"203\.0\.113\.0/30 .* held by order-1") as told:
        pool_claims.claim(vnis, pool="internet", key="order-2", wanted=first, at=_T0)
    assert told.value.holder == "order-1"
    with pytest.raises(errors.Conflict, match=r"not in pool internet \(/30 of 203"):
        pool_claims.claim(vnis, pool="internet", key="order-2", wanted="203.0.113.16/30", at=_T0)


def test_a_pool_keeps_its_prefix_while_somebody_has_a_value_of_it(vnis: sa.Connection) -> None:
    before = pools.PoolRange.of_prefix("internet", "203.0.113.0/28", 30)
    after = pools.PoolRange.of_prefix("internet", "198.51.100.0/28", 30)
    pools.seed(vnis, [before], tenant="default", at=_T0)
    pool_claims.claim(vnis, pool="internet", key="order-1", wanted=None, at=_T0)

    with pytest.raises(errors.ConfigurationError, match="order-1 still has a value"):
        pools.seed(vnis, [after], tenant="default", at=_T0)

    pool_claims.release(vnis, key="order-1", at=_T0)
    pools.seed(vnis, [after], tenant="default", at=_T0 + timedelta(seconds=1))
    again = pool_claims.claim(
        vnis, pool="internet", key="order-1", wanted=None, at=_T0 + timedelta(seconds=2)
    )
    assert again == "198.51.100.0/30"


def _seen(
    connection: sa.Connection, device: str, port: str, far: str, far_port: str, chassis: str = ""
) -> None:
    """``device`` hears ``far`` on a port, by LLDP."""
    row = {
        "tenant": "default",
        "device": device,
        "port": port,
        "chassis": chassis or f"7:{far.encode().hex()}",
        "port_id": far_port,
        "port_subtype": 5,
        "port_description": "",
        "system_name": far,
    }
    history.begin(connection, tables.neighbours, row, _T0)


def test_what_one_item_is_planned_on_is_what_the_whole_snapshot_says_of_it(
    connection: sa.Connection, it: ledger.SqlLedger
) -> None:
    for name, offer in (("pe1", "configure"), ("pe2", "configure"), ("b1", "probe")):
        state = {"device": name, "offers": [offer], "chassis": f"7:{name.encode().hex()}"}
        history.begin(connection, tables.device_states, {"tenant": "default", **state}, _T0)
    _seen(connection, "pe2", "eth4", "pe1", "eth3")  # only the far end says so
    address = {"tenant": "default", "device": "b1", "interface": "eth1", "address": "192.168.50.1"}
    history.begin(connection, tables.addresses, address, _T0)
    services.put(connection, _CFS, _T0)
    it.take_ports(connection, service="svc-1", order="17", ports=[("pe2", "eth4")], at=_after(10))
    whole = it.snapshot(connection, "default")
    assert "linked to pe2:eth4" in whole.devices["pe1"].ports["eth3"].use
    assert whole.devices["pe1"].ports["eth4"].test_point is not None

    for named in (["pe1"], ["pe2"], ["b1"], ["pe1", "pe2"], ["pe1", "none"]):
        some = it.around(connection, "default", devices=named, name=_CFS.name)
        assert some.devices == {name: whole.devices[name] for name in named if name != "none"}
        assert some.services == whole.services
    assert it.around(connection, "default", devices=(), name="another").services == {}
    assert it.around(connection, "other", devices=["pe1"], name=_CFS.name).devices == {}
    assert it.service(connection, "default", "svc-1") == whole.services["svc-1"]
    assert it.service(connection, "other", "svc-1") is None
