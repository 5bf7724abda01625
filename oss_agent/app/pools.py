"""The pools, wired: made what the settings say, shown and given back at a desk, watched for shortage."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

import inventory.pools.pool_clashes
import inventory.pools.pool_desk
import inventory.pools.pool_watch
import inventory.pools.pools
import inventory.rows.resource_ids
from oss_agent import settings
from oss_agent.app import deeds, ground, tuning
from oss_agent.spi import events

_TOLD = 5
"""Addresses in one warning at most."""


@dataclass(frozen=True, slots=True)
class Pools:
    """The desk and the role."""

    desk: inventory.pools.pool_desk.PoolDesk
    shortages: inventory.pools.pool_watch.PoolWatch


def build(
    on: ground.Ground, sink: events.EventSink, tell: inventory.pools.pool_watch.Tell
) -> Pools:
    """Construct; ``tell`` hears of each pool that runs out, and that it does not any more."""
    return Pools(
        inventory.pools.pool_desk.PoolDesk(on.rows, on.time, sink, deeds.append),
        inventory.pools.pool_watch.PoolWatch(on.rows, on.time, tell, tuning.shortages(on.tree)),
    )


def of_other_numbers(tree: settings.Settings) -> tuple[str, ...]:
    """Settings whose values carry another autonomous system's number than ours. Pure.

    An address before a distinguisher is nobody's number.
    """
    ours, community = str(tree.catalogue.as_number), tree.catalogue.internet_community
    found = [
        f"{one.name} ({one.administrator})"
        for one in tree.pools
        if one.administrator is not None and one.administrator.isdecimal()
        if one.administrator != ours
    ]
    if community.partition(":")[0] != ours:
        found.append(f"catalogue.internet_community ({community})")
    return tuple(found)


async def settle(on: ground.Ground) -> None:
    """Make the pools what the settings say, and tell what in them is the network's own or another's."""
    if strange := of_other_numbers(on.tree):
        structlog.get_logger().warning(
            "values carry another AS number than catalogue.as_number: name them with yours, and see "
            "that the routers' BGP runs as it, or orders of L3VPN and Internet access fail on them",
            as_number=on.tree.catalogue.as_number,
            settings=list(strange),
        )
    wanted, clashes = tuning.ranges(on.tree), inventory.pools.pool_clashes
    clashes.refuse_overlap(wanted)
    await on.rows.write(
        lambda c: inventory.pools.pools.seed(c, wanted, tenant="default", at=on.time.now())
    )
    names = [one.name for one in wanted]
    for name in await on.rows.read(lambda c: inventory.rows.resource_ids.devices_called(c, names)):
        structlog.get_logger().error(
            "a pool and a device that were there before are called alike: what TMF639 answers for "
            "such an id may be either; give one of them up for another name when you can",
            name=name,
        )
    covered = await on.rows.read(lambda c: clashes.covered(c, wanted, tenant="default"))
    for pool, addresses in covered.items():
        structlog.get_logger().warning(
            "a pool can give a customer what a device of the network has: name another prefix",
            pool=pool,
            addresses=addresses[:_TOLD],
            more=max(0, len(addresses) - _TOLD),
        )
