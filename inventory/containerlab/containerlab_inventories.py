"""Decides what containerlab's inventories for Ansible and Nornir say: addresses, kinds, logins. Pure.

Ansible: the host itself says most, then its groups in their order, then ``all``; hosts by long name,
grouped by kind. Nornir: hosts by short name, ``platform`` the kind or another tool's name for it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Final

from inventory.containerlab import containerlab_names
from inventory.containerlab.containerlab_kinds import Kinds
from inventory.containerlab.containerlab_said import Login, Node, Said
from inventory.words import documents, grammar

ANSIBLE: Final = "Ansible inventory"
NORNIR: Final = "Nornir inventory"

_MAX_GROUPS_DEEP: Final = 4


def is_ansible(data: Mapping[str, Any]) -> bool:
    """Told by its shape alone."""
    return isinstance(data.get("all"), dict)


def is_nornir(data: Mapping[str, Any]) -> bool:
    """Told by its shape alone."""
    hosts = [host for host in data.values() if isinstance(host, dict)]
    return bool(data) and len(hosts) == len(data) and all("hostname" in host for host in hosts)


def ansible(file: str, data: Mapping[str, Any], kinds: Kinds) -> Said:
    """What an inventory for Ansible says."""
    found: dict[str, Node] = {}
    everyone = documents.mapping(data, "all")
    for host, node in _hosts({**everyone, "vars": {}}, Node(), 0, kinds):
        found[host] = _filled(found[host], node) if host in found else node
    # Last, because any group says more about a host than "all" does.
    weakest = _ansible_login(documents.mapping(everyone, "vars"))
    containerlab_names.refuse_strange(file, found)
    nodes = {
        host: dataclasses.replace(node, long_name=host, login=node.login.or_else(weakest))
        for host, node in found.items()
    }
    return Said(file, ANSIBLE, nodes, complete=False)


def nornir(file: str, data: Mapping[str, Any], kinds: Kinds) -> Said:
    """What an inventory for Nornir's SimpleInventory says."""
    hosts = {name: host for name, host in data.items() if isinstance(host, dict)}
    containerlab_names.refuse_strange(file, hosts)
    nodes = {
        name: Node(
            kinds=kinds.meant(documents.text(host, "platform")),
            addresses=_addresses(documents.text(host, "hostname")),
            login=Login(documents.text(host, "username"), documents.text(host, "password") or None),
        )
        for name, host in hosts.items()
    }
    return Said(file, NORNIR, nodes, complete=False)


def _hosts(
    group: Mapping[str, Any], inherited: Node, depth: int, kinds: Kinds
) -> Iterator[tuple[str, Node]]:
    """The hosts of a group and its children; the nearer to the host, the stronger."""
    login = _ansible_login(documents.mapping(group, "vars")).or_else(inherited.login)
    own = dataclasses.replace(inherited, login=login)
    # Children first: what they say of a host is more specific than this group.
    for name, child in documents.mapping(group, "children").items():
        if isinstance(child, dict) and depth < _MAX_GROUPS_DEEP:
            kind = frozenset({kinds.named[name].kind}) if name in kinds.named else own.kinds
            yield from _hosts(child, dataclasses.replace(own, kinds=kind), depth + 1, kinds)
    for host, variables in documents.mapping(group, "hosts").items():
        # a host without variables is written as null
        said = variables if isinstance(variables, dict) else {}
        yield (
            host,
            dataclasses.replace(
                own,
                addresses=_addresses(documents.text(said, "ansible_host")),
                login=_ansible_login(said).or_else(login),
            ),
        )


def _filled(first: Node, other: Node) -> Node:
    return dataclasses.replace(
        first,
        kinds=first.kinds or other.kinds,
        addresses=first.addresses or other.addresses,
        login=first.login.or_else(other.login),
    )


def _ansible_login(variables: Mapping[str, Any]) -> Login:
    password = documents.text(variables, "ansible_password")
    return Login(documents.text(variables, "ansible_user"), password or None)


def _addresses(told: str) -> tuple[str, ...]:
    """An address, or nothing: containerlab writes the container's name where it has none."""
    return (told,) if grammar.address(told) is not None else ()
