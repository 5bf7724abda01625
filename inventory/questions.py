"""Decides what becomes of a look when a table of it does not come: the rest counts, and what lacks is told.

A subagent that hangs, or a device so slow that its time runs out, must not take the ports along that
were read already: else such a device would never be known, and be called unreachable beside.
"""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Final

from inventory import facts, snmp_facts
from oss_agent.spi import snmp

_SLACK: Final = 100
"""1/100 s that an agent's parts may be apart in their sysUpTime."""


@dataclasses.dataclass(slots=True)
class Questions:
    """The tables of one device, asked until its time is over. ``system`` is what it must answer."""

    engine: snmp.SnmpEngine
    target: snmp.Target
    until: float
    system: snmp.Columns
    cut: tuple[str, ...] = ()

    async def ask(self, plan: snmp.PollPlan, *of: str) -> snmp.Columns:
        """A table; that not all of it came (``partial``) is noted as a cut ``of`` these.

        SnmpTimeout when the agent restarted in between.
        """
        try:
            async with asyncio.timeout_at(self.until):
                found = await self.engine.poll(self.target, plan)
        except (snmp.SnmpTimeout, TimeoutError):
            found = self._nothing(plan)
        if found.uptime + _SLACK < self.system.uptime:  # its ifIndex may be others now
            raise snmp.SnmpTimeout(f"{self.target.device}: its agent restarted while it was read")
        if found.partial:
            self.cut = tuple(dict.fromkeys((*self.cut, *of)))
        return found

    def _nothing(self, plan: snmp.PollPlan) -> snmp.Columns:
        return dataclasses.replace(
            self.system,
            index=(),
            columns=dict.fromkeys(plan.columns, ()),
            scalars=dict.fromkeys(plan.scalars),
            partial=True,
        )


async def begin(engine: snmp.SnmpEngine, target: snmp.Target, seconds: float) -> Questions:
    """With the system group and the ports. SnmpTimeout, TimeoutError: without them nothing is known."""
    until = asyncio.get_running_loop().time() + seconds
    async with asyncio.timeout_at(until):
        system = await engine.poll(target, snmp_facts.SYSTEM)
    return Questions(engine, target, until, system, (facts.PORTS,) if system.partial else ())
