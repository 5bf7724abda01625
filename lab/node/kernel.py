"""Decides nothing: makes the kernel what wanted.py says, changing only the difference."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lab.node import present, rates, routing
from lab.node.pieces import Piece, Site, Step, Vrf, difference, vrf_name
from lab.node.wanted import Desired, Port

MEMORY = Path("/run/oss-lab-applied.json")
NAMESPACES = Path("/run/netns")
ROUTING_WITHIN = 300.0
"""Seconds in which a new VRF has its routing; one without BGP is not looked at any more then.

On a machine that does much else the command line's half of a VPN comes a minute after NETCONF's."""
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
    rates: dict[str, int] = field(default_factory=dict[str, int])
    ports: dict[str, Port] = field(default_factory=dict[str, Port])
    untold: dict[str, float] = field(default_factory=dict[str, float])
    """VRFs of which routing may not have heard everything, and until when that is looked at"""

    def apply(self, wanted: Desired) -> bool:
        """Change what differs, removals first; False when something is to be looked at again."""
        began = time.monotonic()
        gone, made = difference(_present(), wanted.pieces)
        for piece in gone:
            _take(piece.removal(), quiet=True)
        done = [_take(piece.creation(self.source)) for piece in made]
        done += self._rates(wanted.rates)
        done += self._ports(wanted.ports)
        touched = {vrf_name(one.vni) for one in made if isinstance(one, Vrf | Site)}
        self.untold |= _watched(touched)
        self.untold = {
            name: until
            for name, until in self.untold.items()
            if until > time.monotonic() and not _told(name)
        }
        ports = {name: asdict(port) for name, port in self.ports.items()}
        MEMORY.write_text(json.dumps({"rates": self.rates, "ports": ports}))
        for profile in wanted.undefined:
            log.warning("there is no rate-profile %s: what names it is not limited", profile)
        if gone or made:
            log.info("removed %s, made %s in %.3f s", gone, made, time.monotonic() - began)
        return all(done) and not self.untold

    def _rates(self, wanted: Mapping[str, int]) -> list[bool]:
        done: list[bool] = []
        for port in {*self.rates, *wanted}:
            rate = wanted.get(port)
            if self.rates.get(port) == rate:
                continue
            done.append(_limit(port, rate))
            log.info("rate of %s: %s kbit/s", port, rate or "no limit, no")
            if done[-1]:
                self.rates = {name: kept for name, kept in self.rates.items() if name != port}
                self.rates |= {port: rate} if rate is not None else {}
        return done

    def _ports(self, wanted: Mapping[str, Port]) -> list[bool]:
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


def _limit(port: str, rate: int | None) -> bool:
    """Set a port's rate. A limit that is to go may be gone already: that refuses nothing."""
    policed = command(["nft", "-f", "-"], rates.policer(port, rate))
    if rate is None:
        command(rates.unshaped(port), quiet=True)
        return policed
    return policed and _shaped(port, rate)


def _shaped(port: str, rate: int) -> bool:
    """A queue that is there keeps its packets, and refuses to be made again."""
    shape = rates.shape(port, rate)
    return command(shape, quiet=True) or (command(rates.shaper(port)) and command(shape))


def _present() -> set[Piece]:
    return present.pieces(_links(""), {vni: _links(vrf_name(vni)) for vni in _vrfs()})


def _vrfs() -> list[int]:
    names = [path.name for path in NAMESPACES.iterdir()] if NAMESPACES.is_dir() else []
    return [int(match[1]) for match in (re.fullmatch(r"vpn(\d+)", n) for n in names) if match]


def _links(namespace: str) -> list[dict[str, Any]]:
    argv = ["ip", *_inside(namespace), "-j", "address", "show"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    # a namespace that cannot be entered is one half taken away: it has nothing
    return list(json.loads(done.stdout or "[]")) if done.returncode == 0 else []


def _watched(vrfs: Iterable[str]) -> dict[str, float]:
    return dict.fromkeys(vrfs, time.monotonic() + ROUTING_WITHIN)


def _told(vrf: str) -> bool:
    """Does routing have every address in a VRF? What it missed it is told of again."""
    links = _links(vrf)
    if not links:
        return True  # it is gone
    unheard = routing.unheard(links, routing.ask("zebra", f"show interface vrf {vrf} brief json"))
    for link, address in unheard or ():
        _tell_again(vrf, link, f"address replace {address} dev {link}")
    if unheard is None or unheard:
        return False
    unshared = routing.unshared(links, routing.ask("bgpd", f"show bgp vrf {vrf} ipv4 unicast json"))
    for link, address in unshared or ():
        again = (f"address {what} {address} dev {link}" for what in ("del", "add"))
        _tell_again(vrf, link, *again)
    return unshared == []


def _tell_again(vrf: str, link: str, *lines: str) -> None:
    log.warning("routing missed the address of %s in %s: %s", link, vrf, "; ".join(lines))
    _take([Step(lines, vrf)])


def _take(steps: Iterable[Step], *, quiet: bool = False) -> bool:
    """Take the steps up to the first that is refused; when quiet, all of them."""
    for step in steps:
        inside = _inside(step.namespace)
        if step.command:
            done = command(["ip", "netns", "exec", step.namespace, *step.command], quiet=quiet)
        else:
            force = ["-force"] if quiet else []
            lines = "\n".join(step.lines)
            done = command(["ip", *force, *inside, "-batch", "-"], lines, quiet=quiet)
        if not done and not quiet:
            return False
    return True


def _inside(namespace: str) -> list[str]:
    return ["-n", namespace] if namespace else []


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
    return Kernel(source, dict(kept["rates"]), ports, _watched(map(vrf_name, _vrfs())))
