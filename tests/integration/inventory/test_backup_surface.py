"""Kept configurations over HTTP: who may see which, and what is asked wrongly."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bss_bridge import application
from bss_bridge.engine import access as tokens
from oss_agent.api import backups
from oss_agent.spi import access
from oss_agent.testing.simulated_cli import SimulatedCli
from tests.integration.inventory import kept
from tests.unit.bss_bridge import world

pytestmark = pytest.mark.anyio

_NAMES = {role: f"0123456789abcdef-{role}" for role in access.Role}
_TOKENS = tokens.Tokens.of(
    (secret, access.Caller(f"a-{role}", "default", (role,))) for role, secret in _NAMES.items()
)
_ROOT = "/api/v1/backups"


class _Asked:
    """The API with one device that was looked at twice, and who asks."""

    def __init__(self, it: kept.Room, http: httpx.AsyncClient) -> None:
        self.it = it
        self._http = http

    async def get(self, path: str, role: access.Role = access.Role.READER, **asked: Any) -> Any:
        headers = {"Authorization": f"Bearer {_NAMES[role]}"}
        return await self._http.get(_ROOT + path, params=asked, headers=headers)

    async def post(self, path: str, role: access.Role) -> Any:
        headers = {"Authorization": f"Bearer {_NAMES[role]}"}
        return await self._http.post(_ROOT + path, json={}, headers=headers)


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[_Asked]:
    async with SimulatedCli("r1") as box, kept.room(tmp_path, {"r1": box}) as it:
        await it.look("r1")
        box.change_by_hand("snmp-server community hush ro")
        await it.look("r1")
        routes = backups.router(it.desk, it.time)
        options = application.Options(tokens=_TOKENS)
        (tmp_path / "hub").mkdir()
        async with world.world(tmp_path / "hub", options, extra=[routes]) as made:
            yield _Asked(it, made.http)


async def test_whoever_reads_sees_configurations_without_their_secrets(asked: _Asked) -> None:
    listed = (await asked.get("")).json()
    versions = (await asked.get("", device="r1")).json()
    shown = (await asked.get("/r1", at="2026-11-22T12:00:00Z")).json()
    first = (await asked.get("/r1", version=1)).json()
    changed = (await asked.get("/r1/diff")).json()
    unsaved = (await asked.get("/r1/unsaved")).json()

    assert [(one["device"], one["datastore"]) for one in listed] == [
        ("r1", "running"),
        ("r1", "startup"),
    ]
    assert [one["version"] for one in versions] == [2, 1, 1]
    assert "snmp-server community <secret> ro" in shown["text"]
    assert first["version"]["until"] == shown["version"]["since"]
    assert "+snmp-server community <secret 1> ro" in changed["text"]
    assert unsaved["newer"]["version"] == 2
    assert "hush" not in str([listed, versions, shown, first, changed, unsaved])


async def test_secrets_are_for_who_may_see_them_and_audited(asked: _Asked) -> None:
    for path in ("/r1", "/r1/diff", "/r1/unsaved"):
        asked.it.seen.clear()
        for role in (access.Role.READER, access.Role.OPERATOR, access.Role.ORDERER):
            refused = await asked.get(path, role, secrets="true")
            assert refused.status_code == 403
            assert "may not see secrets" in refused.text
        assert asked.it.seen == []

        open_ = await asked.get(path, access.Role.ADMIN, secrets="true")
        assert "snmp-server community hush ro" in open_.json()["text"]
        assert asked.it.seen == [("a-admin", "r1")]


async def test_who_reads_takes_nothing(asked: _Asked) -> None:
    assert (await asked.post("/r1/take", access.Role.READER)).status_code == 403
    taken = (await asked.post("/r1/take", access.Role.OPERATOR)).json()
    assert (taken["trouble"], taken["changed"]) == ("", [])


_WRONG: tuple[tuple[str, dict[str, str], int], ...] = (
    ("", {"device": "r9"}, 404),
    ("", {"at": "tomorrow"}, 400),
    ("", {"limit": "x"}, 400),
    ("/r1", {"version": "0"}, 400),
    ("/r1", {"version": "9"}, 404),
    ("/r1", {"datastore": "candidate"}, 400),
    ("/r1", {"store": "x" * 300}, 400),
    ("/r1/diff", {"from": "99"}, 404),
    ("/r1/diff", {"to": "2199-01-01"}, 400),
    ("/r1/diff", {"to": "1"}, 404),
)


async def test_what_is_asked_wrongly_is_said(asked: _Asked) -> None:
    for path, question, status in _WRONG:
        answer = await asked.get(path, access.Role.READER, **question)
        assert answer.status_code == status, (path, question, answer.text)
