"""Decides what a poll of IF-MIB says: its rows, their states, their raw octets. Pure.

Everything in it is a device's word and hostile: names are made printable and bounded, numbers out
of range are no value. Which port a row is, the inventory says: names may be missing or not be unique.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from oss_agent.spi import snmp

_IF_ENTRY: Final[snmp.Oid] = (1, 3, 6, 1, 2, 1, 2, 2, 1)
_IF_X_ENTRY: Final[snmp.Oid] = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)

PLAN: Final = snmp.PollPlan(
    columns={
        "ifName": (*_IF_X_ENTRY, 1),
        "ifPhysAddress": (*_IF_ENTRY, 6),
        "ifAdminStatus": (*_IF_ENTRY, 7),
        "ifOperStatus": (*_IF_ENTRY, 8),
        "ifHCInOctets": (*_IF_X_ENTRY, 6),
        "ifHCOutOctets": (*_IF_X_ENTRY, 10),
        "ifCounterDiscontinuityTime": (*_IF_X_ENTRY, 19),
    }
)
"""What one poll of a device fetches; sysUpTime comes with every poll."""

UP: Final = "up"
DOWN: Final = "down"
UNKNOWN: Final = "unknown"
NOT_PRESENT: Final = "notPresent"
_ADMIN: Final = {1: UP, 2: DOWN, 3: "testing"}
_OPER: Final = {
    1: UP,
    2: DOWN,
    3: "testing",
    4: UNKNOWN,
    5: "dormant",
    6: NOT_PRESENT,
    7: "lowerLayerDown",
}
"""RFC 2863: ifAdminStatus and ifOperStatus."""

_NAME_LENGTH: Final = 64
_MAC_LENGTH: Final = 6
_MAX_INDEX: Final = 2**31 - 1
_COUNTER64: Final = 2**64 - 1
_TIME_TICKS: Final = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Port:
    """One row of the interface table. Octets and discontinuity are None where they were not read.

    ``name`` is as the device has it, "" where it gives none; as the inventory knows the port once that
    has named it. ``mac`` is ``aa:bb:cc:dd:ee:ff``.
    """

    name: str
    index: int
    admin: str
    oper: str
    octets_in: int | None = None
    octets_out: int | None = None
    discontinuity: int | None = None
    mac: str | None = None

    @property
    def row(self) -> tuple[str, int, str, str]:
        """As the observed ledger takes it."""
        return self.name, self.index, self.admin, self.oper


def ports(polled: snmp.Columns) -> tuple[Port, ...]:
    """The rows of a poll by ``PLAN``, in ifIndex order."""
    handles = [index[0] if len(index) == 1 else 0 for index in polled.index]
    rows = [row for row, handle in enumerate(handles) if 0 < handle <= _MAX_INDEX]
    return tuple(_port(polled, row, handles[row]) for row in rows)


def _port(polled: snmp.Columns, row: int, index: int) -> Port:
    def number(column: str, largest: int) -> int | None:
        value = polled.columns[column][row]
        return value if isinstance(value, int) and 0 <= value <= largest else None

    return Port(
        name=_text(polled.columns["ifName"][row]),
        index=index,
        admin=_ADMIN.get(number("ifAdminStatus", 3) or 0, UNKNOWN),
        oper=_OPER.get(number("ifOperStatus", 7) or 0, UNKNOWN),
        octets_in=number("ifHCInOctets", _COUNTER64),
        octets_out=number("ifHCOutOctets", _COUNTER64),
        discontinuity=number("ifCounterDiscontinuityTime", _TIME_TICKS),
        mac=_mac(polled.columns["ifPhysAddress"][row]),
    )


def _mac(value: snmp.Value) -> str | None:
    if isinstance(value, bytes) and len(value) == _MAC_LENGTH and any(value):
        return value.hex(":")
    return None


def _text(value: snmp.Value) -> str:
    """Printable, one line, bounded: whoever names a port writes into our console and alarms."""
    if not isinstance(value, bytes):
        return ""
    text = value[: _NAME_LENGTH * 4].decode("utf-8", errors="replace")
    kept = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(kept.split())[:_NAME_LENGTH]
