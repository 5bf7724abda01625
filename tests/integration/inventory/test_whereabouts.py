"""Where an address is: by whose word, since when, and whether that is the place or the way there."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from inventory.facts import facts
from inventory.looks import observed, polled_ports, stations_kept
from inventory.onboarding import whereabouts
from inventory.rows import tables
from oss_agent import clock, errors, store
from oss_agent.spi.whereabouts import How
from tests.integration.inventory import conftest

_T0 = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_MAC = "02:00:00:00:00:07"
_PORT = facts.InterfaceFact("eth4", 4, "up", "up", mac="02:00:00:00:01:04")


def _look(
    connection: sa.Connection, device: str, minute: int, *stations: facts.StationFact
) -> None:
    heard = (facts.NeighbourFact("eth3", "7:7031", 5, "x", system_name="p1"),)
    seen = facts.DeviceFacts(
        device,
        interfaces=(_PORT,) if device == "pe1" else (),
        addresses=(facts.AddressFact("eth4", "192.0.2.1", 24),) if device == "pe1" else None,
        neighbours=heard,
        stations=stations,
    )
    observed.record(connection, seen, _T0 + timedelta(minutes=minute))


def _found(connection: sa.Connection, text: str) -> list[tuple[str, str, How, str]]:
    found = whereabouts.find(connection, "default", text)
    return [(one.device, one.port, one.how, one.towards) for one in found]


def test_an_ip_address_is_followed_to_the_port_behind_which_it_is(
    connection: sa.Connection,
) -> None:
    _look(connection, "pe1", 0, facts.StationFact("eth4", _MAC, "192.0.2.7"))
    learned = (facts.StationFact("eth9", _MAC), facts.StationFact("eth1", "", many=64))
    _look(connection, "pe2", 1, *learned, facts.StationFact("eth3", _MAC))

    everywhere = [
        ("pe2", "eth9", How.LEARNED, ""),
        ("pe1", "eth4", How.RESOLVED, ""),
        ("pe2", "eth3", How.LEARNED, "p1"),
    ]
    assert _found(connection, "192.0.2.7") == everywhere
    assert _found(connection, "0200.0000.0007") == everywhere
    (first, *_) = whereabouts.find(connection, "default", "02-00-00-00-00-07")
    assert (first.since, first.seen, first.until) == (
        _T0 + timedelta(minutes=1),
        _T0 + timedelta(minutes=1),
        None,
    )


def test_an_answer_to_a_poll_is_no_sight_of_a_station(connection: sa.Connection) -> None:
    _look(connection, "pe1", 0, facts.StationFact("eth4", _MAC, "192.0.2.7"))
    polled_ports.observe_ports(
        connection, "pe1", [("eth4", 4, "up", "up")], _T0 + timedelta(minutes=50)
    )

    (there,) = whereabouts.find(connection, "default", _MAC)
    assert there.seen == _T0


def test_what_was_seen_last_is_told_with_its_end(connection: sa.Connection) -> None:
    _look(connection, "pe1", 0, facts.StationFact("eth4", _MAC, "192.0.2.7"))
    _look(connection, "pe1", 5)

    (gone,) = whereabouts.find(connection, "default", _MAC)
    assert (gone.since, gone.until) == (_T0, _T0 + timedelta(minutes=5))


def test_a_port_of_our_own_is_told_by_either_address(connection: sa.Connection) -> None:
    _look(connection, "pe1", 0)

    assert _found(connection, "192.0.2.1") == [("pe1", "eth4", How.OWN, "")]
    assert _found(connection, "02:00:00:00:01:04") == [("pe1", "eth4", How.OWN, "")]
    assert whereabouts.find(connection, "another", "192.0.2.1") == ()


@pytest.mark.parametrize("text", ["", "pe1", "10.0.0", "fe80::1%eth0", "'; --", "\x1b[2J"])
def test_what_is_no_address_is_refused(connection: sa.Connection, text: str) -> None:
    with pytest.raises(errors.OrderRejected, match="neither an IP nor a MAC"):
        whereabouts.find(connection, "default", text)


def test_where_a_station_was_is_forgotten_in_time_and_where_it_is_never(
    connection: sa.Connection,
) -> None:
    here = facts.StationFact("eth9", _MAC)
    for minute, there in enumerate(([here], [], [here], [], [here])):
        _look(connection, "pe2", minute, *there)
    assert stations_kept.forget(connection, _T0 + timedelta(minutes=1)) == 0

    assert stations_kept.forget(connection, _T0 + timedelta(minutes=2)) == 2, "and its correction"
    found = whereabouts.find(connection, "default", _MAC)
    assert [one.since for one in found] == [_T0 + timedelta(minutes=m) for m in (4, 2)]
    assert stations_kept.forget(connection, _T0 + timedelta(days=99)) == 2
    assert [one.until for one in whereabouts.find(connection, "default", _MAC)] == [None]


def test_what_is_over_is_found_by_its_index() -> None:
    """Of SQLite alone: which index PostgreSQL takes depends on how much there is."""
    asked: list[str] = []
    with sa.create_engine("sqlite://").connect() as connection:
        tables.METADATA.create_all(connection)

        def hear(_connection: Any, _cursor: Any, text: str, *_more: Any) -> None:
            asked.append(text)

        event.listen(connection, "before_cursor_execute", hear)
        stations_kept.forget(connection, _T0)
        plans = [
            str(
                connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}", (1,) * one.count("?")).all()
            )
            for one in asked[:2]
        ]

    assert "ix_inv_stations_valid_to" in plans[0]
    assert "ix_inv_stations_known_to" in plans[1]


def test_what_is_over_is_forgotten_unit_by_unit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stations_kept, "_PAUSE", 0.0)

    async def story() -> None:
        async with store.open_store(f"sqlite:///{tmp_path / 'oss.db'}") as rows:
            await rows.write(tables.METADATA.create_all)
            await rows.write(conftest.add_network)
            many = [facts.StationFact("eth9", "", str(n)) for n in range(stations_kept.MANY + 2)]
            await rows.write(lambda c: _look(c, "pe2", 0, *many))
            await rows.write(lambda c: _look(c, "pe2", 1, many[0]))
            before = rows.counters().written
            it = stations_kept.StationsKept(rows, clock.SystemClock(), None)

            # Each has a row that was corrected and one that says until when it was so.
            assert await it.forget(_T0 + timedelta(days=1)) == 2 * (stations_kept.MANY + 1)
            assert rows.counters().written - before == 3, "full, the rest, and nothing left"
            left = sa.select(sa.func.count()).select_from(tables.stations)
            assert await rows.read(lambda c: c.execute(left).scalar_one()) == 1

    asyncio.run(story())
