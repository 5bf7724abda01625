"""The agent in the lab's management namespace, and the network seen by other means than the agent's."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from lab.runner import Lab
from oss_agent.testing import daemon
from tests.lab.births import Births

ORDERS = "/tmf-api/serviceOrdering/v4/serviceOrder"
SERVICES_HELD = "/tmf-api/serviceInventory/v4/service"
FINAL = {"completed", "failed", "rejected", "cancelled", "partial"}
BILLING_PORT = 9643
BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
SERVICES = "urn:oss-agent:lab:services"
RUNNING = "<get-config><source><running/></source></get-config>"
PATIENCE = 900.0
"""Seconds for an order: its longest proof and its devices' own timer (``settings``), and that once again."""

NetconfOf = Callable[[Lab, str], Any]  # conftest's client
State = tuple[str, tuple[str, ...]]  # a node's running configuration, and what its kernel has


@dataclass(frozen=True, slots=True)
class Billing:
    """The billing process, seen through the file it writes."""

    file: Path

    def about(self, *words: str) -> list[Any]:
        """Bodies that hold all these words, oldest first."""
        lines = self.file.read_text(encoding="utf-8").splitlines() if self.file.exists() else []
        return [json.loads(x)["body"] for x in lines if all(word in x for word in words)]


@contextlib.contextmanager
def billing(network: Lab, place: Path) -> Iterator[Billing]:
    """Have billing up in the agent's namespace for a block, a process of its own."""
    file = place / "billing.jsonl"
    argv = [sys.executable, "-m", "lab.demo.listener"]
    argv += ["--port", str(BILLING_PORT), "--file", str(file)]
    with network.in_mgmt():
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
    try:
        yield Billing(file)
    finally:
        daemon.stop(process)


def settings(**more: str) -> dict[str, str]:
    """The daemon's settings: what the lab needs, and short pauses."""
    return {
        "OSS_AGENT_BILLING__URL": f"http://127.0.0.1:{BILLING_PORT}/billing",
        "OSS_AGENT_SNMP__TRAP_BIND": "172.20.20.1",
        "OSS_AGENT_SNMP__TRAP_PORT": "162",
        "OSS_AGENT_SNMP__POLL_INTERVAL": "2",
        "OSS_AGENT_DISCOVERY__INTERVAL": "0",  # each test asks when it is its turn
        "OSS_AGENT_ASSURANCE__USAGE_INTERVAL": "4",
        "OSS_AGENT_ASSURANCE__VERIFY_AFTER": "5",
        "OSS_AGENT_FULFILMENT__RETRY": "1",
        "OSS_AGENT_FULFILMENT__RPC_TIMEOUT": "10",
        "OSS_AGENT_FULFILMENT__CONFIRM_WITHIN": "300",
        # a machine that does much else has a VPN's routes late: what is true is looked for in patience
        "OSS_AGENT_FULFILMENT__PROVE_WITHIN": "150",
    } | more


def files(network: Lab) -> dict[str, str]:
    """The lab directory as `oss-agent import` sends it."""
    return {f.name: f.read_text(encoding="utf-8") for f in network.labdir.iterdir() if f.is_file()}


@dataclass(frozen=True, slots=True)
class Agent:
    """A daemon that knows the lab."""

    network: Lab
    daemon: daemon.Daemon

    def onboard(self) -> None:
        """Import and discover until the core knows itself: seven links, both ends agreeing."""
        self.daemon.post("/api/v1/import", {"files": files(self.network)})
        self.daemon.until(self._discovered, within=300)

    def _discovered(self) -> bool:
        found = self.daemon.post("/api/v1/discover", {"device": None})
        links = [x for x in self.daemon.get("/api/v1/topology") if "both ends" in x["evidence"]]
        return len(links) == 7 and not any(one["reason"] for one in found)

    def send(self, body: Mapping[str, Any]) -> str:
        """Order; returns the order's id."""
        answer = self.daemon.request("POST", ORDERS, json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def final(self, key: str, within: float = PATIENCE) -> Any:
        """The order when it is final; NotReady with why it is not."""
        try:
            return self.daemon.until(lambda: self.final_or_none(key), within=within)
        except daemon.NotReady as late:
            with contextlib.suppress(httpx.HTTPError):
                late.add_note(f"order {key}: {self.explain(key)['sentence']}")
            raise

    def final_or_none(self, key: str) -> Any:
        """The order if it is final."""
        view = self.daemon.get(f"/api/v1/orders/{key}")
        return view if view["state"] in FINAL else None

    def order(self, body: Mapping[str, Any]) -> Any:
        """Order and wait until it is final."""
        return self.final(self.send(body))

    def explain(self, key: str) -> Any:
        """Why an order does not move."""
        return self.daemon.get(f"/api/v1/orders/{key}/explain")

    def waiting(self, key: str, words: str, within: float = 300) -> Any:
        """The explanation once its sentence has these words."""

        def look() -> Any:
            said = self.explain(key)
            return said if words in said["sentence"] else None

        return self.daemon.until(look, within=within)

    def completed(self, body: Mapping[str, Any]) -> str:
        """Order, see it completed, and return the service's id."""
        view = self.order(body)
        assert view["state"] == "completed", view["error"]
        return str(view["items"][0]["service_id"])

    def terminated(self, service: str) -> None:
        """Terminate a service and see that done."""
        view = self.order(termination(service))
        assert view["state"] == "completed", view["error"]

    def clear(self) -> None:
        """End whatever a failed test left under way or standing, so that the next one can go on."""
        for order in self.daemon.get(ORDERS, limit="100"):
            if order["state"] not in FINAL:
                self.final(order["id"])
        for service in self.daemon.get(
            SERVICES_HELD, limit="100", state="active,inactive", category="CFS"
        ):
            self.terminated(service["id"])

    def alarm(self, where: str, *, cleared: bool = False) -> Any:
        """The alarm on a port that is (not) cleared, or None."""
        for alarm in self.daemon.get("/api/v1/alarms"):
            if alarm["alarmed_object"] == where and (alarm["state"] == "cleared") is cleared:
                return alarm
        return None

    def traps(self) -> float:
        """Traps so far that made the agent look at a device at once."""
        text = self.daemon.request("GET", "/metrics").text
        found = re.search(r'^oss_traps(?:_total)?\{result="hinted"\} (\S+)$', text, re.MULTILINE)
        return float(found[1]) if found else 0.0


@contextlib.contextmanager
def running(births: Births, place: Path, **more: str) -> Iterator[Agent]:
    """Have the daemon up in the lab's management namespace for a block, its data in ``place``."""
    with daemon.running(place, settings(**more), birth=births.birth) as here:
        yield Agent(births.network, here)


@contextlib.contextmanager
def started(network: Lab, place: Path, **more: str) -> Iterator[Agent]:
    """The same, started as people start it: by its command, in a new interpreter."""
    with daemon.running(place, settings(**more), within=network.in_mgmt) as here:
        yield Agent(network, here)


def dying(
    births: Births, place: Path, failpoint: str, **more: str
) -> contextlib.AbstractContextManager[Any]:
    """A daemon that kills itself at a failpoint; perhaps before it is ever ready."""
    env = settings(OSS_AGENT_FAILPOINT=f"{failpoint}:kill", **more)
    return daemon.running(place, env, birth=births.birth, wait=False)


def eline(name: str, a_end: str, z_end: str, **more: Any) -> dict[str, Any]:
    """An order for an E-Line (TMF641)."""
    values = {"aEnd": a_end, "zEnd": z_end, "bandwidth": 20, **more}
    pairs = [{"name": key, "value": value} for key, value in values.items()]
    service = {
        "name": name,
        "serviceSpecification": {"id": "eline", "version": "1.0"},
        "serviceCharacteristic": pairs,
    }
    return _order(f"add-{name}", {"id": "1", "action": "add", "service": service})


def termination(service: str) -> dict[str, Any]:
    """An order that ends a service (TMF641)."""
    reference = {"id": service, "serviceSpecification": {"id": "eline", "version": "1.0"}}
    return _order(f"end-{service}", {"id": "1", "action": "delete", "service": reference})


def _order(name: str, item: dict[str, Any]) -> dict[str, Any]:
    party = {"id": "acme", "role": "customer", "@referredType": "Organization"}
    return {"externalId": name, "relatedParty": [party], "serviceOrderItem": [item]}


@dataclass(frozen=True, slots=True)
class Witness:
    """What routers hold and run, asked by a raw NETCONF client and the kernel's own tools."""

    network: Lab
    netconf: NetconfOf

    def config(self, node: str) -> str:
        """The whole running configuration, byte for byte as it came."""
        reply = str(self.netconf(self.network, node).ask(RUNNING)[0])
        # What is before it says when the configuration was last written.
        return reply[reply.index("<data>") :]

    def kernel(self, node: str) -> tuple[str, ...]:
        """Every link with its bridge, and the rates: what packets meet."""
        links = json.loads(self.network.run(node, "ip", "-j", "link", "show"))
        lines = sorted(f"{x['ifname']} in {x.get('master', '-')}" for x in links)
        rates = self.network.run(node, "tc", "class", "show", "dev", "eth3").splitlines()
        tables = self.network.run(node, "nft", "list", "tables").splitlines()
        # zebra and others come and go with ifindex numbers: names only
        return (*lines, *sorted(line.split(" rate ")[0] for line in rates), *sorted(tables))

    def state(self, *nodes: str) -> dict[str, State]:
        """Configuration and kernel of some nodes, for a comparison before and after."""
        return {node: (self.config(node), self.kernel(node)) for node in nodes}

    def vni(self, node: str, name: str) -> str | None:
        """The tunnel number that running gives a service; None when it has no such service."""
        entry = re.search(
            rf"<name>{re.escape(name)}</name>.*?</eline>", self.config(node), re.DOTALL
        )
        found = re.search(r"<vni>(\d+)</vni>", entry[0]) if entry else None
        return found[1] if found else None

    def has(self, node: str, name: str) -> bool:
        """Is the service in running, and does the kernel carry it?"""
        vni = self.vni(node, name)
        return vni is not None and f"vx{vni} in br{vni}" in self.kernel(node)

    def comes_to_have(self, node: str, name: str, within: float = 300) -> None:
        """Running has the service, and the kernel follows within moments."""
        deadline = time.monotonic() + within
        while not self.has(node, name):
            assert time.monotonic() < deadline, (self.config(node), self.kernel(node))
            time.sleep(0.5)

    def settles(self, before: Mapping[str, State], within: float = 300) -> None:
        """The nodes come to be as before; the kernel follows running within moments.

        netconfd keeps a container whose last entry was deleted; by RFC 7950 7.5.1 it says nothing.
        """
        wanted = {node: (meaning(config), kernel) for node, (config, kernel) in before.items()}
        deadline = time.monotonic() + within
        while True:
            state = self.state(*before)
            now = {node: (meaning(config), kernel) for node, (config, kernel) in state.items()}
            if now == wanted:
                return
            assert time.monotonic() < deadline, f"\n{wanted}\nbecame\n{now}"
            time.sleep(0.5)

    def nothing_held(self, *nodes: str) -> None:
        """No lock and no pending commit is left: another client can lock and commit at once."""
        lock = "<lock><target><candidate/></target></lock>"
        for node in nodes:
            replies = self.netconf(self.network, node).ask(
                "<discard-changes/>", lock, "<cancel-commit/>"
            )
            assert "<ok/>" in replies[1], (node, replies[1])
            assert "<ok/>" not in replies[2], (node, replies[2])

    def heal(self, *nodes: str) -> None:
        """Take away whatever services a failed test left, so that the next one has its lab."""
        gone = f'<services xmlns="{SERVICES}" xmlns:nc="{BASE}" nc:operation="remove"/>'
        edit = f"<edit-config><target><candidate/></target><config>{gone}</config></edit-config>"
        for node in nodes:
            if "<eline>" in self.config(node):
                self.netconf(self.network, node).ask("<discard-changes/>", edit, "<commit/>")

    def pings(self, source: str, target: str) -> bool:
        """Do packets come back?"""
        return self.network.execute(source, "ping", "-c3", "-i0.2", "-W3", target).returncode == 0


def meaning(config: str) -> str:
    """A configuration without empty non-presence containers and without its layout."""
    return re.sub(r"\s+", " ", re.sub(r'<(services|ports|profiles) xmlns="[^"]*"\s*/>', "", config))
