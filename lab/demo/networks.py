"""The two stages a story can play on: real routers in namespaces, or the simulated devices."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lab import convergence, runner
from lab.errors import LabError
from lab.runner import Lab

TELCO5 = Path(__file__).parents[1] / "containerlab" / "telco5.clab.yml"
_SETTLED_WITHIN = 120.0
TRAPS_SIMULATED = 10_162


class Network(Protocol):
    """What the story needs of a network, whatever it is made of."""

    @property
    def title(self) -> str:
        """What it is, for the first line."""
        ...

    @property
    def labdir(self) -> Path:
        """Directory with the inventory files that ``oss-agent import`` reads."""
        ...

    @property
    def daemon_environment(self) -> Mapping[str, str]:
        """Settings the daemon needs to be in this network."""
        ...

    def inside(self) -> AbstractContextManager[None]:
        """Where the daemon and billing live: processes started in this block stay there."""
        ...

    def cable(self, device: str, port: str, *, plugged: bool) -> None:
        """Pull or plug the cable at a router's customer port."""
        ...

    def traffic(self) -> int:
        """Send customer traffic over the first order's E-Line; the octets billing must see at least."""
        ...

    def witness(self, device: str) -> str:
        """Digest of the device's state, seen by other means than the daemon's."""
        ...


@dataclass(frozen=True, slots=True)
class Routers:
    """FRR, netconfd, snmpd and lldpd in namespaces: packets move."""

    lab: Lab

    @property
    def title(self) -> str:
        """What it is, for the first line."""
        nodes = self.lab.topology.nodes
        routers = sum(1 for node in nodes if node.labels.get("platform") == "frr_linux")
        return f"{routers} routers, {len(nodes) - routers} hosts in network namespaces, routing settled"

    @property
    def labdir(self) -> Path:
        """Directory with the inventory files."""
        return self.lab.labdir

    @property
    def daemon_environment(self) -> Mapping[str, str]:
        """Traps come to the management gateway's standard port."""
        return {"OSS_AGENT_SNMP__TRAP_BIND": "172.20.20.1", "OSS_AGENT_SNMP__TRAP_PORT": "162"}

    def inside(self) -> AbstractContextManager[None]:
        """The management namespace: no route to anything else."""
        return self.lab.in_mgmt()

    def cable(self, device: str, port: str, *, plugged: bool) -> None:
        """Take the carrier away by shutting the far end, as a pulled cable does."""
        far = {"eth3": "a", "eth4": "b"}[port] + device.removeprefix("pe")
        self.lab.set_link(far, "eth1", up=plugged)

    def traffic(self) -> int:
        """Ping b1 -> b2: 200 packets of 1,200 octets and their headers."""
        self.lab.execute(
            "b1", "ping", "-c", "200", "-i", "0.01", "-s", "1200", "-q", "192.168.50.2"
        )
        return 200 * 1200

    def witness(self, device: str) -> str:
        """What netconfd holds and what the kernel runs, asked without the daemon."""
        kernel = json.loads(self.lab.ip.ask("-netns", self.lab.namespace(device), "-j", "link"))
        names = sorted((link["ifname"], link.get("master", "")) for link in kernel)
        config = self.lab.run(device, "vtysh", "-c", "show running-config")
        return hashlib.sha256(json.dumps([names, config]).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Simulated:
    """Simulated devices on loopback: the configuration is real NETCONF, packets are not there."""

    process: subprocess.Popen[str]
    place: Path
    trap_port: int = TRAPS_SIMULATED

    @property
    def title(self) -> str:
        """What it is, for the first line."""
        return "5 simulated routers on loopback (no packets: packet checks read 'not proven')"

    @property
    def labdir(self) -> Path:
        """Directory with the inventory files."""
        return self.place

    @property
    def daemon_environment(self) -> Mapping[str, str]:
        """Traps come to loopback."""
        return {"OSS_AGENT_SNMP__TRAP_PORT": str(self.trap_port)}

    def inside(self) -> AbstractContextManager[None]:
        """Here: the simulator is on loopback."""
        return nullcontext()

    def cable(self, device: str, port: str, *, plugged: bool) -> None:
        """Tell the simulator."""
        self._tell(f"{'heal' if plugged else 'pull'} {device} {port}")

    def traffic(self) -> int:
        """No packets here: the simulated counters move by themselves."""
        return 1

    def witness(self, device: str) -> str:
        """Ask the simulator what it holds."""
        return hashlib.sha256(self._tell(f"running {device}").encode()).hexdigest()[:12]

    def _tell(self, words: str) -> str:
        if self.process.stdin is None or self.process.stdout is None:
            raise LabError("the simulator was started without pipes")
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        answer: list[str] = []
        for line in self.process.stdout:
            if line.startswith("error"):
                raise LabError(f"the simulator on {words!r}: {line.strip()}")
            if line == "ok\n":
                break
            answer.append(line)
        return "".join(answer)


@contextmanager
def routers(say: Callable[[str], None]) -> Iterator[Network]:
    """Have the five-router lab up for a block."""
    with runner.running(TELCO5, say=say) as lab:
        # an order sent before routing has settled waits for its proof, on a slow machine too long
        convergence.wait(lab, within=_SETTLED_WITHIN, say=say)
        yield Routers(lab)


@contextmanager
def simulated(place: Path, trap_port: int = TRAPS_SIMULATED) -> Iterator[Network]:
    """Have the simulated routers up for a block."""
    argv = [sys.executable, "-m", "oss_agent.testing.simulated"]
    argv += ["--dir", str(place), "--trap-port", str(trap_port)]
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    try:
        if process.stdout is None or not process.stdout.readline().startswith("ready"):
            raise LabError("the simulated routers did not start; their words are above")
        yield Simulated(process, place, trap_port)
    finally:
        process.terminate()
        process.communicate(timeout=10)
