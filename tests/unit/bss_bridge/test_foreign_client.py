"""A client that nobody here wrote speaks to the served surfaces: ``tmforum`` from PyPI."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tmforum  # type: ignore[import-untyped]  # annotated, but it does not say so (no py.typed)

from bss_bridge import records
from bss_bridge.engine import serve, surface
from bss_bridge.resources import catalogues, resource_ordering, tmf635
from oss_agent.catalog import collection, shelf
from tests.unit.bss_bridge import test_records, world

pytestmark = pytest.mark.anyio


def _context(url: str) -> Any:
    context = tmforum.Context(api_base_url=f"{url}/tmf-api", access_token="")
    context.headers = {"Content-Type": "application/json", "Accept": "application/json"}
    context.strict_parsing = True
    return context


async def _with_client(tmp_path: Path, story: Callable[[Any], None]) -> world.World:
    kept = records.Records(
        world.MemoryPort([world.usage()], lambda view: tmf635.kept(view, world.LINKS)),
        world.MemoryPort(test_records.HAPPENED, lambda one: {"id": one.id}),
    )
    shown = shelf.Shelf(collection.load())
    extra = (
        *records.routers(kept, world.LINKS, surface.Paging()),
        *resource_ordering.routers(
            test_records.ordered(test_records.ORDERED), world.LINKS, surface.Paging()
        ),
        *catalogues.routers(shown, world.LINKS, surface.Paging()),
    )
    async with world.world(tmp_path, extra=extra) as it, asyncio.timeout(300):
        role = serve.HttpRole(it.app, serve.listen(serve.Bind(port=0)))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(role.run())
            await role.wait_started()
            try:
                await asyncio.to_thread(story, _context(role.url))
            finally:
                role.stop()
        return it


async def test_it_orders_reads_and_lists_service_orders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def story(context: Any) -> None:
        sent = tmforum.ServiceOrder.from_dict(world.ORDER | {"@type": "ServiceOrder"}, strict=True)
        made = sent.create(context)
        assert (made.id, made.state.value) == ("1", "acknowledged")
        (item,) = made.serviceOrderItem
        assert (item.action.value, item.service.name) == ("add", "acme-hq-branch")
        assert made.read(context).to_dict() == made.to_dict()
        assert tmforum.ServiceOrder.from_id("9", context) is None
        (found,) = tmforum.ServiceOrder.query_get("externalId=BSS-1&state=acknowledged", context)
        assert found.id == "1"
        assert tmforum.ServiceOrder.query_get("state=completed", context) == []
        task: Any = tmforum.CancelServiceOrder(serviceOrder=tmforum.ServiceOrderRef(id="1"))
        assert task.create(context).serviceOrder.id == "1"

    it = await _with_client(tmp_path, story)
    assert it.orders.requests[0].items[0].characteristics["bandwidth"] == 20


async def test_it_reads_resource_orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def story(context: Any) -> None:
        (found,) = tmforum.ResourceOrder.query_get("orderItem.resource.id=pe1", context)
        assert (found.id, str(found.state)) == ("3", "completed")
        assert found.orderItem[0].resource.id == "pe1"

    await _with_client(tmp_path, story)


async def test_it_walks_the_service_catalog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def story(context: Any) -> None:
        catalog: Any = tmforum.ServiceCatalog.query_get("name=The service catalog", context)[0]
        category: Any = tmforum.ServiceCategory.from_id(catalog.category[0].id, context)
        assert "eline" in {one.id for one in category.serviceCandidate}
        candidate: Any = tmforum.ServiceCandidate.from_id("eline", context)
        assert candidate.serviceSpecification.id == "eline"

    await _with_client(tmp_path, story)
