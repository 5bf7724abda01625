"""Decides whether one more login may be tried on a device: so many refusals in a window, and no more.

It counts over all requests and restarts: an attempt is on disk before it is sent, and one that a crash
cut short counts as refused. It counts by device, and by account in a row over all devices, for many
devices may ask one server about it. Of one account at one device the agent's own work may have one
refusal, orders two, and a person who tries logins the third: so the way to mend it stays open. When a
device's stored login is sent says ``stored_logins``; its rows are here, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from inventory.rows import tables

BEGUN, TAKEN, REFUSED, _OTHER = "begun", "taken", "refused", "other"
COUNTED: Final = (BEGUN, REFUSED)
"""What counts as refused: of what was only begun nobody lived to see it."""
_A: Final = tables.login_attempts.c


@dataclass(frozen=True, slots=True)
class Limits:
    """``refusals`` of one device, ``in_a_row`` of one account wherever, within ``window``.

    Fewer than what locks an account on any router or server.
    """

    refusals: int = 2
    in_a_row: int = 3
    window: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A login that is about to be sent; ``login`` is the account's name.

    ``secret`` tells a stored password from another, None of one that a person has tried; ``by`` is for what.
    """

    tenant: str
    device: str
    login: str
    at: datetime
    secret: str | None = None
    by: str = ""


def begin(connection: sa.Connection, one: Attempt, limits: Limits) -> int | str:
    """Note an attempt before it is sent; why not, in words, where too many were refused lately."""
    forget_old(connection, one.at - limits.window)
    tried = _A.secret.is_(None)
    if _refused(connection, sa.and_(tried, _A.device == one.device)) >= limits.refusals:
        return _enough(f"{limits.refusals} logins were refused by it", limits)
    account = sa.and_(tried, _A.tenant == one.tenant, _A.login == one.login)
    if _refused_in_a_row(connection, account) >= limits.in_a_row:
        return _enough(f"{one.login} was refused {limits.in_a_row} times in a row", limits)
    here = sa.and_(_A.device == one.device, _A.login == one.login, _A.at > one.at - limits.window)
    if _refused(connection, here) >= limits.in_a_row:
        return _enough(f"it refused {one.login} {limits.in_a_row} times", limits)
    return note(connection, one)


def note(connection: sa.Connection, one: Attempt, outcome: str = BEGUN) -> int:
    """An attempt's row; ``ended`` takes its number."""
    row = {name: getattr(one, name) for name in ("tenant", "device", "login", "at", "secret", "by")}
    made = sa.insert(tables.login_attempts).values(row | {"outcome": outcome}).returning(_A.row)
    return int(connection.execute(made).scalar_one())


def forget_old(connection: sa.Connection, before: datetime) -> None:
    """What counts no more; who tried what is in the audit. Refusals of a stored login stay until it works."""
    stands = sa.and_(_A.secret.is_not(None), _A.outcome.in_(COUNTED))
    connection.execute(sa.delete(tables.login_attempts).where(_A.at <= before, sa.not_(stands)))


def fold_old(connection: sa.Connection, device: str, before: datetime) -> None:
    """Refusals of a device's stored login that no window counts any more: few rows say all of them.

    A login may be refused for years, and each new one asks for its rows.
    """
    stands = sa.and_(_A.secret.is_not(None), _A.outcome.in_(COUNTED), _A.at <= before)
    query = sa.select(tables.login_attempts).where(_A.device == device, stands).order_by(_A.row)
    several: dict[tuple[str, str], list[Mapping[Any, Any]]] = {}
    for row in connection.execute(query).mappings():
        several.setdefault((row["login"], row["secret"]), []).append(row)
    for rows in several.values():
        over = spare(rows)
        if over:
            gone = [row["row"] for row in over]
            connection.execute(sa.delete(tables.login_attempts).where(_A.row.in_(gone)))
            times = rows[0]["times"] + sum(row["times"] for row in over)
            first = sa.update(tables.login_attempts).where(_A.row == rows[0]["row"])
            connection.execute(first.values(times=times))


def spare(rows: Sequence[Mapping[Any, Any]]) -> list[Mapping[Any, Any]]:
    """Those of one login that say nothing but that there was one more. Pure.

    The first says since when, and the last for each purpose when and for what.
    """
    last = {row["by"]: row["row"] for row in rows}
    return [row for row in rows[1:] if row["row"] not in last.values()]


def ended(connection: sa.Connection, attempt: int, *, refused: bool, taken: bool) -> None:
    """What came of it; only what was refused as a login counts."""
    mine = sa.update(tables.login_attempts).where(_A.row == attempt)
    outcome = TAKEN if taken else REFUSED if refused else _OTHER
    connection.execute(mine.values(outcome=outcome))


def _refused(connection: sa.Connection, which: sa.ColumnElement[bool]) -> int:
    """How many of these were refused, or may have been."""
    counted = sa.and_(which, _A.outcome.in_(COUNTED))
    query = sa.select(sa.func.count()).select_from(tables.login_attempts).where(counted)
    return int(connection.execute(query).scalar_one())


def _refused_in_a_row(connection: sa.Connection, which: sa.ColumnElement[bool]) -> int:
    """The same since one of these was taken: that sets back what locks an account."""
    taken = sa.select(sa.func.max(_A.row)).where(which, _A.outcome == TAKEN)
    last = connection.execute(taken).scalar_one() or 0
    return _refused(connection, sa.and_(which, _A.row > last))


def _enough(what: str, limits: Limits) -> str:
    """Why no more is tried, for a person."""
    minutes = limits.window.total_seconds() / 60
    return (
        f"{what} within {minutes:g} minutes: more could lock the account; try again when they "
        "are over"
    )
