"""Decides which status a product may move to (TMF637 v4). Pure."""

from __future__ import annotations

from typing import Final

from oss_agent.spi.products import ProductStatus

_MOVES: Final = {
    ProductStatus.CREATED: frozenset({ProductStatus.PENDING_ACTIVE, ProductStatus.ACTIVE}),
    ProductStatus.PENDING_ACTIVE: frozenset(
        {ProductStatus.ACTIVE, ProductStatus.CANCELLED, ProductStatus.ABORTED}
    ),
    ProductStatus.ACTIVE: frozenset(
        {ProductStatus.SUSPENDED, ProductStatus.PENDING_TERMINATE, ProductStatus.TERMINATED}
    ),
    ProductStatus.SUSPENDED: frozenset({ProductStatus.ACTIVE, ProductStatus.PENDING_TERMINATE}),
    ProductStatus.PENDING_TERMINATE: frozenset({ProductStatus.TERMINATED}),
    ProductStatus.TERMINATED: frozenset[ProductStatus](),
    ProductStatus.CANCELLED: frozenset[ProductStatus](),
    ProductStatus.ABORTED: frozenset[ProductStatus](),
}


def legal(before: ProductStatus, after: ProductStatus) -> bool:
    """May a product in ``before`` become ``after``? To the same status always."""
    return after is before or after in _MOVES[before]


def successors(status: ProductStatus) -> tuple[str, ...]:
    """The statuses it may move to, sorted, for a refusal's text."""
    return tuple(sorted(_MOVES[status]))
