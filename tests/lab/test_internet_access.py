"""Internet access on real routers: shared profile and route-map, real rates, gone without a trace."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from lab.runner import Lab
from tests.lab import service_stage, thread_agent
from tests.lab.births import Births
from tests.lab.service_stage import REFERENCE, Routers
from tests.lab.thread_agent import Agent

pytestmark = pytest.mark.lab

CUSTOMER = "203.0.113.2"
BETWEEN = 20  # Mbit/s: well above 10, well below 40


@pytest.fixture(scope="module")
def agent(births: Births, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    place = tmp_path_factory.mktemp("agent")
    with thread_agent.running(births, place, **service_stage.SETTINGS) as here:
        here.onboard()
        yield here


@pytest.fixture
def routers(telco5: Lab, netconf: thread_agent.NetconfOf) -> Routers:
    service_stage.mend_route(telco5, "b1", "198.51.100.0/24", "203.0.113.1")
    return Routers(telco5, netconf)


def test_internet_access_lives_gets_faster_and_leaves_nothing_behind(
    agent: Agent, routers: Routers
) -> None:
    before = routers.seen("pe1", "p1")
    with service_stage.cleared(agent):
        wanted = {"accessPort": "pe1:eth4", "bandwidth": 10, "prefix": "203.0.113.0/30"}
        order = agent.order(service_stage.addition("acme-internet", "internet-access", wanted))
        assert order["state"] == "completed", order["error"]
        item = order["items"][0]
        proven = sorted(e["kind"] for e in item["evidence"] if e["outcome"] == "proven")
        assert proven.count("ping") == 2, item["evidence"]
        assert {"bgp-prefix-advertised", "route-present", "interface-up"} <= set(proven)
        assert routers.pings("b1", REFERENCE)
        assert routers.rate("i1", "b1", CUSTOMER) < BETWEEN

        faster = service_stage.modification(item["service_id"], {"bandwidth": 40})
        changed = agent.order(faster)
        assert changed["state"] == "completed", changed["error"]
        assert routers.rate("i1", "b1", CUSTOMER, above=BETWEEN) < 2 * 40
        assert "mbps-10<" not in routers.seen("pe1")["pe1"].netconf

        agent.terminated(item["service_id"])
    routers.come_to_be(before)
    assert not routers.pings("b1", REFERENCE)


def test_acid_1_what_two_services_share_stays_until_the_last_one_leaves(
    agent: Agent, routers: Routers
) -> None:
    """Acid test 1: modify one of two that share, delete the other, then that one."""
    before = routers.seen("pe1")
    with service_stage.cleared(agent):
        one = agent.completed(_access("first-internet", "pe1:eth4", 20))
        other = agent.completed(_access("second-internet", "pe1:eth3", 20))
        both = routers.seen("pe1")["pe1"]
        assert both.netconf.count("<rate-profile>") == 1
        assert both.lines.count("route-map OSS-INTERNET permit 10") == 1

        changed = agent.order(service_stage.modification(other, {"bandwidth": 30}))
        assert changed["state"] == "completed", changed["error"]
        assert routers.seen("pe1")["pe1"].netconf.count("<rate-profile>") == 2
        agent.terminated(one)
        left = routers.seen("pe1")["pe1"]
        assert re.findall(r"mbps-(\d+)</name>", left.netconf) == ["30"]
        assert left.lines.count("route-map OSS-INTERNET permit 10") == 1
        agent.terminated(other)
    routers.come_to_be(before)


def _access(name: str, port: str, bandwidth: int) -> dict[str, object]:
    wanted = {"accessPort": port, "bandwidth": bandwidth}
    return service_stage.addition(name, "internet-access", wanted)
