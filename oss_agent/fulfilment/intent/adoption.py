"""Decides whether what devices have is all that a design has, and nothing else: the zero-diff proof.

An adoption sends nothing: it is refused where one node would have to come, go or change. What others
own stays a Conflict, and what services share is joined, as in any order. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from oss_agent import errors
from oss_agent.fulfilment.intent import plan
from oss_agent.fulfilment.trees import tree
from oss_agent.spi import catalogue

_NAMED = 5
"""Differences that a refusal names: what one line of an order's history holds."""


def is_one(intent: plan.Intent) -> bool:
    """Is it to become a service's as it is?"""
    return intent.policy is catalogue.OutOfBand.AS_IS


def differences(changes: Sequence[plan.Change]) -> tuple[str, ...]:
    """All that stands in the way of an adoption, by device, store and path; of other orders nothing."""
    return tuple(told for one in changes if is_one(one.intent) for told in one.differences)


def must_be_there(changes: Sequence[plan.Change]) -> None:
    """Conflict naming what differs, unless nothing has to change."""
    found = differences(changes)
    if not found:
        return
    more = f"; and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    raise errors.Conflict(
        f"it cannot be adopted, nothing was sent: {'; '.join(found[:_NAMED])}{more}. Mend the device "
        "or the order, or ask 'adopt plan' for all of it",
        holder=changes[0].intent.device,
    )


def told(changes: Sequence[plan.Change]) -> str:
    """What is adopted, for the order's history."""
    nodes = sum(len(tree.nodes(one.own)) for one in changes)
    names = ", ".join(dict.fromkeys(one.intent.device for one in changes))
    return f"adopted as it is: {nodes} nodes on {names} are as designed, nothing is sent"
