"""Decides how a device is asked what it is: SNMP where it is flagged for it, then its own session.

Every device has one deadline and a reason when it fails; the others go on.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from inventory.facts import (
    address_facts,
    bundle_facts,
    cdp_facts,
    entity_facts,
    facts,
    host_addresses,
    lldp_facts,
    logical_facts,
    model_facts,
    snmp_facts,
    station_facts,
    testimony,
)
from inventory.looks import questions
from inventory.rows import stamps
from oss_agent import errors
from oss_agent.spi import device, ledger, logins, snmp
from oss_agent.spi.onboarding import About
from oss_agent.spi.proof import Question

T = TypeVar("T")
_ADDRESSES: Final = Question("addresses")
_HELLO: Final = Question("hello")
_EVERYTHING: Final = frozenset({About.WHOLE})
_SNMP_PORT: Final = 161


@dataclass(frozen=True, slots=True)
class Limits:
    """``together`` devices are asked at once, each for at most ``deadline`` seconds."""

    together: int = 16
    deadline: float = 150.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What one device said (None: nothing), why not more, and whether it was silent.

    ``refused``: it, or we for want of a login or key, let nobody in.
    ``hello`` are the URIs of its NETCONF hello, where its session has one.
    """

    device: str
    learned: facts.DeviceFacts | None
    reason: str = ""
    silent: bool = False
    hello: tuple[str, ...] = ()
    refused: bool = False


class Explorer:
    """Asks devices; writes nothing."""

    def __init__(
        self,
        devices: ledger.Devices,
        drivers: device.Drivers,
        engine: snmp.SnmpEngine,
        limits: Limits,
        sending: logins.Sending = logins.unspared,
    ) -> None:
        self._sending = sending
        self._devices = devices
        self._drivers = drivers
        self._engine = engine
        self._limits = limits

    async def explore(
        self, names: Sequence[str], about: frozenset[About] = _EVERYTHING
    ) -> tuple[Finding, ...]:
        """One finding per device, in order. Of a device without SNMP everything is read."""
        room = asyncio.Semaphore(self._limits.together)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._in_turn(room, name, about)) for name in names]
        return tuple(task.result() for task in tasks)

    async def stamp(self, name: str) -> stamps.Stamp | None:
        """The cheap question whether a device may have changed; None where SNMP does not tell.

        DeviceUnreachable when nobody answers.
        """
        try:
            endpoint = await self._devices.endpoint(name)
        except errors.DeviceRefused:
            return None
        if endpoint.snmp_community is None:
            return None
        try:
            return stamps.read(await self._engine.get(_target(endpoint), stamps.OIDS))
        except snmp.SnmpTimeout as silent:
            raise errors.DeviceUnreachable(name, str(silent)) from silent

    async def _in_turn(
        self, room: asyncio.Semaphore, name: str, about: frozenset[About]
    ) -> Finding:
        async with room:
            try:
                endpoint = await self._devices.endpoint(name)
            except errors.DeviceRefused as refused:
                return Finding(name, None, refused.reason, refused=True)
            return await self._ask(endpoint, about)

    async def _ask(self, endpoint: device.Endpoint, about: frozenset[About]) -> Finding:
        """All ways of asking; each may fail, and what the others learned still counts."""
        by_snmp = None
        if endpoint.snmp_community is not None:
            by_snmp = await self._answer(self._by_snmp(endpoint, about))
            if About.WHOLE not in about and isinstance(by_snmp, facts.DeviceFacts):
                reason = "" if by_snmp.complete else _shortened(by_snmp)
                return Finding(endpoint.device, by_snmp, reason)
        # An agent that is silent for once leaves no gap: what it told last still stands.
        models = not isinstance(by_snmp, _Trouble)
        by_session = await self._answer(self._by_session(endpoint, models=models))
        reasons = [one for one in (by_snmp, by_session) if isinstance(one, _Trouble)]
        host, told, hello = (None, None, ()) if isinstance(by_session, _Trouble) else by_session
        parts = [one for one in (host, by_snmp, told) if isinstance(one, facts.DeviceFacts)]
        learned = testimony.merged(parts)
        cut = [_shortened(learned)] if learned is not None and not learned.complete else []
        reason = "; ".join([*cut, *(trouble.reason for trouble in reasons)])
        silent = not parts and all(trouble.silent for trouble in reasons)
        refused = any(trouble.refused for trouble in reasons)
        return Finding(endpoint.device, learned, reason, silent, hello, refused)

    async def _answer(self, question: Awaitable[T]) -> T | _Trouble:
        """What was learned one way; each keeps its time itself, for what it has by then counts."""
        try:
            return await question
        except errors.DeviceUnreachable as error:
            return _Trouble(error.reason, silent=True)
        except errors.DeviceError as error:
            refused = isinstance(error, errors.DeviceRefused)
            return _Trouble(error.reason, silent=False, refused=refused)
        except errors.ConfigurationError as error:
            return _Trouble(str(error), silent=False)
        except snmp.SnmpTimeout as error:
            return _Trouble(f"no SNMP answer: {error}".removesuffix(": "), silent=True)
        except TimeoutError:
            return _Trouble(f"no answer within {self._limits.deadline:g} s", silent=True)

    async def _by_snmp(
        self, endpoint: device.Endpoint, about: frozenset[About]
    ) -> facts.DeviceFacts:
        of = await questions.begin(self._engine, _target(endpoint), self._limits.deadline, about)
        # One after the other: small agents answer one request at a time anyway.
        addresses = await of.ask(snmp_facts.ADDRESSES, facts.ADDRESSES)
        local = await of.ask(lldp_facts.LOCAL, facts.NEIGHBOURS, facts.LABELS)
        remote = await of.ask(lldp_facts.REMOTE, facts.NEIGHBOURS)
        cdp = await of.ask(cdp_facts.PLAN, facts.NEIGHBOURS)
        types = await of.ask(bundle_facts.TYPES, facts.LABELS)
        attached = await of.ask(bundle_facts.ATTACHED, facts.LABELS)
        layers = await of.ask(bundle_facts.LAYERS, facts.LABELS)
        answers = snmp_facts.Answers(
            of.system, addresses, local, remote, cdp, types, attached, layers
        )
        # In a thread: a box with 20,000 ports takes a second to understand.
        seen = await asyncio.to_thread(snmp_facts.read, endpoint.device, answers)
        if not of.wants(facts.LABELS):
            seen = dataclasses.replace(seen, labels=None)
        seen = address_facts.read(seen, await of.ask(address_facts.PLAN, facts.ADDRESSES))
        seen = await self._talks_to(of, seen)
        seen = await self._built_of(of, seen)
        seen = await self._behind_it(of, seen)
        return dataclasses.replace(
            seen, complete=seen.complete and not of.cut, cut=(*seen.cut, *of.cut)
        )

    async def _talks_to(
        self, of: questions.Questions, seen: facts.DeviceFacts
    ) -> facts.DeviceFacts:
        """VLANs, VRFs and routing neighbours; a table that is not there costs one question."""
        asked = {kind: await of.ask(plan, kind) for kind, plan in logical_facts.PLANS.items()}
        told = {kind: table for kind, table in asked.items() if table is not None}
        ports = vrf_ports = None
        if logical_facts.VLAN in told and told[logical_facts.VLAN].index:
            ports = await of.ask(logical_facts.BRIDGE_PORTS, logical_facts.VLAN)
        if logical_facts.VRF in told and told[logical_facts.VRF].index:
            vrf_ports = await of.ask(logical_facts.VRF_PORTS, logical_facts.VRF)
        return await asyncio.to_thread(logical_facts.read, seen, told, ports, vrf_ports)

    async def _built_of(
        self, of: questions.Questions, seen: facts.DeviceFacts
    ) -> facts.DeviceFacts:
        """Its parts; the mapping of ports is asked only where there are any."""
        physical = await of.ask(entity_facts.PHYSICAL, facts.PARTS)
        if physical is None or not physical.index:
            return seen
        aliases = await of.ask(entity_facts.ALIASES, facts.PARTS)
        return await asyncio.to_thread(entity_facts.read, seen, physical, aliases)

    async def _behind_it(
        self, of: questions.Questions, seen: facts.DeviceFacts
    ) -> facts.DeviceFacts:
        """Its stations; the older of two tables is asked where the newer has no row.

        A table of them that is longer than is read does not make the look a cut one.
        """
        cut = of.cut
        arp = await self._first(of, station_facts.RESOLVED, station_facts.OLDER)
        ports = await of.ask(logical_facts.BRIDGE_PORTS, facts.STATIONS)
        bridge = None
        if ports is not None and ports.index:
            bridge = await self._first(of, station_facts.LEARNED, station_facts.PLAIN)
        of.cut = cut
        if ports is not None and ports.partial:
            return seen  # what is behind the ports that lack would look gone
        names = {port.index: port.name for port in seen.interfaces or () if port.index is not None}
        bridged = logical_facts.bridged_ports(ports, names)
        return await asyncio.to_thread(station_facts.read, seen, arp, bridge, bridged)

    async def _first(self, of: questions.Questions, *plans: snmp.PollPlan) -> snmp.Columns | None:
        found = None
        for plan in plans:
            found = await of.ask(plan, facts.STATIONS)
            if found is None or found.index:
                return found
        return found

    async def _by_session(
        self, endpoint: device.Endpoint, *, models: bool
    ) -> tuple[facts.DeviceFacts, facts.DeviceFacts | None, tuple[str, ...]]:
        """What the session itself tells, with ``models`` what YANG modules do, and its hello."""
        driver = self._drivers.driver(endpoint.platform)
        addresses = told = None
        hello: tuple[str, ...] = ()
        async with (
            self._sending(endpoint, logins.Asker.DISCOVERY),
            asyncio.timeout(self._limits.deadline),
            driver.session(endpoint) as session,
        ):
            offers = session.offers
            if device.Capability.PROBE in offers:
                observation = await session.observe(_ADDRESSES)
                addresses = host_addresses.read(observation.values.get("addresses"))
            if models:
                told = await _modelled(endpoint.device, session)
                hello = model_facts.announced(await session.observe(_HELLO))
        words = tuple(sorted(offer.value for offer in offers))
        host = facts.DeviceFacts(device=endpoint.device, offers=words, addresses=addresses)
        return host, told, hello


async def _modelled(name: str, session: device.Session) -> facts.DeviceFacts:
    """One question after another: what the platform cannot be asked is answered without a message."""
    told = {kind: await session.observe(Question(kind)) for kind in model_facts.KINDS}
    return await asyncio.to_thread(model_facts.read, name, told)


def _target(endpoint: device.Endpoint) -> snmp.Target:
    port = endpoint.ports.get("snmp", _SNMP_PORT)
    return snmp.Target(endpoint.device, endpoint.address, port, endpoint.snmp_community or "")


def _shortened(learned: facts.DeviceFacts) -> str:
    """What an operator must know of a look that is not whole."""
    what = ", ".join(dict.fromkeys(learned.cut)) or "tables"
    return (
        f"cut short: {what} not read to the end (the device is slow, its agent does not answer for them, "
        "or they are more than are read); what lacks there is not taken for gone, and the next look asks for it"
    )


@dataclass(frozen=True, slots=True)
class _Trouble:
    """Why one way of asking failed; ``silent`` when the device did not answer at all."""

    reason: str
    silent: bool
    refused: bool = False
