"""Decides how a device is asked what it is: SNMP where it is flagged for it, then its own session.

Every device has one deadline and a reason when it fails; the others go on.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Final

from inventory import (
    address_facts,
    bundle_facts,
    cdp_facts,
    entity_facts,
    facts,
    host_addresses,
    lldp_facts,
    logical_facts,
    questions,
    snmp_facts,
    stamps,
)
from oss_agent import errors
from oss_agent.spi import device, ledger, snmp
from oss_agent.spi.proof import Question

_ADDRESSES: Final = Question("addresses")
_SNMP_PORT: Final = 161


@dataclass(frozen=True, slots=True)
class Limits:
    """``together`` devices are asked at once, each for at most ``deadline`` seconds."""

    together: int = 16
    deadline: float = 150.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What one device said (None: nothing), why not more, and whether it was silent."""

    device: str
    learned: facts.DeviceFacts | None
    reason: str = ""
    silent: bool = False


class Explorer:
    """Asks devices; writes nothing."""

    def __init__(
        self,
        devices: ledger.Devices,
        drivers: device.Drivers,
        engine: snmp.SnmpEngine,
        limits: Limits,
    ) -> None:
        self._devices = devices
        self._drivers = drivers
        self._engine = engine
        self._limits = limits

    async def explore(self, names: Sequence[str]) -> tuple[Finding, ...]:
        """One finding per device, in order."""
        room = asyncio.Semaphore(self._limits.together)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._in_turn(room, name)) for name in names]
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

    async def _in_turn(self, room: asyncio.Semaphore, name: str) -> Finding:
        async with room:
            try:
                endpoint = await self._devices.endpoint(name)
            except errors.DeviceRefused as refused:
                return Finding(name, None, refused.reason)
            return await self._ask(endpoint)

    async def _ask(self, endpoint: device.Endpoint) -> Finding:
        """Both ways of asking; either may fail, and what the other learned still counts."""
        parts: list[facts.DeviceFacts] = []
        reasons: list[_Trouble] = []
        ways = [self._by_snmp] if endpoint.snmp_community is not None else []
        for way in [*ways, self._by_session]:
            answer = await self._answer(way(endpoint))
            if isinstance(answer, _Trouble):
                reasons.append(answer)
            else:
                parts.append(answer)
        learned = _merged(parts)
        cut = [_shortened(learned)] if learned is not None and not learned.complete else []
        reason = "; ".join([*cut, *(trouble.reason for trouble in reasons)])
        silent = not parts and all(trouble.silent for trouble in reasons)
        return Finding(endpoint.device, learned, reason, silent)

    async def _answer(self, question: Awaitable[facts.DeviceFacts]) -> facts.DeviceFacts | _Trouble:
        """What was learned one way; each keeps its time itself, for what it has by then counts."""
        try:
            return await question
        except errors.DeviceUnreachable as error:
            return _Trouble(error.reason, silent=True)
        except errors.DeviceError as error:
            return _Trouble(error.reason, silent=False)
        except errors.ConfigurationError as error:
            return _Trouble(str(error), silent=False)
        except snmp.SnmpTimeout as error:
            return _Trouble(f"no SNMP answer: {error}".removesuffix(": "), silent=True)
        except TimeoutError:
            return _Trouble(f"no answer within {self._limits.deadline:g} s", silent=True)

    async def _by_snmp(self, endpoint: device.Endpoint) -> facts.DeviceFacts:
        of = await questions.begin(self._engine, _target(endpoint), self._limits.deadline)
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
        seen = address_facts.read(seen, await of.ask(address_facts.PLAN, facts.ADDRESSES))
        seen = await self._talks_to(of, seen)
        seen = await self._built_of(of, seen)
        return dataclasses.replace(
            seen, complete=seen.complete and not of.cut, cut=(*seen.cut, *of.cut)
        )

    async def _talks_to(
        self, of: questions.Questions, seen: facts.DeviceFacts
    ) -> facts.DeviceFacts:
        """VLANs, VRFs and routing neighbours; a table that is not there costs one question."""
        told = {kind: await of.ask(plan, kind) for kind, plan in logical_facts.PLANS.items()}
        ports = None
        if told[logical_facts.VLAN].index:
            ports = await of.ask(logical_facts.BRIDGE_PORTS, logical_facts.VLAN)
        return await asyncio.to_thread(logical_facts.read, seen, told, ports)

    async def _built_of(
        self, of: questions.Questions, seen: facts.DeviceFacts
    ) -> facts.DeviceFacts:
        """Its parts; the mapping of ports is asked only where there are any."""
        physical = await of.ask(entity_facts.PHYSICAL, facts.PARTS)
        if not physical.index:
            return seen
        aliases = await of.ask(entity_facts.ALIASES, facts.PARTS)
        return await asyncio.to_thread(entity_facts.read, seen, physical, aliases)

    async def _by_session(self, endpoint: device.Endpoint) -> facts.DeviceFacts:
        driver = self._drivers.driver(endpoint.platform)
        addresses = None
        async with asyncio.timeout(self._limits.deadline), driver.session(endpoint) as session:
            offers = session.offers
            if device.Capability.PROBE in offers:
                observation = await session.observe(_ADDRESSES)
                addresses = host_addresses.read(observation.values.get("addresses"))
        words = tuple(sorted(offer.value for offer in offers))
        return facts.DeviceFacts(device=endpoint.device, offers=words, addresses=addresses)


def _target(endpoint: device.Endpoint) -> snmp.Target:
    port = endpoint.ports.get("snmp", _SNMP_PORT)
    return snmp.Target(endpoint.device, endpoint.address, port, endpoint.snmp_community or "")


def _shortened(learned: facts.DeviceFacts) -> str:
    """What an operator must know of a look that is not whole."""
    what = ", ".join(dict.fromkeys(learned.cut)) or "tables"
    return (
        f"cut short: {what} not read to the end (the device is slow, or its agent does not answer for "
        "them); what lacks there is not taken for gone, and the next look asks for it"
    )


@dataclass(frozen=True, slots=True)
class _Trouble:
    """Why one way of asking failed; ``silent`` when the device did not answer at all."""

    reason: str
    silent: bool


def _merged(parts: Sequence[facts.DeviceFacts]) -> facts.DeviceFacts | None:
    """One value of several; a part that learned nothing of a thing leaves the other's word."""
    if not parts:
        return None
    merged = parts[0]
    for part in parts[1:]:
        learned = {
            one.name: getattr(part, one.name)
            for one in dataclasses.fields(part)
            if getattr(part, one.name) is not None and one.name not in {"device", "complete", "cut"}
        }
        complete = merged.complete and part.complete
        cut = (*merged.cut, *part.cut)
        merged = dataclasses.replace(merged, **learned, complete=complete, cut=cut)
    return merged
