"""What a transaction intends per configuration store: gathered from the ledger, kept until its end.

A store on which nothing has to change takes no part in the transaction, but what the service owns
there is recorded all the same when it is done: a node that another service had brought before.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from oss_agent import inserting
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.intent import plan
from oss_agent.fulfilment.record import states, tables
from oss_agent.spi import catalogue, device
from oss_agent.spi.tree import EMPTY, Tree, from_json, to_json

_C = tables.intent.c
_INSERT = inserting.Insert(tables.intent)
_MINE = _C.transaction_id == sa.bindparam("at_transaction")
_FORGET = tables.intent.delete().where(_MINE)
_OF = tables.intent.select().where(_MINE).order_by(_C.device, _C.store)
"""Made once: to build a statement costs several times as much as to run it."""


@dataclass(frozen=True, slots=True)
class Intended:
    """What the service shall own in one store once the transaction is done; empty = nothing."""

    device: str
    store: str
    own: Tree


def gather(
    connection: sa.Connection,
    p: parts.Parts,
    service: str,
    wanted: Mapping[plan.Place, Tree],
    drivers: Mapping[str, device.Driver],
    policy: catalogue.OutOfBand,
) -> tuple[plan.Intent, ...]:
    """One intent per store where the service has something or shall have, by device and store."""
    has = p.ledger.configured(connection, service)
    found: list[plan.Intent] = []
    for name, store in sorted({*has, *wanted}):
        intent = plan.Intent(
            device=name,
            store=store,
            platform=drivers[name].platform,
            was=has.get((name, store), EMPTY),
            wanted=wanted.get((name, store), EMPTY),
            policy=policy,
        )
        found.append(_among_others(connection, p, service, intent))
    return tuple(found)


def _among_others(
    connection: sa.Connection, p: parts.Parts, service: str, intent: plan.Intent
) -> plan.Intent:
    others = p.ledger.neighbours(
        connection,
        device=intent.device,
        store=intent.store,
        paths=intent.roots,
        besides=service,
    )
    return dataclasses.replace(intent, others=others)


def keep(
    connection: sa.Connection, transaction: states.Transaction, changes: Sequence[plan.Change]
) -> None:
    """Write what is intended now; what an earlier attempt intended is replaced."""
    connection.execute(_FORGET, {"at_transaction": transaction.id})
    rows = [
        {
            "transaction_id": transaction.id,
            "device": one.intent.device,
            "store": one.intent.store,
            "tenant": transaction.tenant,
            "own": to_json(one.own),
        }
        for one in changes
    ]
    _INSERT.several(connection, rows)


def own(connection: sa.Connection, transaction: states.Transaction, change: plan.Change) -> None:
    """What the service shall own in one store is another than was kept."""
    table, intent = tables.intent, change.intent
    place = sa.and_(table.c.device == intent.device, table.c.store == intent.store)
    mine = table.update().where(table.c.transaction_id == transaction.id, place)
    connection.execute(mine.values(own=to_json(change.own)))


def of(connection: sa.Connection, transaction: states.Transaction) -> tuple[Intended, ...]:
    """What was written last, by device and store."""
    rows = connection.execute(_OF, {"at_transaction": transaction.id})
    return tuple(Intended(row.device, row.store, from_json(row.own)) for row in rows)
