"""Decides nothing: makes the kernel what wanted.py says, changing only the difference."""

from __future__ import annotations

import json
import logging
import subprocess
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lab.node.wanted import Desired, Port, creation, policer, present, removal, shaper

MEMORY = Path("/run/oss-lab-applied.json")
IF_ALIAS = "1.3.6.1.2.1.31.1.1.1.18"

log = logging.getLogger("applier")


def command(argv: list[str], stdin: str = "", *, quiet: bool = False) -> bool:
    """Run a command; a refusal is logged, not fatal: it is tried again."""
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode and not quiet:
        log.error("%s: %s", " ".join(argv), done.stderr.strip() or done.stdout.strip())
    return done.returncode == 0


@dataclass
class Kernel:
    """Makes the kernel so; remembers the settings it cannot read back cheaply."""

    source: str
    rates: dict[str, int] = field(default_factory=dict)
    ports: dict[str, Port] = field(default_factory=dict)

    def apply(self, wanted: Desired) -> bool:
        """Change what differs, removals first; False when something was refused."""
        began = time.monotonic()
        links = json.loads(subprocess.check_output(["ip", "-d", "-j", "link", "show"]))
        have, want = present(links), set(wanted.elines)
        for line in have - want:
            command(["ip", "-force", "-batch", "-"], "\n".join(removal(line)), quiet=True)
        done = [
            command(["ip", "-batch", "-"], "\n".join(creation(line, self.source)))
            for line in want - have
        ]
        done += self._rates({line.port: line.rate for line in wanted.elines if line.rate})
        done += self._ports(wanted.ports)
        MEMORY.write_text(
            json.dumps(
                {"rates": self.rates, "ports": {k: asdict(v) for k, v in self.ports.items()}}
            )
        )
        if have ^ want:
            gone, made = sorted(x.vni for x in have - want), sorted(x.vni for x in want - have)
            log.info("removed %s, made %s in %.3f s", gone, made, time.monotonic() - began)
        return all(done)

    def _rates(self, wanted: dict[str, int | None]) -> list[bool]:
        done: list[bool] = []
        for port in {*self.rates, *wanted}:
            rate = wanted.get(port)
            if self.rates.get(port) == rate:
                continue
            done += [command(argv) for argv in shaper(port, rate)]
            done.append(command(["nft", "-f", "-"], policer(port, rate)))
            log.info("rate of %s: %s kbit/s", port, rate or "no limit, no")
        if all(done):
            self.rates = {port: rate for port, rate in wanted.items() if rate is not None}
        return done

    def _ports(self, wanted: dict[str, Port]) -> list[bool]:
        """Touch only ports whose settings changed: a cable someone pulled stays pulled."""
        done: list[bool] = []
        for name in {*self.ports, *wanted}:
            old, new = self.ports.get(name, Port()), wanted.get(name, Port())
            link = ["ip", "link", "set", name]
            if old.enabled != new.enabled:
                done.append(command([*link, "up" if new.enabled else "down"]))
            if old.description != new.description:
                done.append(command([*link, "alias", new.description]))
                _tell_agent(name, new.description)
        if all(done):
            self.ports = dict(wanted)
        return done


def _tell_agent(port: str, description: str) -> None:
    """Net-snmp does not read the kernel's alias: its ifAlias is a value of its own."""
    index = Path(f"/sys/class/net/{port}/ifindex")
    if index.exists():
        value = [f"{IF_ALIAS}.{index.read_text().strip()}", "s", description]
        command(["snmpset", "-v2c", "-c", "private", "-On", "127.0.0.1", *value], quiet=True)


def remembered(source: str) -> Kernel:
    """Start from what an earlier run of this process left behind."""
    kept = json.loads(MEMORY.read_text()) if MEMORY.exists() else {"rates": {}, "ports": {}}
    ports = {name: Port(**settings) for name, settings in kept["ports"].items()}
    return Kernel(source, dict(kept["rates"]), ports)
