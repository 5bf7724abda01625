"""Decides how the ports of a big box are written: ahead of the rest of its look, some at a time.

In one unit 20,000 of them would keep every order's commit waiting for seconds. A port that keeps its name,
or comes, is true by itself; so such ports are written first, each unit with its events, and the look
after them finds little left. Where a port is renamed or in doubt nothing is written ahead: who is who is
one decision, with all that hangs on it. Nothing breaks where this breaks off: until the last unit nothing
says that the ports are as they were seen, so the next look compares them all.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from inventory.facts import facts
from inventory.looks import device_identity, interface_rows, observed, sightings
from inventory.rows import cases, history, tables, tenancy
from inventory.services import resource_events
from oss_agent.spi import store

MANY: Final = 500
"""Ports in a unit; a box with no more of them is written in one."""
_BEGUN: Final = "ahead "
"""Before a digest: that much is being written. Whoever writes a port meanwhile takes it away."""
_I = tables.interfaces.c


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be written of a device's ports, and what stands for all of it."""

    device: str
    tenant: str
    digest: str
    steps: interface_rows.Steps
    at: datetime

    def units(self) -> Iterator[interface_rows.Steps]:
        """So many at a time."""
        changes, new = self.steps.changes, self.steps.new
        for start in range(0, len(changes), MANY):
            yield interface_rows.Steps(changes[start : start + MANY], (), complete=False)
        for start in range(0, len(new), MANY):
            yield interface_rows.Steps((), new[start : start + MANY], complete=False)


async def write(
    rows: store.Store,
    teller: resource_events.Teller,
    seen: facts.DeviceFacts,
    said: Mapping[str, str],
    at: datetime,
) -> None:
    """Write ahead what of a look's ports may be; ``said`` are its digests. StoreUnavailable, NotFound."""
    digest = said.get(facts.PORTS, "")
    if len(seen.interfaces or ()) <= MANY or await rows.read(
        lambda connection: _is_written(connection, seen.device, digest)
    ):
        return
    # Before the ports are read: what is written of them from here on takes the mark away.
    await rows.write(lambda connection: _mark(connection, seen.device, _BEGUN + digest))
    plan = await rows.read(lambda connection: _plan(connection, seen, digest, at))
    if plan is None:
        return
    whole = plan.steps.complete
    for some in plan.units():
        whole &= await rows.write(functools.partial(_write, plan=plan, some=some, teller=teller))
    if whole:
        await rows.write(lambda connection: _finish(connection, plan))


def _is_written(connection: sa.Connection, device: str, digest: str) -> bool:
    return sightings.written_digests(connection, device).get(facts.PORTS) == digest


def _plan(
    connection: sa.Connection, seen: facts.DeviceFacts, digest: str, at: datetime
) -> _Plan | None:
    """None where few are otherwise, or a person has to look first."""
    tenant = tenancy.of_device(connection, seen.device)
    swap = device_identity.swap(connection, seen)
    if swap is not None and not cases.accepted(connection, swap):
        return None
    look = observed.look(connection, seen, tenant, at)
    steps = interface_rows.steps(connection, look)
    if steps is None or len(steps.changes) + len(steps.new) <= MANY:
        return None
    return _Plan(seen.device, tenant, digest, steps, at)


def _write(
    connection: sa.Connection,
    *,
    plan: _Plan,
    some: interface_rows.Steps,
    teller: resource_events.Teller,
) -> bool:
    """False when somebody else wrote one of them meanwhile: the look itself will write that one."""
    changes = _still(connection, some)
    there = _there(connection, plan.device, [row["name"] for row in some.new])
    new = [row for row in some.new if row["name"] not in there]
    names = [row["name"] for row, _ in changes] + [row["name"] for row in new]
    ports = frozenset((plan.device, name) for name in names)
    with teller.around(connection, resource_events.Some(ports=ports), plan.at):
        history.replace(connection, tables.interfaces, changes, plan.at)
        history.begin_all(connection, tables.interfaces, new, plan.at)
    return len(names) == len(some.changes) + len(some.new)


def _still(
    connection: sa.Connection, some: interface_rows.Steps
) -> list[tuple[Mapping[Any, Any], Mapping[str, Any]]]:
    """Those whose row is the current one still: a row is never rewritten."""
    rows = [row["row"] for row, _ in some.changes]
    query = sa.select(_I.row).where(history.current(tables.interfaces), _I.row.in_(rows))
    current = set(connection.execute(query).scalars()) if rows else set[int]()
    return [change for change in some.changes if change[0]["row"] in current]


def _there(connection: sa.Connection, device: str, names: list[str]) -> frozenset[str]:
    query = sa.select(_I.name).where(
        history.current(tables.interfaces),
        _I.ledger == tables.OBSERVED,
        _I.device == device,
        _I.name.in_(names),
    )
    return frozenset(connection.execute(query).scalars()) if names else frozenset()


def _mark(connection: sa.Connection, device: str, mark: str) -> None:
    tenant = tenancy.of_device(connection, device)
    kept = sightings.written_digests(connection, device) | {facts.PORTS: mark}
    sightings.overwrite(connection, device, tenant, {"digests": kept})


def _finish(connection: sa.Connection, plan: _Plan) -> None:
    """The ports are as they were seen, unless a poll or another look wrote one meanwhile."""
    if _is_written(connection, plan.device, _BEGUN + plan.digest):
        _mark(connection, plan.device, plan.digest)
