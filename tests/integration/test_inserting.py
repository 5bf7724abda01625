"""Rows inserted past Core's preparation are the rows that Core inserts, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from oss_agent import database, inserting, moment

TABLE = sa.Table(
    "fact",
    sa.MetaData(),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.String(20), unique=True),
    sa.Column("at", moment.Moment),
    sa.Column("flag", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("error", sa.JSON(none_as_null=True), nullable=True),
    sa.Column("payload", sa.JSON, nullable=False),
)
AT = datetime(2031, 1, 2, 3, 4, 5, 6, UTC)
ROW = {"id": "a", "at": AT, "flag": False, "error": None, "payload": {"text": "straße", "n": [1.5]}}


@pytest.fixture
def connection(database_url: str) -> Iterator[sa.Connection]:
    engine = database.writer(database.parse(database_url))
    with engine.begin() as opened:
        TABLE.metadata.create_all(opened)
        yield opened
    engine.dispose()


def read(connection: sa.Connection) -> list[dict[str, Any]]:
    every = TABLE.select().order_by(TABLE.c.number)
    return [dict(row) for row in connection.execute(every).mappings()]


def test_a_row_is_bound_as_core_binds_it(connection: sa.Connection) -> None:
    insert = inserting.Insert(TABLE)
    assert insert.one(connection, ROW)
    insert.one(connection, {"id": "b", "at": None, "payload": None})
    insert.several(connection, [{"id": name, "payload": []} for name in "cd"])
    insert.several(connection, [])
    ours = read(connection)
    connection.execute(TABLE.delete())
    connection.execute(TABLE.insert(), ROW)
    connection.execute(TABLE.insert(), {"id": "b", "at": None, "payload": None})
    connection.execute(TABLE.insert(), [{"id": name, "payload": []} for name in "cd"])

    assert [{**row, "number": 0} for row in ours] == [
        {**row, "number": 0} for row in read(connection)
    ]
    assert ours[0] == {**ROW, "number": ours[0]["number"]}
    assert ours[1]["flag"] is True


def test_what_is_inserted_once_stays_as_it_was(connection: sa.Connection) -> None:
    insert = inserting.Insert(TABLE, once="id")

    assert insert.one(connection, ROW)
    assert not insert.one(connection, {**ROW, "payload": "another"})
    assert insert.one(connection, {**ROW, "id": "b"})
    assert [row["payload"] for row in read(connection)] == [ROW["payload"]] * 2


def test_without_that_twice_is_an_error_of_the_unit(connection: sa.Connection) -> None:
    insert = inserting.Insert(TABLE)
    insert.one(connection, ROW)
    with pytest.raises(exc.IntegrityError), connection.begin_nested():
        insert.one(connection, ROW)
    assert len(read(connection)) == 1


def test_a_column_that_the_table_has_not_is_refused(connection: sa.Connection) -> None:
    with pytest.raises((ValueError, exc.CompileError), match="colour"):
        inserting.Insert(TABLE).one(connection, {**ROW, "colour": "red"})
