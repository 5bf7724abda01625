"""Decides whether a value may fill a slot, by allow-list grammars: the wall before every device.

A value that does not fit is refused, never repaired: OrderRejected names the slot.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping

from device_models import model
from oss_agent.errors import OrderRejected

# fullmatch throughout: `$` would let a trailing newline through.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_IFNAME = re.compile(r"[A-Za-z][A-Za-z0-9/.:_-]{0,62}")
_UINT = re.compile(r"0|[1-9][0-9]{0,19}")
_PREFIX = re.compile(r"[0-9a-f.:]{2,45}/[0-9]{1,3}")
_COMMUNITY = re.compile(r"(0|[1-9][0-9]{0,4}):(0|[1-9][0-9]{0,4})")
_ROUTE = re.compile(r"([0-9]{1,10}|[0-9]{1,3}(?:\.[0-9]{1,3}){3}):(0|[1-9][0-9]{0,9})")
_HALF = 65_535
_WHOLE = 2**32 - 1
_DESCRIPTION_LONGEST = 255


def fill(slots: Mapping[str, model.Slot], given: Mapping[str, str]) -> Mapping[str, str]:
    """The values that go to the device, by slot; an empty optional slot is absent.

    Raises OrderRejected naming the slot that is unknown, missing or filled with what does not fit.
    """
    for name in given:
        if name not in slots:
            known = ", ".join(sorted(slots)) or "none"
            raise OrderRejected(
                f"there is no slot {name[:64]!r}; there are: {known}", field="slots"
            )
    checked = ((name, _checked(name, slot, given.get(name))) for name, slot in slots.items())
    return {name: value for name, value in checked if value is not None}


def _checked(name: str, slot: model.Slot, value: str | None) -> str | None:
    if value is None:
        if slot.optional:
            return None
        raise OrderRejected(f"slot {name} is missing", field=name)
    why = wrong(slot, value)
    if why is not None:
        raise OrderRejected(f"slot {name}: {value[:80]!r} is not {why}", field=name)
    return str(ipaddress.ip_address(value)) if slot.type is model.SlotType.ADDRESS else value


def wrong(slot: model.Slot, value: str) -> str | None:
    """What the value would have to be to fit the slot; None: it fits."""
    return _GRAMMARS[slot.type](slot, value)


def _name(_slot: model.Slot, value: str) -> str | None:
    fits = _NAME.fullmatch(value)
    return None if fits else "a name (a letter or digit, then up to 62 of letters, digits, _ . -)"


def _ifname(_slot: model.Slot, value: str) -> str | None:
    return None if _IFNAME.fullmatch(value) else "an interface name"


def _description(_slot: model.Slot, value: str) -> str | None:
    fits = value.isprintable() and "%" not in value and len(value) <= _DESCRIPTION_LONGEST
    return (
        None if fits else f"printable text without % of at most {_DESCRIPTION_LONGEST} characters"
    )


def _uint(slot: model.Slot, value: str) -> str | None:
    fits = _UINT.fullmatch(value) and slot.minimum <= int(value) <= slot.maximum
    return None if fits else f"a whole number from {slot.minimum} to {slot.maximum}"


def _address(_slot: model.Slot, value: str) -> str | None:
    # ipaddress takes any text, newlines too, as an IPv6 scope.
    if "%" not in value:
        try:
            ipaddress.ip_address(value)
        except ValueError:
            pass
        else:
            return None
    return "an IPv4 or IPv6 address without scope"


def _interface(_slot: model.Slot, value: str) -> str | None:
    fits = _PREFIX.fullmatch(value) and value == _canonical(value, ipaddress.ip_interface)
    return None if fits else "an address with its prefix length, as 172.16.1.1/24"


def _prefix(_slot: model.Slot, value: str) -> str | None:
    fits = _PREFIX.fullmatch(value) and value == _canonical(value, ipaddress.ip_network)
    return None if fits else "a prefix, as 172.16.1.0/24"


def _canonical(value: str, read: Callable[[str], object]) -> str | None:
    try:
        return str(read(value))
    except ValueError:
        return None


def _community(_slot: model.Slot, value: str) -> str | None:
    halves = _COMMUNITY.fullmatch(value)
    fits = halves and all(int(half) <= _HALF for half in halves.groups())
    return None if fits else "a BGP community, as 65000:100"


def _route(_slot: model.Slot, value: str) -> str | None:
    parts = _ROUTE.fullmatch(value)
    fits = parts and int(parts[2]) <= _most_behind(parts[1])
    return None if fits else "a route distinguisher or target, as 65000:100 or 192.0.2.1:100"


def _most_behind(administrator: str) -> int:
    """The highest number behind an administrator (RFC 4364 4.2); below every number: it is none."""
    if "." in administrator:
        return _HALF if administrator == _canonical(administrator, ipaddress.IPv4Address) else -1
    number = int(administrator)
    if str(number) != administrator or not 1 <= number <= _WHOLE:
        return -1
    return _WHOLE if number <= _HALF else _HALF


_GRAMMARS: Mapping[model.SlotType, Callable[[model.Slot, str], str | None]] = {
    model.SlotType.NAME: _name,
    model.SlotType.DESCRIPTION: _description,
    model.SlotType.UINT: _uint,
    model.SlotType.IFNAME: _ifname,
    model.SlotType.ADDRESS: _address,
    model.SlotType.INTERFACE: _interface,
    model.SlotType.PREFIX: _prefix,
    model.SlotType.COMMUNITY: _community,
    model.SlotType.ROUTE: _route,
}
