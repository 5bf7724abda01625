"""Decides which states of an order may follow which: the diagram of TMF641, as a table. Pure.

An order's state is what its items make it, or how far its cancellation has come; either way it
moves along the diagram only, and every state on the way is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from oss_agent import errors
from oss_agent.spi.views import OrderState

_BEGUN = OrderState.IN_PROGRESS
_BEGIN = frozenset({OrderState.ACKNOWLEDGED, OrderState.PENDING, OrderState.HELD})
"""States that work begins from, or goes on from."""
NEXT: Mapping[OrderState, frozenset[OrderState]] = MappingProxyType(
    {
        OrderState.ACKNOWLEDGED: frozenset(
            {
                OrderState.IN_PROGRESS,
                OrderState.REJECTED,
                OrderState.CANCELLED,
                OrderState.ASSESSING_CANCELLATION,
            }
        ),
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
        OrderState.PENDING: frozenset(
            {OrderState.IN_PROGRESS, OrderState.CANCELLED, OrderState.ASSESSING_CANCELLATION}
        ),
        OrderState.HELD: frozenset(
            {OrderState.IN_PROGRESS, OrderState.CANCELLED, OrderState.ASSESSING_CANCELLATION}
        ),
        OrderState.ASSESSING_CANCELLATION: frozenset(
            {
                OrderState.ACKNOWLEDGED,
                OrderState.IN_PROGRESS,
                OrderState.PENDING,
                OrderState.HELD,
                OrderState.PENDING_CANCELLATION,
            }
        ),
        OrderState.PENDING_CANCELLATION: frozenset({OrderState.CANCELLED}),
    }
)
"""State -> those that may follow it (TMF641 v4.1); a final state has none."""


def derive(items: Sequence[OrderState]) -> OrderState:
    """An order's state from those of its items.

    While nothing has begun, a rejected item does not begin it; what never began is rejected whole.
    While any item is worked on the order is in progress; else what its requester can end is told
    before what we have to end.
    """
    kinds = frozenset(items)
    if not all(state.final for state in kinds):
        return _open(kinds)
    if len(kinds) == 1:
        return items[0]
    return OrderState.PARTIAL if OrderState.COMPLETED in kinds else OrderState.FAILED


def _open(kinds: frozenset[OrderState]) -> OrderState:
    if OrderState.IN_PROGRESS in kinds:
        return _BEGUN
    for still in (OrderState.PENDING, OrderState.HELD):
        if still in kinds:
            return still
    waits = kinds <= {OrderState.ACKNOWLEDGED, OrderState.REJECTED}
    return OrderState.ACKNOWLEDGED if waits else _BEGUN


def onward(after: OrderState, *, begun: bool) -> OrderState:
    """The same for an order that has ``begun``: nothing leads back, also once that item left it."""
    if not begun:
        return after
    return _ONWARD.get(after, after)


_ONWARD: Mapping[OrderState, OrderState] = MappingProxyType(
    {OrderState.ACKNOWLEDGED: _BEGUN, OrderState.REJECTED: OrderState.FAILED}
)


def path(before: OrderState, after: OrderState) -> tuple[OrderState, ...]:
    """The states from ``before`` to ``after``, without the first: () when it is there already.

    Through inProgress where the diagram has no arrow of its own. AgentError when there is no way.
    """
    if before is after:
        return ()
    follows = NEXT.get(before, frozenset())
    if after in follows:
        return (after,)
    if before in _BEGIN and after in NEXT[_BEGUN]:
        return (_BEGUN, after)
    raise errors.AgentError(f"an order cannot go from {before} to {after}")
