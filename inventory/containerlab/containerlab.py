"""Decides which devices, logins, keys and links a containerlab lab gives. Pure.

Whatever of containerlab's files there are, they are read each in its own form
(``containerlab_forms``), joined where they agree (``containerlab_joined``), and made into devices
here. ``known_hosts`` is the lab runner's: SSH host keys by address or name.

A file that cannot be read refuses the import with a sentence; a node that cannot be used is
refused by itself, and the others go on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from inventory.containerlab import containerlab_forms, containerlab_joined, containerlab_kinds
from inventory.containerlab.containerlab_said import Link, Login, Node, Said
from inventory.words import documents, grammar, host_keys
from oss_agent import errors

KNOWN_HOSTS: Final = "known_hosts"

_MOST_FILES: Final = 16
_PORT_LABELS: Final = {"ssh-port": "ssh", "netconf-port": "netconf", "snmp-port": "snmp"}


@dataclass(frozen=True, slots=True)
class LabDevice:
    """A node that can be a device. ``platform`` is its label, else its kind's, else its kind.

    ``title`` is what its kind is called, "" of a kind that nobody knows; ``note`` is for a person.
    ``presumed``: no file tells its login; ``login_note`` says whose it is then.
    """

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
    title: str = ""
    note: str = ""
    presumed: bool = False
    login_note: str = ""


@dataclass(frozen=True, slots=True)
class Lab:
    """A whole lab. ``refused`` and ``left_out`` are (node, reason): what cannot be, what is none.

    Not ``drawn``: no file tells links and labels, so that there are none here means nothing.
    """

    name: str
    devices: tuple[LabDevice, ...]
    refused: tuple[tuple[str, str], ...]
    links: tuple[Link, ...]
    said: tuple[Said, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    drawn: bool = True


class _Unusable(Exception):
    """A node that cannot be a device; its text is the reason."""


def read(files: Mapping[str, str], lab: str = "") -> Lab:
    """The lab that these files (name -> text) describe. OrderRejected on what cannot be read.

    ``lab`` is its name, for files that do not tell it.
    """
    kinds = containerlab_kinds.load()
    if len(files) > _MOST_FILES:
        raise errors.OrderRejected(
            f"more than {_MOST_FILES} files: import one lab at a time", field="files"
        )
    told = [
        containerlab_forms.read(name, text, kinds)
        for name, text in files.items()
        if name != KNOWN_HOSTS
    ]
    said = [one for one in told if one is not None]
    if not said:
        raise documents.refusal(
            containerlab_forms.TOPOLOGY,
            "is missing; import the lab directory that containerlab wrote at deploy",
        )
    joined = containerlab_joined.join(said, lab)
    known = host_keys.read_known_hosts(KNOWN_HOSTS, files.get(KNOWN_HOSTS, ""))
    return _lab(joined, said, known, kinds)


def _lab(
    joined: containerlab_joined.Joined,
    said: Sequence[Said],
    known: Sequence[host_keys.KnownHost],
    kinds: containerlab_kinds.Kinds,
) -> Lab:
    devices: list[LabDevice] = []
    refused: list[tuple[str, str]] = []
    left_out: list[tuple[str, str]] = []
    for name, node in joined.nodes.items():
        kind = _kind(node, kinds)
        if kind is not None and kind.nothing:
            left_out.append((name, kind.nothing))
            continue
        try:
            devices.append(_device(name, node, kind, known))
        except _Unusable as reason:
            refused.append((name, str(reason)))
    return Lab(
        joined.lab,
        tuple(devices),
        tuple(refused),
        joined.links,
        tuple(said),
        tuple(left_out),
        joined.drawn,
    )


def _kind(node: Node, kinds: containerlab_kinds.Kinds) -> containerlab_kinds.Kind | None:
    """What is known of its kind; None where it is not one, or not a known one."""
    return kinds.named.get(next(iter(node.kinds))) if len(node.kinds) == 1 else None


def _device(
    name: str,
    node: Node,
    known_kind: containerlab_kinds.Kind | None,
    known: Sequence[host_keys.KnownHost],
) -> LabDevice:
    if node.trouble:
        raise _Unusable(node.trouble)
    labels = node.labels
    kind = _checked("kind", _one_kind(node), grammar.is_word)
    address = _address(node)
    ports = _ports(labels)
    hosts = frozenset({name, node.long_name, address} - {""})
    platform = known_kind.platform if known_kind is not None else ""
    login, note = _login(node.login, known_kind)
    return LabDevice(
        name=name,
        kind=kind,
        platform=_checked(
            "label platform", labels.get("platform", platform or kind), grammar.is_word
        ),
        role=_checked("label role", labels.get("role", ""), grammar.is_text),
        site=_checked("label site", labels.get("site", ""), grammar.is_text),
        address=address,
        login=login,
        ports=ports,
        router_id=_router_id(labels),
        host_keys=host_keys.keys_of(known, hosts, ports),
        community=_community(labels),
        title=known_kind.title if known_kind is not None else "",
        note=f"its container is {node.state}" if node.state else "",
        presumed=_tells_none(node.login),
        login_note=note,
    )


def _one_kind(node: Node) -> str:
    if not node.kinds:
        raise _Unusable("no file tells its kind: import topology-data.json with the others")
    if len(node.kinds) > 1:
        told = ", ".join(sorted(node.kinds)[:5])
        raise _Unusable(f"it may be {told}: import topology-data.json, which tells the kind")
    return next(iter(node.kinds))


def _checked(what: str, value: str, accepts: Any) -> str:
    if not accepts(value):
        raise _Unusable(f"{what} {value[:64]!r} is not usable")
    return value


def _address(node: Node) -> str:
    if not node.addresses:
        raise _Unusable(
            "it has no management address: import what deploying the lab wrote, or what "
            "containerlab inspect --format json says of it"
        )
    told = next((one for one in node.addresses if ":" not in one), node.addresses[0])
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


def _login(said: Login, kind: containerlab_kinds.Kind | None) -> tuple[Login, str]:
    """What the files say; where none says anything, what such a node comes up with, and that it is."""
    if _tells_none(said) and kind is not None and kind.login is not None:
        return Login(kind.login.username, kind.login.password), f"login of a fresh {kind.title}"
    username, password = said.username, said.password
    if not grammar.is_text(username) or (password is not None and not grammar.is_secret(password)):
        raise _Unusable("its login is not one printable line each for user and password")
    return said, ""


def _tells_none(said: Login) -> bool:
    return not said.username and said.password is None
