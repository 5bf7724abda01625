"""What a billing system says of a customer's debt, through the real orders to the routers and back."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from bss_bridge.connectors import inbound, inbound_plain, record, sender
from bss_bridge.engine import hrefs
from inventory.services import ports
from oss_agent.spi import events
from tests.integration.fulfilment import world as worlds
from tests.integration.fulfilment.world import World

pytestmark = pytest.mark.anyio
SECRET = "0123456789abcdef"


@dataclasses.dataclass
class Billing:
    """The billing system's side: it says something, and hears what became of it."""

    world: World
    office: inbound.Office

    async def say(self, key: str, action: str) -> dict[str, Any]:
        """The answer; the order that it became is carried out."""
        body = json.dumps({"id": key, "action": action, "service": "acme"}).encode()
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {"x-signature": f"sha256={signature}", "content-type": "application/json"}
        answer = await self.office.receive("own", inbound.Sent(headers, {}, body))
        await self.world.run_to_the_end()
        said: dict[str, Any] = json.loads(bytes(answer.body))
        return said

    async def heard(self) -> list[str]:
        """The changes of the service that a connector is told, in order."""
        asked = worlds.EVENTS.select().where(worlds.EVENTS.c.entity == "service:s1-1")
        rows = await self.world.rows.read(
            lambda c: c.execute(asked.order_by(worlds.EVENTS.c.number)).all()
        )
        facts = [record.fact(_event(row)) for row in rows]
        return [one.change.value for one in facts if isinstance(one, record.Status)]


def _event(row: Any) -> events.Event:
    since = row.payload["status_since"]
    at = datetime.fromisoformat(since)
    return events.Event(row.id, events.EventKind(row.kind), "default", row.entity, at, row.payload)


@pytest.fixture
async def billing(tmp_path: Path) -> AsyncIterator[Billing]:
    async with worlds.open_world(tmp_path) as world, httpx.AsyncClient() as http:
        line = inbound.Line("own", worlds.TENANT, inbound_plain.PlainEar(SECRET), by_name=True)
        office = inbound.Office(
            {"own": line},
            sender.Mouth(http, world.clock),
            world.orders,
            ports.ServicePort(world.rows),
            hrefs.Hrefs("http://agent"),
        )
        yield Billing(world, office)


async def test_a_debt_suspends_a_payment_resumes_and_the_end_terminates(billing: Billing) -> None:
    world = billing.world
    before = await world.snapshots()
    await world.order()
    await world.run_to_the_end()
    whole = await world.snapshots()

    down = await billing.say("1", "suspend")
    assert await world.snapshots() == before
    assert await billing.say("1", "suspend") == down, "said again it is the same order"
    up = await billing.say("2", "resume")
    assert await world.snapshots() == whole
    assert down["serviceOrder"]["id"] != up["serviceOrder"]["id"]
    await billing.say("3", "suspend")
    await billing.say("4", "terminate")
    assert await world.snapshots() == before
    assert (await billing.say("5", "suspend"))["done"] == "nothing"
    assert await billing.heard() == ["started", "suspended", "resumed", "suspended", "terminated"]
    order = await world.get(down["serviceOrder"]["id"])
    assert (order.requester, order.description) == (
        "billing:own",
        "suspend for non-payment, by own",
    )
