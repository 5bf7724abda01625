"""Recordings of real agents (snmpsim's format) as the engine would have polled them.

Read in place: from the reference folder, or from the PyPI package ``snmpsim-data``.
"""

from __future__ import annotations

import bz2
import importlib.util
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from oss_agent.spi import snmp

AT: Final = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_NUMBERS: Final = frozenset({2, 65, 66, 67, 70})
_OID_TAG: Final = 6
_HEX: Final = "x"


@dataclass(frozen=True, slots=True)
class Agent:
    """What one device said, by OID."""

    device: str
    values: Mapping[snmp.Oid, snmp.Value]

    def poll(self, plan: snmp.PollPlan) -> snmp.Columns:
        """The plan's rows and scalars as recorded."""
        cells = {name: self._column(oid) for name, oid in plan.columns.items()}
        index = sorted(set(itertools.chain.from_iterable(cells.values())))
        columns = {name: [column.get(row) for row in index] for name, column in cells.items()}
        scalars = {name: self.values.get(oid) for name, oid in plan.scalars.items()}
        return snmp.Columns(self.device, AT, 0.0, 1, index, columns, scalars)

    def _column(self, oid: snmp.Oid) -> dict[snmp.Oid, snmp.Value]:
        size = len(oid)
        return {key[size:]: value for key, value in self.values.items() if key[:size] == oid}


def package() -> Path | None:
    """Where ``snmpsim-data`` is installed; None when it is not."""
    found = importlib.util.find_spec("snmpsim_data")
    places = found.submodule_search_locations if found is not None else None
    return Path(next(iter(places))) / "data" if places else None


def read(device: str, file: Path, plans: Iterable[snmp.PollPlan], until: snmp.Oid) -> Agent:
    """The columns and scalars of ``plans`` up to the OID ``until``: behind it lie megabytes."""
    wanted = {oid for plan in plans for oid in (*plan.columns.values(), *plan.scalars.values())}
    lengths = {len(oid) for oid in wanted}
    values = {
        oid: value
        for oid, value in _lines(file, until)
        if any(oid[:length] in wanted for length in lengths)
    }
    return Agent(device, values)


def _lines(file: Path, until: snmp.Oid) -> Iterator[tuple[snmp.Oid, snmp.Value]]:
    with bz2.open(file) if file.suffix == ".bz2" else file.open("rb") as lines:
        for line in lines:
            if line.startswith(b"#"):
                continue
            name, _, rest = line.decode("latin-1").rstrip("\n").partition("|")
            kind, _, text = rest.partition("|")
            oid = tuple(map(int, name.split(".")))
            if oid > until:
                return
            yield oid, _value(kind, text)


def _value(kind: str, text: str) -> snmp.Value:
    tag = int(kind.removesuffix(_HEX))
    if tag in _NUMBERS and not kind.endswith(_HEX):
        return int(text)
    if tag == _OID_TAG:
        return tuple(map(int, text.split(".")))
    return bytes.fromhex(text) if kind.endswith(_HEX) else text.encode("latin-1")
