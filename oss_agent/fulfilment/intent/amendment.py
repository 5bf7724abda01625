"""Decides what a modify asks for as a whole: what was ordered before, with its changes on top. Pure.

A characteristic that the modify does not name stays as it was ordered; one that it names is replaced
as a whole, a list too; one given as null is taken back and has the specification's default again.
A service that is suspended stays so until a modify wants it active: what is changed meanwhile is kept
for then.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from oss_agent import errors
from oss_agent.spi import catalogue, orders, views


def merged(
    item: orders.ItemRequest, service: views.ServiceView, ordered: Mapping[str, Any]
) -> orders.ItemRequest:
    """The item as an add of the changed service would have said it.

    OrderRejected when it wants another name or specification: that would be another service.
    """
    if item.service_name and item.service_name != service.name:
        raise errors.OrderRejected(
            f"{item.about} {service.id} is named {service.name}: a modify keeps the name",
            field=item.field("name"),
            code="invalidValue",
        )
    if item.specification and item.specification != service.specification.id:
        raise errors.OrderRejected(
            f"{item.about} {service.id} is of {service.specification.id}: a modify keeps the "
            f"specification; delete the {item.about} and add another",
            field=item.field("specification"),
            code="invalidValue",
        )
    whole = {**ordered, **item.characteristics}
    return dataclasses.replace(
        item,
        service_name=service.name,
        specification=service.specification.id,
        specification_version=item.specification_version or service.specification.version,
        characteristics={name: value for name, value in whole.items() if value is not None},
    )


def going(item: orders.ItemRequest, built: catalogue.Design | None) -> catalogue.Design | None:
    """The design of an item that only takes away: as the service stands. None: it has to be made.

    Neither a delete nor a bare suspension asks whether the service could be built today: what is
    there can be taken off a router that no new service could be put on.
    """
    if built is None or item.action is views.ItemAction.DELETE:
        return built
    stays = not item.characteristics and item.specification_version in {
        None,
        built.specification.version,
    }
    bare = item.service_state is views.ServiceState.INACTIVE and stays
    return dataclasses.replace(built, suspended=True) if bare else None


def suspended(item: orders.ItemRequest, built: catalogue.Design | None) -> bool:
    """Shall nothing of the service be configured? ``built`` is how it stands, None of a new one."""
    if item.service_state is not None:
        return item.service_state is views.ServiceState.INACTIVE
    return built is not None and built.suspended
