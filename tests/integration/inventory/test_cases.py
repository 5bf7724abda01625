"""Cases over HTTP and in the table: opened, listed, accepted, ended; each tenant its own."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta

import fastapi
import httpx
import pytest
import sqlalchemy as sa

from inventory.ledgers import case_desk
from inventory.rows import cases, history, tables
from oss_agent import errors, store
from oss_agent.api import cases as routes
from oss_agent.spi import access
from oss_agent.spi.cases import CaseView, Decider
from oss_agent.spi.clock import BootTime, Clock
from oss_agent.spi.query import Filter, Operator, Query

_AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
EQ = Operator.EQ
_LATER = _AT + timedelta(minutes=5)


def _case(evidence: str = "serial FOC2", subject: str = "pe1") -> cases.Case:
    return cases.Case(
        "pe1", subject, "chassis-swapped", evidence, "another box", "RMA", "accept it"
    )


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


def test_what_is_said_of_a_case_becomes_other_and_it_stays_the_same_case(
    connection: sa.Connection,
) -> None:
    kinds = ("chassis-swapped",)
    for text in ("48 ports", "47 of 48 ports", "47 of 48 ports"):
        said = dataclasses.replace(_case("a"), text=text)
        cases.settle(connection, "default", "pe1", kinds, [said], _AT)
    c = tables.cases.c
    query = sa.select(c.text, c.since).where(history.current(tables.cases))
    assert connection.execute(query).all() == [("47 of 48 ports", _AT)]


def test_what_is_on_no_device_is_each_tenants_own(connection: sa.Connection) -> None:
    mine = dataclasses.replace(_case("a"), device="", subject="core-vni:10100")
    cases.settle(connection, "default", "", ("chassis-swapped",), [mine], _AT)
    cases.settle(connection, "other", "", ("chassis-swapped",), [], _LATER)
    assert _open(connection) == ["a"]


class _Order:
    """A decider that begins an order for each case once, however often it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []

    async def decide(self, case: CaseView, decision: str, who: str) -> str:
        self.asked.append((case.id, decision, who))
        return f"order-{case.id}"


_KIND = ("chassis-swapped",)


@contextlib.asynccontextmanager
async def _desk(
    url: str, *opened: cases.Case, deciders: Mapping[str, Decider] | None = None
) -> AsyncIterator[tuple[store.SqlStore, case_desk.CasePort, _Watch]]:
    """A store with these cases open since ten o'clock, and the desk over it, five minutes later."""
    async with store.open_store(url) as rows:
        await rows.write(tables.METADATA.create_all)
        await rows.write(lambda c: cases.settle(c, "default", "pe1", _KIND, opened, _AT))
        seen = _Watch(time=_Clock(_LATER))
        outside = case_desk.Outside(seen.hinted.append, seen.note, deciders or {})
        yield rows, case_desk.CasePort(rows, seen.time, outside), seen


@dataclasses.dataclass(slots=True)
class _Clock:
    """A wall clock that a test sets."""

    wall: datetime

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        raise NotImplementedError

    def boot(self) -> BootTime:
        raise NotImplementedError


@dataclasses.dataclass(slots=True)
class _Watch:
    """What the desk told, and its clock."""

    time: _Clock
    hinted: list[str] = dataclasses.field(default_factory=list[str])
    audited: list[CaseView] = dataclasses.field(default_factory=list[CaseView])

    def note(self, connection: sa.Connection, case: CaseView) -> None:
        assert connection.in_transaction()
        self.audited.append(case)


def test_the_newest_case_is_the_last_of_the_list(database_url: str) -> None:
    opened = [_case(f"serial {number}") for number in range(8)]

    async def story() -> None:
        async with _desk(database_url, opened[0]) as (rows, desk, _):
            for number in range(1, len(opened)):
                told, at = opened[: number + 1], _AT + timedelta(minutes=number)
                settle = functools.partial(
                    cases.settle,
                    tenant="default",
                    device="pe1",
                    kinds=_KIND,
                    found=told,
                    at=at,
                )
                await rows.write(settle)
            page = await desk.find(Query("default"))
            assert [one.evidence for one in page.items] == [one.evidence for one in opened]

    asyncio.run(story())


def test_a_person_lists_and_accepts_them(database_url: str) -> None:
    async def story() -> None:
        async with (
            _desk(database_url, _case()) as (rows, desk, seen),
            _served(desk, seen.time) as http,
        ):
            (listed,) = (await http.get("/api/v1/cases?device=pe1")).json()
            assert listed["subject"] == "pe1"
            assert listed["since"] == "2026-11-22T10:00:00.000Z"
            assert (listed["owner"], listed["state"]) == ("operator", "open")
            accepted = (await http.post(f"/api/v1/cases/{listed['id']}/accept")).json()
            assert (accepted["decided_by"], accepted["state"]) == ("ann", "accepted")
            assert accepted["since"] == listed["since"]
            assert seen.hinted == ["pe1"], "the next look acts on it, and is not an interval away"
            assert [(one.decision, one.decided_by) for one in seen.audited] == [("accept", "ann")]
            assert (await http.get("/api/v1/cases?state=open")).json() == []
            assert (await http.get("/api/v1/cases/count")).json() == {"accepted": 1}
            assert await rows.read(lambda c: cases.accepted(c, _case()))
            assert not await rows.read(lambda c: cases.accepted(c, _case("serial FOC3")))
            assert (await desk.find(Query("other"))).total == 0
            with pytest.raises(errors.NotFound):
                await desk.accept("other", listed["id"], "eve")

    asyncio.run(story())


def test_what_was_decided_and_believed_is_answered_of_any_moment(database_url: str) -> None:
    async def story() -> None:
        async with (
            _desk(database_url, _case()) as (_, desk, seen),
            _served(desk, seen.time) as http,
        ):
            await desk.accept("default", _case().id, "ann")
            seen.time.wall = _LATER + timedelta(hours=1)
            path = f"/api/v1/cases/{_case().id}"

            assert (await http.get(f"{path}?at=10:02")).json()["state"] == "open"
            assert (await http.get(f"{path}?at=10:06")).json()["state"] == "accepted"
            assert (await http.get(f"{path}?at=10:06&known=10:02")).json()["state"] == "open"
            assert (await http.get("/api/v1/cases?at=09:59")).json() == []
            with pytest.raises(errors.OrderRejected, match=r"at: '12:00' is .* still to come"):
                await http.get("/api/v1/cases?at=12:00")
            with pytest.raises(errors.OrderRejected, match="known: 'soon' is no moment"):
                await http.get("/api/v1/cases?known=soon")

    asyncio.run(story())


def test_what_is_ignored_comes_back_by_itself_at_its_time_also_when_it_was_gone_meanwhile(
    database_url: str,
) -> None:
    async def story() -> None:
        async with (
            _desk(database_url, _case()) as (rows, desk, seen),
            _served(desk, seen.time) as http,
        ):
            path = f"/api/v1/cases/{_case().id}/decision"
            body = {"decision": "ignore", "until": "in 2h", "reason": "known"}
            ignored = (await http.post(path, json=body)).json()
            assert (ignored["state"], ignored["until"]) == ("ignored", "2026-11-22T12:05:00.000Z")
            later = _LATER + timedelta(hours=1)
            await rows.write(lambda c: cases.settle(c, "default", "pe1", _KIND, [], later))
            again = later + timedelta(minutes=1)
            await rows.write(lambda c: cases.settle(c, "default", "pe1", _KIND, [_case()], again))
            seen.time.wall = again

            assert dict(await desk.counts("default")) == {"ignored": 1}
            assert await rows.read(lambda c: case_desk.by_kind(c, again)) == {}
            seen.time.wall = _LATER + timedelta(hours=2)
            assert dict(await desk.counts("default")) == {"open": 1}
            assert (await desk.get("default", _case().id)).reason == "known"
            assert await rows.read(lambda c: case_desk.by_kind(c, seen.time.wall)) == {_KIND[0]: 1}

    asyncio.run(story())


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"decision": "ignore"}, "takes a moment to come"),
        ({"decision": "ignore", "until": "2h ago"}, "is over already"),
        ({"decision": "accept", "until": "in 2h"}, "accept has none"),
        ({"decision": "revert"}, "not safe for chassis-swapped; what can be done: accept, ignore"),
        ({"decision": "\x1b[2J"}, "what can be done: accept, ignore"),
    ],
)
def test_a_decision_that_cannot_be_is_refused_with_what_can(
    database_url: str, wish: dict[str, str], told: str
) -> None:
    async def story() -> None:
        async with (
            _desk(database_url, _case()) as (_, desk, seen),
            _served(desk, seen.time) as http,
        ):
            with pytest.raises(errors.OrderRejected, match=told):
                await http.post(f"/api/v1/cases/{_case().id}/decision", json=wish)
            assert (await desk.get("default", _case().id)).state == "open"
            assert seen.audited == []

    asyncio.run(story())


def test_a_revert_is_begun_by_who_is_in_charge_of_its_kind(database_url: str) -> None:
    case = dataclasses.replace(_case(), actions=("revert", "ignore"), owner="service acme")

    async def story() -> None:
        order = _Order()
        async with _desk(database_url, case, deciders={_KIND[0]: order}) as (rows, desk, seen):
            view = await desk.decide("default", case.id, "revert", "ann", reason="not ours")
            assert order.asked == [(case.id, "revert", "ann")]
            assert (view.state, view.begun) == ("begun", f"order-{case.id}")
            assert seen.audited == [view]
            found = await desk.find(Query("default", (Filter("owner", EQ, ("service acme",)),)))
            assert found.items == (view,)
        async with _desk(database_url) as (rows, desk, _):
            await rows.write(lambda c: cases.settle(c, "default", "pe1", _KIND, [case], _LATER))
            with pytest.raises(errors.OrderRejected, match="what can be done: ignore"):
                await desk.decide("default", case.id, "revert", "ann")

    asyncio.run(story())


def test_who_should_look_and_what_is_safe_may_change_while_the_case_stays(
    connection: sa.Connection,
) -> None:
    cases.settle(connection, "default", "pe1", _KIND, [_case()], _AT)
    mine = dataclasses.replace(_case(), owner="service acme", actions=("accept",))
    cases.settle(connection, "default", "pe1", _KIND, [mine], _LATER)
    cases.settle(connection, "default", "pe1", _KIND, [mine], _LATER + timedelta(minutes=1))

    c = tables.cases.c
    rows = connection.execute(
        sa.select(c.owner, c.actions, c.since, c.valid_from).where(history.current(tables.cases))
    )
    assert rows.all() == [("service acme", ["accept"], _AT, _LATER)]
    assert cases.unaccepted(connection, "pe1", _KIND[0]) == (mine,)


def _served(desk: case_desk.CasePort, time: Clock) -> httpx.AsyncClient:
    app = fastapi.FastAPI()

    async def who(request: fastapi.Request) -> None:
        request.state.caller = access.Caller("ann", "default", (access.Role.ADMIN,))

    app.include_router(routes.router(desk, time), dependencies=[fastapi.Depends(who)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://oss")
