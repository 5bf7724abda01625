"""Each planted bug is found by the checker, and the sentence says what is wrong."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import pytest

from oss_agent.testing.checker import verdict
from oss_agent.testing.checker.facts import Expected, Violation
from tests.crash import collect, load, mutants, scenarios, victims
from tests.crash.points import Sending
from tests.crash.world import World

Act = Callable[[World], None]
NONE: Mapping[str, str] = MappingProxyType({})
BODY = load.eline("acme", "pe1:eth2", "pe2:eth2")
SOON = 300.0
"""Seconds for what has to come; on a quick machine nobody waits for them."""


def ordered(world: World) -> None:
    """One order, and all that follows from it."""
    world.send(BODY)
    world.rest(10)


def terminated(world: World) -> None:
    """One service, ended again."""
    ordered(world)
    assert world.until(lambda: bool(scenarios.living(world)), SOON)
    world.send(load.termination(scenarios.living(world)[0]))
    world.rest(10)


def killed_after_the_answer(world: World) -> None:
    world.send(BODY)
    world.kill("at the 201")
    world.start()


def sent_twice(world: World) -> None:
    world.send(BODY, "one-key")
    world.send(BODY, "one-key")
    world.rest(10)


def refused(world: World) -> None:
    world.network.ask(do="faults", device="pe2", refuse_commit="no")
    ordered(world)
    world.network.ask(do="faults", device="pe2")


def two_at_once(world: World) -> None:
    for number in range(2, 8):
        ends = (f"pe1:eth{number}", f"pe2:eth{number}")
        world.send(load.eline(f"acme{number}", *ends))
    world.rest(15)


def killed_at_rest(world: World) -> None:
    """Told is told: what was not on disk then is nowhere."""
    order = world.send(BODY)
    world.until(lambda: world.order(order)["state"] == "completed", SOON)
    world.kill("when it read completed")
    world.start()


def killed_at(point: str, env: Mapping[str, str] = NONE, within: float = 12) -> Act:
    """An order that dies at a failpoint, and a healthy agent that finds what is left."""

    def act(world: World) -> None:
        sending = Sending(world, BODY)
        assert world.alive.ended(SOON), f"{point} was not reached"
        world.start(env=env)
        sending.end()
        world.rest(within)

    return act


def undone_meanwhile(world: World) -> None:
    """A router loses the change between the decision and the confirm."""
    sending = Sending(world, BODY)
    assert world.until(lambda: world.alive.stopped, SOON)
    world.network.ask(do="reboot", device="pe2")
    world.alive.signal(signal.SIGCONT)
    sending.end()
    world.rest(25)


@dataclass(frozen=True, slots=True)
class Case:
    """A mutant, what makes it show, and words of the sentence that must come of it."""

    mutant: str
    act: Act
    words: str
    """alternatives, ``|`` between"""
    armed: str = ""
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    expected: Expected = field(default_factory=Expected)
    from_birth: bool = True
    """has it the bug at once, or only the life after?"""


QUICK = {
    "OSS_AGENT_FULFILMENT__CONFIRM_WITHIN": "6",
    "OSS_AGENT_FULFILMENT__RPC_TIMEOUT": "2",
    "OSS_AGENT_FULFILMENT__PROVE_WITHIN": "0.5",
}
CASES = (
    Case("ack_before_sync", killed_after_the_answer, "was acknowledged (201) and is lost"),
    Case(
        "commit_before_row",
        killed_at("device.commit.after", QUICK, within=1),
        # Judged before the timer rings, or on a slow machine after it.
        "a confirmed commit still waits for its end|the device's own timer did",
        armed="device.commit.after:kill",
        env=QUICK,
    ),
    Case(
        "pre_image_lost",
        killed_at("device.commit.after"),
        "never ended",
        armed="device.commit.after:kill",
    ),
    Case(
        "undo_skipped",
        killed_at(
            "journal.held.after",
            {**QUICK, victims.MUTANT: "undo_skipped"},
        ),
        # Judged before the device's timer rings, or after it: either way nobody undid it.
        "its change stands|the device's own timer did",
        armed="journal.held.after@2:kill",
        env=QUICK,
    ),
    Case("no_lease", two_at_once, "at work there at the same time"),
    Case("key_forgotten", sent_twice, "sent again, as order"),
    Case("key_of_each_try", ordered, "which is no event's id"),
    Case(
        "decision_forgotten",
        killed_at("device.confirm.after", {victims.MUTANT: "decision_forgotten"}),
        "before a decision to commit was written",
        armed="device.confirm.after:kill",
        from_birth=False,
    ),
    Case("decision_in_memory", ordered, "has 0 decisions, not one"),
    Case("outbox_outside", killed_at_rest, "events tell it, not one"),
    Case("told_twice", ordered, "2 events tell it, not one"),
    Case("claim_kept", terminated, "no living service has it"),
    Case("claim_dropped", ordered, "its vni was given back"),
    Case(
        "trusts_ok",
        undone_meanwhile,
        "and pe2 has not",
        armed="journal.decision.after:stop",
        env=QUICK,
        expected=Expected(timers=True, reboots=True),
    ),
    Case("save_skipped", ordered, "a reboot would lose"),
)


def test_every_mutant_has_a_case() -> None:
    assert {case.mutant for case in CASES} == set(mutants.MUTANTS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.mutant)
def test_a_planted_bug_is_found(case: Case, here: World) -> None:
    here.kill("to be born with a bug")
    here.start(case.armed, env={**case.env, victims.MUTANT: case.mutant * case.from_birth})
    case.act(here)
    found: list[Violation] = []

    def told() -> bool:
        """On a busy machine what was begun goes on: it is judged until it shows."""
        found[:] = verdict.judge(collect.collect(here, expected=case.expected))
        return any(words in one.sentence for words in case.words.split("|") for one in found)

    assert here.until(told, SOON), "\n".join(map(str, found))
