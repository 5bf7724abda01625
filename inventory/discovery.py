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
            answer = await self._bounded(way(endpoint))
            if isinstance(answer, _Trouble):
                reasons.append(answer)
            else:
                parts.append(answer)
        reason = "; ".join(trouble.reason for trouble in reasons)
        silent = not parts and all(trouble.silent for trouble in reasons)
        return Finding(endpoint.device, _merged(parts), reason, silent)

    async def _bounded(
        self, question: Awaitable[facts.DeviceFacts]
    ) -> facts.DeviceFacts | _Trouble:
        try:
            async with asyncio.timeout(self._limits.deadline):
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
        target = _target(endpoint)
        # One after the other: small agents answer one request at a time anyway.
        system = await self._engine.poll(target, snmp_facts.SYSTEM)
        addresses = await self._engine.poll(target, snmp_facts.ADDRESSES)
        local = await self._engine.poll(target, lldp_facts.LOCAL)
        remote = await self._engine.poll(target, lldp_facts.REMOTE)
        cdp = await self._engine.poll(target, cdp_facts.PLAN)
        types = await self._engine.poll(target, bundle_facts.TYPES)
        attached = await self._engine.poll(target, bundle_facts.ATTACHED)
        layers = await self._engine.poll(target, bundle_facts.LAYERS)
        answers = snmp_facts.Answers(system, addresses, local, remote, cdp, types, attached, layers)
        # In a thread: a box with 20,000 ports takes a second to understand.
        seen = await asyncio.to_thread(snmp_facts.read, endpoint.device, answers)
        seen = address_facts.read(seen, await self._engine.poll(target, address_facts.PLAN))
        seen = await self._talks_to(target, seen)
        return await self._built_of(target, seen)

    async def _talks_to(self, target: snmp.Target, seen: facts.DeviceFacts) -> facts.DeviceFacts:
        """VLANs, VRFs and routing neighbours; a table that is not there costs one question."""
        told = {
            kind: await self._engine.poll(target, plan)
            for kind, plan in logical_facts.PLANS.items()
        }
        ports = None
        if told[logical_facts.VLAN].index:
            ports = await self._engine.poll(target, logical_facts.BRIDGE_PORTS)
        return await asyncio.to_thread(logical_facts.read, seen, told, ports)

    async def _built_of(self, target: snmp.Target, seen: facts.DeviceFacts) -> facts.DeviceFacts:
        """Its parts; the mapping of ports is asked only where there are any."""
        physical = await self._engine.poll(target, entity_facts.PHYSICAL)
        if not physical.index:
            return seen
        aliases = await self._engine.poll(target, entity_facts.ALIASES)
        return await asyncio.to_thread(entity_facts.read, seen, physical, aliases)

    async def _by_session(self, endpoint: device.Endpoint) -> facts.DeviceFacts:
        driver = self._drivers.driver(endpoint.platform)
        addresses = None
        async with driver.session(endpoint) as session:
            offers = session.offers
            if device.Capability.PROBE in offers:
                observation = await session.observe(_ADDRESSES)
                addresses = host_addresses.read(observation.values.get("addresses"))
        words = tuple(sorted(offer.value for offer in offers))
        return facts.DeviceFacts(device=endpoint.device, offers=words, addresses=addresses)


def _target(endpoint: device.Endpoint) -> snmp.Target:
    port = endpoint.ports.get("snmp", _SNMP_PORT)
    return snmp.Target(endpoint.device, endpoint.address, port, endpoint.snmp_community or "")


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
            if getattr(part, one.name) is not None and one.name not in {"device", "complete"}
        }
        merged = dataclasses.replace(merged, **learned, complete=merged.complete and part.complete)
    return merged
