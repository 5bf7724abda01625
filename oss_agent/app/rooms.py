"""Constructs every room once and hands each what it needs: no room finds another by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import httpx
import structlog

import bss_bridge.connectors.sender
import bss_bridge.engine.hrefs
import bss_bridge.events.outside
import bss_bridge.events.receivers
import inventory.cases
import inventory.devices
import inventory.ledger
import inventory.onboarding
import inventory.pool_clashes
import inventory.pool_desk
import inventory.pools
import inventory.rounds
import inventory.scouting
import inventory.specification_use
from device_models import detect
from drivers import key_scan, ssh_banner
from drivers.snmp import engine
from oss_agent import clock, outbox, registry, settings, store
from oss_agent.app import billing, complaints, reloading, tuning
from oss_agent.assurance import role, schedule
from oss_agent.catalog import collection, live
from oss_agent.fulfilment import failpoints, parts, service_test
from oss_agent.fulfilment.talk import connections

_TOLD = 5
"""Addresses in one warning at most."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What every room stands on."""

    tree: settings.Settings
    time: clock.SystemClock
    rows: store.SqlStore
    drivers: registry.Registry
    http: httpx.AsyncClient
    snmp: engine.Engine

    @property
    def hrefs(self) -> bss_bridge.engine.hrefs.Hrefs:
        """How links begin."""
        return bss_bridge.engine.hrefs.Hrefs(self.tree.http.public_url)


@dataclass(frozen=True, slots=True)
class Built:
    """The rooms, wired."""

    parts: parts.Parts
    late: outbox.Watch
    outbox: outbox.Outbox
    watch: role.Assurance
    onboarding: inventory.onboarding.StoredOnboarding
    pools: inventory.pool_desk.PoolDesk
    scout: inventory.scouting.AddressScout
    complaints: complaints.Complaints
    catalogue: live.LiveCatalogue
    files: reloading.Reloading
    tests: service_test.ServiceTests
    cases: inventory.cases.CasePort
    rounds: inventory.rounds.Rounds


async def build(ground: Ground) -> Built:
    """Construct and wire; writes only what settings say about pools."""
    tree, time, rows = ground.tree, ground.time, ground.rows
    devices = inventory.devices.StoredDevices(rows, settings.environment())
    complain = complaints.Complaints(rows, time)
    told, patience = receivers(ground), tuning.outbox(tree.outbox)
    post = outbox.Outbox(rows, told, time, complain.undelivered, patience, complain.heed)
    ledger = inventory.ledger.SqlLedger(time, post.append)
    late = outbox.Watch(rows, told.removed, time, complain.undelivered, complain.heed, patience)
    onboarding = inventory.onboarding.StoredOnboarding(
        rows,
        time,
        devices,
        ground.drivers,
        ground.snmp,
        key_scan.scan,
        tree.data / "credentials",
        sink=post.append,
    )
    pace = tuning.discovery(tree.discovery)
    rounds = inventory.rounds.Rounds(rows, onboarding, time, schedule.due, pace)
    watch = role.Assurance(
        rows=rows,
        inventory=ledger,
        devices=devices,
        engine=ground.snmp,
        sink=post.append,
        time=time,
        pace=tuning.assurance(tree),
        changed=rounds.hint,
    )
    complain.go_to(watch.desk)
    bounds = tuning.fulfilment(tree.fulfilment, tree.orders)
    read = reloading.reader(tree.catalogue.folder, tuning.catalogue(tree.catalogue))
    catalogue = live.LiveCatalogue(read())
    files = reloading.Reloading(rows, time, post.append, catalogue, read, tuning.tenants(tree.http))
    collaborators = parts.Parts(
        store=rows,
        drivers=ground.drivers,
        lines=connections.Connections(devices, ground.drivers, bounds),
        ledger=ledger,
        catalogue=catalogue,
        events=post.append,
        alarms=watch.desk,
        clock=time,
        limits=bounds,
        failpoints=failpoints.from_environment(settings.environment()),
        count_unknown=lambda device: structlog.get_logger().error("device unknown", device=device),
        bell=asyncio.Event(),
    )
    await _open_pools(rows, tuning.ranges(tree), time)
    await tell_missing(rows, catalogue.present.files)
    tests = service_test.ServiceTests(collaborators)
    cases = inventory.cases.CasePort(rows, time, accepted=rounds.hint)
    desk = inventory.pool_desk.PoolDesk(rows, time, post.append)
    ways = inventory.scouting.Ways(
        key_scan.scan, ssh_banner.read, ground.snmp, detect.detect, ground.drivers
    )
    place = tree.data / "credentials"
    scout = inventory.scouting.AddressScout(rows, time, ways, place, post.append)
    return Built(
        collaborators,
        late,
        post,
        watch,
        onboarding,
        desk,
        scout,
        complain,
        catalogue,
        files,
        tests,
        cases,
        rounds,
    )


async def _open_pools(
    rows: store.SqlStore, pools: Sequence[inventory.pools.PoolRange], time: clock.SystemClock
) -> None:
    """Make the pools what the settings say, and tell what in them is the network's own."""
    inventory.pool_clashes.refuse_overlap(pools)
    await rows.write(lambda c: inventory.pools.seed(c, pools, tenant="default", at=time.now()))
    clashes = inventory.pool_clashes
    covered = await rows.read(lambda c: clashes.covered(c, pools, tenant="default"))
    for pool, addresses in covered.items():
        structlog.get_logger().warning(
            "a pool can give a customer what a device of the network has: name another prefix",
            pool=pool,
            addresses=addresses[:_TOLD],
            more=max(0, len(addresses) - _TOLD),
        )


async def tell_missing(rows: store.SqlStore, loaded: collection.Collection) -> None:
    """A service whose specification is gone is watched as before, and can be changed by nobody."""
    known = {(one.id, one.version) for one in (*loaded.services, *loaded.ordered)}
    for key, number in (await rows.read(inventory.specification_use.living)).items():
        if key not in known:
            structlog.get_logger().error(
                "services whose specification the catalogue lacks cannot be changed or ended: put "
                "its file back, with status retired if nobody is to order it",
                specification=" ".join(key),
                services=number,
            )


def receivers(ground: Ground) -> bss_bridge.events.receivers.BridgeReceivers:
    """Who is told: the configured billing, and whoever registered at a hub."""
    of = ground.tree.http
    outside = bss_bridge.events.outside.Outside(
        ground.http, ground.time, ground.hrefs, tuning.policy(of), tuning.style(of)
    )
    plain = tuning.billing(ground.tree.billing)
    mouth = bss_bridge.connectors.sender.Mouth(ground.http, ground.time)
    told = billing.receivers(ground.tree, mouth, ground.rows, ground.hrefs)
    return bss_bridge.events.receivers.BridgeReceivers(ground.rows, outside, plain, told)
