"""Decides when a lab is up: every node's servers answer from the management network."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lab import netns, nodes, questions
from lab.errors import LabError
from lab.topology import Node, Topology

_SAY_EVERY = 5.0
_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold, and its name for people."""

    node: str
    what: str
    holds: Callable[[], bool]


def wait(
    topology: Topology,
    running: Mapping[str, Callable[[], bool]],
    *,
    within: float,
    say: Callable[[str], None],
) -> None:
    """Wait until all nodes are ready; `running` says whether a node's process still lives."""
    began = told = time.monotonic()
    left = [check for node in topology.nodes for check in checks(topology, node)]
    while left:
        for check in left:
            if not running[check.node]():
                words = nodes.words(topology.name, check.node)
                raise LabError(f"node {check.node} ended while starting: {words}")
            if given_up := nodes.given_up(topology.name, check.node):
                raise LabError(f"node {check.node}: {given_up}")
        with netns.entered(topology.mgmt_namespace):
            left = [check for check in left if not check.holds()]
        now = time.monotonic()
        if left and now - began > within:
            raise LabError(
                f"not ready within {within:.0f} s: {_names(left)}\n{_logs(topology, left)}"
            )
        if left and now - told > _SAY_EVERY:
            say(f"waiting for {_names(left)}")
            told = now
        time.sleep(_PAUSE if left else 0)


def checks(topology: Topology, node: Node) -> list[Check]:
    """List what must hold for a node, by its role and its own health check."""
    if node.kind == "bridge":
        return []
    address, ready = str(node.mgmt_ipv4), nodes.home(topology.name, node.name).ready
    found = [Check(node.name, "its own start", ready.exists)]
    role = node.env.get("LAB_ROLE")
    if role in {"router", "host"}:
        found.append(Check(node.name, "SSH on 22", lambda: questions.greets(address, 22)))
    if role == "router":
        found.append(Check(node.name, "NETCONF on 830", lambda: questions.greets(address, 830)))
        found.append(Check(node.name, "SNMP on 161", lambda: questions.answers_snmp(address)))
    if test := _health_command(node):
        found.append(Check(node.name, "its health check", lambda: _healthy(topology, node, test)))
    return found


def _health_command(node: Node) -> list[str]:
    kind, *words = node.healthcheck or ("NONE",)
    if kind == "CMD-SHELL":
        return ["sh", "-c", *words]
    return words if kind == "CMD" else []


def _healthy(topology: Topology, node: Node, test: list[str]) -> bool:
    if not nodes.home(topology.name, node.name).ready.exists():
        return False
    return nodes.execute(topology.name, node.name, test).returncode == 0


def _names(left: list[Check]) -> str:
    return ", ".join(f"{check.node} ({check.what})" for check in left)


def _logs(topology: Topology, left: list[Check]) -> str:
    return "\n".join(
        f"{name}: {nodes.words(topology.name, name)}" for name in sorted({c.node for c in left})
    )
