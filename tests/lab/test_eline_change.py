"""An E-Line changed on real routers: faster, into another tunnel, to another port, gone for good."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from lab.runner import Lab
from tests.lab import service_stage, thread_agent
from tests.lab.births import Births
from tests.lab.service_stage import Routers
from tests.lab.thread_agent import Agent

pytestmark = pytest.mark.lab

PES = ("pe1", "pe2")
FAR = "192.168.50.2"
BETWEEN = 20  # Mbit/s: well above 10, well below 40


@pytest.fixture(scope="module")
def agent(births: Births, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    with thread_agent.running(births, tmp_path_factory.mktemp("agent")) as here:
        here.onboard()
        yield here


@pytest.fixture
def routers(telco5: Lab, netconf: thread_agent.NetconfOf) -> Routers:
    return Routers(telco5, netconf)


def test_an_eline_is_changed_in_place_and_leaves_nothing_behind(
    agent: Agent, routers: Routers
) -> None:
    before = routers.seen(*PES)
    with service_stage.cleared(agent):
        slow = {"aEnd": "pe1:eth4", "zEnd": "pe2:eth4", "bandwidth": 10}
        service = agent.completed(service_stage.addition("acme-line", "eline", slow))
        assert routers.rate("b1", "b2", FAR) < BETWEEN

        _change(agent, service, "faster", {"bandwidth": 40})
        assert routers.rate("b1", "b2", FAR, above=BETWEEN) < 2 * 40

        _change(agent, service, "tunnel", {"vni": 10150})
        assert all("br10150" in one.kernel for one in routers.seen(*PES).values())
        assert routers.pings("b1", FAR)

        _change(agent, service, "moved", {"zEnd": "pe2:eth3"})
        assert not routers.pings("b1", FAR)
        _change(agent, service, "unlimited", {"zEnd": "pe2:eth4", "bandwidth": None})
        assert routers.pings("b1", FAR)
        assert "<rate>" not in routers.seen("pe1")["pe1"].netconf
        agent.terminated(service)
    routers.come_to_be(before)


def test_a_suspended_eline_carries_nothing_and_its_resume_brings_it_back(
    agent: Agent, routers: Routers
) -> None:
    before = routers.seen(*PES)
    with service_stage.cleared(agent):
        ends = {"aEnd": "pe1:eth4", "zEnd": "pe2:eth4", "bandwidth": 40}
        service = agent.completed(service_stage.addition("acme-pause", "eline", ends))
        assert routers.pings("b1", FAR)
        whole = routers.seen(*PES)

        suspended = agent.order(service_stage.standing(service, "inactive"))
        assert suspended["state"] == "completed", suspended["error"]
        routers.come_to_be(before)
        assert not routers.pings("b1", FAR)

        resumed = agent.order(service_stage.standing(service, "active"))
        assert resumed["state"] == "completed", resumed["error"]
        kinds = {one["kind"] for one in resumed["items"][0]["evidence"]}
        assert "ping" in kinds
        assert routers.pings("b1", FAR)
        routers.come_to_be(whole)
        agent.terminated(service)
    routers.come_to_be(before)


def _change(agent: Agent, service: str, which: str, changed: Mapping[str, Any]) -> None:
    order = agent.order(service_stage.modification(service, changed, which))
    assert order["state"] == "completed", order["error"]
