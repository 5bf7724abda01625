"""What counts as proof, case by case."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from oss_agent.proof import judge
from oss_agent.spi import proof

NOW = datetime(2026, 1, 1, tzinfo=UTC)
Values = dict[str, proof.Scalar]


def predicate(
    kind: str, need: proof.Need = proof.Need.MUST, expect: Values | None = None
) -> proof.Predicate:
    return proof.Predicate(kind, "pe1", need=need, expect=expect or {})


def seen(kind: str, values: Values, **more: object) -> proof.Observation:
    simulated = more.get("simulated") is True
    reason = more.get("unobservable")
    return proof.Observation(
        kind, "pe1", NOW, values, simulated=simulated, unobservable=str(reason) if reason else None
    )


CASES: list[tuple[str, Values, Values, proof.Outcome]] = [
    ("config-equal", {}, {"equal": True}, proof.Outcome.PROVEN),
    ("config-equal", {}, {"equal": False}, proof.Outcome.FAILED),
    ("config-equal", {}, {"equal": "yes"}, proof.Outcome.FAILED),
    ("config-equal", {}, {}, proof.Outcome.FAILED),
    ("interface-up", {}, {"oper_status": "up"}, proof.Outcome.PROVEN),
    ("interface-up", {}, {"oper_status": "down"}, proof.Outcome.FAILED),
    ("interface-up", {}, {}, proof.Outcome.FAILED),
    ("evpn-remote-vtep", {}, {"present": True}, proof.Outcome.PROVEN),
    ("evpn-remote-vtep", {}, {"present": False}, proof.Outcome.FAILED),
    ("bgp-neighbor-established", {}, {"state": "Established"}, proof.Outcome.PROVEN),
    ("bgp-neighbor-established", {}, {"state": "Active"}, proof.Outcome.FAILED),
    ("bgp-neighbor-established", {}, {}, proof.Outcome.FAILED),
    ("route-present", {}, {"installed": 2}, proof.Outcome.PROVEN),
    ("route-present", {}, {"installed": 0}, proof.Outcome.FAILED),
    ("route-present", {}, {"installed": True}, proof.Outcome.FAILED),
    ("route-present", {}, {}, proof.Outcome.FAILED),
    ("bgp-prefix-advertised", {}, {"peers": 1}, proof.Outcome.PROVEN),
    ("bgp-prefix-advertised", {}, {"peers": 0}, proof.Outcome.FAILED),
    ("bgp-prefix-advertised", {}, {"peers": "2"}, proof.Outcome.FAILED),
    ("ping", {"loss_max": 0.0}, {"sent": 10, "received": 10}, proof.Outcome.PROVEN),
    ("ping", {"loss_max": 0.0}, {"sent": 10, "received": 9}, proof.Outcome.FAILED),
    ("ping", {"loss_max": 0.1}, {"sent": 10, "received": 9}, proof.Outcome.PROVEN),
    ("ping", {"loss_max": 0}, {"sent": 10, "received": 11}, proof.Outcome.PROVEN),
    ("ping", {"loss_max": 0}, {"sent": 0, "received": 0}, proof.Outcome.FAILED),
    ("ping", {"loss_max": 0}, {"sent": True, "received": True}, proof.Outcome.FAILED),
    ("ping", {"loss_max": 0}, {"sent": "10", "received": "10"}, proof.Outcome.FAILED),
    ("ping", {"loss_max": 0}, {}, proof.Outcome.FAILED),
    ("astrology", {}, {"equal": True}, proof.Outcome.NOT_PROVEN),
]


@pytest.mark.parametrize(("kind", "expect", "values", "outcome"), CASES)
def test_each_kind_is_judged_by_its_row(
    kind: str, expect: Values, values: Values, outcome: proof.Outcome
) -> None:
    verdict = judge.judge(predicate(kind, expect=expect), seen(kind, values))

    assert verdict.outcome is outcome
    assert verdict.reason


@pytest.mark.parametrize("kind", sorted(judge.RULES))
def test_a_simulated_device_proves_configuration_and_nothing_else(kind: str) -> None:
    values: Values = {"equal": True, "oper_status": "up", "present": True, "sent": 1, "received": 1}
    verdict = judge.judge(predicate(kind), seen(kind, values, simulated=True))

    assert verdict.passes
    if kind == proof.CONFIG_EQUAL:
        assert verdict.outcome is proof.Outcome.PROVEN
    else:
        assert verdict.reason == "not proven (simulated)"


def test_a_simulated_device_whose_configuration_differs_fails() -> None:
    verdict = judge.judge(
        predicate("config-equal"), seen("config-equal", {"equal": False}, simulated=True)
    )

    assert not verdict.passes


@pytest.mark.parametrize(
    ("need", "passes"), [(proof.Need.MUST, False), (proof.Need.IF_OBSERVABLE, True)]
)
def test_what_cannot_be_observed_passes_only_where_the_catalogue_allows_it(
    need: proof.Need, *, passes: bool
) -> None:
    asked = predicate("ping", need)

    for verdict in (
        judge.judge(asked, seen("ping", {}, unobservable="no test point")),
        judge.unobserved(asked, "no test point"),
    ):
        assert verdict.outcome is proof.Outcome.NOT_PROVEN
        assert "no test point" in verdict.reason
        assert verdict.passes is passes


def test_an_answer_to_another_question_proves_nothing() -> None:
    asked = predicate("config-equal")
    verdict = judge.judge(asked, seen("interface-up", {"equal": True}))

    assert verdict.outcome is proof.Outcome.NOT_PROVEN
    assert not verdict.passes
