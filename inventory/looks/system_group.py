"""Asks an address what SNMP's system group says of it (RFC 3418); silence is an answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from oss_agent.spi import snmp

PORT: Final = 161
_DEADLINE: Final = 60.0
_SYSTEM: Final = tuple((1, 3, 6, 1, 2, 1, 1, leaf, 0) for leaf in (1, 2, 5))
"""sysDescr.0, sysObjectID.0, sysName.0"""


@dataclass(frozen=True, slots=True)
class SystemGroup:
    """As received; what has another type than it should is empty."""

    description: bytes = b""
    object_id: tuple[int, ...] = ()
    name: snmp.Value = None


async def ask(engine: snmp.SnmpEngine, target: snmp.Target) -> SystemGroup | None:
    """None when nobody answers."""
    try:
        async with asyncio.timeout(_DEADLINE):
            described, object_id, name = await engine.get(target, _SYSTEM)
    except (snmp.SnmpTimeout, OSError):  # OSError: late, or a family that this machine has not
        return None
    return SystemGroup(
        described if isinstance(described, bytes) else b"",
        object_id if isinstance(object_id, tuple) else (),
        name,
    )
