"""Decides how one node runs: its private root, its environment, and how to do something inside it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import processes, state
from lab.errors import LabError
from lab.layer import Layer
from lab.private_root import Bind, PrivateRoot, inside
from lab.topology import Node, Topology

_FILES = Path(__file__).parent / "node"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class NodeHome:
    """Where a node's stage, shared files and process number are."""

    path: Path

    @property
    def stage(self) -> Path:
        """An empty directory its root is mounted on, in its own mount namespace only."""
        return self.path / "stage"

    @property
    def shared(self) -> Path:
        """What the node sees as /run/oss-lab: logs, host key, sign of readiness."""
        return self.path / "shared"

    @property
    def ready(self) -> Path:
        """The node's own word that it has started."""
        return self.shared / "ready"

    @property
    def kept(self) -> Path:
        """What its keeper says of daemons that fell (kept.sh)."""
        return self.shared / "log" / "kept.log"

    @property
    def pid(self) -> Path:
        """The number of the process whose death ends the node."""
        return self.path / "pid"


def home(lab: str, node: str) -> NodeHome:
    """Return a node's place."""
    return NodeHome(state.folder(lab) / "nodes" / node)


def start(topology: Topology, node: Node, layer: Layer, *, owned: bool) -> subprocess.Popen[bytes]:
    """Start a node; owned ones end when this process does."""
    place = home(topology.name, node.name)
    place.stage.mkdir(parents=True, exist_ok=True)
    place.shared.mkdir(mode=0o755, exist_ok=True)
    place.kept.unlink(missing_ok=True)  # what an earlier life gave up is tried again
    binds = (
        Bind(_FILES, "/opt/oss-lab/lab/node"),
        Bind(place.shared, "/run/oss-lab", "rw"),
        *(Bind(bind.source, bind.target, bind.mode) for bind in node.binds),
    )
    root = PrivateRoot(layer, place.stage, node.name, binds, topology.longname(node.name))
    with (place.path / "root.log").open("wb") as log:
        started = subprocess.Popen(
            root.argv(["bash", "/opt/oss-lab/lab/node/node-init.sh"]),
            stdin=subprocess.PIPE if owned else subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment(topology, node, owned=owned),
            start_new_session=True,
        )
    place.pid.write_text(str(started.pid))
    return started


def environment(topology: Topology, node: Node, *, owned: bool = False) -> dict[str, str]:
    """Return what a node's processes find in their environment."""
    ours = {
        state.MARK: topology.name,
        "LAB_OWNED": "1" if owned else "",
        "PATH": _PATH,
        "HOME": "/root",
        "HOSTNAME": node.name,
    }
    login = {"LAB_USER": node.credentials.username, "LAB_PASSWORD": node.credentials.password}
    given = {key: value for key, value in login.items() if value}
    gateway = {"LAB_TRAP_SINK": str(topology.mgmt.gateway)}
    return {**gateway, **given, **node.env, **ours}


def execute(
    lab: str,
    node: str,
    argv: Sequence[str],
    *,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    within: float = 60.0,
) -> subprocess.CompletedProcess[str]:
    """Run a command inside a running node and return the outcome, good or bad."""
    return subprocess.run(
        entering(lab, node, argv),
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=within,
        check=False,
        env={"PATH": os.environ.get("PATH", _PATH), "HOME": "/root", **(env or {})},
    )


def entering(lab: str, node: str, argv: Sequence[str]) -> list[str]:
    """Return the command that runs `argv` inside a running node."""
    return [*inside(first_process(lab, node)), "env", f"PATH={_PATH}", f"{state.MARK}={lab}", *argv]


def first_process(lab: str, node: str) -> int:
    """Return the process number, outside, of a node's first process."""
    outer = outer_process(lab, node)
    firsts = processes.children(outer) if outer else []
    if not firsts:
        raise LabError(f"node {node} of lab {lab} does not run")
    return firsts[0]


def outer_process(lab: str, node: str) -> int | None:
    """Return the number of the process whose death ends the node, if it still is that process."""
    try:
        outer = int(home(lab, node).pid.read_text())
    except (OSError, ValueError):
        return None
    return outer if outer in processes.marked(f"{state.MARK}={lab}") else None


def given_up(lab: str, node: str) -> str:
    """Return what its keeper (kept.sh) says of a daemon that stays down; "" while all are kept."""
    log = home(lab, node).kept
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return next((line for line in lines if "it stays down" in line), "")


def words(lab: str, node: str) -> str:
    """Return the ends of a node's own start logs, for error messages."""
    place = home(lab, node)
    logs = (place.path / "root.log", place.shared / "log" / "init.log")
    return "\n".join(log.read_text(errors="replace")[-600:] for log in logs if log.exists())
