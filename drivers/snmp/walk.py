"""Decides what a poll asks next and where each answer belongs: packed GETBULK over many columns.

Pure: replies in, requests out. A varbind finds its column by its OID and its row by its index,
never by its place in the reply, because agents leave cells out and cut replies short (RFC 3416
4.2.3). A column ends at the first OID outside it, or one that is not greater than the last:
agents that turn in circles exist. Every reply must bring something new, else the walk ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from drivers.snmp import ber, message
from oss_agent.spi import snmp

UPTIME: Final = "sysUpTime"
_GRIDS: Final = 64
_TIME_TICKS: Final = range(2**32)
"""What sysUpTime may be (RFC 2578 7.1.8); an agent may answer with a number of another type."""
_SYS_UP_TIME: Final[snmp.Oid] = (1, 3, 6, 1, 2, 1, 1, 3, 0)


@dataclass(frozen=True, slots=True)
class Shape:
    """How much one GETBULK asks for: columns x rows (max-repetitions)."""

    columns: int = 10
    rows: int = 10

    def halved(self) -> Shape | None:
        """The next smaller question after tooBig: rows first; None when it cannot be smaller."""
        if self.rows > 1:
            return replace(self, rows=self.rows // 2)
        return replace(self, columns=self.columns // 2) if self.columns > 1 else None


@dataclass(frozen=True, slots=True)
class Question:
    """One GETBULK to send, as OID content octets."""

    once: tuple[bytes, ...]
    columns: tuple[bytes, ...]
    rows: int


@dataclass(slots=True)
class _Column:
    """One column on its way: ``at`` is the OID it continues from, ``last`` the last index seen."""

    prefix: bytes
    at: bytes
    done: bool = False
    last: snmp.Oid = ()
    cells: dict[bytes, snmp.Value] = field(default_factory=dict[bytes, snmp.Value])


@dataclass(slots=True)
class Memory:
    """What an agent taught us, kept between its walks: the shape it bears, where its rows lie."""

    shape: Shape = field(default_factory=Shape)
    grids: dict[tuple[bytes, ...], Grid] = field(default_factory=dict[tuple[bytes, ...], "Grid"])


@dataclass(frozen=True, slots=True)
class Grid:
    """The full rows in ascending order at the head of a reply: they are taken column by column."""

    prefixes: tuple[bytes, ...]
    suffixes: tuple[bytes, ...]
    index: tuple[snmp.Oid, ...]


class Walk:
    """One poll of one agent. Ask ``question`` until it is None, give each answer to ``take``."""

    def __init__(self, plan: snmp.PollPlan, memory: Memory, *, max_rows: int) -> None:
        self._memory = memory
        self.partial = False
        self.disordered = 0
        """Columns that ended because the agent's OIDs did not increase."""
        self.restarted = False
        """sysUpTime fell between two replies: what was read belongs to two lives of the agent."""
        self._max_rows = max_rows
        scalars = {UPTIME: _SYS_UP_TIME, **plan.scalars}
        self._scalars = {name: ber.of_oid(oid) for name, oid in scalars.items()}
        self._values: dict[str, snmp.Value] = {}
        self._uptimes: list[int] = []
        self._columns = {n: _start(ber.of_oid(oid)) for n, oid in plan.columns.items()}
        self._index: dict[bytes, snmp.Oid] = {}

    @property
    def uptime(self) -> int | None:
        """SysUpTime (1/100 s) of the first reply that had one."""
        return self._uptimes[0] if self._uptimes else None

    @property
    def size(self) -> int:
        """Rows so far."""
        return len(self._index)

    def question(self) -> Question | None:
        """The next GETBULK, or None: finished, or a limit was reached (``partial``)."""
        open_columns = [column for column in self._columns.values() if not column.done]
        if self._uptimes and not open_columns:
            return None
        if len(self._index) >= self._max_rows:
            self.partial = True
            return None
        asked = tuple(column.at for column in open_columns[: self._memory.shape.columns])
        # sysUpTime rides in every question, so that a restart in mid-walk shows.
        names = [UPTIME] if self._uptimes else list(self._scalars)
        once = tuple(self._scalars[name][:-1] for name in names)
        return Question(once, asked, self._memory.shape.rows)

    def take(self, reply: message.Reply) -> bool:
        """Take an answer in. False when the walk must end here, with what it has (``partial``)."""
        if reply.error_status == message.TOO_BIG:
            return self._shrink()
        if reply.error_status or not self._fill(reply) or not self._uptimes:
            self.partial = True
            return False
        return True

    def _shrink(self) -> bool:
        smaller = self._memory.shape.halved()
        if smaller is None:
            self.partial = True
            return False
        self._memory.shape = smaller
        return True

    def _fill(self, reply: message.Reply) -> bool:
        """Put varbinds into scalars and cells; False when nothing in it was new."""
        open_columns = [c for c in self._columns.values() if not c.done]
        asked = open_columns[: self._memory.shape.columns]
        once = self._fill_scalars(reply)
        if not asked:
            return once > 0
        taken = self._fill_rows(asked, reply, once)
        new = taken > once
        for place in range(taken, len(reply.oids)):
            expected = asked[(place - once) % len(asked)]
            new |= self._fill_cell(asked, expected, reply.oids[place], reply.values[place])
        return new or _end_strayed(asked, reply.oids[once:])

    def _fill_rows(self, asked: Sequence[_Column], reply: message.Reply, once: int) -> int:
        """Take the full rows at the head, a column at a time; returns where they end."""
        grid = self._grid(reply.oids, tuple(column.prefix for column in asked), once)
        if not grid.index or any(grid.index[0] <= column.last for column in asked):
            return once
        width, end = len(asked), once + len(asked) * len(grid.index)
        self._index.update(zip(grid.suffixes, grid.index, strict=True))
        for place, column in enumerate(asked):
            cells = reply.values[once + place : end : width]
            column.cells.update(zip(grid.suffixes, cells, strict=True))
            column.last, column.at = grid.index[-1], reply.oids[end - width + place]
        return end

    def _grid(self, oids: tuple[bytes, ...], prefixes: tuple[bytes, ...], once: int) -> Grid:
        known = self._memory.grids.get(oids)
        if known is not None and known.prefixes == prefixes:
            return known
        if len(self._memory.grids) >= _GRIDS:
            self._memory.grids.clear()  # its tables changed; the ones in use are back at once
        found = self._memory.grids[oids] = _grid(oids[once:], prefixes)
        return found

    def _fill_scalars(self, reply: message.Reply) -> int:
        """Read the non-repeaters at the front; returns how many varbinds they took."""
        names = [UPTIME] if self._uptimes else list(self._scalars)
        binds = list(zip(reply.oids[: len(names)], reply.values, strict=False))
        for name, (oid, value) in zip(names, binds, strict=False):
            mine = value if oid == self._scalars[name] else None
            self._values.setdefault(name, mine)
            if name == UPTIME and isinstance(mine, int) and mine in _TIME_TICKS:
                self.restarted |= bool(self._uptimes) and snmp.fell(self._uptimes[-1], mine)
                self._uptimes.append(mine)
        return len(binds)

    def _fill_cell(
        self, asked: Sequence[_Column], expected: _Column, oid: bytes, value: snmp.Value
    ) -> bool:
        """Put one varbind where its OID belongs; True when that brought the walk forward."""
        if oid.startswith(expected.prefix):
            return not expected.done and self._append(expected, oid, value)
        stranger = next((c for c in asked if oid.startswith(c.prefix)), None)
        return self._lend(expected, stranger, oid, value)

    def _append(self, column: _Column, oid: bytes, value: snmp.Value) -> bool:
        if value is None and oid == column.at:  # endOfMibView carries the OID that was asked
            column.done = True
            return True
        suffix = oid[len(column.prefix) :]
        index = self._indexed(suffix)
        if index is None or index <= column.last:
            column.done = self.partial = True
            self.disordered += 1
            return True
        column.last, column.at = index, oid
        column.cells[suffix] = value
        return True

    def _lend(
        self, expected: _Column, stranger: _Column | None, oid: bytes, value: snmp.Value
    ) -> bool:
        """A varbind outside the column whose turn it is: that column's end, or a shifted row.

        The end of a column runs into its neighbour's cells, which were read already. A cell that
        is new to its column tells that the agent left something out: it is true, so it is kept,
        but no cursor moves by it, and the next question asks again.
        """
        suffix = oid[len(stranger.prefix) :] if stranger else b""
        index = self._indexed(suffix) if stranger else None
        if stranger is None or index is None or stranger.done or index <= stranger.last:
            expected.done = True
            return True
        fresh = suffix not in stranger.cells
        stranger.cells[suffix] = value
        return fresh

    def _indexed(self, suffix: bytes) -> snmp.Oid | None:
        index = self._index.get(suffix)
        if index is None:
            try:
                index = self._index[suffix] = ber.arcs(suffix)
            except ber.Malformed:
                return None
        return index

    def scalars(self) -> Mapping[str, snmp.Value]:
        """What was asked once, by name; None where the agent has none."""
        return {name: self._values.get(name) for name in self._scalars}

    def rows(self) -> tuple[Sequence[snmp.Oid], Mapping[str, Sequence[snmp.Value]]]:
        """Indexes in ascending order and, per column, a value or None for each of them."""
        filled = {suffix for column in self._columns.values() for suffix in column.cells}
        order = sorted(((s, self._index[s]) for s in filled), key=lambda item: item[1])
        columns = {
            name: [column.cells.get(suffix) for suffix, _ in order]
            for name, column in self._columns.items()
        }
        return [index for _, index in order], columns


def _start(prefix: bytes) -> _Column:
    return _Column(prefix, at=prefix)


def _end_strayed(asked: Sequence[_Column], oids: Sequence[bytes]) -> bool:
    """When nothing was new, a first answer outside its column is that column's end after all."""
    strayed = [c for c, oid in zip(asked, oids, strict=False) if not oid.startswith(c.prefix)]
    for column in strayed:
        column.done = True
    return bool(strayed)


def _grid(oids: tuple[bytes, ...], prefixes: tuple[bytes, ...]) -> Grid:
    """How far a reply is regular: each row full, in the columns' order, with a rising index."""
    width = len(prefixes)
    suffixes: list[bytes] = []
    index: list[snmp.Oid] = []
    for start in range(0, len(oids) - width + 1, width):
        suffix = oids[start][len(prefixes[0]) :]
        if oids[start : start + width] != tuple(prefix + suffix for prefix in prefixes):
            break
        try:
            row = ber.arcs(suffix)
        except ber.Malformed:
            break
        if row <= (index[-1] if index else ()):
            break
        suffixes.append(suffix)
        index.append(row)
    return Grid(prefixes, tuple(suffixes), tuple(index))
