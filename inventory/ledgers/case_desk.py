"""Decides what may be decided about a case, and what becomes of it: ``spi.cases.Cases``.

To accept and to ignore is the desk's own; reverts and adoptions are begun by who is in charge of
the kind. A decision is a version of the case: what was decided by when stays answerable.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

import sqlalchemy as sa

from inventory.rows import cases, history, tables
from oss_agent import errors, selecting
from oss_agent.spi import store
from oss_agent.spi.cases import CaseState, CaseView, Decider, Decision
from oss_agent.spi.clock import Clock
from oss_agent.spi.moments import AsOf
from oss_agent.spi.query import Page, Query, Sort

Audit: TypeAlias = Callable[[sa.Connection, CaseView], None]
"""Told of each decision inside its unit."""
_T, _C = tables.cases, tables.cases.c
_BEGUN = (Decision.REVERT, Decision.ADOPT)


@dataclass(frozen=True, slots=True)
class _Wish:
    """Who decided what."""

    decision: str
    who: str
    reason: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Outside:
    """Whom the desk calls, and who carries out what.

    ``decided`` hears the device of each case that was decided about, ``audit`` each decision;
    ``deciders`` are by kind of case.
    """

    decided: Callable[[str], None] = lambda _: None
    audit: Audit = lambda _, __: None
    deciders: Mapping[str, Decider] = field(default_factory=dict[str, Decider])


class CasePort:
    """``spi.cases.Cases`` over the store."""

    def __init__(self, store: store.Store, clock: Clock, outside: Outside | None = None) -> None:
        self._store = store
        self._clock = clock
        self._outside = outside or Outside()

    async def find(self, query: Query, when: AsOf | None = None) -> Page[CaseView]:
        """Cases that match. OrderRejected (400) naming a path that cannot be asked for."""
        now = self._clock.now()
        return await self._store.read(lambda connection: _find(connection, query, when, now))

    async def get(self, tenant: str, key: str, when: AsOf | None = None) -> CaseView:
        """One case; NotFound when none such was there."""
        now = self._clock.now()
        return await self._store.read(lambda c: _view(_one(c, tenant, key, when), _at(when, now)))

    async def counts(self, tenant: str, when: AsOf | None = None) -> Mapping[str, int]:
        """How many there are, by state."""
        now = self._clock.now()
        return await self._store.read(lambda c: _counts(c, tenant, when, now))

    async def accept(self, tenant: str, key: str, who: str) -> CaseView:
        """What was seen is right: the next discovery acts on it. NotFound when it is not open."""
        return await self.decide(tenant, key, Decision.ACCEPT, who)

    async def decide(
        self,
        tenant: str,
        key: str,
        decision: str,
        who: str,
        *,
        reason: str = "",
        until: datetime | None = None,
    ) -> CaseView:
        """What a person decided. NotFound; OrderRejected naming what can be done instead."""
        wish = _Wish(decision, who, reason, until)
        at = self._clock.now()
        case = await self.get(tenant, key)
        _check(case, wish, at)
        begun = await self._begin(case, wish)
        view = await self._store.write(lambda c: self._decide(c, case, wish, begun))
        self._outside.decided(view.device)
        return view

    async def _begin(self, case: CaseView, wish: _Wish) -> str:
        """What a revert or adoption sets going; "" of other decisions."""
        if wish.decision not in _BEGUN:
            return ""
        decider = self._outside.deciders.get(case.kind)
        if decider is None:
            rest = [one for one in case.actions if one not in _BEGUN]
            raise _refused(case, wish, f"nothing here carries it out for {case.kind}", rest)
        return await decider.decide(case, wish.decision, wish.who)

    def _decide(
        self, connection: sa.Connection, case: CaseView, wish: _Wish, begun: str
    ) -> CaseView:
        at = self._clock.now()
        row = _one(connection, case.tenant, case.id, None)
        facts = {
            "since": row["since"] or row["valid_from"],
            "decision": wish.decision,
            "decided_by": wish.who,
            "decided_at": at,
            "reason": wish.reason,
            "until": wish.until,
            "begun": begun,
        }
        history.replace(connection, _T, [(row, facts)], at)
        view = _view({**row, **facts}, at)
        self._outside.audit(connection, view)
        return view


def by_kind(connection: sa.Connection, at: datetime) -> Mapping[str, int]:
    """How many cases wait for a person now, by kind."""
    waits = sa.and_(history.current(_T), _state(at) == CaseState.OPEN)
    query = sa.select(_C.kind, sa.func.count()).where(waits).group_by(_C.kind)
    return {kind: int(number) for kind, number in connection.execute(query)}


def _check(case: CaseView, wish: _Wish, at: datetime) -> None:
    """OrderRejected when it is not safe here, or its time does not fit."""
    if wish.decision not in case.actions:
        raise _refused(case, wish, f"that is not safe for {case.kind}", case.actions)
    ignoring = wish.decision == Decision.IGNORE
    if ignoring and (wish.until is None or wish.until <= at):
        raise errors.OrderRejected(
            "to ignore a case takes a moment to come, at which it is back by itself", field="until"
        )
    if not ignoring and wish.until is not None:
        raise errors.OrderRejected(
            f"only ignore has a time; {wish.decision} has none", field="until"
        )


def _refused(
    case: CaseView, wish: _Wish, why: str, rest: tuple[str, ...] | list[str]
) -> errors.OrderRejected:
    can = ", ".join(rest) or "nothing but what it says itself"
    return errors.OrderRejected(
        f"case {case.id} ({case.kind}) cannot be decided by {ascii(wish.decision)[:40]}: {why}; "
        f"what can be done: {can}",
        field="decision",
        status=409,
        code="notPossible",
    )


def _at(when: AsOf | None, now: datetime) -> datetime:
    return now if when is None else when.valid


def _state(at: datetime) -> sa.ColumnElement[str]:
    """``CaseState`` of a row at a moment, in SQL."""
    ignored = sa.and_(_C.decision == Decision.IGNORE, _C.until > at)
    return sa.case(
        (ignored, CaseState.IGNORED.value),
        (_C.decision == Decision.ACCEPT, CaseState.ACCEPTED.value),
        (_C.decision.in_(_BEGUN), CaseState.BEGUN.value),
        else_=CaseState.OPEN.value,
    )


def _state_of(row: Mapping[Any, Any], at: datetime) -> CaseState:
    """The same of a row that was read."""
    if row["decision"] == Decision.IGNORE:
        return CaseState.IGNORED if row["until"] > at else CaseState.OPEN
    if row["decision"] == Decision.ACCEPT:
        return CaseState.ACCEPTED
    return CaseState.BEGUN if row["decision"] in _BEGUN else CaseState.OPEN


def _find(
    connection: sa.Connection, query: Query, when: AsOf | None, now: datetime
) -> Page[CaseView]:
    at = _at(when, now)
    words: dict[str, sa.ColumnElement[Any]] = {
        name: _C[name] for name in ("id", "device", "subject", "kind", "owner", "decided_by")
    }
    state = selecting.Attribute(_state(at), words=[one.value for one in CaseState])
    since = selecting.Attribute(sa.func.coalesce(_C.since, _C.valid_from), selecting.moment)
    rows = sa.select(_T).where(history.there(_T, when), _C.tenant == query.tenant)
    attributes = {**selecting.texts(words), "state": state, "since": since}
    selection = selecting.Selection(rows, _C.tenant, attributes, _C.id)
    page, total = selection.page(connection, query if query.sort else _newest_last(query))
    return Page(tuple(_view(row, at) for row in page.mappings()), total)


def _newest_last(query: Query) -> Query:
    """As a terminal shows best what is new; an id says nothing of when."""
    return dataclasses.replace(query, sort=(Sort("since"),))


def _counts(
    connection: sa.Connection, tenant: str, when: AsOf | None, now: datetime
) -> Mapping[str, int]:
    state = _state(_at(when, now)).label("state")
    query = sa.select(state, sa.func.count()).where(history.there(_T, when), _C.tenant == tenant)
    return {word: int(number) for word, number in connection.execute(query.group_by(state))}


def _one(connection: sa.Connection, tenant: str, key: str, when: AsOf | None) -> Mapping[Any, Any]:
    mine = sa.and_(_C.tenant == tenant, _C.id == key)
    row = connection.execute(sa.select(_T).where(mine, history.there(_T, when))).mappings().first()
    if row is None:
        raise errors.NotFound(f"case {key}")
    return row


def _view(row: Mapping[Any, Any], at: datetime) -> CaseView:
    return CaseView(
        id=row["id"],
        tenant=row["tenant"],
        device=row["device"],
        subject=row["subject"],
        kind=row["kind"],
        text=row["text"],
        cause=row["cause"],
        action=row["action"],
        evidence=row["evidence"],
        since=row["since"] or row["valid_from"],
        owner=row["owner"] or "operator",
        actions=cases.safe(row),
        state=_state_of(row, at),
        decision=row["decision"],
        decided_by=row["decided_by"],
        decided_at=row["decided_at"],
        reason=row["reason"],
        until=row["until"],
        begun=row["begun"],
    )
