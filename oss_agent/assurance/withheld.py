"""Decides whose usage is withheld, and acts on it: people are told of it once, until it ends.

Withheld is what may well be counted, while nobody can say yet that it is this service's: the port is in
doubt for longer than looks take, or its device is not polled any more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import TypeAlias

from oss_agent.assurance import periods, usage
from oss_agent.spi import ledger, store

_Keys: TypeAlias = Collection[tuple[str, str, ledger.Why]]


class Notice:
    """What people are told of, by device: most polls change nothing of it, and ask no database."""

    def __init__(self, inventory: ledger.Ledger) -> None:
        self._ledger = inventory
        self._told: dict[str, _Keys] = {}

    def devices(self) -> AbstractSet[str]:
        """Where anything is told to be withheld, as far as this process knows."""
        return {device for device, told in self._told.items() if told}

    async def tell(
        self,
        rows: store.Store,
        device: str,
        found: Sequence[ledger.Withheld],
        patience: Collection[str],
        at: datetime,
    ) -> None:
        """This is withheld now. StoreUnavailable.

        For ports with ``patience`` a look is waited for: they are not told of yet, unless they are already.
        """
        if device not in self._told:
            self._told[device] = await rows.read(lambda c: self._ledger.withheld(c, device))
        before = self._told[device]
        withheld = [one for one in found if one.port not in patience or one.key in before]
        now = frozenset(one.key for one in withheld)
        if now == before:
            return
        await rows.write(
            lambda c: self._ledger.withhold(c, device=device, withheld=withheld, at=at)
        )
        self._told[device] = now


def in_doubt(
    port: ledger.WatchedPort,
    period: periods.Period | None,
    read: Mapping[periods.Place, usage.Sample],
    now: datetime,
) -> ledger.Withheld:
    """Nobody knows which row of its device the port is, since what was read last."""
    last = None if period is None else read.get(period.place, period.first)
    since = last.at if last is not None else port.came or now
    return _withheld(port, ledger.Why.IN_DOUBT, since)


def unpolled(period: periods.Period) -> ledger.Withheld:
    """Its device is asked no more; all that was read is told."""
    return _withheld(period.whose, ledger.Why.NOT_POLLED, period.first.at)


def _withheld(port: ledger.WatchedPort, why: ledger.Why, since: datetime) -> ledger.Withheld:
    return ledger.Withheld(
        port=port.port,
        service=port.service,
        service_name=port.service_name,
        customer=port.customer,
        why=why,
        since=since,
    )
