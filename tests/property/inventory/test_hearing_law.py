"""The same readings make the same memory and the same links, in whatever order they came."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from inventory.facts import facts, hearing, port_words
from inventory.topology import topology
from inventory.topology.neighbour_identity import Known, Seen
from oss_agent.spi.views import LinkView

_T0 = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_PORTS = ("e1", "e2")
_DEVICES = ("a", "b", "c")
_KNOWN = [
    Known(name, f"4:{place:012x}", tuple(port_words.Port(port) for port in _PORTS))
    for place, name in enumerate(_DEVICES, 1)
]


def _fact(port: str, far: int, far_port: str) -> facts.NeighbourFact:
    return facts.NeighbourFact(port, f"4:{far:012x}", 5, far_port)


_FACTS = st.lists(
    st.builds(_fact, st.sampled_from(_PORTS), st.integers(1, 4), st.sampled_from(_PORTS)),
    max_size=3,
    unique_by=hearing.key,
)
_READINGS = st.lists(st.tuples(st.sampled_from(_DEVICES), _FACTS), max_size=9)


def _folded(readings: Sequence[tuple[str, hearing.Reading]]) -> dict[str, hearing.Memory]:
    memories = {name: hearing.Memory() for name in _DEVICES}
    for device, reading in readings:
        memories[device] = hearing.after(memories[device], reading)
    return memories


def _links(memories: dict[str, hearing.Memory]) -> tuple[LinkView, ...]:
    seen = [
        Seen(
            (device, one.fact.port),
            one.fact.chassis,
            one.fact.port_id,
            "",
            "",
            one.at,
            missed=memory.missed(one),
        )
        for device, memory in memories.items()
        for one in memory.heard.values()
    ]
    return topology.links([], seen, _KNOWN)


@given(_READINGS, st.randoms(use_true_random=False))
def test_order_and_repetition_of_readings_change_nothing(
    said: list[tuple[str, list[facts.NeighbourFact]]], shuffler: random.Random
) -> None:
    readings = [
        (device, hearing.Reading(_T0 + timedelta(minutes=minute), heard))
        for minute, (device, heard) in enumerate(said)
    ]
    mixed = [*readings, *readings[:2]]
    shuffler.shuffle(mixed)

    in_order, out_of_order = _folded(readings), _folded(mixed)
    assert {name: one.readings for name, one in in_order.items()} == {
        name: one.readings for name, one in out_of_order.items()
    }
    assert _links(in_order) == _links(out_of_order)


@given(_FACTS, _FACTS)
def test_what_the_last_reading_has_is_heard_and_nothing_else_is(
    before: list[facts.NeighbourFact], now: list[facts.NeighbourFact]
) -> None:
    memory = hearing.after(hearing.Memory(), hearing.Reading(_T0, before))
    memory = hearing.after(memory, hearing.Reading(_T0 + timedelta(minutes=1), now))

    heard = {key for key, one in memory.heard.items() if not memory.missed(one)}
    assert heard == {hearing.key(fact) for fact in now}


def test_what_is_missed_is_forgotten_only_when_several_readings_lack_it() -> None:
    memory = hearing.after(hearing.Memory(), hearing.Reading(_T0, [_fact("e1", 2, "e1")]))
    kept: list[int] = []
    for minute in range(1, hearing.PATIENCE + 1):
        memory = hearing.after(memory, hearing.Reading(_T0 + timedelta(minutes=minute), []))
        kept.append(len(memory.heard))

    assert kept == [1] * (hearing.PATIENCE - 1) + [0]


def test_a_reading_cut_short_makes_nothing_missed() -> None:
    memory = hearing.after(hearing.Memory(), hearing.Reading(_T0, [_fact("e1", 2, "e1")]))
    later = hearing.Reading(_T0 + timedelta(minutes=1), [], whole=False)
    (one,) = hearing.after(memory, later).heard.values()

    assert not hearing.after(memory, later).missed(one)


def _crowd(first: int, number: int, port: str = "e1") -> list[facts.NeighbourFact]:
    return [_fact(port, first + n, "made up") for n in range(number)]


def _remembered(*readings: hearing.Reading) -> hearing.Memory:
    memory = hearing.Memory()
    for reading in readings:
        memory, _ = hearing.remembered(memory, reading)
    return memory


def _readings(*told: Sequence[facts.NeighbourFact], whole: bool = True) -> list[hearing.Reading]:
    return [
        hearing.Reading(_T0 + timedelta(minutes=minute), heard, whole=whole)
        for minute, heard in enumerate(told)
    ]


@given(
    made_up=st.lists(st.lists(st.integers(0, 200), max_size=120), min_size=1, max_size=6),
    whole=st.booleans(),
)
def test_whatever_is_made_up_on_a_port_who_is_heard_there_stays_and_rows_are_few(
    *, made_up: list[list[int]], whole: bool
) -> None:
    """Also where what was made up a while ago comes back, and where no reading is whole."""
    real = _fact("e1", 1, "e1")
    floods = [[*(_fact("e1", 1_000 + n, "x") for n in told), real] for told in made_up]
    readings = _readings([real], *floods, whole=whole)

    memory = _remembered(*readings)
    assert not memory.missed(memory.heard[hearing.key(real)])
    assert len(memory.heard) <= hearing.MOST


def test_known_ones_that_come_back_drive_out_nobody_that_is_heard() -> None:
    real, room = _fact("e1", 1, "e1"), hearing.MOST - 1
    one, two = _crowd(1_000, room), _crowd(2_000, room)
    memory = _remembered(*_readings([real, *one], [*two, real], [*one, *two, real]))

    assert hearing.key(real) in memory.heard
    assert len(memory.heard) == hearing.MOST


def test_a_crowd_on_one_port_costs_no_other_port_a_neighbour() -> None:
    real = _fact("e2", 1, "e1")
    kept, cut = hearing.looked_at([*_crowd(1_000, 2 * hearing.MOST_READ), real])

    assert real in kept
    assert (len(kept), cut) == (hearing.MOST_OF_PORT + 2, False)


def test_a_device_that_tells_too_much_on_all_ports_is_read_in_part_and_it_is_said() -> None:
    crowds = [_crowd(1_000, 100, f"e{n}") for n in range(60)]
    kept, cut = hearing.looked_at([fact for crowd in crowds for fact in crowd])

    assert (len(kept), cut) == (hearing.MOST_READ, True)
    assert {fact.port for fact in kept} == {f"e{n}" for n in range(60)}


def test_of_a_crowd_nobody_that_was_heard_is_missed_and_who_was_missed_before_ends() -> None:
    real, gone, other = _fact("e1", 1, "e1"), _fact("e1", 2, "e1"), _fact("e2", 3, "e1")
    crowd, _ = hearing.looked_at(_crowd(1_000, 2 * hearing.MOST_OF_PORT))
    flooded = [crowd] * hearing.PATIENCE
    memory = _remembered(*_readings([real, gone, other], [real, other], *flooded))

    assert not memory.missed(memory.heard[hearing.key(real)])
    assert {hearing.key(gone), hearing.key(other)}.isdisjoint(memory.heard)
