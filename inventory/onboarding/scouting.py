"""Takes in devices by address: asks who is there, concludes what it is, writes it down unmanaged.

Nothing secret goes to an address before its host key is pinned, but the SNMP community, which has
no key to check. So no login is tried here, and none can be locked out. A device is managed where
there is a driver for what it says it is, or the operator says what it is; whether that driver may
write to it is another question (``inventory.devices.standing``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from inventory.devices import operator_words, standings
from inventory.onboarding import (
    address_look,
    candidates,
    newcomer_names,
    newcomer_words,
    scout_targets,
)
from inventory.rows import history, resource_ids, tables
from inventory.services import resource_events
from inventory.words import grammar, secrets
from oss_agent import errors
from oss_agent.spi import audit, clock, detection, device, events, onboarding, snmp, store
from oss_agent.spi.query import Page, Query
from oss_agent.spi.scouting import USUAL, Candidate, Login, Ports, Scouted

_SOURCE: Final = "onboarding"


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
        self._look = address_look.AddressLook(ways.key_scan, ways.banner, ways.engine, ways.detect)

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
        answers = await self._look.ask(strange, login.community, ports)
        spoke = [one for one in answers if one.spoke]
        made = await self._take_in(tenant, spoke, login, platform, by) if spoke else {}
        named = await self._name(tenant, known, platform, by) if platform else {}
        silent = newcomer_words.silence(login.community, ports)
        told = newcomer_words.told(known) | made | named
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
        self,
        tenant: str,
        spoke: Sequence[address_look.Answer],
        login: Login,
        platform: str,
        by: str,
    ) -> dict[str, Scouted]:
        # Secrets first: a crash leaves a file nobody refers to, never a device without its secret.
        references = await asyncio.to_thread(self._keep, tenant, login)
        at = self._clock.now()

        def unit(connection: sa.Connection) -> dict[str, Scouted]:
            # Looked at again: another request may have taken it in while this one asked.
            known = _known(connection, tenant, [one.address for one in spoke])
            new = [one for one in spoke if one.address not in known]
            barred = resource_ids.trouble(connection, [one.name for one in new])
            names = newcomer_names.names(connection, new, barred)
            some = resource_events.Some(devices=frozenset(names.values()))
            with self._resources.around(connection, some, at):
                made = {
                    one.address: newcomer_words.named(
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
                self._told(connection, audit.Deed(tenant, at, by, *newcomer_words.deed(one)))
            return newcomer_words.told(known) | {
                address: newcomer_words.doubted(one, doubts.get(one.device, ""))
                for address, one in made.items()
            }

        return await self._store.write(unit)

    def _judge(
        self, connection: sa.Connection, answers: Mapping[str, address_look.Answer], at: datetime
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
        answer: address_look.Answer,
        name: str,
        references: Mapping[str, str | None],
        platform: str,
        at: datetime,
    ) -> Scouted:
        # By its own words alone: whoever is on the wire could have it managed as what it is not.
        chosen = platform or answer.own.platform
        managed = bool(chosen)
        reason = "" if managed else newcomer_words.why_listed(answer.seen)
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
            "ports": newcomer_words.unusual(answer.ports),
            "router_id": None,
        }
        history.begin(connection, tables.devices, facts, at)
        return newcomer_words.scouted(answer, name, chosen, managed=managed, reason=reason)


def _known(connection: sa.Connection, tenant: str, asked: Sequence[str]) -> Mapping[str, str]:
    """Addresses that a device of the inventory has already; of another tenant's no name is told."""
    c = tables.devices.c
    rows = connection.execute(
        sa.select(c.address, c.name, c.tenant).where(
            history.current(tables.devices), c.address.in_(asked)
        )
    )
    return {row.address: row.name if row.tenant == tenant else "" for row in rows}
