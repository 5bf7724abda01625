"""An agent that knows nothing takes over what real routers carry: nothing on them changes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.lab import service_stage, thread_agent
from tests.lab.births import Births
from tests.lab.service_stage import Routers, site
from tests.lab.thread_agent import Agent

pytestmark = pytest.mark.lab

PES = ("pe1", "pe2", "pe3")
LINE = {"aEnd": "pe1:eth4", "zEnd": "pe2:eth4", "bandwidth": 10}
VPN = {"sites": [site(1), site(2), site(3)]}


def test_services_of_another_agent_are_adopted_as_they_are(
    births: Births, netconf: thread_agent.NetconfOf, tmp_path: Path
) -> None:
    routers = Routers(births.network, netconf)
    bare = routers.seen(*PES)
    with _agent(births, tmp_path / "first") as first:
        first.onboard()
        first.completed(service_stage.addition("acme-line", "eline", LINE))
        first.completed(service_stage.addition("acme-vpn", "l3vpn", VPN, "1.1"))
    carrying = routers.seen(*PES)
    with _agent(births, tmp_path / "second") as second:
        second.onboard()
        with service_stage.cleared(second):
            services = [_adopted(second, one) for one in _found(second)]
            assert len(services) == 2
            assert routers.seen(*PES) == carrying
            assert _found(second) == []
            for service in services:
                second.terminated(service)
    routers.come_to_be(bare)


def _agent(births: Births, place: Path) -> Any:
    place.mkdir()
    return thread_agent.running(births, place)


def _found(agent: Agent) -> list[Any]:
    survey = agent.daemon.post("/api/v1/adoptions/find", {"devices": list(PES)})
    assert [one for one in survey["candidates"] if one["doubts"]] == []
    return list(survey["candidates"])


def _adopted(agent: Agent, candidate: Mapping[str, Any]) -> str:
    """Adopt it for its customer; returns the service's id."""
    name = candidate["name"] or f"adopted-{candidate['specification']}"
    order = agent.daemon.post("/api/v1/adoptions", {**candidate, "name": name, "customer": "acme"})
    view = agent.final(order["id"])
    assert view["state"] == "completed", view["error"]
    return str(view["items"][0]["service_id"])
