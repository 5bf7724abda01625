"""An adoption is marked by an operator alone, and whoever sees the order sees that it is one."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from bss_bridge import application
from bss_bridge.engine import access as tokens
from bss_bridge.resources import tmf641
from oss_agent.spi import access
from tests.unit.bss_bridge import world

pytestmark = pytest.mark.anyio
ORDERS = "/tmf-api/serviceOrdering/v4/serviceOrder"
BSS, NOC = "0123456789abcdef-bss", "0123456789abcdef-noc"


@pytest.mark.parametrize(("token", "status"), [(BSS, 403), (NOC, 201)])
async def test_a_bss_does_not_mark_its_own_orders(token: str, status: int, tmp_path: Path) -> None:
    pairs = [
        (BSS, access.Caller("bss", "north", (access.Role.ORDERER,))),
        (NOC, access.Caller("noc", "north", (access.Role.ORDERER, access.Role.OPERATOR))),
    ]
    options = application.Options(tokens=tokens.Tokens.of(pairs))
    headers = {"Authorization": f"Bearer {token}", "Out-Of-Band": "as-is"}
    async with world.world(tmp_path, options) as it:
        answer = await it.http.post(ORDERS, json=world.ORDER, headers=headers)
        assert answer.status_code == status
        assert [one.by_hand for one in it.orders.requests] == ["as-is"] * (status == 201)


def test_the_order_says_that_it_is_one() -> None:
    order = world.finished_order()
    told = "adoption: what the devices have already becomes the service as it is"
    for adoption in (True, False):
        shown = tmf641.render(dataclasses.replace(order, adoption=adoption), world.LINKS)
        assert any(told in note["text"] for note in shown["note"]) is adoption
