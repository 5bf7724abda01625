"""Takes in devices by address: asks who is there, concludes what it is, writes it down unmanaged.

Nothing secret goes to an address before its host key is pinned, but the SNMP community, which has
no key to check. So no login is tried here, and none can be locked out. A device is managed where
there is a driver for what it says it is, or the operator says what it is; whether that driver may
write to it is another question (``inventory.devices.standing``).
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from inventory.devices import operator_words, standings
from inventory.looks import system_group
from inventory.onboarding import candidates, scout_targets
from inventory.rows import history, resource_ids, tables
from inventory.services import resource_events
from inventory.words import grammar, host_keys, hostile_text, secrets
from oss_agent import errors
from oss_agent.spi import audit, clock, detection, device, events, onboarding, snmp, store
from oss_agent.spi.query import Page, Query
from oss_agent.spi.scouting import USUAL, Candidate, Login, Ports, Scouted

_SOURCE: Final = "onboarding"
_TOGETHER: Final = 32
"""Addresses asked at once, of all requests: gentle to a management network; 1,024 silent ones take minutes."""
_UNNAMED: Final = "at-"
_DEADLINE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Ways:
    """How an address is asked, and who says what that means."""

    key_scan: onboarding.KeyScan
    banner: detection.Banner
    engine: snmp.SnmpEngine
    detect: detection.Detector
    drivers: device.Drivers
    standing: standings.Standings | None = None
    """Who judges whether they may be written to."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one address said; ``spoke`` when anything answered there.

    ``own`` is what its own words make of it, ``seen`` that with what its neighbours repeat.
    """

    address: str
    keys: tuple[str, ...]
    name: str
    own: detection.Detected
    seen: detection.Detected
    spoke: bool
    ports: Mapping[str, int]


class AddressScout:
    """``spi.scouting.Scout``; ``credentials`` is the directory for secrets."""

    def __init__(
        self,
        store: store.Store,
        clock: clock.Clock,
        ways: Ways,
        credentials: Path,
        sink: events.EventSink | None = None,
        told: audit.Audit = audit.nobody_listens,
    ) -> None:
        self._told = told
        self._store = store
        self._clock = clock
        self._ways = ways
        self._credentials = credentials
        self._resources = resource_events.Teller(sink)
        self._room = asyncio.Semaphore(_TOGETHER)

    async def onboard(
        self,
        tenant: str,
        targets: Sequence[str],
        login: Login,
        *,
        platform: str = "",
        ports: Ports = USUAL,
        announced: bool = False,
        by: str = "",
    ) -> tuple[Scouted, ...]:
        """Look at every address, and take in what answers and is not known."""
        scout_targets.check_ports(ports)
        self._check(tenant, login, platform)
        asked, left = await self._meant(tenant, targets, announced=announced)
        known = await self._store.read(lambda c: _known(c, tenant, asked))
        said = await self._store.read(lambda c: candidates.descriptions(c, tenant, asked))
        strange = {one: said.get(one, ()) for one in asked if one not in known}
        answers = await self._ask(strange, login.community, ports)
        spoke = [one for one in answers if one.spoke]
        made = await self._take_in(tenant, spoke, login, platform, by) if spoke else {}
        named = await self._name(tenant, known, platform, by) if platform else {}
        silent = _silence(login.community, ports)
        told = _told(known) | made | named
        found = (told.get(one, Scouted(one, "silent", reason=silent)) for one in asked)
        return (*found, *left.values())

    async def _meant(
        self, tenant: str, targets: Sequence[str], *, announced: bool
    ) -> tuple[tuple[str, ...], Mapping[str, Scouted]]:
        """Which addresses are asked, and what becomes of those that are not."""
        if not announced:
            return scout_targets.addresses(targets), {}
        # In a thread: thousands of neighbours and a thousand ranges take seconds.
        found = await self._store.read(lambda c: candidates.find(c, tenant))
        return await asyncio.to_thread(candidates.within, found, targets)

    async def candidates(self, asked: Query) -> Page[Candidate]:
        """A page of the neighbours that nobody has taken in; asks nobody."""
        found = await self._store.read(lambda c: candidates.find(c, asked.tenant))
        some = found[asked.offset : asked.offset + asked.limit]
        named = await asyncio.to_thread(candidates.recognised, some, self._ways.detect)
        return Page(named, len(found))

    async def _name(
        self, tenant: str, known: Mapping[str, str], platform: str, by: str
    ) -> dict[str, Scouted]:
        """Those that are known and of which nobody knew what they are: now the operator says it."""
        at = self._clock.now()

        def unit(connection: sa.Connection) -> tuple[str, ...]:
            names = operator_words.unknown(connection, tenant, set(known.values()))
            some = resource_events.Some(devices=frozenset(names))
            with self._resources.around(connection, some, at):
                operator_words.name(connection, names, platform, at)
                if self._ways.standing is not None:
                    self._ways.standing.settle(connection, names, at)
            for name in names:
                detail = {"platform": platform}
                self._told(
                    connection, audit.Deed(tenant, at, by, "onboard", f"device:{name}", detail)
                )
            return names

        names = await self._store.write(unit) if known else ()
        return {
            address: Scouted(address, "named", name, platform=platform, managed=True)
            for address, name in known.items()
            if name in names
        }

    async def _take_in(
        self, tenant: str, spoke: Sequence[_Answer], login: Login, platform: str, by: str
    ) -> dict[str, Scouted]:
        # Secrets first: a crash leaves a file nobody refers to, never a device without its secret.
        references = await asyncio.to_thread(self._keep, tenant, login)
        at = self._clock.now()

        def unit(connection: sa.Connection) -> dict[str, Scouted]:
            # Looked at again: another request may have taken it in while this one asked.
            known = _known(connection, tenant, [one.address for one in spoke])
            new = [one for one in spoke if one.address not in known]
            barred = resource_ids.trouble(connection, [one.name for one in new])
            names = _names(connection, new, barred)
            some = resource_events.Some(devices=frozenset(names.values()))
            with self._resources.around(connection, some, at):
                made = {
                    one.address: _named(
                        self._write(
                            connection, tenant, one, names[one.address], references, platform, at
                        ),
                        one.name,
                        barred,
                    )
                    for one in new
                }
                doubts = self._judge(connection, {names[one.address]: one for one in new}, at)
            for one in made.values():
                self._told(connection, audit.Deed(tenant, at, by, *_deed(one)))
            return _told(known) | {
                address: _doubted(one, doubts.get(one.device, "")) for address, one in made.items()
            }

        return await self._store.write(unit)

    def _judge(
        self, connection: sa.Connection, answers: Mapping[str, _Answer], at: datetime
    ) -> Mapping[str, str]:
        """Why those that may only be read may not be written to."""
        if self._ways.standing is None:
            return {}
        # Not what neighbours repeat: nobody proves a version by another's word.
        seen = {name: one.own for name, one in answers.items()}
        self._ways.standing.settle(connection, answers.keys(), at, seen)
        return standings.read_only(connection, answers.keys())

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

    async def _ask(
        self, asked: Mapping[str, Sequence[str]], community: str | None, ports: Ports
    ) -> list[_Answer]:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._one(one, community, ports, said))
                for one, said in asked.items()
            ]
        return [task.result() for task in tasks]

    async def _one(
        self, address: str, community: str | None, ports: Ports, announced: Sequence[str]
    ) -> _Answer:
        async with self._room:
            keys, banner, found = await self._ssh(address, ports)
            target = snmp.Target(address, address, community=community or "")
            group = None
            if community is not None:
                group = await system_group.ask(self._ways.engine, target)
        said = group or system_group.SystemGroup()
        evidence = detection.Evidence(said.object_id, said.description, banner)
        own = self._ways.detect(evidence)
        seen = self._ways.detect(dataclasses.replace(evidence, announced=announced))
        called = hostile_text.printable(said.name, hostile_text.NAME)
        return _Answer(address, keys, called, own, seen, bool(banner or group), found)

    async def _ssh(
        self, address: str, ports: Ports
    ) -> tuple[tuple[str, ...], bytes, Mapping[str, int]]:
        """The host keys of its SSH and NETCONF ports, how the first names itself, and which they are.

        NETCONF on its usual port needs no look where SSH answers: drivers find it there.
        """
        keys: list[str] = []
        said, found = b"", dict[str, int]()
        for protocol, some in (("ssh", ports.ssh), ("netconf", ports.netconf)):
            if said and some == USUAL.netconf:
                continue
            port, banner = await self._answering(address, some)
            if port is not None:
                keys += await self._keys(address, port)
                said, found[protocol] = said or banner, port
        return tuple(dict.fromkeys(keys)), said, found

    async def _answering(self, address: str, ports: Sequence[int]) -> tuple[int | None, bytes]:
        """The first of these ports behind which SSH names itself."""
        for port in ports:
            banner = await self._ways.banner(address, port)
            if banner:
                return port, banner
        return None, b""

    async def _keys(self, address: str, port: int) -> tuple[str, ...]:
        try:
            async with asyncio.timeout(_DEADLINE):
                raw = await self._ways.key_scan(address, address, port)
        except (errors.DeviceUnreachable, TimeoutError):
            return ()
        keys = (host_keys.normalised(key) for key in raw)
        return tuple(dict.fromkeys(key for key in keys if key is not None))

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
        # By its own words alone: whoever is on the wire could have it managed as what it is not.
        chosen = platform or answer.own.platform
        managed = bool(chosen)
        reason = "" if managed else _why_listed(answer.seen)
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
            "ports": _unusual(answer.ports),
            "router_id": None,
        }
        history.begin(connection, tables.devices, facts, at)
        return _scouted(answer, name, chosen, managed=managed, reason=reason)


def _scouted(answer: _Answer, name: str, platform: str, *, managed: bool, reason: str) -> Scouted:
    seen = answer.seen
    shown = tuple(host_keys.fingerprint(key) for key in answer.keys)
    heard = [one for one in seen.doubts if one not in answer.own.doubts]
    reason = "; ".join(filter(None, (reason, *heard))) if managed else reason
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
        _unusual(answer.ports),
    )


def _why_listed(seen: detection.Detected) -> str:
    if seen.platform:
        return (
            f"only its neighbours say that it is {seen.vendor} {seen.os}: if it is, onboard it again "
            f"with --platform {seen.platform}"
        )
    return "; ".join(seen.doubts) or "nobody knows what it is"


def _unusual(ports: Mapping[str, int]) -> dict[str, int]:
    """Only what is not so anyway: a platform may have a usual port of its own."""
    usual = {"ssh": host_keys.SSH_PORT, "netconf": host_keys.NETCONF_PORT}
    return {protocol: port for protocol, port in ports.items() if port != usual[protocol]}


def _deed(one: Scouted) -> tuple[str, str, Mapping[str, str]]:
    """What the audit keeps of a device that was taken in."""
    detail = {"address": one.address, "platform": one.platform, "version": one.version}
    return "onboard", f"device:{one.device}", detail


def _doubted(one: Scouted, doubt: str) -> Scouted:
    """With what keeps it from being written to before what else there is to say."""
    return dataclasses.replace(
        one, reason="; ".join(filter(None, (doubt and f"read-only: {doubt}", one.reason)))
    )


def _silence(community: str | None, ports: Ports) -> str:
    tried = [("SSH", ports.ssh), ("NETCONF", ports.netconf)]
    asked = [f"{name} ({', '.join(map(str, some))})" for name, some in tried if some]
    asked += ["SNMP (161)"] if community is not None else []
    return f"nothing answers on {', '.join(asked)}"


def _known(connection: sa.Connection, tenant: str, asked: Sequence[str]) -> Mapping[str, str]:
    """Addresses that a device of the inventory has already; of another tenant's no name is told."""
    c = tables.devices.c
    rows = connection.execute(
        sa.select(c.address, c.name, c.tenant).where(
            history.current(tables.devices), c.address.in_(asked)
        )
    )
    return {row.address: row.name if row.tenant == tenant else "" for row in rows}


def _named(told: Scouted, called: str, barred: Mapping[str, str]) -> Scouted:
    """The same, saying why it has not the name that it calls itself by."""
    if called not in barred:
        return told
    why = f"it calls itself {called} and is {told.device} here: {barred[called]}"
    return dataclasses.replace(told, reason="; ".join(filter(None, (told.reason, why))))


def _names(
    connection: sa.Connection, answers: Sequence[_Answer], barred: Collection[str]
) -> Mapping[str, str]:
    """A name for each address: its own where that is usable and free, else one of its address."""
    c = tables.devices.c
    current = sa.select(c.name).where(history.current(tables.devices))
    taken = {*connection.execute(current).scalars(), *barred}
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
