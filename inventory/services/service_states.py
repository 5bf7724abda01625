"""Decides which state a service may move to (TMF638 v4). Pure."""

from __future__ import annotations

from typing import Final

from oss_agent.spi.views import OperatingStatus, ServiceState

_MOVES: Final = {
    ServiceState.FEASIBILITY_CHECKED: frozenset(
        {
            ServiceState.DESIGNED,
            ServiceState.RESERVED,
            ServiceState.INACTIVE,
            ServiceState.ACTIVE,
        }
    ),
    ServiceState.DESIGNED: frozenset(
        {ServiceState.RESERVED, ServiceState.INACTIVE, ServiceState.ACTIVE}
    ),
    ServiceState.RESERVED: frozenset(
        {ServiceState.DESIGNED, ServiceState.INACTIVE, ServiceState.ACTIVE}
    ),
    # The diagram leads to terminated from active alone; but whoever ends a suspended service does
    # not switch it on first.
    ServiceState.INACTIVE: frozenset({ServiceState.ACTIVE, ServiceState.TERMINATED}),
    ServiceState.ACTIVE: frozenset({ServiceState.INACTIVE, ServiceState.TERMINATED}),
    # The diagram also draws terminated -> active; like most operators we refuse it: a terminated
    # service has lost its ports and pool values, so coming back is a new order.
    ServiceState.TERMINATED: frozenset[ServiceState](),
}

_STATUS: Final = {
    ServiceState.ACTIVE: OperatingStatus.RUNNING,
    ServiceState.INACTIVE: OperatingStatus.STOPPED,
    ServiceState.TERMINATED: OperatingStatus.STOPPED,
}

RETIRABLE: Final = frozenset(
    {
        ServiceState.FEASIBILITY_CHECKED,
        ServiceState.DESIGNED,
        ServiceState.RESERVED,
        ServiceState.TERMINATED,
    }
)
"""From these a service may leave the inventory: it never went live, or is gone."""


def legal(before: ServiceState, after: ServiceState) -> bool:
    """May a service in ``before`` become ``after``? To the same state always."""
    return after is before or after in _MOVES[before]


def successors(state: ServiceState) -> tuple[str, ...]:
    """The states it may move to, sorted, for a refusal's text."""
    return tuple(sorted(_MOVES[state]))


def status_in(state: ServiceState) -> OperatingStatus:
    """The operating status that a service has on entering ``state``; assurance corrects it."""
    return _STATUS.get(state, OperatingStatus.PENDING)
