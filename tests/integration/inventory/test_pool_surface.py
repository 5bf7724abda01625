"""The pools' routes over the real store: what is asked, kept, refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import fastapi
import httpx
import pytest
import sqlalchemy as sa

from inventory.pools import pool_desk, pool_values, pools
from oss_agent import clock, store
from oss_agent.api import pools as pool_routes
from oss_agent.spi import access

pytestmark = pytest.mark.anyio
_VNI = pools.PoolRange("core-vni", 100, 103, kind=pool_values.Kind.VNI)
_BLOCK = pools.PoolRange.of_prefix("blocks", "2001:db8::/32", 56, longest=64)


@pytest.fixture
async def http(engine: sa.Engine, database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    with engine.begin() as connection:
        pools.seed(connection, [_VNI, _BLOCK], tenant="default", at=datetime.now(UTC))
    async with store.open_store(database_url) as rows:
        app = fastapi.FastAPI()
        time = clock.SystemClock()
        app.include_router(pool_routes.router(pool_desk.PoolDesk(rows, time), time))

        @app.middleware("http")
        async def caller(
            request: fastapi.Request, go: Callable[[fastapi.Request], Awaitable[fastapi.Response]]
        ) -> fastapi.Response:
            request.state.caller = access.Caller("test", "default", ())
            return await go(request)

        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://agent") as client:
            yield client


async def test_a_reservation_is_seen_counted_and_given_back(http: httpx.AsyncClient) -> None:
    place = "/api/v1/pools/blocks/reservations"
    made = (await http.post(place, json={"key": "acme", "value": "/60"})).json()
    assert (made["value"], made["state"], made["key"]) == (
        "2001:db8::/60",
        "reserved",
        "reservation.acme",
    )
    seen = (await http.get("/api/v1/pools/blocks/claims")).json()
    assert [one["value"] for one in seen] == ["2001:db8::/60"]
    listed: list[dict[str, Any]] = (await http.get("/api/v1/pools")).json()
    assert [(one["name"], one["reserved"]) for one in listed] == [("blocks", 16), ("core-vni", 0)]
    assert (await http.delete(f"{place}/acme")).status_code == 204
    assert (await http.get("/api/v1/pools/blocks/claims")).json() == []
    one = (await http.get("/api/v1/pools/core-vni")).json()
    assert one["free"] == 4
    assert "no forecast" in one["forecast"]["why"]
    assert len((await http.get("/api/v1/pools/forecast")).json()) == 2


@pytest.mark.parametrize(
    "body",
    [
        {"key": "a b"},
        {"key": "a" * 65},
        {"key": "acme", "seconds": 0},
        {"key": "acme", "seconds": 1e12},
        {"key": "acme", "seconds": "60"},
        {"key": "acme", "value": ""},
        {"key": "acme", "value": "x" * 65},
        {"key": "acme", "other": 1},
        {},
    ],
)
async def test_what_cannot_be_kept_is_refused(
    http: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    answer = await http.post("/api/v1/pools/core-vni/reservations", json=body)
    assert answer.status_code == 422
