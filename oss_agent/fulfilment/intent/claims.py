"""Which pool values a service holds: claimed by service and need, so that a modify keeps them.

What a modify needs anew is claimed under its own transaction too, beside what the service has: the
old value is given back when the change is done, the new one when it is not.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa

from oss_agent import errors, inserting
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.record import states, tables
from oss_agent.spi import catalogue, orders, views

_C = tables.claim.c
_INSERT = inserting.Insert(tables.claim)
_KNOWN = sa.select(_C.key).where(_C.key == sa.bindparam("at_key"))
_OF_SERVICE = sa.select(_C.key).where(_C.service_id == sa.bindparam("at_service"))
_OF_TRANSACTION = sa.select(_C.key).where(_C.transaction_id == sa.bindparam("at_transaction"))
_FORGET = tables.claim.delete().where(_C.key.in_(sa.bindparam("keys", expanding=True)))
"""Made once: to build a statement costs several times as much as to run it."""


def claim(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    item: orders.ItemRequest,
    has: Mapping[str, str],
    at: datetime,
) -> dict[str, str]:
    """A value for each need of the item; ``has`` are those of the service as it stands.

    Again for the same transaction: the same values, but where another one is wished for by now.
    Conflict when one is somebody else's.
    """
    values: dict[str, str] = {}
    taken: set[str] = set()
    for need in p.catalogue.needs(item):
        if keeps(need, has):
            values[need.name] = has[need.name]
            continue
        key = f"{item.service_id}.{need.name}" + (f"~{transaction.id}" if has else "")
        try:
            there = _there(item, need)
            values[need.name] = _claimed(connection, p, need, key, at, there=there)
        except errors.Conflict as held:
            raise _named(connection, p, transaction.tenant, held) from held
        except errors.ConfigurationError as lacking:
            raise _no_pool(item, need) from lacking
        _remember(connection, transaction, item.service_id or "", key, need.name)
        taken.add(key)
    _release(connection, p, _mine(connection, transaction) - taken, at)
    return values


def _claimed(
    connection: sa.Connection,
    p: parts.Parts,
    need: catalogue.PoolNeed,
    key: str,
    at: datetime,
    *,
    there: bool,
) -> str:
    claim = functools.partial(
        p.ledger.claim, pool=need.pool, key=key, wanted=need.wanted, at=at, there=there
    )
    try:
        return claim(connection)
    except errors.Conflict as held:
        if held.holder != key:
            raise
        # It has another value from when something else was wished for: its order was amended.
        p.ledger.release(connection, key=key, at=at)
        return claim(connection)


def likely(
    connection: sa.Connection,
    p: parts.Parts,
    tenant: str,
    item: orders.ItemRequest,
    need: catalogue.PoolNeed,
    beside: Collection[str],
) -> str:
    """What ``claim`` would give for one need; Conflict where it would refuse. Claims nothing."""
    key = f"{item.service_id}.{need.name}"
    try:
        there = _there(item, need)
        return p.ledger.likely(
            connection, need.pool, beside, key=key, wanted=need.wanted, there=there
        )
    except errors.Conflict as held:
        raise _named(connection, p, tenant, held) from held
    except errors.ConfigurationError as lacking:
        raise _no_pool(item, need) from lacking


def _no_pool(item: orders.ItemRequest, need: catalogue.PoolNeed) -> errors.OrderRejected:
    """A living service, or an order that was accepted, needs a value that it has not yet."""
    return errors.OrderRejected(
        f"{item.about} specification {item.specification} takes {need.name} from the pool {need.pool}, "
        "which there is not: add it to the settings",
        field=item.field("specification"),
        status=422,
        code="noSuchPool",
    )


def _there(item: orders.ItemRequest, need: catalogue.PoolNeed) -> bool:
    """Have the devices the value already? Of a new service that is adopted; an undo brings it back."""
    return item.action is views.ItemAction.ADD and need.name in item.claims


def keeps(need: catalogue.PoolNeed, has: Mapping[str, str]) -> bool:
    """Has the service a value for this need already, and is no other one wished for?

    A wish for any prefix of a length (``/29``) is met by one that has it.
    """
    held, wanted = has.get(need.name), need.wanted
    if held is None or wanted is None:
        return held is not None
    return wanted == held or (wanted.startswith("/") and held.endswith(wanted))


def settle(
    connection: sa.Connection,
    p: parts.Parts,
    transaction: states.Transaction,
    service: str,
    pools: Mapping[str, str],
    at: datetime,
) -> None:
    """The service has ``pools`` now: what it held before beside or beyond them goes back."""
    table = tables.claim
    rows = connection.execute(table.select().where(table.c.service_id == service)).all()
    renewed = {row.name for row in rows if row.transaction_id == transaction.id}
    stale = {
        row.key
        for row in rows
        if row.name not in pools or (row.name in renewed and row.transaction_id != transaction.id)
    }
    _release(connection, p, stale, at)


def give_back_of(
    connection: sa.Connection, p: parts.Parts, transaction: states.Transaction, at: datetime
) -> None:
    """What this transaction claimed beside what the service had. Safe twice."""
    _release(connection, p, _mine(connection, transaction), at)


def give_back_all(connection: sa.Connection, p: parts.Parts, service: str, at: datetime) -> None:
    """Everything a service holds. Safe twice."""
    held = connection.execute(_OF_SERVICE, {"at_service": service})
    _release(connection, p, set(held.scalars()), at)


def _mine(connection: sa.Connection, transaction: states.Transaction) -> set[str]:
    mine = connection.execute(_OF_TRANSACTION, {"at_transaction": transaction.id})
    return set(mine.scalars())


def _remember(
    connection: sa.Connection,
    transaction: states.Transaction,
    service: str,
    key: str,
    name: str,
) -> None:
    if connection.execute(_KNOWN, {"at_key": key}).first() is None:
        row = {
            "key": key,
            "tenant": transaction.tenant,
            "service_id": service,
            "transaction_id": transaction.id,
            "name": name,
        }
        _INSERT.one(connection, row)


def _named(
    connection: sa.Connection, p: parts.Parts, tenant: str, taken: errors.Conflict
) -> errors.Conflict:
    """The same with the holder's service and order for its key; another tenant's is not named."""
    if taken.holder is None:
        return taken
    service = taken.holder.partition(".")[0]
    known = p.ledger.service(connection, tenant, service)
    words = "a service of another tenant"
    if known is not None:
        words = f"service {known.id} ({known.name}, order {known.order})"
    return errors.Conflict(taken.reason.replace(taken.holder, words), holder=words)


def _release(connection: sa.Connection, p: parts.Parts, keys: set[str], at: datetime) -> None:
    for key in sorted(keys):
        p.ledger.release(connection, key=key, at=at)
    if keys:
        connection.execute(_FORGET, {"keys": list(keys)})
