"""Decides in which state an item wants its service to be: TMF638's ``state``, ``isServiceEnabled``. Pure.

Version 4 has no word of its own for a suspended service: it is ``inactive`` and not enabled. Both
attributes say the same, so either is enough, and two that contradict each other are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from oss_agent import errors
from oss_agent.spi.views import ItemAction, ServiceState

_MEANT: Final[Mapping[ItemAction, frozenset[ServiceState]]] = {
    ItemAction.ADD: frozenset({ServiceState.ACTIVE}),
    ItemAction.MODIFY: frozenset({ServiceState.ACTIVE, ServiceState.INACTIVE}),
    ItemAction.DELETE: frozenset({ServiceState.TERMINATED}),
}


def of(
    action: ItemAction, state: str | None, path: str, *, enabled: bool | None
) -> ServiceState | None:
    """What a modify wants; None when it says nothing of it, and of another action.

    OrderRejected names the field when a state would have to be ignored, or is none.
    """
    if action not in _MEANT:
        return None
    meant = _MEANT[action]
    if state is not None and state not in meant:
        words = " or ".join(sorted(meant))
        raise errors.OrderRejected(
            f"an item of action {action.value} leaves its service {words}: not {ascii(state)[:40]}",
            field=f"{path}.state",
            code="notSupported",
        )
    by_flag = _of_flag(action, enabled, path)
    if None not in {state, by_flag} and state != by_flag:
        raise errors.OrderRejected(
            f"state {state} and isServiceEnabled {str(enabled).lower()} contradict each other: "
            "send one of them",
            field=f"{path}.isServiceEnabled",
            code="invalidValue",
        )
    if action is not ItemAction.MODIFY:
        return None
    return ServiceState(state) if state is not None else by_flag


def _of_flag(action: ItemAction, enabled: bool | None, path: str) -> ServiceState | None:  # noqa: FBT001  (TMF638's own)
    if enabled is None:
        return None
    if action is ItemAction.MODIFY:
        return ServiceState.ACTIVE if enabled else ServiceState.INACTIVE
    if enabled is not (action is ItemAction.ADD):
        raise errors.OrderRejected(
            f"an item of action {action.value} leaves its service otherwise: leave it out, and "
            "modify the service for that",
            field=f"{path}.isServiceEnabled",
            code="notSupported",
        )
    return ServiceState.ACTIVE if enabled else ServiceState.TERMINATED
