"""Decides how a product order follows its service order, by the diagram of TMF622. Pure.

The diagrams differ: a product order is not rejected once it is acknowledged, and its cancellation
is assessed only after it began. What TMF641 has an arrow for and TMF622 has not goes through
inProgress; a rejected service order is a failed product order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from oss_agent import errors
from oss_agent.spi.views import OrderState

_BEGUN = OrderState.IN_PROGRESS
_STANDING = frozenset(
    {OrderState.CANCELLED, OrderState.ASSESSING_CANCELLATION, OrderState.IN_PROGRESS}
)
NEXT: Mapping[OrderState, frozenset[OrderState]] = MappingProxyType(
    {
        OrderState.ACKNOWLEDGED: frozenset({OrderState.IN_PROGRESS, OrderState.PENDING}),
        OrderState.IN_PROGRESS: frozenset(
            {
                OrderState.PENDING,
                OrderState.HELD,
                OrderState.COMPLETED,
                OrderState.FAILED,
                OrderState.PARTIAL,
                OrderState.CANCELLED,
                OrderState.ASSESSING_CANCELLATION,
            }
        ),
        OrderState.PENDING: _STANDING,
        OrderState.HELD: _STANDING,
        OrderState.ASSESSING_CANCELLATION: frozenset(
            {
                OrderState.IN_PROGRESS,
                OrderState.PENDING,
                OrderState.HELD,
                OrderState.PENDING_CANCELLATION,
            }
        ),
        OrderState.PENDING_CANCELLATION: frozenset({OrderState.CANCELLED}),
    }
)
"""State -> those that may follow it (TMF622 v4); a final state has none."""


def steps(before: OrderState, service_order: OrderState) -> tuple[OrderState, ...]:
    """The states a product order goes through when its service order is ``service_order`` now.

    () when it shows that already. AgentError when there is no way.
    """
    after = _meant(before, service_order)
    if after is before:
        return ()
    if after in NEXT.get(before, frozenset()):
        return (after,)
    if _BEGUN in NEXT.get(before, frozenset()) and after in NEXT[_BEGUN]:
        return (_BEGUN, after)
    raise errors.AgentError(f"a product order cannot go from {before} to {after}")


def _meant(before: OrderState, service_order: OrderState) -> OrderState:
    if service_order is OrderState.REJECTED:
        return OrderState.FAILED
    if service_order is OrderState.ACKNOWLEDGED and before is not OrderState.ACKNOWLEDGED:
        return _BEGUN  # a refused cancellation: nothing leads back to acknowledged here
    return service_order


def item_state(service_items: Sequence[OrderState]) -> OrderState:
    """A product order item's state from those of its service order items.

    TMF622 v4 has no partial for items: one that is not wholly there has failed.
    """
    kinds = set(service_items)
    going = {state for state in kinds if not state.final}
    if not going:
        same = kinds.pop() if len(kinds) == 1 else OrderState.FAILED
        return OrderState.FAILED if same in _NO_ITEM else same
    if len(kinds) == 1:
        return going.pop()
    stopped = {OrderState.PENDING, OrderState.HELD}
    return going.pop() if len(going) == 1 and going <= stopped else _BEGUN


_NO_ITEM = frozenset({OrderState.REJECTED, OrderState.PARTIAL})
