"""The ports in memory, an application over them, and the official schemas as a judge."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Generic, TypeVar

import httpx
from fastapi import APIRouter, FastAPI

from bss_bridge import application
from bss_bridge.engine.hrefs import Hrefs
from bss_bridge.engine.matching import matches
from bss_bridge.events import callbacks, hub, tables
from bss_bridge.resources import tmf638, tmf639, tmf641, tmf642
from oss_agent import audit as entries
from oss_agent import audit_trail, errors, store
from oss_agent.api import audit, health, network, outbox, state
from oss_agent.spi import clock, events, onboarding, orders, service_tests, views
from oss_agent.spi.moments import AsOf
from oss_agent.spi.query import Page, Query
from tests.unit.bss_bridge import official

T = TypeVar("T")
NOW = datetime(2026, 11, 21, 10, 2, tzinfo=UTC)
URL = "http://oss.example.net"
LINKS = Hrefs(URL)
PLAN = "00" * 32
SPEC = views.SpecificationRef("e-line", "1.0", "E-Line")


class StillClock:
    """Time that moves when a test says so."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    def boot(self) -> clock.BootTime:
        return clock.BootTime("boot", 0.0)


class MemoryPort(Generic[T]):
    """A port over a list: filters and sorts what the surface would show."""

    def __init__(self, rows: Sequence[T], shown: Callable[[T], dict[str, Any]]) -> None:
        self.rows = list(rows)
        self._shown = shown
        self.asked: list[Query] = []
        self.when: AsOf | None = None

    async def find(self, query: Query, when: AsOf | None = None) -> Page[T]:
        self.asked.append(query)
        self.when = when
        mine = [row for row in self.rows if getattr(row, "tenant", "default") == query.tenant]
        found = [row for row in mine if matches(self._shown(row), query.filters, query.either)]
        for key in reversed(query.sort):
            found.sort(
                key=lambda row: str(self._shown(row).get(key.path)),
                reverse=key.descending,
            )
        return Page(tuple(found[query.offset :][: query.limit]), len(found))

    async def get(self, tenant: str, key: str, when: AsOf | None = None) -> T:
        self.when = when
        for row in self.rows:
            shown = self._shown(row)
            if key in {shown["id"], shown.get("key")} and getattr(row, "tenant", "") == tenant:
                return row
        raise errors.NotFound(f"row {key}")


class MemoryOrders(MemoryPort[views.ServiceOrderView]):
    """Acknowledges everything; remembers what it was asked. ``failure`` is raised instead."""

    def __init__(self, rows: Sequence[views.ServiceOrderView] = ()) -> None:
        super().__init__(rows, lambda view: tmf641.render(view, LINKS))
        self.requests: list[orders.OrderRequest] = []
        self.amendments: list[orders.Amendment] = []
        self.failure: Exception | None = None

    async def submit(self, request: orders.OrderRequest) -> orders.Submitted:
        self.requests.append(request)
        if self.failure is not None:
            raise self.failure
        view = acknowledged(request, str(len(self.rows) + 1))
        self.rows.append(view)
        return orders.Submitted(view, created=True)

    async def plan(self, request: orders.OrderRequest) -> tuple[views.DryRun, ...]:
        self.requests.append(request)
        return tuple(
            views.DryRun(item.id, item.service_name or "", True, (), (), (), (), (), PLAN)
            for item in request.items
        )

    async def plans(self, tenant: str, key: str) -> tuple[views.PlanView, ...]:
        await self.get(tenant, key)
        return (views.PlanView("1", PLAN, None, True, {"pe1": "+ x"}, ""),)

    async def choose(self, tenant: str, by: str, key: str, policy: str) -> tuple[str, ...]:
        del tenant, by, key, policy
        raise AssertionError("nobody chooses here")

    async def approve(self, tenant: str, by: str, key: str, plan: str) -> str:
        await self.get(tenant, key)
        if not PLAN.startswith(plan):
            raise errors.OrderRejected(f"it waits with {PLAN}, not for {by}", status=409)
        return "1"

    async def amend(self, wish: orders.Amendment) -> views.ServiceOrderView:
        """Plain attributes only: what else changes is judged over the real rows."""
        self.amendments.append(wish)
        now = dataclasses.replace(wish.expected, **wish.attributes)
        self.rows[self.rows.index(wish.expected)] = now
        return now

    async def hold(self, tenant: str, by: str, key: str, reason: str) -> views.ServiceOrderView:
        del by, reason
        return await self.get(tenant, key)

    async def release(self, tenant: str, by: str, key: str) -> views.ServiceOrderView:
        del by
        return await self.get(tenant, key)

    async def explain(self, tenant: str, key: str) -> views.Explanation:
        order = await self.get(tenant, key)
        return views.Explanation(order.id, order.state, "waits for pe2", (), (), ())


class MemoryCancellations(MemoryPort[views.CancelView]):
    """Takes every wish; remembers it."""

    def __init__(self) -> None:
        super().__init__([], views.as_json)
        self.wishes: list[orders.CancelRequest] = []

    async def request(self, wish: orders.CancelRequest) -> views.CancelView:
        self.wishes.append(wish)
        first = views.TaskState.ACKNOWLEDGED
        task = views.CancelView(
            str(len(self.wishes)), wish.tenant, first, wish.order, wish.asked_by, NOW, wish.reason,
            wish.requested, extra=wish.extra,
        )  # fmt: skip
        self.rows.append(task)
        return task


class MemoryOnboarding(MemoryPort[views.DeviceView]):
    """Devices by name; discovery finds nothing new."""

    def __init__(self, rows: Sequence[views.DeviceView] = ()) -> None:
        super().__init__(rows, lambda view: views.as_json(view) | {"key": view.name})
        self.calls: list[tuple[Any, ...]] = []

    async def import_lab(
        self, tenant: str, files: Mapping[str, str], *, lab: str = "", by: str = ""
    ) -> onboarding.ImportReport:
        del by
        self.calls.append(("import", tenant, dict(files), *([lab] if lab else [])))
        return onboarding.ImportReport((onboarding.Imported("pe1", "created"),), 7)

    async def trust(
        self, tenant: str, device: str, fingerprint: str, *, by: str = ""
    ) -> views.DeviceView:
        del by
        self.calls.append(("trust", tenant, device, fingerprint))
        return await self.get(tenant, device)

    async def discover(
        self, tenant: str, device: str | None = None
    ) -> tuple[onboarding.Discovered, ...]:
        self.calls.append(("discover", tenant, device))
        return (onboarding.Discovered("pe1", 7, 2),)

    async def links(self, tenant: str, when: AsOf | None = None) -> tuple[views.LinkView, ...]:
        self.calls.append(("links", tenant, when))
        return (views.LinkView("pe1", "eth1", "pe2", "eth1", "both ends agree", NOW),)

    async def why(
        self, tenant: str, device: str, path: str | None = None
    ) -> tuple[onboarding.Owner, ...]:
        self.calls.append(("why", tenant, device, path))
        return (onboarding.Owner(path or "/a", "s1", "acme-hq-branch", "17", NOW),)


def acknowledged(request: orders.OrderRequest, key: str) -> views.ServiceOrderView:
    """What fulfilment would show of an order it has just taken."""
    items = tuple(
        views.OrderItemView(
            id=item.id,
            action=item.action,
            state=views.OrderState.ACKNOWLEDGED,
            specification=views.SpecificationRef(item.specification, "1.0", "E-Line"),
            service_id=item.service_id or f"s{key}.{item.id}",
            service_name=item.service_name or "",
            characteristics=item.characteristics,
            extra=item.extra,
            parent=item.parent,
        )
        for item in request.items
    )
    return views.ServiceOrderView(
        id=key,
        tenant=request.tenant,
        state=views.OrderState.ACKNOWLEDGED,
        order_date=NOW + timedelta(minutes=int(key)),
        requester=request.requester,
        items=items,
        external_id=request.external_id,
        description=request.description,
        category=request.category,
        priority=request.priority,
        requested_start=request.requested_start,
        requested_completion=request.requested_completion,
        extra=request.extra,
    )


def finished_order() -> views.ServiceOrderView:
    """An order with everything a view can carry."""
    error = views.ErrorView("proofFailed", "a predicate fails", "ping b1->b2 lost 10/10", NOW)
    evidence = views.EvidenceView(
        "ping", "ce1", "failed", "10 of 10 lost", NOW, {"loss": 1.0}, "raw", "ab" * 32
    )
    item = views.OrderItemView(
        id="1",
        action=views.ItemAction.ADD,
        state=views.OrderState.FAILED,
        specification=SPEC,
        service_id="s1",
        service_name="acme-hq-branch",
        characteristics={"bandwidth": 20, "a-end": {"device": "pe1"}, "tags": ["x"], "on": True},
        error=error,
        wait=views.WaitView("device pe2 is locked", NOW, None, "operator"),
        milestones=(("planned", NOW), ("proven", NOW)),
        evidence=(evidence,),
    )
    alert = views.JeopardyView(
        views.Jeopardy.HAZARD, "expectedCompletionDate", "device pe2 is locked", "late", NOW, ("1",)
    )
    return views.ServiceOrderView(
        "17", "default", views.OrderState.FAILED, NOW, "acme", (item,), "BSS-1", "an order",
        "network", "1", NOW, NOW, NOW, NOW, error, {"note": [{"text": "hello"}]},
        expected_completion=NOW, jeopardy=(alert,),
    )  # fmt: skip


def service(key: str = "s1", **changes: Any) -> views.ServiceView:
    """A service that runs."""
    view = views.ServiceView(
        key, "default", f"acme-{key}", "CFS", views.ServiceState.ACTIVE,
        views.OperatingStatus.RUNNING, SPEC, {"bandwidth": 20, "nothing": None}, "acme", NOW, NOW,
        None, "17", ("r1",), ("dev-pe1",), None, NOW,
    )  # fmt: skip
    return dataclasses.replace(view, **changes)


def resource(key: str = "dev-pe1", **changes: Any) -> views.ResourceView:
    """A device that works."""
    view = views.ResourceView(
        key, "default", "pe1", "device", "shuttingDown", "enabled", "active", "available",
        {"serial": "X1"}, (("contains", "port-pe1-eth4"),), NOW,
    )  # fmt: skip
    return dataclasses.replace(view, **changes)


def alarm(key: str = "a1", **changes: Any) -> views.AlarmView:
    """A link that is down."""
    view = views.AlarmView(
        key, "default", "raised", "communicationsAlarm", "linkDown", "eth4 is down",
        views.Severity.CRITICAL, "pe1:eth4", "port", NOW, NOW, None, True, True, ("s1",),
        ("trap", "poll"), 2, "link down pe1:eth4: check the cable",
    )  # fmt: skip
    return dataclasses.replace(view, **changes)


def service_test(**changes: Any) -> service_tests.ServiceTestView:
    """A test that found a tunnel down."""
    evidence = finished_order().items[0].evidence
    view = service_tests.ServiceTestView(
        "t1", "default", "is it well?", service_tests.Mode.ON_DEMAND,
        service_tests.ServiceTestState.FAILED, "s1", "acme-s1", SPEC, "acme", NOW,
        "asked at night", NOW, NOW, "17", "ping on h1: lost", evidence, {"priority": "1"},
    )  # fmt: skip
    return dataclasses.replace(view, **changes)


def usage(**changes: Any) -> views.UsageView:
    """Five minutes of octets."""
    view = views.UsageView(
        "u-1", "default", "s1", "acme-hq-branch", "acme", "pe1:eth4", NOW, NOW, 0, 3_482_113, 12,
        None, ("a", "b"),
    )  # fmt: skip
    return dataclasses.replace(view, **changes)


def device(name: str = "pe1") -> views.DeviceView:
    """A managed router."""
    return views.DeviceView(
        f"dev-{name}", "default", name, "frr_linux", "192.0.2.1", "pe", "hq", True, ("SHA256:x",),
        True, "X1", None, NOW, None, "",
    )  # fmt: skip


@dataclasses.dataclass
class World:
    """The application over ports in memory and a real store for its listeners."""

    app: FastAPI
    http: httpx.AsyncClient
    orders: MemoryOrders
    cancellations: MemoryCancellations
    services: MemoryPort[views.ServiceView]
    resources: MemoryPort[views.ResourceView]
    onboarding: MemoryOnboarding
    store: store.SqlStore
    ready: list[health.Part]


@contextlib.asynccontextmanager
async def world(
    tmp_path: Path,
    options: application.Options | None = None,
    *,
    allow: tuple[str, ...] = ("127.0.0.0/8", "::1"),
    extra: Sequence[APIRouter] = (),
    real: orders.Orders | None = None,
) -> AsyncIterator[World]:
    """Open everything; close it again. ``real`` are orders that stand before those in memory."""
    async with store.open_store(f"sqlite:///{tmp_path / 'hub.db'}") as rows:
        await rows.write(tables.METADATA.create_all)
        await rows.write(entries.METADATA.create_all)
        office = hub.HubOffice(rows, StillClock(), LINKS, callbacks.Policy.of(allow))
        book = MemoryOrders()
        services = MemoryPort([service()], lambda view: tmf638.render(view, LINKS))
        resources = MemoryPort([resource()], lambda view: tmf639.render(view, LINKS))
        alarms = MemoryPort([alarm()], lambda view: tmf642.render(view, LINKS))
        devices = MemoryOnboarding([device()])
        parts: list[health.Part] = [health.Part("store", ready=True, detail="writes")]
        tasks = MemoryCancellations()
        rooms = application.Rooms(
            real or book,
            tasks,
            services,
            resources,
            alarms,
            office,
        )
        operator = (
            network.router(devices, StillClock()),
            state.router(state.Ports(real or book, services, alarms), StillClock()),
            outbox.router(_Outbox()),
            audit.router(audit_trail.AuditTrail(rows), StillClock()),
            health.router(functools.partial(_readiness, parts), lambda: b"up 1\n"),
            *extra,
        )
        app = application.application(rooms, options or application.Options(), operator)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        judged = {"response": [official.watch]}
        async with httpx.AsyncClient(transport=transport, base_url=URL, event_hooks=judged) as http:
            yield World(app, http, book, tasks, services, resources, devices, rows, parts)


class _Outbox:
    async def find(self, tenant: str, asked: outbox.Asked) -> list[dict[str, Any]]:
        return [{"event": "e1", "tenant": tenant} | dataclasses.asdict(asked)]

    async def receivers(self, tenant: str) -> list[dict[str, str]]:
        return [{"receiver": "billing", "tenant": tenant}]

    async def event(self, tenant: str, key: str) -> outbox.Told:
        if (tenant, key) != ("default", "usage-a/b"):
            raise errors.NotFound(f"event {key}")
        kind = events.EventKind.USAGE_CREATE
        return outbox.Told(events.Event(key, kind, tenant, "usage:1", NOW, {}), None, [])

    async def again(self, tenant: str, receiver: str, event: str | None) -> int:
        if (tenant, receiver) != ("default", "billing") or event not in {"e1", None}:
            raise errors.NotFound(f"event {event}")
        return 1 if event else 7


async def _readiness(parts: list[health.Part]) -> health.Readiness:
    return health.Readiness(tuple(parts), ("t9",))


ORDER: dict[str, Any] = {
    "externalId": "BSS-1",
    "relatedParty": [
        {"id": "acme", "role": "customer", "@type": "RelatedParty", "@referredType": "Organization"}
    ],
    "note": [{"text": "call before noon"}],
    "serviceOrderItem": [
        {
            "id": "1",
            "action": "add",
            "service": {
                "name": "acme-hq-branch",
                "serviceType": "CFS",
                "serviceSpecification": {"id": "e-line", "href": f"{URL}/spec/e-line"},
                "serviceCharacteristic": [
                    {"name": "bandwidth", "value": 20, "valueType": "integer", "id": "c1"},
                    {"name": "a-end", "value": {"device": "pe1", "port": "eth4"}},
                ],
            },
        }
    ],
}


document = official.document
definition = official.definition
judge = official.judge
reference = official.reference
