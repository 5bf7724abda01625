"""Wire, unwire, rewire, rename: each shows after one look as what it is, and nothing else does."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from inventory.facts import facts, hearing
from inventory.looks import observed, sightings
from inventory.rows import history, tables
from inventory.services import resource_queries
from inventory.topology import link_cases, link_rows
from oss_agent.spi.moments import AsOf
from oss_agent.spi.views import LinkView

_T0 = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_DEVICES = ("b1", "pe1", "pe2")
_PORTS = ("eth1", "eth2", "eth3", "eth4")


class _Cables:
    """A network as it is cabled, and looks at it, one a minute."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self.now = _T0
        self.cables: set[tuple[tuple[str, str], tuple[str, str]]] = set()
        self.ports: dict[str, tuple[str, ...]] = dict.fromkeys(_DEVICES, _PORTS)

    def look(self, devices: Collection[str] = _DEVICES) -> dict[str, str]:
        """A look at these devices; then what every link that is not just declared is worth."""
        self.now += timedelta(minutes=1)
        for device in devices:
            observed.record(self._connection, self._facts(device), self.now)
        return self.links()

    def links(self) -> dict[str, str]:
        found = link_rows.links(self._connection, "default")
        return {_ends(link): link.confidence for link in found if link.confidence != "declared"}

    def at(self, moment: datetime) -> dict[str, str]:
        found = link_rows.picture(self._connection, "default", AsOf(moment, moment)).links
        return {_ends(link): link.confidence for link in found if link.confidence != "declared"}

    def why(self, link: str) -> str:
        found = link_rows.links(self._connection, "default")
        return next(one.reason for one in found if _ends(one) == link)

    def _facts(self, device: str) -> facts.DeviceFacts:
        heard = [
            facts.NeighbourFact(near[1], _chassis(far[0]), 5, far[1])
            for cable in self.cables
            for near, far in (cable, cable[::-1])
            if near[0] == device
        ]
        place = _DEVICES.index(device)
        ports = [
            facts.InterfaceFact(
                name, index, "up", "up", mac=f"02:00:00:00:{place:02x}:{index:02x}", descr=name
            )
            for index, name in enumerate(self.ports[device], 1)
        ]
        return facts.DeviceFacts(
            device,
            chassis=_chassis(device),
            interfaces=tuple(ports),
            neighbours=tuple(heard),
        )


def _chassis(device: str) -> str:
    return f"4:0200000000{_DEVICES.index(device):02x}"


def _ends(link: LinkView) -> str:
    return f"{link.a_device}:{link.a_port} {link.z_device}:{link.z_port}"


@pytest.fixture
def net(connection: sa.Connection) -> _Cables:
    made = _Cables(connection)
    made.cables = {(("pe1", "eth1"), ("pe2", "eth1")), (("pe1", "eth2"), ("pe2", "eth2"))}
    made.look()
    return made


_FIRST, _SECOND = "pe1:eth1 pe2:eth1", "pe1:eth2 pe2:eth2"


def test_a_wire_is_a_link_after_one_look(net: _Cables) -> None:
    net.cables.add((("b1", "eth2"), ("pe1", "eth3")))

    assert net.look() == {
        "b1:eth2 pe1:eth3": "agreed",
        _FIRST: "agreed",
        _SECOND: "agreed",
    }


def test_an_unwired_link_is_stale_after_one_look_and_over_after_several(net: _Cables) -> None:
    net.cables.remove((("pe1", "eth1"), ("pe2", "eth1")))

    assert net.look() == {_FIRST: "stale", _SECOND: "agreed"}
    assert "not heard any more by pe1:eth1, pe2:eth1, last 2026-11-22T10:01:00Z" in net.why(_FIRST)
    for _ in range(hearing.PATIENCE - 1):
        net.look()
    assert net.links() == {_SECOND: "agreed"}


def test_a_rewired_link_is_another_link_after_one_look(net: _Cables) -> None:
    net.cables.remove((("pe1", "eth1"), ("pe2", "eth1")))
    net.cables.add((("pe1", "eth1"), ("pe2", "eth3")))

    assert net.look() == {"pe1:eth1 pe2:eth3": "agreed", _SECOND: "agreed"}


def test_a_rewire_that_one_end_alone_was_asked_about_is_a_contradiction(net: _Cables) -> None:
    net.cables.remove((("pe1", "eth1"), ("pe2", "eth1")))
    net.cables.add((("b1", "eth2"), ("pe1", "eth1")))

    found = net.look(["pe1"])
    assert found == {"b1:eth2 pe1:eth1": "one-sided", _FIRST: "contradictory", _SECOND: "agreed"}
    assert net.why(_FIRST) == "pe1:eth1 hears b1:eth2 instead"
    assert net.look() == {"b1:eth2 pe1:eth1": "agreed", _SECOND: "agreed"}


def test_a_renamed_port_keeps_its_one_link(net: _Cables) -> None:
    net.ports["pe1"] = ("ge1", *_PORTS[1:])
    net.cables.remove((("pe1", "eth1"), ("pe2", "eth1")))
    net.cables.add((("pe1", "ge1"), ("pe2", "eth1")))

    assert net.look(["pe1"]) == {"pe1:eth2 pe2:eth2": "agreed", "pe1:ge1 pe2:eth1": "agreed"}
    assert net.look() == {"pe1:eth2 pe2:eth2": "agreed", "pe1:ge1 pe2:eth1": "agreed"}


def test_a_device_that_does_not_answer_takes_no_link_away(
    net: _Cables, connection: sa.Connection
) -> None:
    sightings.mark_unreachable(connection, "pe2", "default", net.now, "no answer")
    for _ in range(hearing.PATIENCE + 1):
        net.look(["pe1", "b1"])

    assert net.links() == {_FIRST: "agreed", _SECOND: "agreed"}
    sightings.mark_unreachable(connection, "pe1", "default", net.now, "no answer")
    assert net.links() == {_FIRST: "stale", _SECOND: "stale"}
    assert "pe1 does not answer since" in net.why(_FIRST)


def test_what_was_believed_then_is_still_known(net: _Cables) -> None:
    wired = net.now
    net.cables.clear()
    net.look()
    unwired = net.now
    for _ in range(hearing.PATIENCE):
        net.look()

    assert net.links() == {}
    assert net.at(wired) == {_FIRST: "agreed", _SECOND: "agreed"}
    assert net.at(unwired) == {_FIRST: "stale", _SECOND: "stale"}
    assert net.at(_T0) == {}


def test_what_is_amiss_is_a_case_and_ends_by_itself(
    net: _Cables, connection: sa.Connection
) -> None:
    def kinds() -> list[tuple[str, str]]:
        link_cases.settle(connection, "default", _DEVICES, net.now)
        c = tables.cases.c
        rows = sa.select(c.subject, c.kind).where(
            history.current(tables.cases), c.kind.in_(link_cases.KINDS)
        )
        return [(subject, kind) for subject, kind in connection.execute(rows.order_by(c.subject))]

    assert kinds() == []
    whole = set(net.cables)
    net.cables = {(("b1", "eth2"), ("pe1", "eth1")), (("pe1", "eth4"), ("pe2", "eth2"))}
    net.look(["pe1"])
    assert kinds() == [
        # the file says b1:eth1 to pe1:eth4
        ("b1:eth1", "link-miscabled"),
        ("pe1:eth4", "link-contradictory"),
        ("pe2:eth1", "link-contradictory"),
    ]
    net.cables = set()
    net.look()
    assert {kind for _, kind in kinds()} == {"link-stale"}
    for _ in range(hearing.PATIENCE):
        net.look()
    assert kinds() == [("b1:eth1", "link-missing")], "the one that a file declares is still owed"
    net.cables = {*whole, (("b1", "eth1"), ("pe1", "eth4"))}
    net.look()
    assert kinds() == []


def test_ports_are_related_to_the_ports_they_are_linked_to(
    net: _Cables, connection: sa.Connection
) -> None:
    assert net.links()[_FIRST] == "agreed"
    view = resource_queries.get(connection, "default", "pe1:eth1")

    assert ("isConnectedTo", "pe2:eth1") in view.relationships


def test_a_look_that_finds_the_same_writes_nothing(net: _Cables, connection: sa.Connection) -> None:
    def versions() -> int:
        query = sa.select(sa.func.count()).select_from(tables.neighbours)
        return int(connection.execute(query).scalar_one())

    before = versions()
    net.look()

    assert versions() == before


def test_a_first_look_that_is_cut_short_is_kept_for_what_it_saw(connection: sa.Connection) -> None:
    """On a busy machine a router answers too late: there is no whole reading yet to be remembered."""
    heard = facts.NeighbourFact("eth1", "mac:0a", 5, "eth7")
    observed.record(connection, facts.DeviceFacts("pe1", neighbours=(heard,), complete=False), _T0)
    c = tables.sightings.c
    seen = connection.execute(sa.select(c.last_seen, c.readings).where(c.device == "pe1")).one()
    assert seen == (_T0, None)
