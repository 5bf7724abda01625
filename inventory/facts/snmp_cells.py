"""Decides what one cell of an SNMP table is worth: the right type, or nothing. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from oss_agent.spi import snmp

WHOLE_TABLE: Final = 100.0
"""Seconds for a table that is as long as the device is big: 20,000 ports by an agent that is slow."""
_MAC_BYTES: Final = 6


def rows(columns: snmp.Columns) -> Iterator[tuple[snmp.Oid, Mapping[str, snmp.Value]]]:
    """(index, cells by column name); a column that is too short has no cell there."""
    for position, index in enumerate(columns.index):
        cells = {
            name: values[position] if position < len(values) else None
            for name, values in columns.columns.items()
        }
        yield index, cells


def mac(value: snmp.Value) -> str | None:
    """A MAC address as ``aa:bb:cc:dd:ee:ff``; None for anything else and for all zeros."""
    if isinstance(value, bytes) and len(value) == _MAC_BYTES and any(value):
        return value.hex(":")
    return None
