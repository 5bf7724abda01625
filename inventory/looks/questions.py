"""Decides what becomes of a look when a table of it does not come: the rest counts, and what lacks is told.

A subagent that hangs, or a device so slow that its time runs out, must not take the ports along that
were read already: else such a device would never be known, and be called unreachable beside.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping
from typing import Final

from inventory.facts import facts, logical_facts, snmp_facts
from oss_agent.spi import snmp
from oss_agent.spi.onboarding import About

_READ: Final[Mapping[About, tuple[str, ...]]] = {
    About.PARTS: (facts.PARTS,),
    About.NEIGHBOURS: (facts.NEIGHBOURS,),
    # Not the neighbours of BGP and OSPF: to walk the routing daemon's tables while it takes in what is
    # configured keeps it from that.
    About.CONFIGURATION: (facts.ADDRESSES, facts.LABELS, logical_facts.VLAN, logical_facts.VRF),
}
_SLACK: Final = 100
"""1/100 s that an agent's parts may be apart in their sysUpTime."""


@dataclasses.dataclass(slots=True)
class Questions:
    """The tables of one device, asked until its time is over. ``system`` is what it must answer."""

    engine: snmp.SnmpEngine
    target: snmp.Target
    until: float
    system: snmp.Columns
    wanted: frozenset[str] | None = None
    """what is asked for; None: everything"""
    cut: tuple[str, ...] = ()

    def wants(self, *of: str) -> bool:
        """Is any of these asked for?"""
        return self.wanted is None or not self.wanted.isdisjoint(of)

    async def ask(self, plan: snmp.PollPlan, *of: str) -> snmp.Columns | None:
        """A table; that not all of it came (``partial``) is noted as a cut ``of`` these.

        None when none of these is wanted. SnmpTimeout when the agent restarted in between.
        """
        if not self.wants(*of):
            return None
        try:
            async with asyncio.timeout_at(self.until):
                found = await self.engine.poll(self.target, plan)
        except (snmp.SnmpTimeout, TimeoutError):
            found = self._nothing(plan)
        if snmp.fell(self.system.uptime, found.uptime, _SLACK):  # its ifIndex may be others now
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


async def begin(
    engine: snmp.SnmpEngine,
    target: snmp.Target,
    seconds: float,
    about: frozenset[About] = frozenset({About.WHOLE}),
) -> Questions:
    """With the system group and the ports. SnmpTimeout, TimeoutError: without them nothing is known."""
    until = asyncio.get_running_loop().time() + seconds
    async with asyncio.timeout_at(until):
        system = await engine.poll(target, snmp_facts.SYSTEM)
    cut = (facts.PORTS,) if system.partial else ()
    return Questions(engine, target, until, system, _tables(about), cut)


def _tables(about: frozenset[About]) -> frozenset[str] | None:
    """What is read of each; the ports always are, for all else is told by them."""
    if About.WHOLE in about:
        return None
    return frozenset(table for one in about for table in _READ[one])
