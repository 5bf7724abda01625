"""Judges the predicates of a living service now, as the vote did when it came to life; once.

Its configuration is compared with what the ledger says that it has; everything else its design asks.
What cannot be asked says so: nothing here changes a device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from oss_agent.fulfilment import parts
from oss_agent.fulfilment.intent import design
from oss_agent.fulfilment.transact import observer
from oss_agent.spi import proof


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of it: ``reason`` is the first thing that does not hold, None when all does."""

    verdicts: tuple[proof.Verdict, ...]
    reason: str | None


def questions(
    connection: sa.Connection, p: parts.Parts, tenant: str, service: str
) -> tuple[observer.Asked, ...]:
    """What is asked about a service; nothing about one that no order of ours built."""
    built = design.last_built(connection, tenant, service)
    configured = observer.configuration(p.ledger.configured(connection, service))
    other = [
        observer.Asked(one)
        for one in (built.predicates if built is not None else ())
        if one.kind != proof.CONFIG_EQUAL
    ]
    return (*configured, *other)


async def judged(p: parts.Parts, asked: Sequence[observer.Asked]) -> Judged:
    """One look at every place, all at once."""
    verdicts = await observer.judge_all(p, asked, p.clock.monotonic())
    failed = [one for one in verdicts if not one.passes]
    if not failed:
        return Judged(verdicts, None if verdicts else "nothing can be asked about this service")
    first = failed[0]
    return Judged(verdicts, f"{first.predicate.kind} on {first.predicate.device}: {first.reason}")
