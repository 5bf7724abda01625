"""A router of command lines beside the NETCONF ones, and its memory in the checker's terms.

It has no commit: what a block of lines did counts once the block has ended. What a cut left of a
block counts with the one that goes on from there, which is the undo of it, or its other half.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from oss_agent.testing.simulated.history import Entry, Kind
from oss_agent.testing.simulated.network import SimulatedNetwork
from oss_agent.testing.simulated_cli import SimulatedCli
from oss_agent.testing.simulated_cli.interpreter import Section

FOREIGN = """\
hostname sw
service eline by-hand
vni 9
port eth99
exit
ip route 0.0.0.0/0 192.0.2.254
"""
"""What is on it before the agent comes."""
_END = "end"
_MOVES = frozenset({_END, "exit"})
_KEPT = frozenset({Kind.SAVE, Kind.BY_HAND, Kind.REBOOT})


def made(network: SimulatedNetwork, name: str) -> SimulatedCli:
    """The router that is where the network has a NETCONF one of this name, which nobody is told of."""
    instead = network.devices[name]
    router = SimulatedCli(name, login=instead.login, address=instead.address)
    router.change_by_hand(FOREIGN)
    router.startup.lines = dict(router.configuration.lines)
    return router


def introduce(router: SimulatedCli, instead: str, directory: Path) -> None:
    """Have the lab directory tell of this router, and not of the one whose host key is ``instead``."""
    file = directory / "topology-data.json"
    told = json.loads(file.read_text(encoding="utf-8"))
    labels = told["nodes"][router.name]["labels"]
    del labels["netconf-port"]
    labels.update({"platform": router.platform, "ssh-port": str(router.port)})
    file.write_text(json.dumps(told), encoding="utf-8")
    keys = directory / "known_hosts"
    known = keys.read_text(encoding="utf-8").splitlines()
    known = [line for line in known if not line.endswith(f" {instead}")]
    known.append(f"[{router.address}]:{router.port} {router.host_key}\n")
    keys.write_text("\n".join(known), encoding="utf-8")


def facts(router: SimulatedCli, foreign: Sequence[str]) -> dict[str, Any]:
    """As ``network`` tells of any router."""
    return {
        "log": list(log(tuple(router.history))),
        "running": lines(router.configuration.lines),
        "startup": lines(router.startup.lines),
        "foreign": list(foreign),
        "pending": False,
    }


def lines(section: Section) -> list[str]:
    """The configuration as the checker's lines: every line of it is an entry by its text."""
    return sorted(_lines(section, ""))


def _lines(section: Section, prefix: str) -> Iterator[str]:
    for text, below in section.items():
        here = f"{prefix}/line[text={text}]"
        yield here
        yield from _lines(below, here)


def log(history: Sequence[Entry]) -> Iterator[dict[str, Any]]:
    """The history with an edit and a commit for every block of lines that came to its end."""
    block: list[Entry] = []
    for entry in history:
        if entry.kind is Kind.EDIT:
            block += [] if entry.detail == "exit" else [entry]
            if entry.detail == _END:
                yield from _block(block)
                block = []
        elif entry.kind in _KEPT:
            yield _row(entry, entry.kind, entry.detail)
    yield from _block(block)


def _block(block: Sequence[Entry]) -> Iterator[dict[str, Any]]:
    said = [entry for entry in block if entry.detail not in _MOVES]
    if said:
        last = block[-1]
        detail = " / ".join(entry.detail for entry in said)
        yield _row(said[0], Kind.EDIT, detail) | {"session": last.session}
        yield _row(last, Kind.COMMIT, "")


def _row(entry: Entry, kind: Kind, detail: str) -> dict[str, Any]:
    return {
        "number": entry.number,
        "at": entry.at,
        "session": entry.session,
        "kind": kind,
        "digest": entry.digest,
        "detail": detail,
    }
