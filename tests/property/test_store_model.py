"""The store against a model: any mix of good and bad units leaves exactly the good ones."""

from __future__ import annotations

import asyncio
import functools
import tempfile
from collections.abc import Sequence

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from oss_agent import store

_METADATA = sa.MetaData()
_ROWS = sa.Table("row", _METADATA, sa.Column("id", sa.Integer, primary_key=True))

Unit = tuple[tuple[int, ...], bool]
"""Rows to insert, in order, and whether the unit raises at its end."""

_units = st.lists(
    st.tuples(st.lists(st.integers(0, 30), max_size=3).map(tuple), st.booleans()), max_size=12
)


def _model(units: Sequence[Unit]) -> tuple[set[int], list[bool]]:
    rows: set[int] = set()
    succeeded: list[bool] = []
    for wanted, raises in units:
        good = not raises and len(set(wanted)) == len(wanted) and rows.isdisjoint(wanted)
        rows |= set(wanted) if good else set()
        succeeded.append(good)
    return rows, succeeded


def _apply(unit: Unit, connection: sa.Connection) -> None:
    for number in unit[0]:
        connection.execute(_ROWS.insert().values(id=number))
    if unit[1]:
        raise ValueError("on purpose")


async def _run(units: Sequence[Unit], batch: int) -> tuple[set[int], list[bool]]:
    with tempfile.TemporaryDirectory() as folder:
        limits = store.Limits(batch=batch)
        async with store.open_store(f"sqlite:///{folder}/agent.db", limits=limits) as it:
            await it.write(_METADATA.create_all)
            writes = [it.write(functools.partial(_apply, unit)) for unit in units]
            outcomes = await asyncio.gather(*writes, return_exceptions=True)
            rows = await it.read(lambda c: set(c.scalars(sa.select(_ROWS.c.id))))
    return rows, [outcome is None for outcome in outcomes]


@settings(max_examples=60, deadline=None)
@given(units=_units, batch=st.integers(1, 5))
def test_good_units_stand_and_bad_ones_leave_nothing(units: list[Unit], batch: int) -> None:
    assert asyncio.run(_run(units, batch)) == _model(units)
