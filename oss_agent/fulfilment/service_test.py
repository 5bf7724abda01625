"""Service tests as the surfaces see them, and the role that runs those that somebody asked for.

A test only reads, so a start simply runs again what a crash left open. A few run at once, a turn per
tenant, each within a bounded time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
import structlog

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.record import service_test_queries, service_test_rows
from oss_agent.fulfilment.transact import evidence, on_demand
from oss_agent.spi import query, service_tests, views
from oss_agent.spi.service_tests import ServiceTestState, ServiceTestView


class ServiceTests:
    """Implements ``spi.service_tests.ServiceTests``; ``run`` is its role."""

    def __init__(self, p: parts.Parts) -> None:
        self._p = p
        self._running: dict[str, str] = {}  # id -> tenant
        self._bell = asyncio.Event()

    async def request(self, wish: service_tests.ServiceTestRequest) -> ServiceTestView:
        """Store a test of a living service, synced; it runs afterwards."""

        def unit(connection: sa.Connection) -> ServiceTestView:
            services = self._p.ledger.snapshot(connection, wish.tenant).services
            service = _testable(wish, services.get(wish.service))
            _require_room(wish, service_test_rows.open_ones(connection), self._p.limits.tests_open)
            now = self._p.clock.now()
            return service_test_rows.ask(connection, self._p.events, wish, service, now)

        made = await self._p.journal.write("test_asked", unit)
        self._bell.set()
        return made

    async def find(self, asked: query.Query, /) -> query.Page[ServiceTestView]:
        """Tests that match; filter paths are TMF653 attribute names."""
        return await self._p.journal.read(lambda c: service_test_queries.find(c, asked))

    async def get(self, tenant: str, key: str) -> ServiceTestView:
        """One test; NotFound."""
        return await self._p.journal.read(lambda c: service_test_queries.get(c, tenant, key))

    async def run(self) -> None:
        """Run what is asked for, until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._bell.clear()
                for one in await self._due():
                    self._running[one.id] = one.tenant
                    group.create_task(self._carry_out(one))
                await self._bell.wait()

    async def _due(self) -> list[service_test_rows.Open]:
        while True:
            try:
                waiting = await self._p.journal.read(service_test_rows.open_ones)
                return choose(waiting, self._running, self._p.limits.tests)
            except errors.StoreUnavailable as trouble:
                structlog.get_logger().warning("service tests wait", reason=str(trouble))
                await asyncio.sleep(self._p.limits.retry)

    async def _carry_out(self, one: service_test_rows.Open) -> None:
        try:
            await self._tested(one)
        except errors.AgentError as trouble:
            log = structlog.get_logger()
            log.warning("service test is done again", id=one.id, reason=str(trouble))
            await asyncio.sleep(self._p.limits.retry)
        except Exception as fault:
            log = structlog.get_logger()
            log.exception("service test failed", id=one.id)
            await self._give_up(one, f"a fault of the agent: {type(fault).__name__}, see its log")
        finally:
            self._running.pop(one.id, None)
            self._bell.set()

    async def _give_up(self, one: service_test_rows.Open, reason: str) -> None:
        """Fail it: done again it would fail again, at every start."""

        def ended(connection: sa.Connection) -> None:
            now = self._p.clock.now()
            self._move(connection, one.id, ServiceTestState.FAILED, end=now, reason=reason)

        with contextlib.suppress(errors.StoreUnavailable):  # then it is open still, and run again
            await self._p.journal.write("test_given_up", ended)

    async def _tested(self, one: service_test_rows.Open) -> None:
        begun = self._p.clock.now()
        await self._p.journal.write(
            "test_begun",
            lambda c: self._move(c, one.id, ServiceTestState.IN_PROGRESS, start=begun),
        )
        found = await self._judged(one)

        def ended(connection: sa.Connection) -> None:
            for verdict in found.verdicts:
                evidence.keep_of_test(connection, self._p, one.id, one.tenant, verdict)
            state = ServiceTestState.FAILED if found.reason else ServiceTestState.COMPLETED
            self._move(connection, one.id, state, end=self._p.clock.now(), reason=found.reason)

        await self._p.journal.write("test_ended", ended)

    async def _judged(self, one: service_test_rows.Open) -> on_demand.Judged:
        asked = await self._p.journal.read(
            lambda c: on_demand.questions(c, self._p, one.tenant, one.service)
        )
        try:
            async with asyncio.timeout(self._p.limits.test_within):
                return await on_demand.judged(self._p, asked)
        except TimeoutError:
            seconds = self._p.limits.test_within
            return on_demand.Judged((), f"not everything was answered within {seconds:g} s")

    def _move(
        self,
        connection: sa.Connection,
        key: str,
        state: ServiceTestState,
        **columns: datetime | str | None,
    ) -> None:
        now = self._p.clock.now()
        service_test_rows.move(connection, self._p.events, key, state, now, **columns)


def choose(
    waiting: Sequence[service_test_rows.Open], running: Mapping[str, str], places: int
) -> list[service_test_rows.Open]:
    """Which tests start now: the tenant with the fewest in work first, its oldest first. Pure.

    ``running`` is the tenant of each test in work, by its id.
    """
    left = [one for one in waiting if one.id not in running]
    busy, chosen = Counter(running.values()), list[service_test_rows.Open]()
    while left and busy.total() < places:
        first = min(left, key=lambda one: busy[one.tenant])
        left.remove(first)
        chosen.append(first)
        busy[first.tenant] += 1
    return chosen


def _testable(
    wish: service_tests.ServiceTestRequest, service: views.ServiceView | None
) -> views.ServiceView:
    """The service, if it can be tested by that specification. OrderRejected."""
    if service is None or service.category != "CFS":
        raise errors.OrderRejected(
            f"there is no service {ascii(wish.service)[:60]}",
            field="relatedService.id",
            code="unknownService",
        )
    if service.state is not views.ServiceState.ACTIVE:
        raise errors.OrderRejected(
            f"service {service.id} is {service.state}: only an active one can be tested",
            field="relatedService.id",
            status=409,
            code="notActive",
        )
    of = service.specification
    if wish.specification != of.id or wish.version not in {None, of.version}:
        raise errors.OrderRejected(
            f"service {service.id} is of {of.id} {of.version}: it is tested by the specification "
            "with that id and version",
            field="testSpecification.id",
            code="invalidValue",
        )
    return service


def _require_room(
    wish: service_tests.ServiceTestRequest, waiting: Sequence[service_test_rows.Open], most: int
) -> None:
    same = next((row.id for row in waiting if row.service == wish.service), None)
    if same is not None:
        raise errors.OrderRejected(
            f"service {wish.service} is being tested: look at test {same}",
            field="relatedService.id",
            status=409,
            code="conflict",
        )
    if sum(row.tenant == wish.tenant for row in waiting) >= most:
        raise errors.OrderRejected(
            f"{most} tests wait already: ask again when some have ended",
            status=429,
            code="tooManyTests",
        )
