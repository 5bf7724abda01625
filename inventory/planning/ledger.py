"""The inventory's writing side for units: ``spi.ledger.Ledger`` over the modules that decide."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

import sqlalchemy as sa

from inventory.devices import dependants, standings, withheld_usage
from inventory.drift import drift_rows
from inventory.looks import polled_ports, sightings
from inventory.planning import configured, port_claims, snapshot
from inventory.pools import pool_claims, pool_there
from inventory.rows import cases, ownership, tenancy
from inventory.services import (
    product_views,
    products,
    resource_events,
    service_logicals,
    service_views,
    services,
)
from oss_agent.spi import clock, events, ledger, orders
from oss_agent.spi import products as spi_products
from oss_agent.spi.tree import Path, Tree
from oss_agent.spi.views import OperatingStatus, ServiceState, ServiceView


class SqlLedger:
    """``spi.ledger.Ledger``. The clock is for ``likely`` alone: all else is told its moment.

    ``sink`` is told what becomes of resources, ``touched`` the devices of which a unit changes what
    is planned or configured.
    """

    def __init__(
        self,
        clock: clock.Clock,
        sink: events.EventSink | None = None,
        touched: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._clock = clock
        self._touched = touched
        self._resources = resource_events.Teller(sink)

    def snapshot(self, connection: sa.Connection, tenant: str) -> ledger.Snapshot:
        """Devices, ports with owners and test points, services."""
        return snapshot.take(connection, tenant)

    def around(
        self,
        connection: sa.Connection,
        tenant: str,
        *,
        devices: Collection[str],
        name: str,
        adopting: bool = False,
    ) -> ledger.Snapshot:
        """These devices, and the services of this name."""
        return snapshot.around(connection, tenant, devices, name, adopting=adopting)

    def read_only(self, connection: sa.Connection, devices: Collection[str]) -> Mapping[str, str]:
        """Of these devices those that may not be written to, each with the reason."""
        return standings.read_only(connection, devices)

    def service(self, connection: sa.Connection, tenant: str, key: str) -> ServiceView | None:
        """One of a tenant's services; None when it has none with this id."""
        found = service_views.of(connection, tenant, key)
        return None if found is None else _shown(connection, found)

    def likely(
        self,
        connection: sa.Connection,
        pool: str,
        beside: Collection[str] = (),
        *,
        key: str = "",
        wanted: str | None = None,
        there: bool = False,
    ) -> str:
        """The value a claim would get now; claims nothing."""
        at = self._clock.now()
        if there and wanted is not None and pool_there.rests(connection, pool, wanted):
            return wanted
        if wanted is not None:
            return pool_claims.granted(connection, pool, key, wanted, at)
        return pool_claims.likely(connection, pool, at, beside)

    def claim(
        self,
        connection: sa.Connection,
        *,
        pool: str,
        key: str,
        wanted: str | None,
        at: datetime,
        there: bool = False,
    ) -> str:
        """A keyed claim: the same key always gets the same value."""
        some = resource_events.Some(keys=frozenset({key}))
        with self._resources.around(connection, some, at):
            if there and wanted is not None:
                return pool_there.claim(connection, pool=pool, key=key, wanted=wanted, at=at)
            return pool_claims.claim(connection, pool=pool, key=key, wanted=wanted, at=at)

    def release(self, connection: sa.Connection, *, key: str, at: datetime) -> None:
        """Give back what ``key`` claimed; it rests for the pool's quarantine."""
        some = resource_events.Some(keys=frozenset({key}))
        with self._resources.around(connection, some, at):
            pool_claims.release(connection, key=key, at=at)

    def take_ports(
        self,
        connection: sa.Connection,
        *,
        service: str,
        order: str,
        ports: Sequence[tuple[str, str]],
        at: datetime,
    ) -> None:
        """Take ports exclusively, all or none."""
        for device in {device for device, _ in ports}:
            tenancy.of_device(connection, device)  # NotFound before anything is taken
        tenant = tenancy.of_service(connection, service, device=ports[0][0]) if ports else ""
        with self._resources.around(connection, _ports_and_devices(ports), at):
            port_claims.take(
                connection, service=service, order=order, ports=ports, tenant=tenant, at=at
            )

    def free_ports(
        self,
        connection: sa.Connection,
        *,
        service: str,
        order: str | None = None,
        keep: Collection[tuple[str, str]] = (),
        at: datetime,
    ) -> None:
        """Give a service's ports back, all or those that ``order`` took, but those to ``keep``."""
        held = port_claims.held(connection, service)
        for device in {device for device, _ in held}:
            self._touched(device)
        with self._resources.around(connection, _ports_and_devices(held), at):
            port_claims.free(connection, service=service, order=order, keep=keep, at=at)

    def own(
        self,
        connection: sa.Connection,
        *,
        service: str,
        order: str,
        device: str,
        store: str,
        paths: Sequence[str],
        changed: Collection[str] = (),
        at: datetime,
    ) -> None:
        """Record that ``service`` owns exactly these configuration paths in a device's store."""
        ownership.own(
            connection,
            ownership.Holding(service, device, store),
            paths,
            order=order,
            changed=changed,
            tenant=tenancy.of_service(connection, service, device=device),
            at=at,
        )

    def disown(
        self, connection: sa.Connection, *, service: str, device: str, store: str, at: datetime
    ) -> None:
        """End a service's ownership in a device's store."""
        self._touched(device)
        ownership.disown(connection, ownership.Holding(service, device, store), at=at)

    def owners(
        self, connection: sa.Connection, device: str, store: str, path: str
    ) -> tuple[str, ...]:
        """Services that own ``path`` or a node above it, now."""
        return ownership.owners(connection, device, store, path)

    def drift_cases(
        self, connection: sa.Connection, tenant: str, device: str, paths: Collection[str]
    ) -> tuple[str, ...]:
        """Ids of the open cases of drift at these paths of a device that a tenant may decide about."""
        subjects = {drift_rows.subject(device, path) for path in paths}
        found = cases.standing(connection, tenant, [device], drift_rows.KINDS)
        return tuple(key for key, one in sorted(found.items()) if one.subject in subjects)

    def record_configured(
        self,
        connection: sa.Connection,
        *,
        device: str,
        store: str,
        service: str,
        tree: Tree,
        at: datetime,
    ) -> None:
        """The configured ledger: what was read back from the device for this service."""
        self._touched(device)
        whose = ownership.Holding(service, device, store)
        tenant = tenancy.of_service(connection, service, device=device)
        configured.record(connection, whose, tree, tenant=tenant, at=at)
        service_logicals.record(connection, whose, tree, tenant=tenant, at=at)

    def configured(self, connection: sa.Connection, service: str) -> Mapping[tuple[str, str], Tree]:
        """What a service has configured now, by (device, store)."""
        return configured.of_service(connection, service)

    def configured_on(
        self, connection: sa.Connection, devices: Collection[str], services: Collection[str]
    ) -> Mapping[str, Mapping[tuple[str, str], Tree]]:
        """What these services have configured on these devices now."""
        return configured.on_devices(connection, devices, services)

    def neighbours(
        self,
        connection: sa.Connection,
        *,
        device: str,
        store: str,
        paths: Sequence[Path],
        besides: str,
    ) -> Mapping[str, Tree]:
        """What other services have configured at, above or below ``paths``."""
        found = ownership.around(connection, device, store, paths) - {besides}
        return configured.of_services(connection, device, store, found)

    def put_service(self, connection: sa.Connection, row: ledger.ServiceRow, at: datetime) -> None:
        """Write a planned service (state designed). Idempotent by id."""
        with self._resources.around(connection, _by_itself(row.id), at):
            services.put(connection, row, at)

    def move_service(
        self,
        connection: sa.Connection,
        *,
        service: str,
        state: ServiceState,
        at: datetime,
        order: str | None = None,
    ) -> ServiceView:
        """Change a service's state; its RFS children move along."""
        with self._resources.around(connection, _by_itself(service), at):
            return _shown(connection, services.move(connection, service, state, at, order))

    def retire_service(self, connection: sa.Connection, *, service: str, at: datetime) -> None:
        """A service that never went live, or is terminated, leaves the inventory."""
        with self._resources.around(connection, _by_itself(service), at):
            services.retire(connection, service, at)

    def set_status(
        self,
        connection: sa.Connection,
        *,
        service: str,
        status: OperatingStatus,
        cause: str | None,
        at: datetime,
    ) -> ServiceView | None:
        """Change operating status; None when it already was so."""
        found = services.set_status(connection, service, status, cause, at)
        return None if found is None else _shown(connection, found)

    def put_product(
        self, connection: sa.Connection, row: spi_products.ProductRow, at: datetime
    ) -> spi_products.ProductView:
        """Write a product (status pendingActive when it is new). Idempotent by id."""
        return products.put(connection, row, at)

    def link_service(
        self, connection: sa.Connection, *, product: str, part: str, service: str, at: datetime
    ) -> None:
        """``service`` realizes ``part`` of a product from now on. Safe twice."""
        products.link(connection, product, part, service, at)

    def unlink_service(
        self, connection: sa.Connection, *, product: str, service: str, at: datetime
    ) -> None:
        """A product does without a service from now on. Safe twice."""
        products.unlink(connection, product, service, at)

    def move_product(
        self,
        connection: sa.Connection,
        *,
        product: str,
        status: spi_products.ProductStatus,
        at: datetime,
    ) -> spi_products.ProductView:
        """Change a product's status; Conflict when the move is illegal."""
        return products.move(connection, product, status, at)

    def products(
        self, connection: sa.Connection, tenant: str, keys: tuple[str, ...]
    ) -> Mapping[str, spi_products.ProductView]:
        """Those of a tenant's products that there are, by id."""
        return product_views.some(connection, keys, tenant=tenant)

    def product_of(
        self, connection: sa.Connection, service: str
    ) -> spi_products.ProductView | None:
        """The product that a service realizes a part of, if any."""
        return product_views.of_service(connection, service)

    def on_port(
        self, connection: sa.Connection, device: str, port: str
    ) -> tuple[ledger.Affected, ...]:
        """Active customer-facing services standing on a port."""
        return dependants.on_port(connection, device, port)

    def on_device(self, connection: sa.Connection, device: str) -> tuple[ledger.Affected, ...]:
        """Active customer-facing services with any port on a device."""
        return dependants.on_device(connection, device)

    def watched(
        self, connection: sa.Connection, device: str | None = None
    ) -> tuple[ledger.WatchedPort, ...]:
        """Meter points of active services; of one device alone when it is named."""
        return dependants.watched(connection, device)

    def sight_device(
        self, connection: sa.Connection, *, device: str, trouble: str | None, at: datetime
    ) -> None:
        """Whether the device answered at ``at``; since when it does not is kept."""
        tenant = tenancy.of_device(connection, device)
        some = self._if_it_turns(connection, device, answers=trouble is None)
        with self._resources.around(connection, some, at):
            if trouble is None:
                sightings.mark_seen(connection, device, tenant, at)
            else:
                sightings.mark_unreachable(connection, device, tenant, at, trouble)

    def observe_ports(
        self,
        connection: sa.Connection,
        *,
        device: str,
        rows: Sequence[tuple[str, int, str, str]],
        at: datetime,
        doubted: Collection[str] = (),
    ) -> None:
        """The observed ledger: (name, ifIndex, admin, oper) as a poll saw them."""
        some = self._if_it_turns(connection, device, answers=True)

        def around(ports: Collection[str]) -> AbstractContextManager[None]:
            changing = frozenset((device, port) for port in ports)
            with_ports = dataclasses.replace(some, ports=changing)
            return self._resources.around(connection, with_ports, at)

        polled_ports.observe_ports(connection, device, rows, at, doubted=doubted, around=around)

    def name_ports(
        self, connection: sa.Connection, device: str, rows: Sequence[ledger.PolledPort]
    ) -> ledger.NamedPorts:
        """Which ports a poll's rows are."""
        return polled_ports.name_ports(connection, device, rows)

    def left(
        self, connection: sa.Connection, *, device: str, port: str, service: str, after: datetime
    ) -> datetime | None:
        """When the service left the port, or ceased to be active there."""
        return dependants.left(connection, device, port, service, after)

    def withheld(
        self, connection: sa.Connection, device: str
    ) -> Collection[tuple[str, str, ledger.Why]]:
        """What usage people are told to be withheld."""
        return withheld_usage.keys(connection, device)

    def withhold(
        self,
        connection: sa.Connection,
        *,
        device: str,
        withheld: Sequence[ledger.Withheld],
        at: datetime,
    ) -> None:
        """People are told of this usage and of no other."""
        withheld_usage.settle(connection, device, withheld, at)

    def looked_at(self, connection: sa.Connection, device: str) -> datetime | None:
        """When its ports were last looked at."""
        return sightings.looked_at(connection, device)

    @staticmethod
    def _if_it_turns(
        connection: sa.Connection, device: str, *, answers: bool
    ) -> resource_events.Some:
        """The device, if that it answers (or not) is news; a poll finds it as before, mostly."""
        if sightings.answers(connection, device) is answers:
            return resource_events.Some()
        return resource_events.Some(devices=frozenset({device}))


def _by_itself(service: str) -> resource_events.Some:
    """A resource that somebody ordered by itself is told as one; a service is its order's to tell."""
    mine = {service} if orders.by_itself(service) else set[str]()
    return resource_events.Some(by_itself=frozenset(mine))


def _ports_and_devices(ports: Collection[tuple[str, str]]) -> resource_events.Some:
    """Ports that change hands, and their devices, whose use may begin or end with it."""
    devices = frozenset(device for device, _ in ports)
    return resource_events.Some(devices=devices, ports=frozenset(ports))


def _shown(connection: sa.Connection, view: ServiceView) -> ServiceView:
    """As a reader is shown it, with its VLANs and VRFs: what an event says is what a GET says."""
    return service_logicals.supported(connection, [view])[0]
