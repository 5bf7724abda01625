"""Orders of VPNs and Internet access, and what the lab's routers and hosts show of them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lab.runner import Lab
from tests.lab import thread_agent

REFERENCE = "198.51.100.1"
"""The lab's piece of the Internet: host ``i1``."""
SETTINGS = {"OSS_AGENT_CATALOGUE__INTERNET_REFERENCE": REFERENCE}


def addition(
    name: str, specification: str, characteristics: Mapping[str, Any], version: str = "1.0"
) -> dict[str, Any]:
    """An order for a new service (TMF641)."""
    service = {
        "name": name,
        "serviceSpecification": {"id": specification, "version": version},
        "serviceCharacteristic": _pairs(characteristics),
    }
    return _order(f"add-{name}", {"id": "1", "action": "add", "service": service})


def modification(
    service: str, characteristics: Mapping[str, Any], which: str = "change"
) -> dict[str, Any]:
    """An order that changes a service."""
    changed = {"id": service, "serviceCharacteristic": _pairs(characteristics)}
    return _order(f"{which}-{service}", {"id": "1", "action": "modify", "service": changed})


def standing(service: str, state: str) -> dict[str, Any]:
    """An order that suspends (``inactive``) or resumes (``active``) a service."""
    wanted = {"id": service, "state": state}
    return _order(f"{state}-{service}", {"id": "1", "action": "modify", "service": wanted})


def removal(service: str) -> dict[str, Any]:
    """An order that ends a service, whatever it is."""
    return _order(f"end-{service}", {"id": "1", "action": "delete", "service": {"id": service}})


def _pairs(characteristics: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in characteristics.items()]


def _order(name: str, item: dict[str, Any]) -> dict[str, Any]:
    party = {"id": "acme", "role": "customer", "@referredType": "Organization"}
    return {"externalId": name, "relatedParty": [party], "serviceOrderItem": [item]}


def site(number: int, bandwidth: int | None = None) -> dict[str, Any]:
    """The site of customer host ``a<number>``: eth3 of ``pe<number>``."""
    found = {"port": f"pe{number}:eth3", "address": f"172.16.{number}.1/24"}
    return {**found, "bandwidth": bandwidth} if bandwidth else found


_COUNTED = re.compile(r" direct_packets_stat \d+")
"""What a queue has counted is no configuration: a packet that came before its class was there."""


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a router holds: NETCONF running, FRR's running configuration, the kernel."""

    netconf: str
    lines: str
    kernel: str


@dataclass(frozen=True, slots=True)
class Routers:
    """What routers hold, asked by a raw NETCONF client, by vtysh and by the kernel's own tools."""

    network: Lab
    netconf: thread_agent.NetconfOf

    def seen(self, *nodes: str) -> dict[str, Seen]:
        """Byte for byte, but for what the kernel numbers anew or counts."""
        witness = thread_agent.Witness(self.network, self.netconf)
        return {
            node: Seen(
                thread_agent.meaning(witness.config(node)),
                self.network.run(node, "vtysh", "-c", "show running-config"),
                self._kernel(node),
            )
            for node in nodes
        }

    def _kernel(self, node: str) -> str:
        links = json.loads(self.network.run(node, "ip", "-j", "address", "show"))
        lines = sorted(_link(link) for link in links)
        for command in (
            ("ip", "netns", "list"),
            ("nft", "list", "tables"),
            ("tc", "qdisc", "show"),
        ):
            lines += sorted(self.network.run(node, *command).splitlines())
        return _COUNTED.sub("", "\n".join(lines))

    def come_to_be(self, before: Mapping[str, Seen], within: float = 300) -> None:
        """The routers are as before; the kernel follows running within moments."""
        deadline = time.monotonic() + within
        while (now := self.seen(*before)) != before:
            assert time.monotonic() < deadline, f"\n{before}\nbecame\n{now}"
            time.sleep(0.5)

    def pings(self, source: str, target: str) -> bool:
        """Do packets come back?"""
        ping = self.network.execute(source, "ping", "-c3", "-i0.2", "-W3", target)
        return ping.returncode == 0

    def rate(self, source: str, sink: str, target: str, above: float = 0) -> float:
        """Mbit/s that TCP reaches from one host to another, over two seconds.

        A loaded machine and the limiter's burst make it a rough figure: tell 10 from 40 by it. What
        the machine was too busy to send is tried again until more than ``above`` comes through.
        """
        deadline = time.monotonic() + 300
        while True:
            self.network.execute(sink, "iperf3", "-s", "-D", "-1")
            done = self.network.execute(source, "iperf3", "-c", target, "-t2", "-J")
            end = json.loads(done.stdout).get("end", {})
            reached = float(end.get("sum_received", {}).get("bits_per_second", 0)) / 1e6
            if reached > above:
                return reached
            # The server was not up yet, or still busy with the one before.
            assert time.monotonic() < deadline, done.stdout
            time.sleep(0.5)


def _link(link: Mapping[str, Any]) -> str:
    addresses = [
        f"{one['local']}/{one['prefixlen']}"
        for one in link.get("addr_info", ())
        if one.get("scope") == "global"
    ]
    return f"{link.get('ifname')} in {link.get('master', '-')} has {' '.join(addresses)}"


def mend_route(network: Lab, host: str, prefix: str, gateway: str) -> None:
    """Give a host its route back: a link that another test took down took the route with it."""
    network.run(host, "ip", "route", "replace", prefix, "via", gateway, "dev", "eth1")


@contextmanager
def cleared(agent: thread_agent.Agent) -> Iterator[None]:
    """Whatever a failed test left standing is ended, so that the next one has its lab."""
    try:
        yield
    finally:
        agent.clear()
