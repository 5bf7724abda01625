"""Decides which cases are open: what the network says that a person should look at.

Whoever judges says all that it finds on a device and which kinds it judges; what it does not find any
more ends by itself. A case is told apart by what was seen (``evidence``), so that a person accepts
exactly that: something else in the same place is another case.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from inventory import history, tables
from oss_agent import errors, selecting
from oss_agent.spi import store
from oss_agent.spi.cases import CaseView
from oss_agent.spi.clock import Clock
from oss_agent.spi.query import Page, Query

_T, _C = tables.cases, tables.cases.c


@dataclass(frozen=True, slots=True)
class Case:
    """What is so (``text``), why probably (``cause``), and what a person may do (``action``).

    ``subject`` is a device or a port of it (``pe1:eth4``); ``kind`` a stable word.
    """

    device: str
    subject: str
    kind: str
    evidence: str
    text: str
    cause: str = ""
    action: str = ""

    @property
    def id(self) -> str:
        """The same for the same thing seen in the same place, also when it comes back."""
        told = f"{self.device}\0{self.subject}\0{self.kind}\0{self.evidence}"
        return hashlib.sha256(told.encode()).hexdigest()[:12]


def settle(
    connection: sa.Connection,
    tenant: str,
    device: str,
    kinds: Collection[str],
    found: Sequence[Case],
    at: datetime,
) -> None:
    """Make ``found`` the device's open cases of these kinds; the others of these kinds end."""
    mine = sa.and_(_C.device == device, _C.kind.in_(sorted(kinds)))
    query = sa.select(_T).where(history.current(_T), mine)
    before = {row["id"]: row for row in connection.execute(query).mappings()}
    new: dict[str, dict[str, Any]] = {}
    for case in found:
        row = before.pop(case.id, None)
        if row is None:
            new[case.id] = _row(case, tenant)
    history.end_rows(connection, _T, tuple(before.values()), at)
    history.begin_all(connection, _T, tuple(new.values()), at)


def accepted(connection: sa.Connection, case: Case) -> bool:
    """Did a person say that exactly this is right?"""
    query = sa.select(_C.row).where(
        history.current(_T), _C.id == case.id, _C.accepted_by.is_not(None)
    )
    return connection.execute(query).first() is not None


def unaccepted(connection: sa.Connection, device: str, kind: str) -> tuple[Case, ...]:
    """The open cases of a kind on a device that nobody accepted yet."""
    query = sa.select(_T).where(
        history.current(_T), _C.device == device, _C.kind == kind, _C.accepted_by.is_(None)
    )
    names = [one.name for one in dataclasses.fields(Case)]
    rows = connection.execute(query.order_by(_C.id)).mappings()
    return tuple(Case(**{name: row[name] for name in names}) for row in rows)


def _row(case: Case, tenant: str) -> dict[str, Any]:
    return {"tenant": tenant, "id": case.id, **dataclasses.asdict(case)}


class CasePort:
    """``spi.cases.Cases`` over the store; ``accepted`` hears of the device of each that was."""

    def __init__(
        self, store: store.Store, clock: Clock, accepted: Callable[[str], None] = lambda _: None
    ) -> None:
        self._store = store
        self._clock = clock
        self._accepted = accepted

    async def find(self, query: Query) -> Page[CaseView]:
        """Open cases that match. OrderRejected (400) naming a path that cannot be asked for."""
        return await self._store.read(lambda connection: _find(connection, query))

    async def accept(self, tenant: str, key: str, who: str) -> CaseView:
        """What was seen is right: the next discovery acts on it. NotFound when it is not open."""
        at = self._clock.now()
        view = await self._store.write(lambda c: _accept(c, tenant, key, who, at))
        self._accepted(view.device)
        return view


def _find(connection: sa.Connection, query: Query) -> Page[CaseView]:
    words: dict[str, sa.ColumnElement[Any]] = {
        name: _C[name] for name in ("id", "device", "subject", "kind")
    }
    rows = sa.select(_T).where(history.current(_T), _C.tenant == query.tenant)
    selection = selecting.Selection(rows, _C.tenant, selecting.texts(words), _C.id)
    page, total = selection.page(connection, query)
    return Page(tuple(_view(row) for row in page.mappings()), total)


def _accept(connection: sa.Connection, tenant: str, key: str, who: str, at: datetime) -> CaseView:
    one = sa.and_(history.current(_T), _C.tenant == tenant, _C.id == key)
    row = connection.execute(sa.select(_T).where(one)).mappings().first()
    if row is None:
        raise errors.NotFound(f"case {key}")
    # Not a new version: ``since`` is when it was found, and that did not change.
    connection.execute(
        sa.update(_T).where(_C.row == row["row"]).values(accepted_by=who, accepted_at=at)
    )
    return _view({**row, "accepted_by": who, "accepted_at": at})


def _view(row: Any) -> CaseView:
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
        since=row["valid_from"],
        accepted_by=row["accepted_by"],
        accepted_at=row["accepted_at"],
    )
