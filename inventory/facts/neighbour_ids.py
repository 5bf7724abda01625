"""Decides what a neighbour's identifier says: one canonical form for each way of writing it. Pure.

LldpChassisIdSubtype and LldpPortIdSubtype of IEEE 802.1AB-2005; a CDP device id has no subtype and
is kept under ``cdp``. Agents write a MAC address as six octets or as text in any notation, pad with
NULs, and put numbers and names under ``local``.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from inventory.words import hostile_text
from oss_agent.spi import snmp

CHASSIS_MAC: Final = 4
CHASSIS_ADDRESS: Final = 5
PORT_COMPONENT: Final = 2
PORT_MAC: Final = 3
PORT_ADDRESS: Final = 4
PORT_NAME: Final = 5
PORT_LOCAL: Final = 7
CDP: Final = "cdp"
"""In the place of the subtype of a chassis id: a CDP device id."""
_MAC_BYTES: Final = 6
_SEPARATED: Final = re.compile(r"(?:[0-9a-f]{1,2}[:-]){5}[0-9a-f]{1,2}|[0-9a-f]{6}-[0-9a-f]{6}")
_DOTTED: Final = re.compile(r"(?:[0-9a-f]{4}[.-]){2}[0-9a-f]{4}")
_BARE: Final = re.compile(r"[0-9a-f]{12}")
_SERIAL: Final = re.compile(r"\s*\([^()]*\)$")
_FAMILIES: Final = {1: 4, 2: 16}
"""Octets of an address by its family (IANA address family numbers)."""


def mac(value: snmp.Value, *, bare: bool = False) -> str | None:
    """A MAC address as ``aa:bb:cc:dd:ee:ff``, of six octets or of text; None for all else.

    Twelve digits without separators are a MAC address only where one is due (``bare``).
    """
    if not isinstance(value, bytes):
        return None
    if len(value) == _MAC_BYTES:
        return value.hex(":") if any(value) else None
    return mac_of_text(hostile_text.printable(value, hostile_text.NAME), bare=bare)


def mac_of_text(text: str, *, bare: bool = False) -> str | None:
    """A MAC address in any notation as ``aa:bb:cc:dd:ee:ff``; None for all else."""
    low = text.strip().lower()
    if re.fullmatch(_SEPARATED, low) and ("-" not in low or low.count("-") != 1):
        digits = "".join(part.zfill(2) for part in re.split("[:-]", low))
    elif re.fullmatch(_SEPARATED, low) or re.fullmatch(_DOTTED, low):
        digits = re.sub("[.-]", "", low)
    elif bare and re.fullmatch(_BARE, low):
        digits = low
    else:
        return None
    return bytes.fromhex(digits).hex(":") if int(digits, 16) else None


def chassis(subtype: snmp.Value, identity: snmp.Value) -> str | None:
    """A chassis id as ``<subtype>:<hex>``; None when it is none."""
    if not isinstance(subtype, int) or not isinstance(identity, bytes):
        return None
    if subtype == CHASSIS_MAC and (address := mac(identity, bare=True)) is not None:
        return mac_chassis(address)
    return _kept(str(subtype), identity)


def mac_chassis(address: str) -> str:
    """A MAC address as a chassis id."""
    return f"{CHASSIS_MAC}:{address.replace(':', '')}"


def cdp_chassis(identity: snmp.Value) -> str | None:
    """A CDP device id in the form of a chassis id; six octets are a MAC address."""
    if isinstance(identity, bytes) and len(identity) == _MAC_BYTES and not _is_text(identity):
        return chassis(CHASSIS_MAC, identity)
    return _kept(CDP, identity) if isinstance(identity, bytes) else None


def _kept(kind: str, identity: bytes) -> str | None:
    bare = identity[: hostile_text.DESCRIPTION].rstrip(b"\0 ")
    return f"{kind}:{bare.hex()}" if bare else None


def chassis_mac(identity: str) -> str | None:
    """The MAC address that a chassis id is, whatever subtype it came under."""
    kind, _, digits = identity.partition(":")
    raw = bytes.fromhex(digits)
    if kind == str(CHASSIS_MAC):
        return mac(raw, bare=True)
    return mac_of_text(hostile_text.printable(raw, hostile_text.NAME))


def chassis_address(identity: str) -> str | None:
    """The network address that a chassis id is."""
    kind, _, digits = identity.partition(":")
    return address(bytes.fromhex(digits)) if kind == str(CHASSIS_ADDRESS) else None


def chassis_name(identity: str) -> str:
    """The name that a chassis id is, without the serial number behind it; "" for a number."""
    kind, _, digits = identity.partition(":")
    if kind in {str(CHASSIS_MAC), str(CHASSIS_ADDRESS)}:
        return ""
    return without_serial(hostile_text.printable(bytes.fromhex(digits), hostile_text.NAME))


def has_serial(identity: str) -> bool:
    """Does it end in a serial number, ``name(FOC1234)``? Then it is no other box's."""
    kind, _, digits = identity.partition(":")
    text = hostile_text.printable(bytes.fromhex(digits), hostile_text.NAME)
    return kind not in {str(CHASSIS_MAC), str(CHASSIS_ADDRESS)} and without_serial(text) != text


def without_serial(text: str) -> str:
    """``name`` of ``name(FOC1234)``."""
    return re.sub(_SERIAL, "", text)


def chassis_text(identity: str) -> str:
    """The identity as people write it: a MAC address with colons, an address, else its text."""
    _, _, digits = identity.partition(":")
    known = chassis_mac(identity) or chassis_address(identity)
    return known or hostile_text.printable(bytes.fromhex(digits), hostile_text.NAME) or digits


def port(subtype: snmp.Value, identity: snmp.Value) -> str:
    """A port id as text; "" when it is none."""
    if subtype == PORT_ADDRESS and isinstance(identity, bytes):
        return address(identity) or hostile_text.printable(identity, hostile_text.NAME)
    if subtype == PORT_MAC:
        return mac(identity, bare=True) or hostile_text.printable(identity, hostile_text.NAME)
    if isinstance(identity, bytes) and len(identity) == _MAC_BYTES and not _is_text(identity):
        return mac(identity) or ""
    return hostile_text.printable(identity, hostile_text.NAME)


def address(raw: bytes) -> str | None:
    """An address as LLDP writes it: its family's number, then its octets."""
    if not raw or _FAMILIES.get(raw[0]) != len(raw) - 1:
        return None
    return str(ipaddress.ip_address(raw[1:]))


def _is_text(raw: bytes) -> bool:
    return all(32 <= octet < 127 for octet in raw.rstrip(b"\0"))  # noqa: PLR2004  printable ASCII
