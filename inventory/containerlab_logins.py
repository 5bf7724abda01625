"""Decides which login a containerlab inventory gives a host. Pure.

Ansible's file first (host > the groups in their order > all), then nornir's for what it leaves out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_MAX_GROUPS_DEEP: Final = 4


@dataclass(frozen=True, slots=True)
class Login:
    """A user and a password; "" and None where no file says."""

    username: str = ""
    password: str | None = field(default=None, repr=False)

    def or_else(self, other: Login) -> Login:
        """This, filled by ``other`` where it says nothing."""
        return Login(self.username or other.username, self.password or other.password)


def read(ansible: Mapping[str, Any], nornir: Mapping[str, Any]) -> Mapping[str, Login]:
    """Logins by the name a file uses: ansible's long names, nornir's short ones."""
    found: dict[str, Login] = {}
    everyone = _mapping(ansible, "all")
    for host, login in _ansible_hosts({**everyone, "vars": {}}, Login(), 0):
        found[host] = found[host].or_else(login) if host in found else login
    # Last of ansible's, because any group says more about a host than "all" does.
    weakest = _ansible_login(_mapping(everyone, "vars"))
    found = {host: login.or_else(weakest) for host, login in found.items()}
    for host, entry in nornir.items():
        if isinstance(entry, dict):
            login = Login(_text(entry, "username"), _text(entry, "password") or None)
            found[host] = found[host].or_else(login) if host in found else login
    return found


def _ansible_hosts(
    group: Mapping[str, Any], inherited: Login, depth: int
) -> Iterator[tuple[str, Login]]:
    """(host, login) of a group and its children; the nearer to the host, the stronger."""
    own = _ansible_login(_mapping(group, "vars")).or_else(inherited)
    # Children first: what they say of a host is more specific than this group.
    for child in _mapping(group, "children").values():
        if isinstance(child, dict) and depth < _MAX_GROUPS_DEEP:
            yield from _ansible_hosts(child, own, depth + 1)
    for host, variables in _mapping(group, "hosts").items():
        # a host without variables is written as null
        said = variables if isinstance(variables, dict) else {}
        yield host, _ansible_login(said).or_else(own)


def _ansible_login(variables: Mapping[str, Any]) -> Login:
    password = _text(variables, "ansible_password")
    return Login(_text(variables, "ansible_user"), password or None)


def _mapping(of: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = of.get(key)
    return value if isinstance(value, dict) else {}


def _text(of: Mapping[str, Any], key: str) -> str:
    value = of.get(key, "")
    return value if isinstance(value, str) else ""
