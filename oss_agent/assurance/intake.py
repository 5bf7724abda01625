"""Acts on traps: who sent it, does it count, and then the poller's hint. Every trap is counted.

The source address is a hint and never an identity: it must belong to a watched device and carry
that device's community. What does not is counted by reason and creates nothing. A trap that may
tell of a change (a card, a configuration, a restart) is heard by whoever looks at devices.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from oss_agent import errors
from oss_agent.assurance import poller, traps
from oss_agent.spi import ledger, onboarding, snmp


class Intake:
    """Reads the engine's trap batches and hints the poller."""

    def __init__(
        self,
        devices: ledger.Devices,
        engine: snmp.SnmpEngine,
        polling: poller.Poller,
        changed: Callable[[str, onboarding.About], None] = lambda _device, _about: None,
    ) -> None:
        self._devices = devices
        self._engine = engine
        self._polling = polling
        self._changed = changed
        self._counters: Counter[str] = Counter()

    async def run(self) -> None:
        """Take traps in until cancelled."""
        async for batch in self._engine.traps():
            await self.take(batch)

    async def take(self, batch: Sequence[snmp.Trap]) -> None:
        """One batch; each source is looked up once."""
        names: dict[str, str | None] = {}
        for trap in batch:
            if trap.source not in names:
                names[trap.source] = await self._name(trap.source)
            self._counters[self._hint(trap, names[trap.source])] += 1

    async def _name(self, source: str) -> str | None:
        try:
            return await self._devices.by_address(source)
        except errors.StoreUnavailable:  # the next regular poll will see it
            return None

    def _hint(self, trap: snmp.Trap, name: str | None) -> str:
        """Hint the poller; says what became of the trap, as a counter's name."""
        community = None if name is None else self._polling.community(name)
        if name is None or community is None:
            return "unknown_source"
        if trap.community != community.encode():
            return "wrong_community"
        about = traps.about(trap)
        if about is not None:
            self._changed(name, about)
        if traps.notice(trap) is None:
            return "passed_on" if about is not None else "ignored"
        return "hinted" if self._polling.hint(name, trap) else "coalesced"

    def counters(self) -> Mapping[str, int]:
        """Traps by what became of them."""
        return dict(self._counters)
