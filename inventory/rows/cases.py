"""Decides which cases are open: what the network says that a person should look at.

Whoever judges says all that it finds on a device and which kinds it judges; what it does not find any
more ends by itself. A case is told apart by what was seen (``evidence``), so that a person decides
about exactly that: something else in the same place is another case. What a person decided about it
is on ``inventory.ledgers.case_desk``.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from inventory.rows import history, tables
from oss_agent.spi.cases import Decision

HARMLESS: Final = (Decision.ACCEPT.value, Decision.IGNORE.value)
"""What may be decided about any case: neither touches the network."""
_T, _C = tables.cases, tables.cases.c
_OPEN: Final = sa.select(_T).where(
    history.current(_T),
    # By tenant, too: what is of no device ("", a pool's value) is of several tenants.
    _C.tenant == sa.bindparam("at_tenant"),
    _C.device == sa.bindparam("at_device"),
    _C.kind.in_(sa.bindparam("at_kinds", expanding=True)),
)
"""Made once: every look at a device asks it a few times."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is so (``text``), why probably (``cause``), and what a person may do (``action``).

    ``subject`` is a device or a port of it (``pe1:eth4``); ``kind`` a stable word. ``actions`` are the
    decisions that are safe, of ``spi.cases.Decision``; ``owner`` who should look ("" is the operator).
    """

    device: str
    subject: str
    kind: str
    evidence: str
    text: str
    cause: str = ""
    action: str = ""
    actions: tuple[str, ...] = HARMLESS
    owner: str = ""

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
    mine = {"at_tenant": tenant, "at_device": device, "at_kinds": sorted(kinds)}
    before = {row["id"]: row for row in connection.execute(_OPEN, mine).mappings()}
    there = {case.id: case for case in found}
    gone = [row for key, row in before.items() if key not in there]
    new = [_row(case, tenant, at) for key, case in there.items() if key not in before]
    both = [
        (before[key], _again(before[key], case)) for key, case in there.items() if key in before
    ]
    history.end_rows(connection, _T, gone, at)
    history.replace(connection, _T, [one for one in both if history.differs(*one)], at)
    ignored = _ignored(connection, tenant, [row["id"] for row in new], at)
    begun = [{**row, **ignored.get(row["id"], _UNDECIDED)} for row in new]
    history.begin_all(connection, _T, begun, at)


def accepted(connection: sa.Connection, case: Case) -> bool:
    """Did a person say that exactly this is right?"""
    query = sa.select(_C.row).where(
        history.current(_T), _C.id == case.id, _C.decision == Decision.ACCEPT
    )
    return connection.execute(query).first() is not None


def unaccepted(connection: sa.Connection, device: str, kind: str) -> tuple[Case, ...]:
    """The open cases of a kind on a device that nobody accepted yet."""
    query = sa.select(_T).where(
        history.current(_T),
        _C.device == device,
        _C.kind == kind,
        sa.or_(_C.decision.is_(None), _C.decision != Decision.ACCEPT),
    )
    rows = connection.execute(query.order_by(_C.id)).mappings()
    return tuple(_case(row) for row in rows)


def standing(
    connection: sa.Connection, tenant: str, devices: Collection[str], kinds: Collection[str]
) -> Mapping[str, Case]:
    """The cases of these kinds that there are now on some devices, decided about or not, by id."""
    mine = sa.and_(_C.tenant == tenant, _C.device.in_(sorted(devices)), _C.kind.in_(sorted(kinds)))
    rows = connection.execute(sa.select(_T).where(history.current(_T), mine)).mappings()
    return {row["id"]: _case(row) for row in rows}


def safe(row: Mapping[Any, Any]) -> tuple[str, ...]:
    """What may be decided about the case of a row."""
    return HARMLESS if row["actions"] is None else tuple(row["actions"])


def _case(row: Mapping[Any, Any]) -> Case:
    names = [one.name for one in dataclasses.fields(Case)]
    told: dict[str, Any] = {name: row[name] for name in names}
    told["actions"] = safe(row)
    return Case(**told)


def _row(case: Case, tenant: str, at: datetime) -> dict[str, Any]:
    told = dataclasses.asdict(case) | _whose(case)
    return {"tenant": tenant, "id": case.id, "since": at, **told}


def _whose(case: Case) -> dict[str, Any]:
    """What may become other while the same is seen: who should look, and what is safe by now."""
    return {"owner": case.owner, "actions": list(case.actions)}


def _again(row: Mapping[Any, Any], case: Case) -> dict[str, Any]:
    """A new version is no new case: it keeps since when it is there, and says how much of it is left."""
    return _whose(case) | {"text": case.text, "since": row["since"] or row["valid_from"]}


_DECIDED: Final = ("decision", "decided_by", "decided_at", "reason", "until", "begun")
_UNDECIDED: Final[Mapping[str, Any]] = dict.fromkeys(_DECIDED) | {"reason": "", "begun": ""}


def _ignored(
    connection: sa.Connection, tenant: str, keys: Sequence[str], at: datetime
) -> Mapping[str, Mapping[str, Any]]:
    """Decisions to ignore that still hold of cases that were gone meanwhile.

    What comes and goes would else be back before its time.
    """
    if not keys:
        return {}
    told = sa.and_(_C.tenant == tenant, _C.id.in_(keys), _C.known_to.is_(None))
    query = sa.select(_C.id, *(_C[name] for name in _DECIDED)).where(told)
    rows = connection.execute(query.order_by(_C.valid_from)).mappings()
    last = {row["id"]: {name: row[name] for name in _DECIDED} for row in rows}
    return {
        key: row
        for key, row in last.items()
        if row["decision"] == Decision.IGNORE and row["until"] > at
    }
