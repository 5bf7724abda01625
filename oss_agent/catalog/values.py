"""Decides whether a value fits its characteristic; allow-lists, because what passes reaches devices.

Strict on types: ``true`` is not 1 and ``"20"`` is not 20, because a guess would become a
customer's bandwidth. Addresses must be written in their one canonical form: two spellings of a
network would be two claims on it.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from oss_agent.catalog import forms

Interface: TypeAlias = ipaddress.IPv4Interface | ipaddress.IPv6Interface
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
PORT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}:[A-Za-z0-9][A-Za-z0-9_./-]{0,62}")
ROUTE = re.compile(r"(?:[1-9][0-9]{0,9}|[0-9]{1,3}(?:\.[0-9]{1,3}){3}):(?:0|[1-9][0-9]{0,9})")
_ADDRESS = re.compile(r"[0-9a-f.:]{2,45}/[0-9]{1,3}")
_WIDEST = {4: 8, 6: 16}
"""The shortest prefix a customer's network may have: a shorter one swallows everybody's routes."""
_SHOWN = 60
_LONGEST = 255
"""What a description on a device may have (ifAlias takes no more, RFC 2863)."""


def wrong(value: Any, form: forms.Characteristic) -> str | None:
    """Why the value does not fit, in words that follow the characteristic's name; None: it does."""
    return _RULES[form.type](value, form)


def shown(value: Any) -> str:
    """Hostile input, quoted, without control characters, cut to what a line can carry."""
    as_sent = value is None or isinstance(value, (bool, list, dict))
    text = json.dumps(value) if as_sent else ascii(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


def interface(text: str) -> Interface:
    """``172.16.1.1/24`` as a value; of text that passed, or came from a pool."""
    return ipaddress.ip_interface(text)


def network(text: str) -> Network | None:
    """The network that a pool's value lies in; None when it is no address but a number or a route."""
    found = _read(text)
    return None if found is None else found.network


def _integer(value: Any, form: forms.Characteristic) -> str | None:
    # bool is a subclass of int: isinstance would take true for 1.
    if type(value) is not int:
        return f"{shown(value)} is not a whole number"
    too_small = form.minimum is not None and value < form.minimum
    too_large = form.maximum is not None and value > form.maximum
    outside = f"{shown(value)} is not within {form.minimum}..{form.maximum}"
    return outside if too_small or too_large else None


def _text(value: Any, _form: forms.Characteristic) -> str | None:
    if not isinstance(value, str) or not value.isprintable() or "%" in value:
        return f"{shown(value)} is not printable text without %"
    fits = 1 <= len(value) <= _LONGEST
    return None if fits else f"it has {len(value)} characters, and 1 to {_LONGEST} are allowed"


def _port(value: Any, _form: forms.Characteristic) -> str | None:
    fits = isinstance(value, str) and PORT.fullmatch(value)
    return None if fits else f"{shown(value)} is not of the form device:port"


def _name(value: Any, _form: forms.Characteristic) -> str | None:
    fits = isinstance(value, str) and NAME.fullmatch(value)
    grammar = "1 to 63 letters, digits, '_', '.', '-', beginning with a letter or digit"
    return None if fits else f"{shown(value)} is not {grammar}"


def _prefix(value: Any, form: forms.Characteristic) -> str | None:
    found = _read(value)
    if found is None:
        return f"{shown(value)} is not of the form 203.0.113.0/30"
    if str(found.network) != value:
        return f"{shown(value)} is not written as {found.network}"
    return _other_version(found, form)


def _address(value: Any, form: forms.Characteristic) -> str | None:
    found = _read(value)
    if found is None:
        return f"{shown(value)} is not of the form 172.16.1.1/24"
    if str(found) != value:
        return f"{shown(value)} is not written as {found}"
    return _other_version(found, form) or _unusable(found)


def _route(value: Any, _form: forms.Characteristic) -> str | None:
    # Which numbers may stand behind which administrator is the pool's to judge: it has one of them.
    fits = isinstance(value, str) and ROUTE.fullmatch(value)
    return None if fits else f"{shown(value)} is not of the form 65000:100 or 192.0.2.1:100"


def _read(value: Any) -> Interface | None:
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        return None
    try:
        return ipaddress.ip_interface(value)
    except ValueError:
        return None


def _other_version(found: Interface, form: forms.Characteristic) -> str | None:
    fits = form.version is None or found.version == form.version
    return None if fits else f"{found} is not IPv{form.version}"


def _unusable(found: Interface) -> str | None:
    """Why no router could have this address towards a customer."""
    network = found.network
    if network.prefixlen < _WIDEST[found.version]:
        return f"{found} is too wide: /{_WIDEST[found.version]} is the shortest prefix"
    if network.prefixlen == network.max_prefixlen:
        return f"{found} leaves no address for the customer"
    ip = found.ip
    special = ip.is_multicast or ip.is_loopback or ip.is_link_local or ip.is_reserved
    if special or network.network_address.is_unspecified:
        return f"{found} is not an address that a customer's network can have"
    ends = {network.network_address}
    ends |= {network.broadcast_address} if found.version == 4 else set()  # noqa: PLR2004 - IPv4
    if network.prefixlen < network.max_prefixlen - 1 and ip in ends:
        return f"{found} is the network itself, not an address in it"
    return None


def _sites(value: Any, form: forms.Characteristic) -> str | None:
    if not isinstance(value, list):
        return f"{shown(value)} is not a list of sites"
    least, most = form.minimum or 0, form.maximum
    if len(value) < least or (most is not None and len(value) > most):
        return f"it has {len(value)} sites, and there may be {least} to {most}"
    return None


_RULES: Mapping[str, Callable[[Any, forms.Characteristic], str | None]] = {
    "integer": _integer,
    "text": _text,
    "port": _port,
    "name": _name,
    "prefix": _prefix,
    "address": _address,
    "route": _route,
    "sites": _sites,
}
