"""Decides what a lab is: the values a topology file comes down to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Literal

CredentialLevel = Literal["node", "group", "kind", "defaults", "unset"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """A login, and at which level of the file it was found."""

    username: str = ""
    password: str = ""
    level: CredentialLevel = "unset"


@dataclass(frozen=True, slots=True)
class FileBind:
    """A file of the machine seen in a node."""

    source: Path
    target: str
    mode: Literal["ro", "rw"]


@dataclass(frozen=True, slots=True)
class Node:
    """One node after defaults, kind and group are folded in."""

    name: str
    kind: str
    image: str
    group: str
    mgmt_ipv4: IPv4Address
    env: Mapping[str, str]
    labels: Mapping[str, str]
    credentials: Credentials
    exec: tuple[tuple[str, ...], ...] = ()
    binds: tuple[FileBind, ...] = ()
    healthcheck: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    """One end of a link."""

    node: str
    interface: str
    mac: str = ""
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """A cable."""

    a: End
    z: End
    mtu: int = 9500  # containerlab's default


@dataclass(frozen=True, slots=True)
class Mgmt:
    """The management network; the gateway is where the agent under test lives."""

    network: str
    subnet: IPv4Network
    gateway: IPv4Address


@dataclass(frozen=True, slots=True)
class Topology:
    """A whole lab; `notices` are sentences about what the file asks and this runner ignores."""

    name: str
    prefix: str
    file: Path
    mgmt: Mgmt
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    defaults: Credentials
    kinds: Mapping[str, Credentials]
    notices: tuple[str, ...] = ()

    def named(self, name: str) -> Topology:
        """Return the same lab under another name."""
        return replace(self, name=name)

    def longname(self, node: str) -> str:
        """Return the name of a node's namespace, as containerlab names its container."""
        return "-".join(part for part in (self.prefix, self.name, node) if part)

    @property
    def mgmt_namespace(self) -> str:
        """The namespace of the management network."""
        return f"clab-{self.name}-mgmt"

    def node(self, name: str) -> Node:
        """Return a node by its short name; an unknown name lists the known."""
        found = next((node for node in self.nodes if node.name == name), None)
        if found is None:
            known = ", ".join(node.name for node in self.nodes)
            raise KeyError(f"no node {name} in lab {self.name}; there are {known}")
        return found
