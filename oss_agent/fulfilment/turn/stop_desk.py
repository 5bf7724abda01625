"""Where people stop writes and let them go again: implements ``spi.stops.Stops`` over the rows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from oss_agent import audit, errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.turn import breaker, stop_rows
from oss_agent.spi import ledger, stops


class StopDesk:
    """The one place stops come from, except the circuit breaker's."""

    def __init__(self, p: parts.Parts) -> None:
        self._p = p

    async def standing(self, tenant: str) -> tuple[stops.StopView, ...]:
        """Stops that hold or will hold."""
        at = self._p.clock.now()
        return await self._p.journal.read(lambda c: stop_rows.standing(c, tenant, at))

    async def stop(self, tenant: str, by: str, request: stops.StopRequest) -> stops.StopView:
        """Set one; the audit says by whom."""

        def unit(connection: sa.Connection) -> stops.StopView:
            at = self._p.clock.now()
            _check(request, self._p.ledger.snapshot(connection, tenant), at)
            cause = stops.Cause.OPERATOR
            view = stop_rows.put(connection, tenant, request, cause=cause, by=by, at=at)
            self._note(connection, tenant, by, "stop", view)
            return view

        return await self._p.journal.write("stop", unit)

    async def lift(self, tenant: str, by: str, key: int) -> stops.StopView:
        """End one; whoever waited for it looks now."""

        def unit(connection: sa.Connection) -> stops.StopView:
            at = self._p.clock.now()
            view = stop_rows.lift(connection, tenant, key, by=by, at=at)
            if view is None:
                raise errors.NotFound(f"stop {key}")
            self._note(connection, tenant, by, "resume", view)
            stop_rows.wake(connection, tenant, at)
            if view.cause is stops.Cause.BREAKER:
                self._p.alarms.clear(connection, breaker.key(view.name), at)
            return view

        view = await self._p.journal.write("resume", unit)
        self._p.bell.set()
        return view

    def _note(
        self, connection: sa.Connection, tenant: str, by: str, action: str, view: stops.StopView
    ) -> None:
        subject = f"{view.scope}:{view.name}" if view.name else view.scope
        detail = {"stop": view.id, "reason": view.reason}
        entry = audit.Entry(tenant, self._p.clock.now(), by, action, subject, detail)
        audit.append(connection, entry)


def _check(request: stops.StopRequest, known: ledger.Snapshot, at: datetime) -> None:
    """OrderRejected naming the field: a stop for what does not exist would stop nothing."""
    if (request.scope is stops.Scope.ALL) is bool(request.name):
        raise errors.OrderRejected(
            f"scope {request.scope} "
            + ("covers everything: leave the name out" if request.name else "needs a name"),
            field="name",
            code="invalidValue",
        )
    if not request.reason.strip():
        raise errors.OrderRejected("say why: others will read it", field="reason")
    if request.ends and request.ends <= (request.begins or at):
        begins = "it begins" if request.begins else f"now ({at:%Y-%m-%dT%H:%M:%SZ})"
        why = f"it ends before {begins}: it would stop nothing"
        raise errors.OrderRejected(why, field="ends", code="invalidValue")
    if request.name and request.name not in _names(request.scope, known):
        there = ", ".join(sorted(_names(request.scope, known))) or "none"
        raise errors.OrderRejected(
            f"there is no {request.scope} of that name; there are: {there}"[:500],
            field="name",
            code="invalidValue",
        )


def _names(scope: stops.Scope, known: ledger.Snapshot) -> Collection[str]:
    of = known.devices.values()
    return {
        stops.Scope.DEVICE: {one.name for one in of},
        stops.Scope.SITE: {one.site for one in of if one.site},
        stops.Scope.PLATFORM: {one.platform for one in of if one.platform},
    }.get(scope, set())
