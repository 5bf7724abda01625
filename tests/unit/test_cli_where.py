"""``oss-agent where`` against a real HTTP listener that plays the daemon, and its route on its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest
from fastapi import Depends, FastAPI, Request

from oss_agent.api import whereabouts
from oss_agent.spi import access
from oss_agent.spi.whereabouts import How, Whereabouts
from tests.unit import test_cli

daemon, run = test_cli.daemon, test_cli.run
_AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_FOUND = {
    "device": "pe1",
    "port": "eth4",
    "how": "arp",
    "mac": "02:00:00:00:00:07",
    "towards": "p1",
}


def test_a_place_is_a_row_and_nowhere_is_said(
    daemon: type[test_cli.Daemon], run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answers["GET /api/v1/where?of=192.0.2.7"] = (200, [_FOUND])
    daemon.answers["GET /api/v1/where?of=192.0.2.8"] = (200, [])

    assert run("where", "192.0.2.7") == 0
    assert "eth4" in capsys.readouterr().out
    assert run("where", "192.0.2.8") == 1
    said = capsys.readouterr()
    assert "no device has told of 192.0.2.8" in said.out + said.err


class _Finder:
    async def where(self, tenant: str, text: str) -> tuple[Whereabouts, ...]:
        assert (tenant, text) == ("default", "02:00:00:00:00:07")
        return (Whereabouts("pe1", "eth4", How.LEARNED, "", text, _AT),)


def _enter(request: Request) -> None:
    request.state.caller = access.Caller("test", "default", ())


@pytest.mark.anyio
async def test_the_route_asks_for_the_address_as_it_is_written() -> None:
    app = FastAPI(dependencies=[Depends(_enter)])
    app.include_router(whereabouts.router(_Finder()))
    way = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=way, base_url="http://here") as http:
        answer = await http.get("/api/v1/where", params={"of": "02:00:00:00:00:07"})
        none = await http.get("/api/v1/where")

    assert answer.status_code == 200
    assert answer.json()[0]["how"] == "bridge"
    assert none.status_code == 422
