"""``oss-agent adopt`` against a real HTTP listener that plays the daemon, and its routes' own bodies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastapi
import httpx
import pytest
import yaml

from oss_agent.api import adoption as routes
from oss_agent.spi import access, adoption, orders, views
from tests.unit import test_cli
from tests.unit.bss_bridge import world

daemon, run = test_cli.daemon, test_cli.run
CANDIDATE: dict[str, Any] = {
    "id": "c1",
    "specification": "eline",
    "version": "1.0",
    "name": "acme",
    "characteristics": {"aEnd": "pe1:eth4", "zEnd": "pe2:eth4"},
    "claims": {"vni": "10150"},
    "customer": "",
    "parts": ["pe1 netconf /services/eline[name=acme]"],
    "doubts": ["name is told\x1b[2J differently"],
}
UNFIT = {"device": "pe3", "template": "eline", "slots": {}, "at": "x", "unfit": "/x has no vni"}
PLANNED = {**test_cli.PLAN, "differences": ["pe1 netconf /x is not there"]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "found.yaml"
    two = {**CANDIDATE, "id": "c2", "name": "other"}
    written.write_text(yaml.safe_dump({"candidates": [CANDIDATE, two]}))
    return written


def test_candidates_are_shown_and_written_for_a_person(
    daemon: type[test_cli.Daemon],
    run: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    found = {"candidates": [CANDIDATE], "unfit": [UNFIT]}
    daemon.answers["POST /api/v1/adoptions/find"] = (200, found)
    written = tmp_path / "found.yaml"
    assert run("adopt", "find", "pe1", "pe2", "--file", str(written)) == 0
    shown = capsys.readouterr().out
    assert "aEnd pe1:eth4, zEnd pe2:eth4, vni 10150" in shown
    assert "c1 in doubt: name is told [2J differently" in shown
    assert "no eline on pe3: /x has no vni" in shown
    assert daemon.seen == [("POST /api/v1/adoptions/find", {"devices": ["pe1", "pe2"]})]
    assert yaml.safe_load(written.read_text()) == {"candidates": [CANDIDATE]}


def test_a_difference_is_shown_and_exits_1(
    daemon: type[test_cli.Daemon],
    run: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    file: Path,
) -> None:
    daemon.answers["POST /api/v1/adoptions/plan"] = (200, PLANNED)
    assert run("adopt", "plan", str(file), "--candidate", "c1") == 1
    assert "not as it is: pe1 netconf /x is not there" in capsys.readouterr().out

    same = {**PLANNED, "differences": [], "changes": False}
    daemon.answers["POST /api/v1/adoptions/plan"] = (200, same)
    assert run("adopt", "plan", str(file)) == 0
    assert capsys.readouterr().out.count("nothing on any device differs") == 2


def test_each_candidate_is_an_order(
    daemon: type[test_cli.Daemon],
    run: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    file: Path,
) -> None:
    daemon.answers["POST /api/v1/adoptions"] = (201, {"id": "7", "state": "acknowledged"})
    assert run("adopt", "run", str(file)) == 0
    assert capsys.readouterr().out.count("order 7 acknowledged") == 2
    assert run("adopt", "run", str(file), "--candidate", "other", "--key", "k") == 0
    assert daemon.seen[-1][1] == {**CANDIDATE, "id": "c2", "name": "other", "key": "k"}
    assert run("adopt", "run", str(file), "--key", "k") == 2
    assert run("adopt", "plan", str(file), "--candidate", "c3") == 2
    assert "no candidate c3" in capsys.readouterr().err


class Desk:
    """Remembers what it is asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def find(self, tenant: str, devices: Any) -> adoption.Survey:
        self.asked.append((tenant, tuple(devices)))
        return adoption.Survey(())

    async def plan(self, tenant: str, candidate: adoption.Candidate) -> views.DryRun:
        self.asked.append((tenant, candidate))
        return views.DryRun("1", "acme", False, (), (), (), (), (), "0" * 64)

    async def run(
        self,
        tenant: str,
        by: str,
        candidate: adoption.Candidate,
        idempotency_key: str | None = None,
    ) -> orders.Submitted:
        self.asked.append((tenant, by, candidate, idempotency_key))
        return orders.Submitted(world.finished_order(), created=True)


@pytest.mark.anyio
async def test_routes_hand_the_candidate_on_and_refuse_what_is_none() -> None:
    desk = Desk()
    router = routes.router(desk)
    needed = {
        route.openapi_extra[access.DECLARATION]
        for route in router.routes
        if isinstance(route, fastapi.routing.APIRoute) and route.openapi_extra
    }
    assert needed == {access.Permission.OPERATE.value}
    application = fastapi.FastAPI()
    application.include_router(router)

    @application.middleware("http")
    async def known(request: fastapi.Request, go_on: Any) -> Any:
        request.state.caller = access.Caller("ann", "default", (access.Role.OPERATOR,))
        return await go_on(request)

    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://oss") as http:
        place = "/api/v1/adoptions"
        assert (await http.post(f"{place}/find", json={"devices": ["pe1"]})).status_code == 200
        assert (await http.post(f"{place}/find", json={"devices": []})).status_code == 422
        body = {**CANDIDATE, "customer": "acme-inc"}
        assert (await http.post(f"{place}/plan", json=body)).json()["differences"] == []
        made = await http.post(place, json={**body, "key": "k"})
        assert made.status_code == 201
        assert (await http.post(place, json={**body, "name": "a b"})).status_code == 422
    assert desk.asked[0] == ("default", ("pe1",))
    wanted = adoption.Candidate(
        "c1",
        "eline",
        "1.0",
        "acme",
        CANDIDATE["characteristics"],
        CANDIDATE["claims"],
        "acme-inc",
        tuple(CANDIDATE["parts"]),
    )
    assert desk.asked[1:] == [("default", wanted), ("default", "ann", wanted, "k")]
