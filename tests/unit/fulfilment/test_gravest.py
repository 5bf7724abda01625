"""By which of the verdicts that do not pass an abort is told."""

from __future__ import annotations

import itertools

from oss_agent.fulfilment.transact import vote
from oss_agent.spi import proof

_FINE = proof.Verdict(proof.Predicate("interface-up", "pe1"), proof.Outcome.PROVEN, "up")
_ROUTE = proof.Verdict(proof.Predicate("route-present", "pe2"), proof.Outcome.FAILED, "no route")
_OTHER = proof.Verdict(proof.Predicate(proof.CONFIG_EQUAL, "pe3"), proof.Outcome.FAILED, "differs")
_UNASKED = proof.Verdict(
    proof.Predicate(proof.CONFIG_EQUAL, "pe1"), proof.Outcome.NOT_PROVEN, "not asked"
)


def test_what_was_seen_to_be_wrong_comes_before_what_was_not_asked_because_of_it() -> None:
    for order in itertools.permutations((_FINE, _UNASKED, _ROUTE)):
        assert vote.gravest(order) is _ROUTE


def test_a_configuration_that_differs_comes_before_what_hangs_on_it() -> None:
    assert vote.gravest((_ROUTE, _UNASKED, _OTHER)) is _OTHER


def test_what_nobody_was_asked_still_aborts() -> None:
    assert vote.gravest((_FINE, _UNASKED)) is _UNASKED
    assert vote.gravest((_FINE,)) is None
