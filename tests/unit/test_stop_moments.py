"""A pause is asked for with the moments of everything else, and says which days it means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Request, responses

from oss_agent import errors
from oss_agent.api import stops as api
from oss_agent.spi import access, stops
from tests.unit import test_cli
from tests.unit.bss_bridge import world

daemon, run = test_cli.daemon, test_cli.run
_STOP: dict[str, Any] = {
    "id": 3,
    "scope": "all",
    "name": "",
    "reason": "upgrade",
    "begins": "2026-11-21T22:00:00.000Z",
    "ends": "2026-11-22T04:00:00.000Z",
}


class _Desk:
    """Takes every stop."""

    def __init__(self) -> None:
        self.asked: list[stops.StopRequest] = []

    async def standing(self, tenant: str) -> tuple[stops.StopView, ...]:
        raise NotImplementedError

    async def stop(self, tenant: str, by: str, request: stops.StopRequest) -> stops.StopView:
        assert tenant == "default"
        self.asked.append(request)
        cause = stops.Cause.OPERATOR
        begins = request.begins or world.NOW
        return stops.StopView(
            3, request.scope, request.name, request.reason, cause, by, begins, request.ends
        )

    async def lift(self, tenant: str, by: str, key: int) -> stops.StopView:
        raise NotImplementedError


def _enter(request: Request) -> None:
    request.state.caller = access.Caller("noc", "default", ())


async def _ask(desk: _Desk, **times: str) -> httpx.Response:
    app = FastAPI(dependencies=[Depends(_enter)])
    app.include_router(api.router(desk, world.StillClock()))

    @app.exception_handler(errors.OrderRejected)
    async def refuse(_: Request, refused: Exception) -> responses.JSONResponse:
        assert isinstance(refused, errors.OrderRejected)
        return responses.JSONResponse({"reason": refused.reason}, refused.status)

    body = {"scope": "all", "reason": "upgrade", **times}
    way = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=way, base_url="http://here") as http:
        return await http.post("/api/v1/stops", json=body)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("times", "begins", "ends"),
    [
        ({"begins": "22:00", "ends": "04:00"}, (21, 22), (22, 4)),
        ({"begins": "in 2h", "ends": "2026-11-23T06:00:00+01:00"}, (21, 12), (23, 5)),
        ({"ends": "in 2d"}, None, (23, 10)),
        ({"begins": "2026-11-22"}, (22, 0), None),
    ],
)
async def test_moments_are_those_of_at(
    times: dict[str, str], begins: tuple[int, int] | None, ends: tuple[int, int] | None
) -> None:
    desk = _Desk()
    assert (await _ask(desk, **times)).status_code == 201
    (asked,) = desk.asked
    found = [one and (one.day, one.hour) for one in (asked.begins, asked.ends)]
    assert found == [begins, ends]


@pytest.mark.anyio
@pytest.mark.parametrize("times", [{"ends": "2h ago"}, {"begins": "soon"}, {"ends": "2026-11-20"}])
async def test_what_is_no_moment_or_over_is_refused_by_name(times: dict[str, str]) -> None:
    desk = _Desk()
    answer = await _ask(desk, **times)
    assert (answer.status_code, desk.asked) == (400, [])
    assert answer.json()["reason"].startswith(f"{next(iter(times))}: ")


def test_the_command_says_which_days_it_means(
    daemon: type[test_cli.Daemon], run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answers["POST /api/v1/stops"] = (201, _STOP)
    assert run("pause", "-r", "upgrade", "--from", "22:00", "--until", "04:00") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "paused from 2026-11-21T22:00:00Z until 2026-11-22T04:00:00Z: all writes" in said
