"""Decides when a login that a device refused is sent to it again: ever less often, and never in a loop.

Audits, backups and discovery spare it for ``Limits.window`` after the first refusal, twice as long after
each further one, up to a day; and wherever the same login was refused so often in a row. What a
person waits for may still try, but not more than ``Limits.refusals`` times in the window. Another
password is another login and sent at once. A login that works costs one look and no write; from the first
refusal on each attempt is on disk before it is sent (``login_attempts``).
"""

from __future__ import annotations

import contextlib
import hashlib
import weakref
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from inventory.devices import login_attempts
from inventory.devices.login_attempts import COUNTED, TAKEN, Attempt
from inventory.rows import cases, history, tables, tenancy
from oss_agent import errors
from oss_agent.spi import clock, store
from oss_agent.spi.clock import rfc3339
from oss_agent.spi.device import Credential, Endpoint
from oss_agent.spi.logins import Asker

REFUSED: Final = "login-refused"
"""The kind of its case."""
_LONGEST: Final = timedelta(days=1)
_DOUBLINGS: Final = 5
_A: Final = tables.login_attempts.c
_D: Final = tables.devices.c
_HERE: Final[sa.BindParameter[str]] = sa.bindparam("at_device")
_TENANT: Final = (
    sa.select(_D.tenant).where(history.current(tables.devices), _D.name == _HERE).scalar_subquery()
)
_STORED: Final = (
    sa.select(tables.login_attempts)
    .where(
        _A.secret.is_not(None),
        sa.or_(
            _A.device == _HERE,
            sa.and_(
                _A.tenant == _TENANT,
                _A.login == sa.bindparam("at_login"),
                _A.secret == sa.bindparam("at_secret"),
            ),
        ),
    )
    .order_by(_A.row)
)
"""Made once: every new login asks it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A stored login that its device does not take: how often it said so, and when first and last."""

    device: str
    login: str
    secret: str
    times: int
    since: datetime
    last: datetime
    by: tuple[str, ...]

    def spared_until(self, limits: login_attempts.Limits) -> datetime:
        """When the agent's own work may send it again. Pure."""
        doubled: timedelta = limits.window * 2 ** min(self.times - 1, _DOUBLINGS)
        return self.last + min(doubled, _LONGEST)


class StoredLogins:
    """``sending`` is ``spi.logins.Sending``."""

    def __init__(
        self, rows: store.Store, time: clock.Clock, limits: login_attempts.Limits | None = None
    ) -> None:
        self._store = rows
        self._time = time
        self._limits = limits or login_attempts.Limits()
        self._counted = weakref.WeakSet[errors.DeviceRefused]()

    @contextlib.asynccontextmanager
    async def sending(self, endpoint: Endpoint, by: Asker) -> AsyncIterator[None]:
        """As ``spi.logins.Sending``. What a crash or the agent's end cuts short counts as refused."""
        attempt = await self._begin(endpoint, by)
        try:
            yield
        except errors.DeviceRefused as no:
            if no.login and no not in self._counted:
                self._counted.add(no)
                await self._refused(endpoint, by, attempt)
            else:  # who waited for a login that another sent has the same refusal, which counts once
                await self._ended(endpoint, attempt, taken=False)
            if no.login:
                raise errors.DeviceRefused(no.device, _with_advice(no), login=True) from no
            raise
        except Exception:
            await self._ended(endpoint, attempt, taken=False)
            raise
        await self._ended(endpoint, attempt, taken=True)

    async def _begin(self, endpoint: Endpoint, by: Asker) -> int | None:
        """The attempt's row where there is trouble, else None. DeviceRefused where it is spared."""
        if not await self._store.read(lambda c: self._in_trouble(c, endpoint)):
            return None
        told = await self._store.write(lambda c: self._allowed(c, endpoint, by))
        if isinstance(told, str):
            raise errors.DeviceRefused(endpoint.device, told)
        return told

    def _in_trouble(self, connection: sa.Connection, endpoint: Endpoint) -> bool:
        """Did this device refuse it, or others, and nobody took it since?"""
        rows = _rows(connection, endpoint)
        here = any(row["device"] == endpoint.device and row["outcome"] in COUNTED for row in rows)
        after = self._time.now() - self._limits.window
        return here or _in_a_row(_same(rows, endpoint), after) > 0

    def _allowed(self, connection: sa.Connection, endpoint: Endpoint, by: Asker) -> int | str:
        at = self._time.now()
        login_attempts.forget_old(connection, at - self._limits.window)
        login_attempts.fold_old(connection, endpoint.device, at - self._limits.window)
        rows = _rows(connection, endpoint)
        no = _spared(rows, endpoint, by, self._limits, at)
        return no or login_attempts.note(connection, _attempt(connection, endpoint, by, at))

    async def _refused(self, endpoint: Endpoint, by: Asker, attempt: int | None) -> None:
        """Count it, and tell it by a case."""
        at = self._time.now()

        def unit(connection: sa.Connection) -> None:
            one = _attempt(connection, endpoint, by, at)
            if attempt is None:
                login_attempts.note(connection, one, login_attempts.REFUSED)
            else:
                login_attempts.ended(connection, attempt, refused=True, taken=False)
            # Another login than this is not the device's any more.
            here = sa.and_(_A.device == one.device, _A.secret.is_not(None))
            other = sa.or_(_A.login != one.login, _A.secret != one.secret)
            connection.execute(sa.delete(tables.login_attempts).where(here, other))
            told = standing(connection, one.device)
            found = [] if told is None else [_case(told)]
            cases.settle(connection, one.tenant, one.device, (REFUSED,), found, at)

        await self._store.write(unit)

    async def _ended(self, endpoint: Endpoint, attempt: int | None, *, taken: bool) -> None:
        """Of a login that was never refused there is nothing to write."""
        if attempt is None:
            return
        at = self._time.now()

        def unit(connection: sa.Connection) -> None:
            login_attempts.ended(connection, attempt, refused=False, taken=taken)
            if taken:
                mended(
                    connection,
                    tenancy.of_device(connection, endpoint.device),
                    endpoint.device,
                    at,
                )

        await self._store.write(unit)


def mended(connection: sa.Connection, tenant: str, device: str, at: datetime) -> None:
    """It took a login: what was refused of its stored ones counts no more, and its case ends."""
    refused = sa.and_(_A.device == device, _A.secret.is_not(None), _A.outcome.in_(COUNTED))
    connection.execute(sa.delete(tables.login_attempts).where(refused))
    cases.settle(connection, tenant, device, (REFUSED,), (), at)


def standing(connection: sa.Connection, device: str) -> Refused | None:
    """The stored login that a device refuses now, None where it takes it."""
    here = sa.and_(_A.device == device, _A.secret.is_not(None), _A.outcome.in_(COUNTED))
    query = sa.select(tables.login_attempts).where(here).order_by(_A.row)
    return _summed(connection.execute(query).mappings().all())


def in_words(told: Refused, limits: login_attempts.Limits | None = None) -> str:
    """Since when it is refused, and when it is tried again, for a person."""
    until = told.spared_until(limits or login_attempts.Limits())
    return (
        f"{told.login} is refused since {rfc3339(told.since)} ({told.times} times, sent by "
        f"{', '.join(told.by)}); the agent's own work spares it until {rfc3339(until)}"
    )


def _rows(connection: sa.Connection, endpoint: Endpoint) -> Sequence[sa.RowMapping]:
    """Attempts at this device, and of the same login elsewhere at its tenant's."""
    of = endpoint.credential
    asked = {"at_device": endpoint.device, "at_login": of.username, "at_secret": _mark(of)}
    return connection.execute(_STORED, asked).mappings().all()


def _spared(
    rows: Sequence[sa.RowMapping],
    endpoint: Endpoint,
    by: Asker,
    limits: login_attempts.Limits,
    at: datetime,
) -> str:
    """Why it may not be sent now; "" when it may. Pure."""
    same = _same(rows, endpoint)
    mine = [row for row in same if row["device"] == endpoint.device and row["outcome"] in COUNTED]
    told = _summed(mine)
    lately = sum(row["at"] > at - limits.window for row in mine)
    if by.is_waited_for:
        return _because(told, limits) if told and lately >= limits.refusals else ""
    if told is not None and at < told.spared_until(limits):
        return _because(told, limits)
    if _in_a_row(same, at - limits.window) >= limits.in_a_row:
        return (
            f"its login {endpoint.credential.username} is spared: devices refused it {limits.in_a_row} times in a row, and more "
            "could lock the account"
        )
    return ""


def _same(rows: Sequence[sa.RowMapping], endpoint: Endpoint) -> list[sa.RowMapping]:
    """Those of the very login that the device has now."""
    of = endpoint.credential
    now = (of.username, _mark(of))
    return [row for row in rows if (row["login"], row["secret"]) == now]


def _in_a_row(rows: Sequence[sa.RowMapping], after: datetime) -> int:
    """Refusals of one login wherever, since it was last taken: that sets back what locks it."""
    outcomes = [row["outcome"] for row in rows if row["at"] > after]
    if TAKEN in outcomes:
        outcomes = outcomes[len(outcomes) - outcomes[::-1].index(TAKEN) :]
    return sum(outcome in COUNTED for outcome in outcomes)


def _summed(rows: Sequence[sa.RowMapping]) -> Refused | None:
    if not rows:
        return None
    first, last = rows[0], rows[-1]
    by = tuple(dict.fromkeys(row["by"] for row in rows))
    times = sum(row["times"] for row in rows)
    return Refused(
        last["device"], last["login"], last["secret"], times, first["at"], last["at"], by
    )


def _attempt(connection: sa.Connection, endpoint: Endpoint, by: Asker, at: datetime) -> Attempt:
    tenant = tenancy.of_device(connection, endpoint.device)
    of = endpoint.credential
    return Attempt(tenant, endpoint.device, of.username, at, _mark(of), by.value)


def _mark(of: Credential) -> str:
    """Tells one password of an account from another.

    Sixteen bits: with a whole digest it could be guessed. Nothing of the device is in it, or each
    device that has the same one would give away sixteen bits more.
    """
    told = f"{of.username}\0{of.password}\0{of.private_key_file}"
    return hashlib.sha256(told.encode()).hexdigest()[:4]


def _because(told: Refused, limits: login_attempts.Limits) -> str:
    return (
        f"its login {in_words(told, limits)}: more could lock the account; {_advice(told.device)}"
    )


def _with_advice(no: errors.DeviceRefused) -> str:
    return f"{no.reason}; {_advice(no.device)}"


def _advice(device: str) -> str:
    return (
        f"find a login that it takes by 'oss-agent device login {device} --logins FILE', or mend the "
        "stored password"
    )


def _case(told: Refused) -> cases.Case:
    return cases.Case(
        told.device,
        told.device,
        REFUSED,
        f"{told.login} #{told.secret}",
        f"it refuses its login {told.login} since {rfc3339(told.since)}, sent by {', '.join(told.by)}",
        "the password was changed there, or the account is locked or gone",
        f"{_advice(told.device)}; until then audits, backups and discovery send it ever less often",
    )
