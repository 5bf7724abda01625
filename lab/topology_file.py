"""Decides what a containerlab topology file means here, and refuses in a sentence what cannot run.

Precedence is containerlab's: node over group over kind over defaults; env and labels are merged key
by key, exec and binds are joined, credentials are taken whole from the most specific level.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import yaml

from lab.errors import TopologyRefused
from lab.topology import CredentialLevel, Credentials, FileBind, Mgmt, Node, Topology
from lab.topology_links import read_links

KINDS = ("linux", "bridge")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_LEVELS: tuple[CredentialLevel, ...] = ("node", "group", "kind", "defaults")
# Read here; the rest of a node's keys is either for containers only or refused.
_READ = {
    "kind",
    "image",
    "group",
    "mgmt-ipv4",
    "env",
    "labels",
    "credentials",
    "exec",
    "binds",
    "healthcheck",
}
_REFUSED = {
    "network-mode": "nodes have a namespace of their own",
    "env-files": "write the variables under env",
    "volumes": "use binds",
    "devices": "there are no devices to give",
    "config": "configuration templates are not rendered",
    "stages": "nodes start together; use exec",
    "startup-config": "use binds or exec",
}

Keys = Mapping[str, Any]


def load(file: Path) -> Topology:
    """Read a topology file."""
    text = _text(file)
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as broken:
        raise TopologyRefused(f"{file.name} is not YAML: {broken}") from broken
    if not isinstance(document, dict) or "topology" not in document:
        raise TopologyRefused(f"{file.name} has no topology: is it a containerlab file?")
    return _topology(file.resolve(), document)


def _text(file: Path) -> str:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as unreadable:
        raise TopologyRefused(f"cannot read {file}: {unreadable}") from unreadable
    if file.name.endswith(".gotmpl") or "{{" in text:
        raise TopologyRefused(f"{file.name} is a template: give me the file rendered from it")
    if re.search(r"\$\{\w+", text):
        raise TopologyRefused(
            f"{file.name} has ${{variables}}: give me the file with them expanded"
        )
    return text


def _topology(file: Path, document: Keys) -> Topology:
    name = _checked(str(document.get("name", "")), "lab name")
    prefix = str(document.get("prefix", "clab"))
    if not prefix:
        raise TopologyRefused("an empty prefix would give namespaces names anyone might use")
    inner = _section(document, "topology")
    mgmt = _mgmt(_section(document, "mgmt"))
    notices: list[str] = []
    nodes = tuple(_nodes(file, inner, mgmt, notices))
    return Topology(
        name=name,
        prefix="" if prefix == "__lab-name" else _checked(prefix, "prefix"),
        file=file,
        mgmt=mgmt,
        nodes=nodes,
        links=read_links(inner.get("links"), {node.name: node.kind for node in nodes}),
        defaults=_credentials({"defaults": _section(inner, "defaults")}),
        kinds={
            kind: _credentials({"kind": keys or {}})
            for kind, keys in _section(inner, "kinds").items()
        },
        notices=tuple(notices),
    )


def _mgmt(keys: Keys) -> Mgmt:
    subnet = IPv4Network(str(keys.get("ipv4-subnet", "172.20.20.0/24")))
    gateway = IPv4Address(str(keys.get("ipv4-gw", subnet[1])))
    return Mgmt(network=str(keys.get("network", "clab")), subnet=subnet, gateway=gateway)


def _nodes(file: Path, inner: Keys, mgmt: Mgmt, notices: list[str]) -> Iterator[Node]:
    named = _section(inner, "nodes")
    if not named:
        raise TopologyRefused(f"{file.name} has no nodes")
    levels = {name: _levels(inner, str(name), keys or {}) for name, keys in named.items()}
    addresses = _addresses(levels, mgmt)
    for name, own in levels.items():
        yield _node(file, _checked(str(name), "node name"), own, addresses[name], notices)


def _levels(inner: Keys, name: str, keys: Keys) -> dict[str, Keys]:
    """Return a node's four levels, most specific first."""
    defaults = _section(inner, "defaults")
    kinds, groups = _section(inner, "kinds"), _section(inner, "groups")
    group_name = str(keys.get("group") or "")
    group = groups.get(group_name) or {}
    kind_name = keys.get("kind") or group.get("kind") or defaults.get("kind")
    if not kind_name:
        raise TopologyRefused(f"node {name} has no kind")
    kind = kinds.get(kind_name) or {}
    group_name = group_name or str(kind.get("group") or defaults.get("group") or "")
    own = {**keys, "kind": str(kind_name), "group": group_name}
    return {"node": own, "group": groups.get(group_name) or {}, "kind": kind, "defaults": defaults}


def _node(
    file: Path, name: str, levels: dict[str, Keys], address: IPv4Address, notices: list[str]
) -> Node:
    kind = str(levels["node"]["kind"])
    _refuse(name, kind, levels)
    used = {key for keys in levels.values() for key in keys}
    if used - _READ:
        notices.append(f"{name}: {', '.join(sorted(used - _READ))} mean nothing here, ignored")
    health = _first(levels, "healthcheck") or {}
    return Node(
        name=name,
        kind=kind,
        image=str(_first(levels, "image") or ""),
        group=str(levels["node"]["group"]),
        mgmt_ipv4=address,
        env=_merged(levels, "env"),
        labels=_merged(levels, "labels"),
        credentials=_credentials(levels),
        exec=tuple(tuple(shlex.split(line)) for line in _joined(levels, "exec")),
        binds=tuple(_bind(file, name, line) for line in _joined(levels, "binds")),
        healthcheck=tuple(str(word) for word in health.get("test", ())),
    )


def _refuse(name: str, kind: str, levels: dict[str, Keys]) -> None:
    if kind not in KINDS:
        raise TopologyRefused(
            f"node {name} is of kind {kind}, which runs its vendor's own image; "
            f"this runner has {' and '.join(KINDS)}, containerlab has the others"
        )
    for key, advice in _REFUSED.items():
        if _first(levels, key) is not None:
            raise TopologyRefused(f"node {name} uses {key}, which this runner has not: {advice}")


def _addresses(levels: dict[str, dict[str, Keys]], mgmt: Mgmt) -> dict[str, IPv4Address]:
    """Give every node the address it asks for, else the next free one."""
    asked = {
        name: IPv4Address(str(keys["node"]["mgmt-ipv4"]))
        for name, keys in levels.items()
        if "mgmt-ipv4" in keys["node"]
    }
    for name, address in asked.items():
        if address not in mgmt.subnet:
            raise TopologyRefused(f"node {name}: {address} is not in {mgmt.subnet}")
    if len({*asked.values(), mgmt.gateway}) <= len(asked):
        raise TopologyRefused("two nodes, or a node and the gateway, have the same mgmt-ipv4")
    taken = {*asked.values(), mgmt.gateway}
    free = (address for address in mgmt.subnet.hosts() if address not in taken)
    return {name: asked.get(name) or next(free) for name in levels}


def _credentials(levels: Mapping[str, Keys]) -> Credentials:
    for level in _LEVELS:
        found = levels.get(level, {}).get("credentials")
        if found:
            return Credentials(
                str(found.get("username", "")), str(found.get("password", "")), level
            )
    return Credentials()


def _bind(file: Path, name: str, line: str) -> FileBind:
    parts = line.split(":")
    if len(parts) not in {2, 3} or "__clab" in line:
        raise TopologyRefused(
            f"node {name}: bind {line!r} is not SOURCE:TARGET or SOURCE:TARGET:MODE"
        )
    source = (file.parent / Path(parts[0]).expanduser()).resolve()
    if not source.exists():
        raise TopologyRefused(f"node {name}: {source} of bind {line!r} does not exist")
    read_only = len(parts) == len(("source", "target", "mode")) and "ro" in parts[2].split(",")
    return FileBind(source, parts[1], "ro" if read_only else "rw")


def _first(levels: Mapping[str, Keys], key: str) -> Any:
    return next((levels[lv][key] for lv in _LEVELS if levels[lv].get(key) is not None), None)


def _merged(levels: Mapping[str, Keys], key: str) -> dict[str, str]:
    merged: dict[str, str] = {}
    for level in reversed(_LEVELS):
        values = levels[level].get(key) or {}
        merged.update({str(name): _word(value) for name, value in values.items()})
    return merged


def _joined(levels: Mapping[str, Keys], key: str) -> Sequence[str]:
    return [str(line) for level in reversed(_LEVELS) for line in levels[level].get(key) or ()]


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _section(keys: Keys, name: str) -> dict[str, Any]:
    section = keys.get(name) or {}
    if not isinstance(section, dict):
        raise TopologyRefused(f"{name} is not a mapping")
    return section


def _checked(name: str, what: str) -> str:
    if not _NAME.fullmatch(name):
        raise TopologyRefused(f"{what} {name!r} is not 1 to 40 letters, digits, '_', '.' or '-'")
    return name
