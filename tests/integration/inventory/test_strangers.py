"""A neighbour that is nobody of ours is drawn with what it says it is, now and as it was; unknown is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from device_models import detect
from inventory.facts import facts, hearing
from inventory.looks import observed
from inventory.onboarding import candidates
from inventory.rows import cases
from inventory.topology import link_rows, neighbour_rows, neighbour_views, strangers
from oss_agent.spi.detection import Detected, Evidence
from oss_agent.spi.moments import AsOf
from oss_agent.spi.views import LinkView

_T0 = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_OLD = "Arista Networks EOS version 4.16.14M running on an Arista Networks vEOS"
_NEW = "Arista Networks EOS version 4.19.5M running on an Arista Networks vEOS"


def _hears(description: str, *, port: str = "eth1") -> facts.NeighbourFact:
    return facts.NeighbourFact(
        port,
        "4:001122334455",
        5,
        f"Ethernet{port[-1]}",
        system_name="leaf1",
        address="192.0.2.7",
        description=description,
        capabilities="bridge router",
    )


def _look(
    connection: sa.Connection,
    minute: int,
    *heard: facts.NeighbourFact,
    cut: tuple[str, ...] = (),
) -> None:
    ports = tuple(
        facts.InterfaceFact(name, n, "up", "up") for n, name in enumerate(("eth1", "eth2"))
    )
    seen = facts.DeviceFacts(
        "pe1",
        chassis="4:02000000aa01",
        interfaces=ports,
        neighbours=heard,
        complete=not cut,
        cut=cut,
    )
    observed.record(connection, seen, _T0 + timedelta(minutes=minute))


def _strange(connection: sa.Connection, when: AsOf | None = None) -> list[LinkView]:
    links = strangers.recognised(link_rows.links(connection, "default", when), detect.detect)
    return [one for one in links if one.stranger is not None]


def test_a_stranger_is_what_it_says_it_is_and_was_what_it_said(connection: sa.Connection) -> None:
    _look(connection, 0, _hears(_OLD))
    _look(connection, 10, _hears(_NEW))
    then = _T0 + timedelta(minutes=5)

    (now,), (before,) = _strange(connection), _strange(connection, AsOf(then, then))
    assert now.stranger is not None
    assert before.stranger is not None
    assert (now.stranger.name, now.stranger.address) == ("leaf1", "192.0.2.7")
    assert (now.stranger.vendor, now.stranger.os) == ("Arista", "EOS")
    assert (now.stranger.version, before.stranger.version) == ("4.19.5M", "4.16.14M")
    assert now.stranger.said == (_NEW,)


def test_a_device_is_shown_with_whom_it_hears_and_the_missed_are_told(
    connection: sa.Connection,
) -> None:
    _look(connection, 0, _hears(_OLD), _hears(_OLD, port="eth2"))
    _look(connection, 1, _hears(_OLD))

    (one, two), total = neighbour_views.of(connection, "pe1", None, detect.detect)
    assert total == 2
    assert (one.port, one.protocol, one.port_id) == ("eth1", "LLDP", "Ethernet1")
    assert (one.it.vendor, one.it.os, one.it.platform) == ("Arista", "EOS", "arista_eos")
    assert (one.missed, two.missed) == (False, True)
    (plain, _), _ = neighbour_views.of(connection, "pe1", None, None)
    assert (plain.it.os, plain.it.said) == ("", (_OLD,))

    ports = (facts.InterfaceFact("Ethernet1", 1, "up", "up"),)
    ours = facts.DeviceFacts("pe2", chassis="4:001122334455", interfaces=ports)
    observed.record(connection, ours, _T0)
    assert _strange(connection) == [], "a neighbour of ours is no stranger"


def test_candidates_are_asked_of_the_database_by_address(connection: sa.Connection) -> None:
    _look(connection, 0, _hears(_OLD), _hears(_NEW, port="eth2"))

    (one,) = candidates.recognised(candidates.find(connection, "default"), detect.detect)
    assert (one.addresses, one.heard) == (("192.0.2.7",), ("pe1:eth1", "pe1:eth2"))
    assert one.it.said == (_OLD, _NEW)
    said = candidates.descriptions(connection, "default", ["192.0.2.7", "192.0.2.8"])
    assert said == {"192.0.2.7": (_OLD, _NEW)}


def _made_up(number: int, port: str = "eth1") -> facts.NeighbourFact:
    said = f"a box of kind {number}"
    return facts.NeighbourFact(port, f"4:{number:012x}", 5, "e1", "box", description=said)


def test_a_station_that_makes_up_neighbours_drives_out_none_that_was_there(
    connection: sa.Connection,
) -> None:
    _look(connection, 0, _hears(_OLD))
    crowd = [_made_up(number) for number in range(100)]
    _look(connection, 1, *crowd, _hears(_OLD), _hears(_OLD, port="eth2"))

    heard, total = neighbour_views.of(connection, "pe1", None, None)
    assert total == hearing.MOST + 1
    assert [one.port_id for one in heard if one.it.name == "leaf1"] == ["Ethernet1", "Ethernet2"]
    (told,) = cases.standing(connection, "default", ["pe1"], [neighbour_rows.LEFT_OUT]).values()
    assert told.subject == "pe1:eth1"
    _look(connection, 2, _hears(_OLD))
    assert not cases.standing(connection, "default", ["pe1"], [neighbour_rows.LEFT_OUT])


def test_readings_that_are_cut_short_tell_of_a_crowd_end_no_case_and_let_no_rows_grow(
    connection: sa.Connection,
) -> None:
    _look(connection, 0, _hears(_OLD), _hears(_OLD, port="eth2"))
    for minute in range(1, 6):
        crowd = [_made_up(minute * 1_000 + number) for number in range(100)]
        _look(connection, minute, *crowd, cut=(facts.NEIGHBOURS,))
        (told,) = cases.standing(connection, "default", ["pe1"], [neighbour_rows.LEFT_OUT]).values()
        assert told.subject == "pe1:eth1"

    heard, total = neighbour_views.of(connection, "pe1", None, None)
    assert total == hearing.MOST + 1
    assert [one.missed for one in heard if one.it.name == "leaf1"] == [False, False]
    _look(connection, 6, _hears(_OLD), cut=(facts.NEIGHBOURS,))
    assert cases.standing(connection, "default", ["pe1"], [neighbour_rows.LEFT_OUT])


def test_a_crowd_is_shown_in_part_with_its_number_and_little_of_it_is_recognised(
    connection: sa.Connection,
) -> None:
    ports = [f"eth{n}" for n in range(10)]
    crowd = [_made_up(n * 100 + m, port) for n, port in enumerate(ports) for m in range(60)]
    _look(connection, 0, *crowd)
    asked = list[Evidence]()

    def count(evidence: Evidence) -> Detected:
        asked.append(evidence)
        return detect.detect(Evidence())

    heard, total = neighbour_views.of(connection, "pe1", None, count)
    assert (len(heard), total) == (neighbour_views.MOST, 600)
    assert len(asked) == 256
    assert heard[-1].it.doubt.startswith("not looked at")
