"""Decides what a containerlab lab directory says: devices, logins, keys, declared links. Pure.

Reads the files that containerlab (and the lab runner here) writes at deploy:

- ``topology-data.json``: nodes, kinds, addresses, labels, links; current and older templates;
- ``ansible-inventory.yml``: logins, resolved host > kind's group > other groups > all;
- ``nornir-simple-inventory.yml``: logins that ansible's file does not give;
- ``known_hosts``: SSH host keys by address or name.

A file that cannot be read refuses the import with a sentence; a node that cannot be used is
refused by itself, and the others go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from inventory import containerlab_logins, documents, grammar, host_keys
from inventory.containerlab_logins import Login

TOPOLOGY: Final = "topology-data.json"
ANSIBLE: Final = "ansible-inventory.yml"
NORNIR: Final = "nornir-simple-inventory.yml"
KNOWN_HOSTS: Final = "known_hosts"

_MAX_NODES: Final = 5_000
_MAX_LINKS: Final = 50_000
_PORT_LABELS: Final = {"ssh-port": "ssh", "netconf-port": "netconf", "snmp-port": "snmp"}


@dataclass(frozen=True, slots=True)
class LabDevice:
    """A node that can be a device. ``platform`` is its label, else its kind."""

    name: str
    kind: str
    platform: str
    role: str
    site: str
    address: str
    login: Login
    ports: Mapping[str, int]
    router_id: str | None
    host_keys: tuple[str, ...]
    community: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class LabLink:
    """A link between two nodes of the lab."""

    a_node: str
    a_port: str
    z_node: str
    z_port: str


@dataclass(frozen=True, slots=True)
class Lab:
    """The whole directory. ``refused`` are (node, reason)."""

    name: str
    devices: tuple[LabDevice, ...]
    refused: tuple[tuple[str, str], ...]
    links: tuple[LabLink, ...]


class _Unusable(Exception):
    """A node that cannot be a device; its text is the reason."""


def read(files: Mapping[str, str]) -> Lab:
    """The lab that these files (name -> text) describe. OrderRejected on what cannot be read."""
    if TOPOLOGY not in files:
        raise documents.refusal(
            TOPOLOGY, "is missing; import the lab directory that containerlab wrote at deploy"
        )
    data = documents.read_json(TOPOLOGY, files[TOPOLOGY])
    name = data.get("name")
    if not isinstance(name, str) or not grammar.is_word(name):
        raise documents.refusal(TOPOLOGY, "gives the lab no usable name")
    nodes = _nodes(data)
    logins = containerlab_logins.read(_yaml(files, ANSIBLE), _yaml(files, NORNIR))
    known = host_keys.read_known_hosts(KNOWN_HOSTS, files.get(KNOWN_HOSTS, ""))
    devices, refused = _devices(nodes, logins, known)
    return Lab(name, devices, refused, tuple(_links(data, nodes.keys())))


def _yaml(files: Mapping[str, str], name: str) -> Mapping[str, Any]:
    return documents.read_yaml(name, files[name]) if files.get(name, "").strip() else {}


def _nodes(data: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    nodes = data.get("nodes")
    if not isinstance(nodes, dict) or len(nodes) > _MAX_NODES:
        raise documents.refusal(TOPOLOGY, f"has no object 'nodes' of at most {_MAX_NODES} nodes")
    for name, node in nodes.items():
        if not grammar.is_device(name) or not isinstance(node, dict):
            raise documents.refusal(
                TOPOLOGY, f"has the node {name[:64]!r}, which is no usable name"
            )
    return nodes


def _devices(
    nodes: Mapping[str, Mapping[str, Any]],
    logins: Mapping[str, Login],
    known: Sequence[host_keys.KnownHost],
) -> tuple[tuple[LabDevice, ...], tuple[tuple[str, str], ...]]:
    devices: list[LabDevice] = []
    refused: list[tuple[str, str]] = []
    for name, node in nodes.items():
        try:
            devices.append(_device(name, node, logins, known))
        except _Unusable as reason:
            refused.append((name, str(reason)))
    return tuple(devices), tuple(refused)


def _device(
    name: str,
    node: Mapping[str, Any],
    logins: Mapping[str, Login],
    known: Sequence[host_keys.KnownHost],
) -> LabDevice:
    labels = _labels(node)
    kind = _checked("kind", _text(node, "kind"), grammar.is_word)
    long_name = _text(node, "longname")
    address = _address(node)
    ports = _ports(labels)
    hosts = frozenset({name, long_name, address} - {""})
    return LabDevice(
        name=name,
        kind=kind,
        platform=_checked("label platform", labels.get("platform", kind), grammar.is_word),
        role=_checked("label role", labels.get("role", ""), grammar.is_text),
        site=_checked("label site", labels.get("site", ""), grammar.is_text),
        address=address,
        login=_login(logins, name, long_name),
        ports=ports,
        router_id=_router_id(labels),
        host_keys=host_keys.keys_of(known, hosts, ports),
        community=_community(labels),
    )


def _text(node: Mapping[str, Any], key: str) -> str:
    value = node.get(key, "")
    return value if isinstance(value, str) else ""


def _checked(what: str, value: str, accepts: Any) -> str:
    if not accepts(value):
        raise _Unusable(f"{what} {value[:64]!r} is not usable")
    return value


def _labels(node: Mapping[str, Any]) -> Mapping[str, str]:
    labels = node.get("labels") or {}
    if not isinstance(labels, dict) or not all(isinstance(v, str) for v in labels.values()):
        raise _Unusable("its labels are not a mapping of text to text")
    return labels


def _address(node: Mapping[str, Any]) -> str:
    told = _text(node, "mgmt-ipv4-address") or _text(node, "mgmt-ipv6-address")
    if not told:
        raise _Unusable("it has no management address")
    address = grammar.address(told)
    if address is None:
        raise _Unusable(f"its management address {told[:64]!r} is no IP address")
    return address


def _ports(labels: Mapping[str, str]) -> Mapping[str, int]:
    ports: dict[str, int] = {}
    for label, protocol in _PORT_LABELS.items():
        if label in labels:
            port = grammar.tcp_port(labels[label])
            if port is None:
                raise _Unusable(f"label {label} {labels[label][:16]!r} is no port (1 to 65535)")
            ports[protocol] = port
    return ports


def _router_id(labels: Mapping[str, str]) -> str | None:
    if "router-id" not in labels:
        return None
    address = grammar.address(labels["router-id"])
    if address is None:
        raise _Unusable(f"label router-id {labels['router-id'][:64]!r} is no IP address")
    return address


def _community(labels: Mapping[str, str]) -> str | None:
    if "snmp-community" not in labels:
        return None
    if not grammar.is_secret(labels["snmp-community"]):
        raise _Unusable("label snmp-community is not one printable line")
    return labels["snmp-community"]


def _login(logins: Mapping[str, Login], name: str, long_name: str) -> Login:
    """Ansible files hosts by long name, nornir by short name; the first that says it, counts."""
    said = [logins[key] for key in (long_name, name) if key in logins]
    username = next((login.username for login in said if login.username), "")
    password = next((login.password for login in said if login.password), None)
    if not grammar.is_text(username) or (password is not None and not grammar.is_secret(password)):
        raise _Unusable("its login is not one printable line each for user and password")
    return Login(username, password)


def _links(data: Mapping[str, Any], nodes: Any) -> Iterator[LabLink]:
    links = data.get("links")
    links = [] if links is None else links
    if not isinstance(links, list) or len(links) > _MAX_LINKS:
        raise documents.refusal(TOPOLOGY, f"has no list 'links' of at most {_MAX_LINKS} links")
    for number, link in enumerate(links):
        ends = link.get("endpoints", link) if isinstance(link, dict) else None
        if not isinstance(ends, dict):
            raise documents.refusal(TOPOLOGY, f"has a link (number {number}) that is no object")
        a, z = _end(ends.get("a"), number), _end(ends.get("z"), number)
        # One-ended links (host, mgmt-net, dummy) end at no node of the lab.
        if a is not None and z is not None and a[0] in nodes and z[0] in nodes:
            yield LabLink(*a, *z)


def _end(end: object, number: int) -> tuple[str, str] | None:
    if not isinstance(end, dict):
        return None
    node, port = end.get("node"), end.get("interface")
    if not isinstance(node, str) or not isinstance(port, str):
        return None
    if not grammar.is_device(node) or not grammar.is_port(port):
        raise documents.refusal(
            TOPOLOGY, f"has a link (number {number}) with the end {f'{node}:{port}'[:128]!r}"
        )
    return node, port
