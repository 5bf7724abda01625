"""Who did what is found again, by its own tenant alone; a start says which settings are others now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Request, responses

from oss_agent import __version__, audit, audit_trail, errors, settings, store
from oss_agent.api import audit as api
from oss_agent.app import starting
from oss_agent.spi import access, query
from tests.unit.bss_bridge import world

pytestmark = pytest.mark.anyio
AT = world.NOW
HOUR = timedelta(hours=1)


def _entry(hours: float, by: str, action: str, subject: str, tenant: str = "north") -> audit.Entry:
    return audit.Entry(tenant, AT - hours * HOUR, by, action, subject, {"reason": "link works"})


SEEN = (
    _entry(3, "ines", "trust", "device:pe1"),
    _entry(2, "noc", "pause", "device:pe_1"),
    _entry(1, "noc", "resume", "pause:7"),
    _entry(1, "noc", "pause", "device:pe1", tenant="south"),
)


@pytest.fixture
async def rows(database_url: str) -> AsyncIterator[store.SqlStore]:
    async with store.open_store(database_url) as opened:
        await opened.write(audit.METADATA.create_all)
        for one in SEEN:
            await opened.write(lambda c, one=one: audit.append(c, one))  # type: ignore[misc]  # bound now
        yield opened


@pytest.fixture
async def http(rows: store.SqlStore) -> AsyncIterator[httpx.AsyncClient]:
    def enter(request: Request) -> None:
        request.state.caller = access.Caller("ines", "north", (access.Role.OPERATOR,))

    app = FastAPI(dependencies=[Depends(enter)])
    app.include_router(api.router(audit_trail.AuditTrail(rows), world.StillClock()))

    @app.exception_handler(errors.OrderRejected)
    async def refuse(_: Request, refused: Exception) -> Any:
        assert isinstance(refused, errors.OrderRejected)
        return responses.JSONResponse({"reason": refused.reason}, refused.status)

    way = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=way, base_url="http://here") as client:
        yield client


_ASKED: tuple[tuple[dict[str, str], list[int]], ...] = (
    ({}, [3, 2, 1]),
    ({"since": "2h ago"}, [3, 2]),
    ({"until": "2h ago"}, [2, 1]),
    ({"since": "08:30", "until": (AT - HOUR / 2).isoformat()}, [3]),
    ({"by": "noc"}, [3, 2]),
    ({"subject": "pe1"}, [1]),
    ({"subject": "device:pe_1"}, [2]),
    ({"subject": "device"}, []),
    ({"subject": "%"}, []),
    ({"action": "pause"}, [2]),
    ({"limit": "1", "offset": "1"}, [2]),
)


async def test_it_is_asked_by_time_person_and_subject(http: httpx.AsyncClient) -> None:
    for asked, numbers in _ASKED:
        answer = await http.get("/api/v1/audit", params=asked)
        assert [one["number"] for one in answer.json()] == numbers, asked
        total = 3 if "limit" in asked else len(numbers)
        assert int(answer.headers["X-Total-Count"]) == total


async def test_an_entry_says_who_did_what_when(http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/v1/audit", params={"limit": "1"})
    (found,) = answer.json()
    assert found == {
        "number": 3,
        "at": "2026-11-21T09:02:00.000Z",
        "by": "noc",
        "action": "resume",
        "subject": "pause:7",
        "detail": {"reason": "link works"},
    }


_ODD: tuple[dict[str, str], ...] = (
    {"since": "soon"},
    {"at": "0001-01-01T00:00:00+05:00"},
    {"since": "in 2h"},
    {"tenant": "south"},
    {"detail": "x"},
    {"number": "9" * 30},
    {"limit": "-1"},
    {"subject": "\x00"},
)


async def test_an_odd_question_is_refused(http: httpx.AsyncClient) -> None:
    for asked in _ODD:
        answer = await http.get("/api/v1/audit", params=asked)
        assert answer.status_code == 400, asked


async def test_a_start_names_the_settings_that_are_others_now(rows: store.SqlStore) -> None:
    trail = audit_trail.AuditTrail(rows)

    async def start(**tree: Any) -> None:
        made = settings.Settings(**tree)
        await rows.write(lambda c: starting.tell(c, made, datetime.now(UTC)))

    async def last() -> tuple[int, dict[str, Any]]:
        page = await trail.find(query.Query("default"))
        return page.total, dict(page.items[0].detail)

    secret = {"url": "postgresql://oss:hunter2@db/oss"}
    await start(store=secret)
    first = {"version": __version__, "changed": ["store.url"]}
    total, told = await last()
    assert (total, {name: told[name] for name in first}) == (1, first)

    await start(store=secret)
    assert (await last())[0] == 1, "nothing is another"
    await start(store={"url": "postgresql://oss:hunter3@db/oss"}, snmp={"poll_interval": 7.0})
    total, told = await last()
    assert (total, told["changed"]) == (2, ["snmp.poll_interval", "store.url"])
    await start()
    total, told = await last()
    assert (total, told["changed"]) == (3, ["snmp.poll_interval", "store.url"])
    assert told["marks"] == {}
    kept = await trail.find(query.Query("default"))
    assert "hunter" not in repr(kept)
    assert await rows.read(audit.verify) is None
