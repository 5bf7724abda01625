"""Cases over HTTP and in the table: opened, listed, accepted, ended; each tenant its own."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import fastapi
import httpx
import pytest
import sqlalchemy as sa

from inventory import cases, history, tables
from oss_agent import clock, errors, store
from oss_agent.api import cases as routes
from oss_agent.spi import access
from oss_agent.spi.query import Query

_AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_LATER = _AT + timedelta(minutes=5)


def _case(evidence: str = "serial FOC2", subject: str = "pe1") -> cases.Case:
    return cases.Case("pe1", subject, "chassis-swapped", evidence, "another box", "RMA", "accept")


def _open(connection: sa.Connection) -> list[str]:
    c = tables.cases.c
    query = sa.select(c.evidence).where(history.current(tables.cases)).order_by(c.evidence)
    return list(connection.execute(query).scalars())


def test_what_is_not_found_any_more_ends_and_the_rest_keeps_its_since(
    connection: sa.Connection,
) -> None:
    kinds = ("chassis-swapped",)
    cases.settle(connection, "default", "pe1", kinds, [_case("a"), _case("b"), _case("a")], _AT)
    cases.settle(connection, "default", "pe1", ("other",), [], _LATER)
    assert _open(connection) == ["a", "b"]
    cases.settle(connection, "default", "pe1", kinds, [_case("b"), _case("c")], _LATER)

    assert _open(connection) == ["b", "c"]
    since = sa.select(tables.cases.c.valid_from).where(
        history.current(tables.cases), tables.cases.c.evidence == "b"
    )
    assert connection.execute(since).scalar_one() == _AT


def test_a_person_lists_and_accepts_them(database_url: str) -> None:
    async def story() -> None:
        async with store.open_store(database_url) as rows:
            await rows.write(tables.METADATA.create_all)
            await rows.write(
                lambda c: cases.settle(c, "default", "pe1", ("chassis-swapped",), [_case()], _AT)
            )
            hinted: list[str] = []
            desk = cases.CasePort(rows, clock.SystemClock(), accepted=hinted.append)
            async with _served(desk) as http:
                (listed,) = (await http.get("/api/v1/cases?device=pe1")).json()
                assert listed["subject"] == "pe1"
                assert listed["since"] == "2026-11-22T10:00:00.000Z"
                accepted = await http.post(f"/api/v1/cases/{listed['id']}/accept")
            assert accepted.json()["accepted_by"] == "ann"
            assert hinted == ["pe1"], "the next look acts on it, and is not an interval away"
            assert await rows.read(lambda c: cases.accepted(c, _case()))
            assert not await rows.read(lambda c: cases.accepted(c, _case("serial FOC3")))
            assert (await desk.find(Query("other"))).total == 0
            with pytest.raises(errors.NotFound):
                await desk.accept("other", listed["id"], "eve")

    asyncio.run(story())


def _served(desk: cases.CasePort) -> httpx.AsyncClient:
    app = fastapi.FastAPI()

    async def who(request: fastapi.Request) -> None:
        request.state.caller = access.Caller("ann", "default", (access.Role.ADMIN,))

    app.include_router(routes.router(desk), dependencies=[fastapi.Depends(who)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://oss")
