"""Laws of telling ports apart: nothing lost, nothing merged, and ifIndex means nothing by itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import hypothesis as h
from hypothesis import strategies as st

from inventory.facts import naming
from inventory.looks import interface_identity as identity
from inventory.looks.interface_identity import Change, Decision, Port

_WORDS = st.sampled_from(["eth0", "eth1", "xe-0/0/0", "xe-0/0/1", "lo", "", "a#3"])
_MACS = st.one_of(st.none(), st.sampled_from([f"02:00:00:00:00:0{n}" for n in range(6)]))
_PLACES = st.one_of(st.none(), st.sampled_from(["0/1", "0/2", "1/1"]))


@st.composite
def _ports(draw: st.DrawFn) -> list[Port]:
    """A device's ports: their own names may collide or be empty, as real devices have them."""
    indexes = draw(st.lists(st.integers(1, 30), unique=True, max_size=8))
    names = naming.stable_names([naming.Row(draw(_WORDS), index) for index in indexes])
    assert len(set(names)) == len(names)
    return [
        Port(name, index, draw(_MACS), draw(_WORDS), draw(_WORDS), draw(_PLACES))
        for name, index in zip(names, indexes, strict=True)
    ]


def _known(decisions: Sequence[Decision]) -> list[str]:
    return sorted(one.known.name for one in decisions if one.known is not None)


def _seen(decisions: Sequence[Decision]) -> list[str]:
    return sorted(one.seen.name for one in decisions if one.seen is not None)


@h.given(known=_ports(), seen=_ports(), restarted=st.booleans())
def test_every_port_is_in_exactly_one_decision(
    *, known: list[Port], seen: list[Port], restarted: bool
) -> None:
    decisions = identity.match(known, seen, restarted=restarted)

    assert _known(decisions) == sorted(port.name for port in known)
    assert _seen(decisions) == sorted(port.name for port in seen)
    for one in decisions:
        both = one.known is not None and one.seen is not None
        assert both == (one.change not in {Change.NEW, Change.MISSING}) == bool(one.proof)


@h.given(ports=_ports())
def test_what_did_not_change_is_kept(ports: list[Port]) -> None:
    decisions = identity.match(ports, ports)

    assert {one.change for one in decisions} <= {Change.KEPT}


@h.given(ports=_ports(), shuffle=st.randoms(use_true_random=False))
def test_a_permutation_of_ifindex_moves_nothing(ports: list[Port], shuffle: object) -> None:
    own = [port for port in ports if not port.numbered]
    indexes = [port.index for port in own]
    shuffle.shuffle(indexes)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    again = [dataclasses.replace(p, index=i) for p, i in zip(own, indexes, strict=True)]
    h.assume(not any(port.numbered for port in again))
    decisions = identity.match(own, again)

    assert {one.change for one in decisions} <= {Change.KEPT, Change.REINDEXED}
    assert all(one.known and one.seen and one.known.name == one.seen.name for one in decisions)


@h.given(ports=_ports(), order=st.permutations(range(8)))
def test_the_order_of_rows_means_nothing(ports: list[Port], order: list[int]) -> None:
    other = [ports[place] for place in order if place < len(ports)]
    changed = [dataclasses.replace(port, index=(port.index or 0) + 40) for port in ports]
    mine, theirs = identity.match(ports, changed), identity.match(other, changed)

    assert {(one.known, one.seen) for one in mine} == {(one.known, one.seen) for one in theirs}


@h.given(known=_ports(), seen=_ports(), restarted=st.booleans())
def test_a_name_of_its_own_is_never_given_to_another_port(
    *, known: list[Port], seen: list[Port], restarted: bool
) -> None:
    names = {p.name for p in known if not p.numbered} & {p.name for p in seen if not p.numbered}
    for one in identity.match(known, seen, restarted=restarted):
        if one.known is not None and one.known.name in names:
            assert one.seen is not None
            assert one.seen.name == one.known.name
