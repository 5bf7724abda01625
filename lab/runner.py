"""Decides the order in which a lab comes up and goes away, so that no stop in between leaves a mess.

    with runner.running(Path("telco5.clab.yml")) as lab:
        lab.run("pe1", "vtysh", "-c", "show bgp summary")

up() and down() are the same for a lab that outlives this process.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from lab import (
    cabling,
    install,
    inventory_files,
    iproute,
    leftovers,
    netns,
    nodes,
    processes,
    readiness,
    state,
    topology_file,
)
from lab.errors import CommandFailed, LabBusy, LabError
from lab.iproute import Ip
from lab.layer import Layer
from lab.state import State
from lab.topology import Topology

Say = Callable[[str], None]
_READY_WITHIN = 300.0
_READY_WITHIN_EACH = 6.0
"""Seconds for each node, where they are more than fifteen: two cores start them one after the other."""


def quiet(_words: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab that is up."""

    topology: Topology
    labdir: Path
    ip: Ip
    layer: Layer
    started: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def mgmt_namespace(self) -> str:
        """The namespace with the management bridge and its gateway address."""
        return self.topology.mgmt_namespace

    @property
    def known_hosts(self) -> Path:
        """The nodes' real host keys, in OpenSSH's format."""
        return self.labdir / "known_hosts"

    def address(self, node: str) -> str:
        """Return a node's management address."""
        return str(self.topology.node(node).mgmt_ipv4)

    def namespace(self, node: str) -> str:
        """Return a node's network namespace."""
        return self.topology.longname(node)

    def in_mgmt(self) -> AbstractContextManager[None]:
        """Put the calling thread into the management namespace for a block."""
        return netns.entered(self.mgmt_namespace)

    def execute(
        self, node: str, *argv: str, stdin: str | None = None, within: float = 300.0
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a node and return the outcome, good or bad."""
        env = nodes.environment(self.topology, self.topology.node(node))
        return nodes.execute(self.topology.name, node, argv, stdin=stdin, env=env, within=within)

    def run(self, node: str, *argv: str, stdin: str | None = None, within: float = 300.0) -> str:
        """Run a command in a node and return what it printed; a bad end is CommandFailed."""
        done = self.execute(node, *argv, stdin=stdin, within=within)
        if done.returncode != 0:
            raise CommandFailed(argv, done.returncode, done.stderr or done.stdout)
        return done.stdout

    def set_link(self, node: str, interface: str, *, up: bool) -> None:
        """Pull or plug a cable: the far end loses its carrier too."""
        line = f"link set {interface} {'up' if up else 'down'}"
        self.ip.batch([line], namespace=self.namespace(node))

    def kill(self, node: str) -> None:
        """Switch a node off: its processes are gone and its ports dark when this returns."""
        self.topology.node(node)
        firsts = [nodes.first_process(self.topology.name, node)]
        outer = nodes.outer_process(self.topology.name, node)
        processes.kill([outer] if outer else [])
        if left := processes.wait_gone(firsts, within=60):
            raise LabError(f"processes {left} of node {node} do not end")
        # the namespace keeps its name and would go on answering pings
        self._all_links(node, up=False)

    def revive(self, node: str, *, within: float = _READY_WITHIN) -> None:
        """Switch a killed node on again, as it first started, and wait until it is ready."""
        found = self.topology.node(node)
        self._all_links(node, up=True)
        nodes.home(self.topology.name, node).ready.unlink(missing_ok=True)
        owned = bool(self.started[node].stdin)
        self.started[node].communicate()
        self.started[node] = nodes.start(self.topology, found, self.layer, owned=owned)
        alone = replace(self.topology, nodes=(found,))
        readiness.wait(alone, {node: _living(self.started[node])}, within=within, say=quiet)
        inventory_files.write(self.labdir, self.topology, _macs(self), _host_keys(self))

    def _all_links(self, node: str, *, up: bool) -> None:
        ends = [end for link in self.topology.links for end in (link.a, link.z)]
        names = ["eth0", *(end.interface for end in ends if end.node == node)]
        lines = [f"link set {name} {'up' if up else 'down'}" for name in names]
        self.ip.batch(lines, namespace=self.namespace(node))


@contextmanager
def running(
    file: Path, *, name: str | None = None, wait: float = 900.0, say: Say = quiet
) -> Iterator[Lab]:
    """Have a lab up for a block; it goes with the block, and its processes go if this one is killed.

    Whoever else has a lab of this name is waited for, at most `wait` seconds.
    """
    topology = _read(file, name)
    layer = install.ensure(say=say)
    with state.held(topology.name, wait=wait, say=say):
        lab = _make(topology, layer, owned=True, say=say)
        try:
            yield lab
        finally:
            take_down(lab)


def up(file: Path, *, name: str | None = None, say: Say = quiet) -> Lab:
    """Bring a lab up and leave it; leftovers of a killed run of it are removed first."""
    topology = _read(file, name)
    layer = install.ensure(say=say)
    with state.held(topology.name, wait=2, say=say):
        return _make(topology, layer, owned=False, say=say)


def down(name: str, *, say: Say = quiet) -> bool:
    """Take a lab away by name; False when there is nothing of it."""
    layer = install.ensure(say=say)
    left = state.read(name)
    if left is None:
        return False
    # an owned lab's name is in its owner's hands: its processes are what we may not take
    with state.held(name, wait=5, say=say):
        leftovers.remove(left, iproute.find(layer))
    return True


def take_down(lab: Lab) -> None:
    """Remove a lab and reap the processes this one started."""
    left = state.read(lab.topology.name)
    if left is not None:
        leftovers.remove(left, lab.ip)
    for process in lab.started.values():
        process.kill()
        process.communicate()


def _read(file: Path, name: str | None) -> Topology:
    topology = topology_file.load(file)
    return topology.named(name) if name else topology


def _make(topology: Topology, layer: Layer, *, owned: bool, say: Say) -> Lab:
    ip = iproute.find(layer)
    _clear(topology.name, ip, say)
    labdir = inventory_files.directory(topology, os.environ)
    lab = Lab(topology, labdir, ip, layer)
    remembered = _state(topology, labdir, owned=owned)
    state.write(remembered)
    try:
        _build(lab, owned=owned, say=say)
    except BaseException:
        take_down(lab)
        raise
    state.write(replace(remembered, ready=True))
    return lab


def _clear(name: str, ip: Ip, say: Say) -> None:
    """Remove what a killed run left; a lab that is properly up and nobody's is not ours to remove."""
    left = state.read(name)
    if left is None:
        return
    if left.ready and not left.owned and processes.marked(left.mark):
        raise LabBusy(f"lab {name} is up already; take it down first: python -m lab down {name}")
    say(f"removing what an earlier run of {name} left")
    leftovers.remove(left, ip)


def _state(topology: Topology, labdir: Path, *, owned: bool) -> State:
    return State(
        name=topology.name,
        file=str(topology.file),
        labdir=str(labdir),
        namespaces=tuple(cabling.namespaces(topology)),
        mgmt_namespace=topology.mgmt_namespace,
        nodes=tuple(node.name for node in topology.nodes if node.kind != "bridge"),
        owned=owned,
    )


def _build(lab: Lab, *, owned: bool, say: Say) -> None:
    topology, began = lab.topology, time.monotonic()
    for notice in topology.notices:
        say(notice)
    lab.ip.batch(cabling.creation(topology))
    for namespace, lines in cabling.settings(topology):
        lab.ip.batch(lines, namespace=namespace)
    say(f"{len(topology.links)} links in {time.monotonic() - began:.1f} s")
    for node in topology.nodes:
        if node.kind != "bridge":
            lab.started[node.name] = nodes.start(topology, node, lab.layer, owned=owned)
    alive = {name: _living(process) for name, process in lab.started.items()}
    within = max(_READY_WITHIN, _READY_WITHIN_EACH * len(alive))
    readiness.wait(topology, alive, within=within, say=say)
    _after_start(lab)
    inventory_files.write(lab.labdir, topology, _macs(lab), _host_keys(lab))
    say(f"{len(lab.started)} nodes ready in {time.monotonic() - began:.1f} s")


def _living(process: subprocess.Popen[bytes]) -> Callable[[], bool]:
    return lambda: process.poll() is None


def _after_start(lab: Lab) -> None:
    for node in lab.topology.nodes:
        for argv in node.exec:
            try:
                lab.run(node.name, *argv)
            except CommandFailed as refused:
                raise LabError(f"{node.name}: exec {' '.join(argv)}: {refused}") from refused


def _macs(lab: Lab) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for node in lab.topology.nodes:
        links = json.loads(lab.ip.ask("-netns", lab.namespace(node.name), "-json", "link", "show"))
        found |= {(node.name, link["ifname"]): link.get("address", "") for link in links}
    return found


def _host_keys(lab: Lab) -> dict[str, str]:
    keys = {
        name: nodes.home(lab.topology.name, name).shared / "host_key.pub" for name in lab.started
    }
    return {name: path.read_text() for name, path in keys.items() if path.exists()}
