"""Decides how an address is asked who is there: SSH and NETCONF name themselves, SNMP says what it is.

No login is tried. The community goes out in the clear, where one is given.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from inventory.looks import system_group
from inventory.words import host_keys, hostile_text
from oss_agent import errors
from oss_agent.spi import detection, onboarding, snmp
from oss_agent.spi.scouting import USUAL, Ports

_TOGETHER: Final = 32
"""Addresses asked at once, of all requests: gentle to a management network; 1,024 silent ones take minutes."""
_DEADLINE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
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


class AddressLook:
    """Asks addresses; writes nothing."""

    def __init__(
        self,
        key_scan: onboarding.KeyScan,
        banner: detection.Banner,
        engine: snmp.SnmpEngine,
        detect: detection.Detector,
    ) -> None:
        self._key_scan = key_scan
        self._banner = banner
        self._engine = engine
        self._detect = detect
        self._room = asyncio.Semaphore(_TOGETHER)

    async def ask(
        self, asked: Mapping[str, Sequence[str]], community: str | None, ports: Ports
    ) -> list[Answer]:
        """What each of the addresses says, by what its neighbours repeat of it."""
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._one(one, community, ports, said))
                for one, said in asked.items()
            ]
        return [task.result() for task in tasks]

    async def _one(
        self, address: str, community: str | None, ports: Ports, announced: Sequence[str]
    ) -> Answer:
        async with self._room:
            keys, banner, found = await self._ssh(address, ports)
            target = snmp.Target(address, address, community=community or "")
            group = None
            if community is not None:
                group = await system_group.ask(self._engine, target)
        said = group or system_group.SystemGroup()
        evidence = detection.Evidence(said.object_id, said.description, banner)
        own = self._detect(evidence)
        seen = self._detect(dataclasses.replace(evidence, announced=announced))
        called = hostile_text.printable(said.name, hostile_text.NAME)
        return Answer(address, keys, called, own, seen, bool(banner or group), found)

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
            banner = await self._banner(address, port)
            if banner:
                return port, banner
        return None, b""

    async def _keys(self, address: str, port: int) -> tuple[str, ...]:
        try:
            async with asyncio.timeout(_DEADLINE):
                raw = await self._key_scan(address, address, port)
        except (errors.DeviceUnreachable, TimeoutError):
            return ()
        keys = (host_keys.normalised(key) for key in raw)
        return tuple(dict.fromkeys(key for key in keys if key is not None))
