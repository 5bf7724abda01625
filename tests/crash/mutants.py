"""Bugs planted in a victim's own process, to see that the checker finds them. Never in product code.

Each is a mistake that somebody makes: an answer before the disk, a lease forgotten, a retry with a
new key. They are planted at the seams that every journal write and device call passes.
"""

# pyright: reportPrivateUsage=false
# A bug is planted inside, where only the room itself has business.
from __future__ import annotations

import asyncio
import dataclasses
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from bss_bridge.events import delivery
from inventory.planning import ledger
from inventory.pools import pool_claims
from oss_agent import database, outbox
from oss_agent.fulfilment.ordering import intake
from oss_agent.fulfilment.record import journal, order_rows, states, tables
from oss_agent.fulfilment.talk import contact
from oss_agent.fulfilment.transact import observer, on_demand
from oss_agent.fulfilment.trees import tree
from oss_agent.fulfilment.turn import leases, watch
from oss_agent.spi import events, orders

_NEVER = 60.0
"""Seconds: who is to die before something is written dies sooner, on the busiest machine too."""
T = TypeVar("T")
Unit = Callable[[sa.Connection], Any]
Write = Callable[[journal.Journal, str, Unit], Awaitable[Any]]


def _replace(owner: object, **new: Any) -> None:
    """Put these in the place of what is there, in this process only."""
    for name, value in new.items():
        setattr(owner, name, value)


def _nothing(*_: object, **__: object) -> None:
    """Do nothing, and say nothing."""


def _yes(*_: object) -> bool:
    return True


class _Undone(Exception):
    """Takes a unit back after its value is known."""


async def _tried(of: journal.Journal, unit: Unit) -> Any:
    """A unit's value without its effect."""
    values: list[Any] = []

    def trial(connection: sa.Connection) -> None:
        values.append(unit(connection))
        raise _Undone

    try:
        await of._rows.write(trial)
    except _Undone:
        return values[0]


def _written(around: Callable[[Write], Write]) -> None:
    _replace(journal.Journal, write=around(journal.Journal.write))


def _ack_before_sync() -> None:
    """201 is sent while the order is still to be written."""
    later: list[asyncio.Task[Any]] = []

    def around(real: Write) -> Write:
        async def soon(of: journal.Journal, name: str, unit: Unit) -> Any:
            await asyncio.sleep(_NEVER)
            return await real(of, name, unit)

        async def write(of: journal.Journal, name: str, unit: Unit) -> Any:
            if name != "accept":
                return await real(of, name, unit)
            value = await _tried(of, unit)
            later.append(asyncio.create_task(soon(of, name, unit)))
            return value

        return write

    _written(around)


def _commit_before_row() -> None:
    """The commit is sent before the COMMITTING row is written."""
    owed: list[Unit] = []

    def around(real: Write) -> Write:
        async def write(of: journal.Journal, name: str, unit: Unit) -> Any:
            if name == "committing":
                value = await _tried(of, unit)
                owed.append(unit)
                return value
            while name == "held" and owed:
                await real(of, "committing", owed.pop())
            return await real(of, name, unit)

        return write

    _written(around)


def _after(name: str, sql: str) -> None:
    """Let a statement follow every write of this name."""

    def around(real: Write) -> Write:
        async def write(of: journal.Journal, written: str, unit: Unit) -> Any:
            value = await real(of, written, unit)
            if written == name:
                await of._rows.write(lambda c: c.execute(sa.text(sql)).rowcount)
            return value

        return write

    _written(around)


def _pre_image_lost() -> None:
    """What was there before is overwritten with what shall be."""
    _after("committing", "UPDATE ord_participant SET before = target WHERE state = 'committing'")


def _undo_skipped() -> None:
    """One device counts as undone without anybody having talked to it."""
    real = journal.decide
    skipped = sa.text(
        "UPDATE ord_participant SET state = 'reverted' WHERE device = 'pe2' AND EXISTS (SELECT 1 "
        "FROM ord_decision d WHERE d.transaction_id = ord_participant.transaction_id "
        "AND d.attempt = ord_participant.attempt AND d.verdict = 'abort')"
    )

    def decide(
        connection: sa.Connection, transaction: states.Transaction, wanted: states.Decision
    ) -> states.Decision:
        decided = real(connection, transaction, wanted)
        connection.execute(skipped)
        return decided

    _replace(journal, decide=decide)


def _no_lease() -> None:
    """Whoever comes works on the device."""

    def take(*_: object) -> tuple[leases.Blocker, ...]:
        return ()

    _replace(leases, take=take)
    _replace(leases, must_stand=_nothing)


def _key_forgotten() -> None:
    """A request that is sent again is a new order."""
    real = order_rows.insert

    def insert(connection: sa.Connection, request: orders.OrderRequest, *rest: Any) -> object:
        bare = dataclasses.replace(request, idempotency_key=None, external_id=None)
        return real(connection, bare, *rest)

    _replace(intake, known=_nothing)
    _replace(order_rows, insert=insert)


def _key_of_each_try() -> None:
    """Every try at billing carries a key of its own."""
    real = delivery.post

    async def post(http: Any, parcel: delivery.Parcel, *rest: Any, **more: Any) -> Any:
        fresh = dataclasses.replace(parcel, key=secrets.token_hex(8))
        return await real(http, fresh, *rest, **more)

    _replace(delivery, post=post)


def _decision_forgotten() -> None:
    """After a crash nobody looks whether it was decided: what is unfinished is undone."""
    real = journal.decide

    def decide(
        connection: sa.Connection, transaction: states.Transaction, wanted: states.Decision
    ) -> states.Decision:
        if wanted.cause is states.Cause.INTERRUPTED:
            table = tables.decision
            mine = table.c.transaction_id == transaction.id
            connection.execute(table.delete().where(mine, table.c.attempt == transaction.attempt))
        return real(connection, transaction, wanted)

    _replace(journal, decide=decide)


def _decision_in_memory() -> None:
    """It is decided, confirmed and told; the decision itself is never written."""
    made: dict[tuple[str, int], states.Decision] = {}
    read, decide = journal.decision, journal.decide

    def remember(
        connection: sa.Connection, transaction: states.Transaction, wanted: states.Decision
    ) -> states.Decision:
        key = (transaction.id, transaction.attempt)
        if wanted.verdict is states.Verdict.COMMIT:
            return made.setdefault(key, wanted)
        return made.get(key) or decide(connection, transaction, wanted)

    def recall(
        connection: sa.Connection, transaction: states.Transaction
    ) -> states.Decision | None:
        return made.get((transaction.id, transaction.attempt)) or read(connection, transaction)

    _replace(journal, decide=remember, decision=recall)


def _outbox_outside() -> None:
    """Events are written after the unit that they tell of."""
    real = outbox.Outbox.append
    later: list[asyncio.Task[Any]] = []

    async def soon(of: outbox.Outbox, event: events.Event) -> None:
        await asyncio.sleep(_NEVER)
        await of._store.write(lambda c: real(of, c, event))

    def append(self: outbox.Outbox, connection: sa.Connection, event: events.Event) -> None:
        loop = self._loop
        if loop is None:
            real(self, connection, event)
        else:
            loop.call_soon_threadsafe(lambda: later.append(loop.create_task(soon(self, event))))

    _replace(outbox.Outbox, append=append)


def _told_twice() -> None:
    """A report that is run again tells everything again."""
    real = outbox.Outbox.append

    def append(self: outbox.Outbox, connection: sa.Connection, event: events.Event) -> None:
        real(self, connection, event)
        real(self, connection, dataclasses.replace(event, id=f"{event.id}-{secrets.token_hex(4)}"))

    _replace(outbox.Outbox, append=append)


def _claim_kept() -> None:
    """What a service held is never given back."""
    _replace(ledger.SqlLedger, release=_nothing)


def _claim_dropped() -> None:
    """What a service holds is given back when it comes to life."""
    real = ledger.SqlLedger.own

    def own(self: ledger.SqlLedger, connection: sa.Connection, **of: Any) -> None:
        real(self, connection, **of)
        at: datetime = of["at"]
        pool_claims.release(connection, key=f"{of['service']}.vni", at=at)

    _replace(ledger.SqlLedger, own=own)


def _trusts_ok() -> None:
    """<ok/> is taken for a proof: whatever is read back counts as what was wanted."""
    _replace(tree, same=_yes)


def _save_skipped() -> None:
    """Running is never saved to startup."""
    real = contact.Talk.call

    async def call(self: contact.Talk, name: str, act: Any, **more: Any) -> Any:
        return None if name == "save" else await real(self, name, act, **more)

    _replace(contact.Talk, call=call)


def _fault_in_vote() -> None:
    """No bug to be found, but one to be survived: the vote always fails unforeseen."""

    async def look(*_: object) -> None:
        raise ZeroDivisionError("planted")

    _replace(observer, look=look)


def _fault_in_test() -> None:
    """Another one: every service test on demand fails unforeseen."""

    async def judged(*_: object) -> None:
        raise ZeroDivisionError("planted")

    _replace(on_demand, judged=judged)


def _looks_often() -> None:
    """No bug at all: whoever looks after promises does so five times a second, and 240 s ahead."""

    async def run(self: watch.Watch) -> None:
        ahead = dataclasses.replace(self._p.limits, watch_every=120.0)
        self._p = dataclasses.replace(self._p, limits=ahead)
        while True:
            await self.look()
            await asyncio.sleep(0.2)

    _replace(watch.Watch, run=run)


def _never_synced() -> None:
    """What is written stays in the kernel's memory: only a power cut shows it (test_power_cut)."""
    real = database._at_connect

    def at_connect(engine: sa.Engine, *statements: str) -> None:
        real(
            engine, *(one.replace("synchronous = FULL", "synchronous = OFF") for one in statements)
        )

    _replace(database, _at_connect=at_connect)


MUTANTS: Mapping[str, Callable[[], None]] = {
    "ack_before_sync": _ack_before_sync,
    "commit_before_row": _commit_before_row,
    "pre_image_lost": _pre_image_lost,
    "undo_skipped": _undo_skipped,
    "no_lease": _no_lease,
    "key_forgotten": _key_forgotten,
    "key_of_each_try": _key_of_each_try,
    "decision_forgotten": _decision_forgotten,
    "decision_in_memory": _decision_in_memory,
    "outbox_outside": _outbox_outside,
    "told_twice": _told_twice,
    "claim_kept": _claim_kept,
    "claim_dropped": _claim_dropped,
    "trusts_ok": _trusts_ok,
    "save_skipped": _save_skipped,
}


_OTHERS: Mapping[str, Callable[[], None]] = {
    "fault_in_vote": _fault_in_vote,
    "fault_in_test": _fault_in_test,
    "looks_often": _looks_often,
    "never_synced": _never_synced,
}
"""Not for the checker to find in its worlds."""


def plant(name: str) -> None:
    """Plant one, by name."""
    {**MUTANTS, **_OTHERS}[name]()
