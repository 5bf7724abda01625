"""Decides a product's status from the services that it consists of (TMF637). Pure."""

from __future__ import annotations

from collections.abc import Collection

from oss_agent.spi.products import ProductStatus
from oss_agent.spi.views import ServiceState

_NEW = frozenset({ProductStatus.CREATED, ProductStatus.PENDING_ACTIVE})
_LIVED = frozenset({ServiceState.ACTIVE, ServiceState.INACTIVE, ServiceState.TERMINATED})


def status(
    before: ProductStatus,
    services: Collection[ServiceState | None],
    *,
    going_on: bool,
    failed: bool,
) -> ProductStatus:
    """What a product in ``before`` is now; ``services`` are the states of its parts' services.

    One that never lived is None. ``going_on``: an order has not done with the product yet;
    ``failed``: the item that was to make it did not complete, and nobody had cancelled it. A new
    product of which only a part lives stays pendingActive: it is neither there nor gone.
    """
    if before.final:
        return before
    if before in _NEW:
        return _new(before, services, going_on=going_on, failed=failed)
    lived = _LIVED & set(services)
    if lived <= {ServiceState.TERMINATED}:
        return ProductStatus.TERMINATED
    if ServiceState.TERMINATED in lived:
        return ProductStatus.PENDING_TERMINATE
    return ProductStatus.SUSPENDED if ServiceState.INACTIVE in lived else ProductStatus.ACTIVE


def steps(before: ProductStatus, after: ProductStatus) -> tuple[ProductStatus, ...]:
    """The statuses a product goes through to ``after``: a suspended one does not end at once."""
    if after is before:
        return ()
    if (before, after) == (ProductStatus.SUSPENDED, ProductStatus.TERMINATED):
        return (ProductStatus.PENDING_TERMINATE, after)
    return (after,)


def _new(
    before: ProductStatus,
    services: Collection[ServiceState | None],
    *,
    going_on: bool,
    failed: bool,
) -> ProductStatus:
    if going_on:
        return before
    if set(services) == {ServiceState.ACTIVE}:
        return ProductStatus.ACTIVE
    if {ServiceState.ACTIVE, ServiceState.INACTIVE} & set(services):
        return before
    return ProductStatus.ABORTED if failed else ProductStatus.CANCELLED
