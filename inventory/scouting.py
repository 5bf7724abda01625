"""Takes in devices by address: asks who is there, concludes what it is, writes it down unmanaged.

Nothing secret goes to an address before its host key is pinned, but the SNMP community, which has
no key to check. So no login is tried here, and none can be locked out. A device is managed only
when there is a driver proven on what it is, or the operator says what it is.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from inventory import (
    grammar,
    history,
    host_keys,
    hostile_text,
    resource_events,
    scout_targets,
    secrets,
    tables,
)
from oss_agent import errors
from oss_agent.spi import clock, detection, device, events, onboarding, snmp, store
from oss_agent.spi.scouting import Login, Scouted

_SOURCE: Final = "onboarding"
_TOGETHER: Final = 32
"""Addresses asked at once, of all requests: gentle to a management network; 1,024 silent ones take minutes."""
_UNNAMED: Final = "at-"
_DEADLINE: Final = 60.0
_SYSTEM: Final = tuple((1, 3, 6, 1, 2, 1, 1, leaf, 0) for leaf in (1, 2, 5))
"""sysDescr.0, sysObjectID.0, sysName.0 (RFC 3418)"""


@dataclass(frozen=True, slots=True)
class Ways:
    """How an address is asked, and who says what that means."""

    key_scan: onboarding.KeyScan
    banner: detection.Banner
    engine: snmp.SnmpEngine
    detect: detection.Detector
    drivers: device.Drivers


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one address said; ``spoke`` when anything answered there."""

    address: str
    keys: tuple[str, ...]
    name: str
    seen: detection.Detected
    spoke: bool


class AddressScout:
    """``spi.scouting.Scout``; ``credentials`` is the directory for secrets."""

    def __init__(
        self,
        store: store.Store,
        clock: clock.Clock,
        ways: Ways,
        credentials: Path,
        sink: events.EventSink | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ways = ways
        self._credentials = credentials
        self._resources = resource_events.Teller(sink)
        self._room = asyncio.Semaphore(_TOGETHER)

    async def onboard(
        self, tenant: str, targets: Sequence[str], login: Login, *, platform: str = ""
    ) -> tuple[Scouted, ...]:
        """Look at every address, and take in what answers and is not known."""
        asked = scout_targets.addresses(targets)
        self._check(tenant, login, platform)
        known = await self._store.read(lambda c: _known(c, tenant, asked))
        answers = await self._ask([one for one in asked if one not in known], login.community)
        spoke = [one for one in answers if one.spoke]
        made = await self._take_in(tenant, spoke, login, platform) if spoke else {}
        silent = _silence(login.community)
        told = _told(known) | made
        return tuple(told.get(one, Scouted(one, "silent", reason=silent)) for one in asked)

    async def _take_in(
        self, tenant: str, spoke: Sequence[_Answer], login: Login, platform: str
    ) -> dict[str, Scouted]:
        # Secrets first: a crash leaves a file nobody refers to, never a device without its secret.
        references = await asyncio.to_thread(self._keep, tenant, login)
        at = self._clock.now()

        def unit(connection: sa.Connection) -> dict[str, Scouted]:
            # Looked at again: another request may have taken it in while this one asked.
            known = _known(connection, tenant, [one.address for one in spoke])
            new = [one for one in spoke if one.address not in known]
            names = _names(connection, new)
            some = resource_events.Some(devices=frozenset(names.values()))
            with self._resources.around(connection, some, at):
                return _told(known) | {
                    one.address: self._write(
                        connection, tenant, one, names[one.address], references, platform, at
                    )
                    for one in new
                }

        return await self._store.write(unit)

    def _check(self, tenant: str, login: Login, platform: str) -> None:
        for name, secret in (("password", login.password), ("community", login.community)):
            if secret is not None and not grammar.is_secret(secret):
                raise errors.OrderRejected("must be one printable line", field=name)
        if not grammar.is_word(tenant):
            raise errors.OrderRejected(f"tenant {tenant[:64]!r} is no usable name", field="tenant")
        if login.username and not grammar.is_word(login.username):
            raise errors.OrderRejected("is no user name", field="username")
        if platform:
            try:
                self._ways.drivers.driver(platform)
            except errors.ConfigurationError as unknown:
                raise errors.OrderRejected(str(unknown), field="platform") from unknown

    async def _ask(self, asked: Sequence[str], community: str | None) -> list[_Answer]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._one(one, community)) for one in asked]
        return [task.result() for task in tasks]

    async def _one(self, address: str, community: str | None) -> _Answer:
        async with self._room:
            keys, banner = await self._ssh(address)
            said = await self._snmp(address, community) if community is not None else None
        described, object_id, name = said or (None, None, None)
        evidence = detection.Evidence(
            object_id if isinstance(object_id, tuple) else (),
            described if isinstance(described, bytes) else b"",
            banner,
        )
        called = hostile_text.printable(name, hostile_text.NAME)
        seen = self._ways.detect(evidence)
        return _Answer(address, keys, called, seen, bool(banner or said))

    async def _ssh(self, address: str) -> tuple[tuple[str, ...], bytes]:
        """The host keys of its SSH or NETCONF port, and how that port names itself."""
        for port in (host_keys.SSH_PORT, host_keys.NETCONF_PORT):
            banner = await self._ways.banner(address, port)
            if banner:
                return await self._keys(address, port), banner
        return (), b""

    async def _keys(self, address: str, port: int) -> tuple[str, ...]:
        try:
            async with asyncio.timeout(_DEADLINE):
                raw = await self._ways.key_scan(address, address, port)
        except (errors.DeviceUnreachable, TimeoutError):
            return ()
        keys = (host_keys.normalised(key) for key in raw)
        return tuple(dict.fromkeys(key for key in keys if key is not None))

    async def _snmp(self, address: str, community: str) -> tuple[snmp.Value, ...] | None:
        target = snmp.Target(address, address, community=community)
        try:
            async with asyncio.timeout(_DEADLINE):
                return await self._ways.engine.get(target, _SYSTEM)
        except (snmp.SnmpTimeout, OSError):  # OSError: late, or a family that this machine has not
            return None

    def _keep(self, tenant: str, login: Login) -> Mapping[str, str | None]:
        """The secrets of this request, in files of their own: another one's stay what they are."""
        place = self._credentials / tenant / _SOURCE / f"{self._clock.now():%Y%m%dT%H%M%S%f}"
        named = {"password": login.password, "community": login.community}
        return {
            name: secrets.write(place, name, secret) if secret is not None else None
            for name, secret in named.items()
        } | {"username": login.username}

    def _write(
        self,
        connection: sa.Connection,
        tenant: str,
        answer: _Answer,
        name: str,
        references: Mapping[str, str | None],
        platform: str,
        at: datetime,
    ) -> Scouted:
        seen = answer.seen
        chosen = platform or seen.platform
        managed = bool(platform) or seen.proven
        reason = "" if managed else "; ".join(seen.doubts) or "nobody knows what it is"
        facts = {
            "tenant": tenant,
            "name": name,
            "source": _SOURCE,
            "kind": "",
            "platform": chosen,
            "managed": managed,
            "reason": reason,
            "address": answer.address,
            "role": "",
            "site": "",
            "username": references["username"] or "",
            "password_ref": references["password"],
            "community_ref": references["community"],
            "ports": {},
            "router_id": None,
        }
        history.begin(connection, tables.devices, facts, at)
        return _scouted(answer, name, chosen, managed=managed, reason=reason)


def _scouted(answer: _Answer, name: str, platform: str, *, managed: bool, reason: str) -> Scouted:
    seen = answer.seen
    shown = tuple(host_keys.fingerprint(key) for key in answer.keys)
    return Scouted(
        answer.address,
        "created",
        name,
        seen.vendor,
        seen.os,
        seen.version,
        seen.model,
        platform,
        managed,
        shown,
        seen.because,
        reason if shown else "; ".join(filter(None, (reason, "it shows no host key"))),
    )


def _silence(community: str | None) -> str:
    asked = "SSH (22), NETCONF (830)" + (" or SNMP (161)" if community is not None else "")
    return f"nothing answers on {asked}"


def _known(connection: sa.Connection, tenant: str, asked: Sequence[str]) -> Mapping[str, str]:
    """Addresses that a device of the inventory has already; of another tenant's no name is told."""
    c = tables.devices.c
    rows = connection.execute(
        sa.select(c.address, c.name, c.tenant).where(
            history.current(tables.devices), c.address.in_(asked)
        )
    )
    return {row.address: row.name if row.tenant == tenant else "" for row in rows}


def _names(connection: sa.Connection, answers: Sequence[_Answer]) -> Mapping[str, str]:
    """A name for each address: its own where that is usable and free, else one of its address."""
    c = tables.devices.c
    current = sa.select(c.name).where(history.current(tables.devices))
    taken = set(connection.execute(current).scalars())
    found: dict[str, str] = {}
    for one in answers:
        found[one.address] = next(name for name in _wishes(one) if name not in taken)
        taken.add(found[one.address])
    return found


def _wishes(one: _Answer) -> Iterator[str]:
    """What a device may be called, the best first."""
    plain = _UNNAMED + one.address.replace(":", "-")
    if grammar.is_device(one.name) and (one.name == plain or not _is_of_address(one.name)):
        yield one.name
    yield plain
    yield from (f"{plain}-{number}" for number in itertools.count(2))


def _is_of_address(name: str) -> bool:
    """A name as those without one get it: no device may call itself after another's address."""
    rest = name.removeprefix(_UNNAMED)
    texts = (rest, rest.replace("-", ":"))
    return rest != name and any(grammar.address(text) is not None for text in texts)


def _told(known: Mapping[str, str]) -> dict[str, Scouted]:
    return {one: Scouted(one, "known", name) for one, name in known.items()}
