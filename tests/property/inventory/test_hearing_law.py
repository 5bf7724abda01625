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
