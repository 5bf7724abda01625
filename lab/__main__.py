"""Decides the words of the lab's command line: install, up, down, exec, list, doctor."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from lab import doctor, install, nodes, runner, state, topology_file
from lab.errors import LabError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 is good, 1 is a refusal said in a sentence."""
    chosen = _parser().parse_args(argv)
    try:
        return int(chosen.does(chosen))
    except LabError as refusal:
        print(f"lab: {refusal}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab", description="A network on this machine.")
    words = parser.add_subparsers(required=True, metavar="COMMAND")
    adds = words.add_parser("install", help="put the Debian packages into the lab's own layer")
    adds.add_argument("--dry-run", action="store_true", help="only say what would be installed")
    adds.add_argument("--set", dest="sets", action="append", choices=sorted(install.PACKAGES))
    adds.set_defaults(does=_install)
    brings = words.add_parser("up", help="bring up a containerlab topology file")
    brings.add_argument("file", type=Path)
    brings.add_argument("--name", help="another name than the file's")
    brings.set_defaults(does=_up)
    takes = words.add_parser("down", help="take a lab away")
    takes.add_argument("lab", metavar="FILE_OR_NAME")
    takes.set_defaults(does=_down)
    enters = words.add_parser("exec", help="run a command in a node")
    enters.add_argument("lab", metavar="FILE_OR_NAME")
    enters.add_argument("node")
    enters.add_argument("command", nargs=argparse.REMAINDER)
    enters.set_defaults(does=_exec)
    words.add_parser("list", help="what is up").set_defaults(does=_list)
    words.add_parser("doctor", help="can a lab run here").set_defaults(does=_doctor)
    return parser


def _install(chosen: argparse.Namespace) -> int:
    sets = tuple(chosen.sets or ("lab",))
    if chosen.dry_run:
        print(install.plan(sets))
    else:
        print(f"layer {install.ensure(sets, say=_say).path}")
    return 0


def _up(chosen: argparse.Namespace) -> int:
    lab = runner.up(chosen.file, name=chosen.name, say=_say)
    for node in lab.topology.nodes:
        print(f"{lab.namespace(node.name):24} {node.kind:8} {node.mgmt_ipv4}")
    print(f"management: ip netns exec {lab.mgmt_namespace} ...   files: {lab.labdir}")
    return 0


def _down(chosen: argparse.Namespace) -> int:
    name = _name(chosen.lab)
    print(f"{name} is gone" if runner.down(name, say=_say) else f"there is nothing of {name}")
    return 0


def _exec(chosen: argparse.Namespace) -> int:
    command = chosen.command or ["bash"]
    argv = nodes.entering(_name(chosen.lab), chosen.node, command)
    os.execvp(argv[0], argv)  # noqa: S606 - the person's own command takes this process's place


def _list(_chosen: argparse.Namespace) -> int:
    for name in state.names():
        left = state.read(name)
        if left is not None:
            condition = "up" if left.ready else "half up"
            print(f"{name:16} {condition:8} {len(left.nodes)} nodes  {left.file}")
    return 0


def _doctor(_chosen: argparse.Namespace) -> int:
    return doctor.report(print)


def _name(file_or_name: str) -> str:
    path = Path(file_or_name)
    return topology_file.load(path).name if path.is_file() else file_or_name


def _say(words: str) -> None:
    print(words, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
