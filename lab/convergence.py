"""Decides when a lab's routing has settled: OSPF full and every BGP session up, on every router."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from lab.errors import LabError
from lab.runner import Lab, quiet

_PAUSE = 0.5
_SAY_EVERY = 5.0


def wait(lab: Lab, *, within: float = 300.0, say: Callable[[str], None] = quiet) -> float:
    """Wait until routing has settled and return how long it took."""
    began = told = time.monotonic()
    while left := [words for node in routers(lab) for words in unsettled(lab, node)]:
        now = time.monotonic()
        if now - began > within:
            raise LabError(f"routing did not settle within {within:.0f} s: {'; '.join(left)}")
        if now - told > _SAY_EVERY:
            nodes = sorted({words.split(":")[0] for words in left})
            say(f"waiting for {len(left)} routing sessions on {', '.join(nodes)}")
            told = now
        time.sleep(_PAUSE)
    return time.monotonic() - began


def routers(lab: Lab) -> list[str]:
    """Name the nodes that route."""
    return [node.name for node in lab.topology.nodes if node.env.get("LAB_ROLE") == "router"]


def unsettled(lab: Lab, node: str) -> list[str]:
    """Say what of a router's routing is not up yet."""
    expected = len(lab.topology.node(node).env.get("LAB_ADDRESSES", "").split())
    full = list(_full(_show(lab, node, "show ip ospf neighbor json")))
    words = [] if len(full) >= expected else [f"{node}: {len(full)} of {expected} OSPF full"]
    summary = _show(lab, node, "show bgp summary json")
    for family, content in summary.items():
        for peer, session in content.get("peers", {}).items():
            if session.get("state") != "Established":
                words.append(f"{node}: {family} to {peer} is {session.get('state')}")
    return words if summary else [*words, f"{node}: no BGP"]


def _full(answer: dict[str, Any]) -> Iterator[str]:
    for neighbour, sessions in answer.get("neighbors", answer).items():
        for session in sessions if isinstance(sessions, list) else []:
            state = session.get("nbrState") or session.get("state") or ""
            if str(state).startswith("Full"):
                yield neighbour


def _show(lab: Lab, node: str, command: str) -> dict[str, Any]:
    done = lab.execute(node, "vtysh", "-c", command)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
