"""Tasks that cancel orders, TMF641, TMF622 and TMF652 alike: a posted one becomes a wish, a view a body."""

from __future__ import annotations

from typing import Any, Final

from bss_bridge.engine import rendering as r
from bss_bridge.engine import wire
from bss_bridge.resources import order_body
from oss_agent import errors
from oss_agent.spi import access, orders, views

_OURS: Final = (
    *("id", "href", "state"),
    *("effectiveCancellationDate", "completionMessage", "errorMessage"),
)


def wish(found: dict[str, Any], about: str, caller: access.Caller) -> orders.CancelRequest:
    """What a posted task asks for; it names its order in ``about`` (``serviceOrder``).

    OrderRejected (400) names the field.
    """
    order_body.refuse_given(found, _OURS, "")
    body = wire.parse(wire.Cancel, found)
    extra = dict(body.model_extra or {})
    if about not in extra:
        raise errors.OrderRejected("is missing: add it", field=about)
    return orders.CancelRequest(
        tenant=caller.tenant,
        order=wire.parse_at(wire.OrderRef, extra.pop(about), about).id,
        asked_by=caller.name,
        reason=body.reason,
        requested=body.requested,
        extra=extra,
    )


def render(task: views.CancelView, about: str, place: str, order: dict[str, Any]) -> dict[str, Any]:
    """A task at ``place``, with the reference to its ``order``.

    ``completionMessage`` is TMF641's, an extension in the others.
    """
    own = {
        "id": task.id,
        "href": place,
        "state": task.state.value,
        "cancellationReason": task.reason,
        "requestedCancellationDate": r.stamp(task.requested),
        "effectiveCancellationDate": r.stamp(task.effective),
        "completionMessage": task.message,
        about: order,
    }
    kind = f"Cancel{about[0].upper()}{about[1:]}"
    return {"@type": kind} | dict(task.extra) | r.present(own)
