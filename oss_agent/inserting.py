"""Decides how rows are inserted that every order brings: compiled once for their columns, bound by ours.

Core spends some 60 us on an INSERT of which 10 are the database's. The text, the types' own binding
and the wrapped errors are Core's still; what is left out is what it prepares for each execution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

Row: TypeAlias = Mapping[str, Any]
_Bind: TypeAlias = Callable[[Any], Any]
_INSERTS: Final[Mapping[str, Callable[[sa.Table], sqlite.Insert | postgresql.Insert]]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


@dataclass(frozen=True, slots=True)
class _Text:
    """A compiled INSERT: its columns in the order of its parameters, each with its type's binding."""

    text: str
    binds: tuple[tuple[str, _Bind | None], ...]
    positional: bool

    def parameters(self, row: Row) -> Any:
        """A row as the driver wants it."""
        bound = [row[name] if bind is None else bind(row[name]) for name, bind in self.binds]
        if self.positional:
            return tuple(bound)
        return {name: value for (name, _), value in zip(self.binds, bound, strict=True)}


@dataclass(frozen=True, slots=True)
class Insert:
    """``INSERT`` into one table; ``once`` names a unique column by which a row is inserted once."""

    table: sa.Table
    once: str | None = None
    _texts: dict[tuple[str, ...], _Text] = field(default_factory=dict[tuple[str, ...], _Text])

    def one(self, connection: sa.Connection, row: Row) -> bool:
        """Insert a row, columns by name. False when one of the same ``once`` is there already."""
        text = self._text(connection.dialect, row)
        return connection.exec_driver_sql(text.text, text.parameters(row)).rowcount > 0

    def several(self, connection: sa.Connection, rows: Sequence[Row]) -> None:
        """Insert rows of the same columns; none is fine."""
        if rows:
            text = self._text(connection.dialect, rows[0])
            connection.exec_driver_sql(text.text, [text.parameters(row) for row in rows])

    def _text(self, dialect: sa.Dialect, row: Row) -> _Text:
        key = (dialect.name, *row)
        found = self._texts.get(key)
        if found is None:
            found = self._texts[key] = self._compiled(dialect, tuple(row))
        return found

    def _compiled(self, dialect: sa.Dialect, columns: tuple[str, ...]) -> _Text:
        made = self._statement(dialect).compile(dialect=dialect, column_keys=list(columns))
        names = list(made.params)
        if set(names) != set(columns):
            raise ValueError(f"{self.table.name} has no {sorted(set(columns) ^ set(names))}")
        order = getattr(made, "positiontup", None)  # None where parameters go by name
        binds = tuple((name, _binding(self.table.c[name], dialect)) for name in order or names)
        return _Text(str(made), binds, positional=order is not None)

    def _statement(self, dialect: sa.Dialect) -> sa.Insert:
        # inline: nobody asks what number a row was given, so none is fetched
        if self.once is None:
            return self.table.insert().inline()
        made = _INSERTS[dialect.name](self.table)
        return made.on_conflict_do_nothing(index_elements=[self.once]).inline()


def _binding(column: sa.Column[Any], dialect: sa.Dialect) -> _Bind | None:
    return column.type.dialect_impl(dialect).bind_processor(dialect)
