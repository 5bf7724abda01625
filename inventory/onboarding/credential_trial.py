"""Tries several logins on a device in turn, and locks nobody out by it.

A login is sent only behind a pinned host key. The next one is tried only when a device refused the one
before as a login: whatever else went wrong, another login would not mend. How many refusals there may be
says ``inventory.devices.login_attempts``. One account is tried on one device at a time, for many devices may
ask one server about it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

import sqlalchemy as sa

from inventory.devices import login_attempts, stored_logins
from inventory.rows import history, tables
from inventory.words import grammar, secrets
from oss_agent import errors
from oss_agent.spi import audit, clock, detection, device, store
from oss_agent.spi.device import Credential, Endpoint
from oss_agent.spi.logins import Candidate, Tried

_MOST: Final = 8
"""Logins of one request."""
_DEVICES: Final = 256
_DEADLINE: Final = 60.0


class Places(Protocol):
    """Where devices are reached (``inventory.devices.devices``)."""

    async def place(self, device: str) -> Endpoint:
        """A trusted device without its login, managed or listed without a platform; DeviceRefused."""
        ...


class CredentialTrial:
    """``spi.logins.Logins``; ``credentials`` is the directory for secrets.

    ``found`` hears of tenant, device and who asked when a login is kept.
    """

    def __init__(
        self,
        store: store.Store,
        clock: clock.Clock,
        places: Places,
        drivers: device.Drivers,
        credentials: Path,
        told: audit.Audit = audit.nobody_listens,
        limits: login_attempts.Limits | None = None,
        *,
        greeting: detection.Greeting,
        found: Callable[[str, str, str], Awaitable[None]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._places = places
        self._drivers = drivers
        self._credentials = credentials
        self._told = told
        self._limits = limits or login_attempts.Limits()
        self._greeting = greeting
        self._found = found
        self._accounts: dict[str, asyncio.Lock] = {}

    async def find(
        self, tenant: str, devices: Sequence[str], candidates: Sequence[Candidate], *, by: str
    ) -> tuple[Tried, ...]:
        """Try the candidates in turn on each device; one device after the other."""
        _check(tenant, devices, candidates)
        known = await self._store.read(lambda c: _known(c, tenant, devices))
        missing = [name for name in devices if name not in known]
        if missing:
            raise errors.NotFound(f"device {missing[0][:63]}")
        return tuple([await self._told_of(tenant, name, candidates, by) for name in devices])

    async def _told_of(
        self, tenant: str, device: str, candidates: Sequence[Candidate], by: str
    ) -> Tried:
        """Try them on one device; the audit has what was found, and what was sent in vain."""
        told = await self._one(tenant, device, candidates, by)
        if told.tried and told.outcome != "found":
            detail = {"tried": list(told.tried), "outcome": told.outcome}
            deed = audit.Deed(tenant, self._clock.now(), by, "login", f"device:{device}", detail)
            await self._store.write(lambda c: self._told(c, deed))
        return told

    async def _one(
        self, tenant: str, device: str, candidates: Sequence[Candidate], by: str
    ) -> Tried:
        try:
            endpoint = await self._places.place(device)
        except errors.DeviceRefused as no:
            return Tried(device, "stopped", reason=no.reason)
        tried: list[str] = []
        enough = ""
        for candidate in candidates:
            one = login_attempts.Attempt(tenant, device, candidate.username, self._clock.now())
            begin = functools.partial(login_attempts.begin, one=one, limits=self._limits)
            attempt = await self._store.write(begin)
            if isinstance(attempt, str):
                enough = attempt
                continue
            tried.append(candidate.name)
            stop = await self._attempt(endpoint, candidate, attempt)
            if stop is None:
                await self._keep(tenant, device, candidate, tried, by)
                await self._found(tenant, device, by)
                return Tried(device, "found", candidate.name, tuple(tried))
            if stop:
                return Tried(device, "stopped", "", tuple(tried), stop)
        if enough:
            return Tried(device, "stopped", "", tuple(tried), enough)
        return Tried(device, "refused", "", tuple(tried), "it takes none of these logins")

    async def _attempt(self, endpoint: Endpoint, one: Candidate, attempt: int) -> str | None:
        """None: it is taken. "": refused as a login. Else why nothing more may be tried."""
        account = self._accounts.setdefault(one.username, asyncio.Lock())
        mine = dataclasses.replace(endpoint, credential=Credential(one.username, one.password))
        stop: str | None = None
        try:
            async with account, asyncio.timeout(_DEADLINE):
                await self._log_in(mine)
        except errors.DeviceRefused as no:
            stop = "" if no.login else no.reason
        except errors.DeviceError as no:
            stop = no.reason
        except errors.ConfigurationError as no:
            stop = str(no)
        except TimeoutError:
            stop = f"no answer within {_DEADLINE:g} s"
        refused, taken = stop == "", stop is None
        await self._store.write(
            lambda c: login_attempts.ended(c, attempt, refused=refused, taken=taken)
        )
        return stop

    async def _log_in(self, endpoint: Endpoint) -> None:
        """As its driver does; a device without one is asked for its NETCONF hello."""
        if not endpoint.platform:
            await self._greeting(endpoint)
            return
        # A session, too: there are drivers whose connection is nothing before the first.
        async with self._drivers.driver(endpoint.platform).session(endpoint):
            pass

    async def _keep(
        self, tenant: str, device: str, one: Candidate, tried: Sequence[str], by: str
    ) -> None:
        at = self._clock.now()
        place = self._credentials / tenant / "logins" / f"{at:%Y%m%dT%H%M%S%f}"
        # The secret first: a crash leaves a file nobody refers to, never a device without its secret.
        reference = await asyncio.to_thread(secrets.write, place, device, one.password)

        def unit(connection: sa.Connection) -> None:
            facts = {"username": one.username, "password_ref": reference}
            history.put(connection, tables.devices, {"name": device}, facts, at)
            stored_logins.mended(connection, tenant, device, at)
            detail = {"tried": list(tried), "outcome": "found", "login": one.name}
            deed = audit.Deed(tenant, at, by, "login", f"device:{device}", detail)
            self._told(connection, deed)

        await self._store.write(unit)


def _check(tenant: str, devices: Sequence[str], candidates: Sequence[Candidate]) -> None:
    if not grammar.is_word(tenant):
        raise errors.OrderRejected(f"tenant {tenant[:64]!r} is no usable name", field="tenant")
    if not 0 < len(devices) <= _DEVICES or not 0 < len(candidates) <= _MOST:
        raise errors.OrderRejected(
            f"name 1 to {_DEVICES} devices and 1 to {_MOST} logins", field="logins"
        )
    for one in candidates:
        if not grammar.is_word(one.name) or not grammar.is_word(one.username):
            raise errors.OrderRejected("a login's name or user is no plain word", field="logins")
        if not grammar.is_secret(one.password):
            raise errors.OrderRejected(
                f"the password of {one.name} is not one printable line", field="logins"
            )


def _known(connection: sa.Connection, tenant: str, devices: Sequence[str]) -> frozenset[str]:
    c = tables.devices.c
    query = sa.select(c.name).where(
        history.current(tables.devices), c.tenant == tenant, c.name.in_(devices)
    )
    return frozenset(connection.execute(query).scalars())
