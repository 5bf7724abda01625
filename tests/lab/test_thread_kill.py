"""The agent killed at the worst moments of an order on real routers: afterwards all-new or all-old."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.runner import Lab
from oss_agent.testing import daemon
from tests.lab import thread_agent
from tests.lab.births import Births
from tests.lab.thread_agent import Agent, Witness, eline

pytestmark = pytest.mark.lab

PES = ("pe1", "pe2")
ENDS = ("pe1:eth4", "pe2:eth4")
SIGKILLED = -9
# Routers undo what nobody confirms after so long; an unanswered confirmation is believed no sooner.
TIMER = {
    "OSS_AGENT_FULFILMENT__CONFIRM_WITHIN": "60",
    "OSS_AGENT_FULFILMENT__RPC_TIMEOUT": "10",
    "OSS_AGENT_FULFILMENT__PROVE_WITHIN": "30",
}

# Where it dies: first in the order's own work, then (perhaps) in the start-up that settles it.
DEATHS = [
    pytest.param(["device.commit.after"], id="committed-on-one-or-both"),
    pytest.param(["device.confirm.after"], id="between-the-confirms"),
    pytest.param(
        ["journal.decision.before", "device.cancel.after"], id="undecided-then-again-while-undoing"
    ),
    pytest.param(
        ["journal.decision.after", "device.confirm.after"], id="decided-then-again-while-confirming"
    ),
]


@pytest.fixture(scope="module")
def onboarded(births: Births, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of an agent that knows the lab and has done nothing else."""
    there = tmp_path_factory.mktemp("onboarded")
    with thread_agent.running(births, there) as agent:
        agent.onboard()
    return there


@pytest.fixture
def place(onboarded: Path, tmp_path: Path) -> Path:
    """A copy of it: what one test breaks, no other one sees."""
    shutil.copytree(onboarded / "data", tmp_path / "data")
    return tmp_path


@pytest.fixture(scope="module", autouse=True)
def billing(telco5: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with thread_agent.billing(telco5, tmp_path_factory.mktemp("billing")):
        yield


@pytest.fixture
def witness(telco5: Lab, netconf: thread_agent.NetconfOf) -> Iterator[Witness]:
    seer = Witness(telco5, netconf)
    yield seer
    seer.heal(*PES)


@pytest.mark.parametrize("failpoints", DEATHS)
def test_a_death_leaves_all_new_or_all_old(
    births: Births, place: Path, witness: Witness, failpoints: list[str]
) -> None:
    before = witness.state(*PES)
    name = "-".join(["acme", *failpoints]).replace(".", "-")
    order = _dies_ordering(births, place, name, failpoints[0])
    for failpoint in failpoints[1:]:
        _dies_starting(births, place, failpoint)

    with thread_agent.running(births, place, **TIMER) as agent:
        service = _all_new_or_all_old(agent, witness, order, name)
        witness.nothing_held(*PES)
        # the same ports once more, in a confirmed commit of their own
        agent.terminated(service)
        agent.daemon.kill()  # at rest, too, and quicker than a polite stop
        witness.settles(before)
        witness.nothing_held(*PES)


def _dies_ordering(births: Births, place: Path, name: str, failpoint: str) -> str:
    with thread_agent.dying(births, place, failpoint, **TIMER) as dying:
        daemon.wait_ready(dying)
        order = Agent(births.network, dying).send(eline(name, *ENDS))
        assert dying.process.wait(300) == SIGKILLED
        return order


def _dies_starting(births: Births, place: Path, failpoint: str) -> None:
    with thread_agent.dying(births, place, failpoint, **TIMER) as dying:
        assert dying.process.wait(300) == SIGKILLED


def _all_new_or_all_old(agent: Agent, witness: Witness, order: str, name: str) -> str:
    """What the agent says, what the routers hold and what packets meet are the same story.

    An interrupted order is done again, so the story ends all-new; returns the service's id.
    """
    view = agent.final(order, within=300)
    assert view["state"] == "completed", (view["error"], agent.explain(order)["history"])
    for pe in PES:
        witness.comes_to_have(pe, name)
    assert len({witness.vni(pe, name) for pe in PES}) == 1
    assert witness.pings("b1", "192.168.50.2")
    alarms = [a for a in agent.daemon.get("/api/v1/alarms") if a["state"] != "cleared"]
    assert alarms == []
    return str(view["items"][0]["service_id"])


def test_sigkill_at_any_moment_of_an_order(births: Births, place: Path, witness: Witness) -> None:
    """Three deaths, by turns in an order that adds the service and one that ends it."""
    before = witness.state(*PES)
    # An order that adds works for some 3 s here, most of it proving; one that ends for half a second.
    moments = [random.uniform(0.05, longest) for longest in (3, 1, 3)]  # noqa: S311  (no secret)
    print(f"killed after {', '.join(f'{moment:.2f}' for moment in moments)} s")
    order, service, name = "", "", ""
    for moment in [*moments, None]:
        with thread_agent.running(births, place, **TIMER) as agent:
            if order and not service:
                service = _all_new_or_all_old(agent, witness, order, name)
            elif order:
                assert agent.final(order)["state"] == "completed", agent.explain(order)
                witness.settles(before)
                service = ""
            witness.nothing_held(*PES)
            if moment is None:
                break
            name = f"acme-after-{moment:.3f}".replace(".", "-")
            order = agent.send(thread_agent.termination(service) if service else eline(name, *ENDS))
            time.sleep(moment)
            agent.daemon.kill()
