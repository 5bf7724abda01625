"""Decides the files containerlab leaves beside a topology, in its formats, plus the host keys.

topology-data.json, ansible-inventory.yml, nornir-simple-inventory.yml: what other tools import.
known_hosts: the keys a careful client pins; containerlab has no such file.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import yaml

from lab.topology import Credentials, End, Node, Topology

FILES = (
    "topology-data.json",
    "ansible-inventory.yml",
    "nornir-simple-inventory.yml",
    "known_hosts",
)
Macs = Mapping[tuple[str, str], str]


def directory(topology: Topology, env: Mapping[str, str]) -> Path:
    """Return the lab directory: beside the topology file, or where CLAB_LABDIR_BASE says."""
    base = Path(env.get("CLAB_LABDIR_BASE") or topology.file.parent)
    return base / f"clab-{topology.name}"


def write(place: Path, topology: Topology, macs: Macs, host_keys: Mapping[str, str]) -> None:
    """Write all four files."""
    place.mkdir(parents=True, exist_ok=True)
    texts = (
        topology_data(topology, place, macs),
        ansible(topology),
        nornir(topology),
        known_hosts(topology, host_keys),
    )
    for name, text in zip(FILES, texts, strict=True):
        (place / name).write_text(text, encoding="utf-8")


def remove(place: Path) -> None:
    """Remove the four files, and the directory when nothing else is in it."""
    for name in FILES:
        (place / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        place.rmdir()


def topology_data(topology: Topology, place: Path, macs: Macs) -> str:
    """Render the topology export, in its current form."""
    mgmt = topology.mgmt
    document = {
        "name": topology.name,
        "type": "clab",
        "clab": {
            "config": {
                "prefix": topology.prefix,
                "mgmt": {
                    "network": mgmt.network,
                    "ipv4-subnet": str(mgmt.subnet),
                    "ipv4-gw": str(mgmt.gateway),
                },
            }
        },
        "ssh-pub-keys": [],
        "nodes": {
            node.name: _exported(topology, node, place, index)
            for index, node in enumerate(sorted(topology.nodes, key=lambda node: node.name))
        },
        "links": [
            {"endpoints": {"a": _end(link.a, "z", macs), "z": _end(link.z, "a", macs)}}
            for link in topology.links
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def ansible(topology: Topology) -> str:
    """Render the Ansible inventory."""
    everywhere: dict[str, object] = {"ansible_httpapi_use_proxy": False}
    everywhere |= _login("ansible_user", "ansible_password", topology.defaults)
    children: dict[str, object] = {}
    for kind in sorted({node.kind for node in topology.nodes}):
        nodes = _sorted(node for node in topology.nodes if node.kind == kind)
        own = _login("ansible_user", "ansible_password", _of_kind(topology, kind, nodes))
        hosts = {"hosts": _hosts(topology, nodes)}
        children[kind] = ({"vars": own} if own else {}) | hosts
    groups = {
        node.labels["ansible-group"] for node in topology.nodes if "ansible-group" in node.labels
    }
    for group in sorted(groups):
        members = (node for node in topology.nodes if node.labels.get("ansible-group") == group)
        children[group] = {"hosts": _hosts(topology, _sorted(members))}
    return _yaml({"all": {"vars": everywhere, "children": children}})


def nornir(topology: Topology) -> str:
    """Render the Nornir inventory, keyed by short name."""
    entries: dict[str, object] = {}
    for kind in sorted({node.kind for node in topology.nodes}):
        nodes = _sorted(node for node in topology.nodes if node.kind == kind)
        shared = _of_kind(topology, kind, nodes)
        for node in nodes:
            entries[node.name] = _nornir_entry(
                node, node.credentials if _own(node, nodes) else shared
            )
    return "---\n" + _yaml(entries)


def known_hosts(topology: Topology, host_keys: Mapping[str, str]) -> str:
    """Render each node's key for SSH and for NETCONF's port."""
    lines: list[str] = []
    for node in topology.nodes:
        if node.name in host_keys:
            key = " ".join(host_keys[node.name].split()[:2])
            lines += [f"{node.mgmt_ipv4} {key}", f"[{node.mgmt_ipv4}]:830 {key}"]
    return "".join(f"{line}\n" for line in lines)


def _exported(topology: Topology, node: Node, place: Path, index: int) -> dict[str, object]:
    labels = {
        **node.labels,
        "clab-mgmt-net-bridge": "",
        "clab-node-group": node.group,
        "clab-node-kind": node.kind,
        "clab-node-lab-dir": str(place / node.name),
        "clab-node-name": node.name,
        "clab-node-type": "",
        "clab-topo-file": str(topology.file),
        "containerlab": topology.name,
    }
    return {
        "index": str(index),
        "shortname": node.name,
        "longname": topology.longname(node.name),
        "fqdn": f"{node.name}.{topology.name}.io",
        "group": node.group,
        "labdir": str(place / node.name),
        "kind": node.kind,
        "image": node.image,
        "mgmt-net": "",
        "mgmt-intf": "",
        "mgmt-ipv4-address": str(node.mgmt_ipv4),
        "mgmt-ipv4-prefix-length": topology.mgmt.subnet.prefixlen,
        "mgmt-ipv6-address": "",
        "mgmt-ipv6-prefix-length": 0,
        "mac-address": "",
        "labels": labels,
        "port-bindings": [],
    }


def _end(end: End, peer: str, macs: Macs) -> dict[str, str]:
    mac = macs.get((end.node, end.interface), end.mac)
    return {"node": end.node, "interface": end.interface, "mac": mac, "peer": peer}


def _hosts(topology: Topology, nodes: Sequence[Node]) -> dict[str, object]:
    hosts: dict[str, object] = {}
    for node in nodes:
        hidden = node.labels.get("ansible-no-host-var") == "true"
        entry: dict[str, object] = {} if hidden else {"ansible_host": str(node.mgmt_ipv4)}
        if _own(node, nodes):
            entry |= _login("ansible_user", "ansible_password", node.credentials)
        hosts[topology.longname(node.name)] = entry
    return hosts


def _nornir_entry(node: Node, login: Credentials) -> dict[str, object]:
    entry: dict[str, object] = {
        "username": login.username or None,  # as containerlab: empty when only defaults say
        "password": login.password or None,
        "platform": node.kind,
        "hostname": str(node.mgmt_ipv4),
    }
    groups = sorted(value for key, value in node.labels.items() if key.startswith("nornir-group"))
    return entry | ({"groups": groups} if groups else {})


def _own(node: Node, nodes: Sequence[Node]) -> bool:
    """Say whether a host entry carries its own login: given there, or its kind has several."""
    logins = {(peer.credentials.username, peer.credentials.password) for peer in nodes}
    levels = {peer.credentials.level for peer in nodes} - {"unset"}
    mixed = "defaults" in levels and len(levels) > 1
    return node.credentials.level in {"node", "group"} or len(logins) > 1 or mixed


def _of_kind(topology: Topology, kind: str, nodes: Sequence[Node]) -> Credentials:
    """Return the login a whole kind shares, as far as containerlab writes one there."""
    own = topology.kinds.get(kind, Credentials())
    if own.username or own.password:
        return own
    logins = {node.credentials for node in nodes}
    shared = next(iter(logins)) if len(logins) == 1 else Credentials()
    return Credentials() if shared.level == "defaults" else shared


def _login(user: str, password: str, login: Credentials) -> dict[str, object]:
    pairs = ((user, login.username), (password, login.password))
    return {key: value for key, value in pairs if value}


def _sorted(nodes: Iterable[Node]) -> list[Node]:
    return sorted(nodes, key=lambda node: node.name)


def _yaml(document: object) -> str:
    return yaml.safe_dump(document, sort_keys=False, default_flow_style=False)
