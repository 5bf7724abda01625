"""The bodies a sender may post, as strict models: shape here, meaning in the catalogue.

Attributes we do not model stay in ``model_extra`` and are given back as they came. What the
specification keeps to the provider, or what would silently not be done, is refused by name.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

import pydantic

from bss_bridge.engine import intake
from oss_agent import errors
from oss_agent.spi import refused_values
from oss_agent.spi.views import ItemAction

_Model = TypeVar("_Model", bound="Body")


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must hold printable characters only, without line breaks")
    return text


def device_safe(value: Any) -> Any:
    """Any text inside a characteristic may reach a device: printable, and no IPv6 scope.

    ``ipaddress`` takes everything behind ``%`` as a scope, a line break included; no order needs one.
    """
    if isinstance(value, str):
        return _scopeless(_printable(value))
    if isinstance(value, list):
        return [device_safe(inner) for inner in value]
    if isinstance(value, Mapping):
        return {_printable(name): device_safe(inner) for name, inner in value.items()}
    return value


def _scopeless(text: str) -> str:
    address, scope, _ = text.partition("%")
    if scope:
        try:
            ipaddress.IPv6Address(address.strip("[] "))
        except ValueError:
            return text
        raise ValueError("an IPv6 address must not carry a scope (%)")
    return text


def _moment(value: Any) -> datetime:
    """RFC 3339 only: pydantic alone would also take seconds as a number or a date without time."""
    if not isinstance(value, str) or len(value) < len("2026-01-01T00:00Z"):
        raise ValueError("must be an RFC 3339 date and time, such as 2026-11-21T10:02:00Z")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("must be an RFC 3339 date and time") from None
    if moment.tzinfo is None:
        raise ValueError("must name its time zone, such as Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("is out of range") from None


Name = Annotated[
    str, pydantic.Field(min_length=1, max_length=255), pydantic.AfterValidator(_printable)
]
Prose = Annotated[str, pydantic.Field(max_length=4_096)]
Moment = Annotated[datetime, pydantic.BeforeValidator(_moment)]
Value = Annotated[Any, pydantic.AfterValidator(device_safe)]


class Body(pydantic.BaseModel):
    """Strict: "1" is no number and 1 no text. Unknown attributes are kept, unless they are null.

    The official schemas know no null: given back, it would make our answer an invalid one.
    """

    model_config = pydantic.ConfigDict(strict=True, extra="allow", frozen=True)

    @pydantic.model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, found: Any) -> Any:
        if not isinstance(found, dict):
            return found
        ours = {field.alias or name for name, field in cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None or name in ours}


class Specification(Body):
    """TMF641 ServiceSpecificationRef."""

    id: Name
    version: Name | None = None
    name: Name | None = None


class Characteristic(Body):
    """TMF641 Characteristic."""

    name: Name
    value: Value


def array(value: Any) -> Any:
    """A JSON array as the tuple that a strict model takes."""
    return tuple(value) if isinstance(value, list) else value


def _named(value: Any) -> Any:
    return _unique_names(tuple(value)) if isinstance(value, list) else value


def _action(value: Any) -> Any:
    known = {action.value: action for action in ItemAction}
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"must be one of {', '.join(known)}")
    return known[value]


Action = Annotated[ItemAction, pydantic.BeforeValidator(_action)]
Characteristics = Annotated[tuple[Characteristic, ...], pydantic.BeforeValidator(_named)]


class Service(Body):
    """TMF641 ServiceRefOrValue: a new one has a specification, an existing one its id."""

    id: Name | None = None
    name: Name | None = None
    state: str | None = None
    enabled: bool | None = pydantic.Field(None, alias="isServiceEnabled")
    specification: Specification | None = pydantic.Field(None, alias="serviceSpecification")
    characteristics: Characteristics = pydantic.Field((), alias="serviceCharacteristic")


class Item(Body):
    """TMF641 ServiceOrderItem."""

    id: Name
    action: Action
    service: Service
    items: Annotated[tuple[Item, ...], pydantic.BeforeValidator(array)] = pydantic.Field(
        (), alias="serviceOrderItem"
    )


class Party(Body):
    """TMF641 RelatedParty, as far as it names the requester."""

    id: Name
    role: Name | None = None


class ServiceOrder(Body):
    """TMF641 ServiceOrder_Create."""

    items: Annotated[tuple[Item, ...], pydantic.BeforeValidator(array)] = pydantic.Field(
        alias="serviceOrderItem", min_length=1
    )
    external_id: Name | None = pydantic.Field(None, alias="externalId")
    description: Prose | None = None
    category: Name | None = None
    priority: Name | None = None
    requested_start: Moment | None = pydantic.Field(None, alias="requestedStartDate")
    requested_completion: Moment | None = pydantic.Field(None, alias="requestedCompletionDate")


class ServiceOrderChange(Body):
    """TMF641 ServiceOrder_Update, as far as it is plain attributes."""

    description: Prose | None = None
    category: Name | None = None
    priority: Name | None = None
    requested_start: Moment | None = pydantic.Field(None, alias="requestedStartDate")
    requested_completion: Moment | None = pydantic.Field(None, alias="requestedCompletionDate")


def _resource_action(value: Any) -> Any:
    """TMF652 spells one of them its own way, and the other spelling is not its."""
    if not isinstance(value, str) or value not in RESOURCE_ACTIONS:
        raise ValueError(f"must be one of {', '.join(RESOURCE_ACTIONS)}")
    return RESOURCE_ACTIONS[value]


def _rank(value: Any) -> Any:
    """TMF652's priority is a number, which is kept as text."""
    if type(value) is not int or not 0 <= value <= _LAST:
        raise ValueError(f"must be a whole number from 0 to {_LAST}")
    return str(value)


RESOURCE_ACTIONS: Final[Mapping[str, ItemAction]] = {
    "no_change" if action is ItemAction.NO_CHANGE else action.value: action for action in ItemAction
}
_LAST = 4
Rank = Annotated[str, pydantic.BeforeValidator(_rank)]


class Resource(Body):
    """TMF652 ResourceRefOrValue: a new one has a specification, an existing one its id."""

    id: Name | None = None
    name: Name | None = None
    specification: Specification | None = pydantic.Field(None, alias="resourceSpecification")
    characteristics: Characteristics = pydantic.Field((), alias="resourceCharacteristic")


class ResourceItem(Body):
    """TMF652 ResourceOrderItem; its specification may stand beside the resource or in it."""

    id: Name
    action: Annotated[ItemAction, pydantic.BeforeValidator(_resource_action)]
    resource: Resource
    specification: Specification | None = pydantic.Field(None, alias="resourceSpecification")


class ResourceOrder(Body):
    """TMF652 ResourceOrder_Create."""

    items: Annotated[tuple[ResourceItem, ...], pydantic.BeforeValidator(array)] = pydantic.Field(
        alias="orderItem", min_length=1
    )
    external_id: Name | None = pydantic.Field(None, alias="externalId")
    description: Prose | None = None
    category: Name | None = None
    priority: Rank | None = None
    requested_start: Moment | None = pydantic.Field(None, alias="requestedStartDate")
    requested_completion: Moment | None = pydantic.Field(None, alias="requestedCompletionDate")


class ResourceOrderChange(ServiceOrderChange):
    """TMF652 ResourceOrder_Update, as far as it is plain attributes."""

    priority: Rank | None = None


class ItemRef(Body):
    """TMF641 ServiceOrderItemRef."""

    id: Name = pydantic.Field(alias="itemId")
    order: Name | None = pydantic.Field(None, alias="serviceOrderId")


class ResourceItemRef(Body):
    """TMF652 ResourceOrderItemRef."""

    id: Name = pydantic.Field(alias="itemId")
    order: Name | None = pydantic.Field(None, alias="resourceOrderId")


class Relationship(Body):
    """What relationships of orders and items have in common."""

    kind: Name = pydantic.Field(alias="relationshipType")


class ItemRelationship(Relationship):
    """TMF641 ServiceOrderItemRelationship."""

    item: ItemRef = pydantic.Field(alias="orderItem")


class ResourceItemRelationship(Relationship):
    """TMF652 ResourceOrderItemRelationship."""

    item: ResourceItemRef = pydantic.Field(alias="orderItem")


class NamedRelationship(Relationship):
    """TMF641 ServiceOrderRelationship, TMF622 OrderItemRelationship: the other one by its id."""

    id: Name


class OrderRef(Body):
    """TMF641 ServiceOrderRef, TMF622 ProductOrderRef, TMF652 ResourceOrderRef."""

    id: Name


class Cancel(Body):
    """TMF641 CancelServiceOrder_Create and its kin, but for the order that each names its own way."""

    reason: Prose | None = pydantic.Field(None, alias="cancellationReason")
    requested: Moment | None = pydantic.Field(None, alias="requestedCancellationDate")


class ServiceRef(Body):
    """TMF653 ServiceRef."""

    id: Name


class ServiceTest(Body):
    """TMF653 ServiceTest_Create."""

    name: Name
    service: ServiceRef = pydantic.Field(alias="relatedService")
    specification: Specification = pydantic.Field(alias="testSpecification")
    mode: Name | None = None
    description: Prose | None = None


class Subscription(Body):
    """TMF630 EventSubscriptionInput."""

    callback: Annotated[
        str, pydantic.Field(min_length=1, max_length=2_048), pydantic.AfterValidator(_printable)
    ]
    query: Annotated[str, pydantic.Field(max_length=2_048)] | None = None


def _unique_names(value: tuple[Any, ...]) -> tuple[Any, ...]:
    seen: set[str] = set()
    for entry in value:
        name = entry.get("name") if isinstance(entry, Mapping) else None
        if isinstance(name, str) and name in seen:
            raise ValueError(f"holds the name {name[:80]!r} twice")
        seen |= {name} if isinstance(name, str) else set()
    return value


def parse(model: type[_Model], found: Mapping[str, Any]) -> _Model:
    """The document as a model. OrderRejected (400) naming the first field that is wrong."""
    try:
        return model.model_validate(found)
    except pydantic.ValidationError as bad:
        first = bad.errors(include_url=False, include_input=False)[0]
        reason = refused_values.said(first["type"], first.get("ctx", {}), first["msg"])
        raise errors.OrderRejected(reason, field=intake.dotted(first["loc"])) from None


def parse_at(model: type[_Model], found: Any, path: str) -> _Model:
    """The same of what stands at ``path`` in a document."""
    try:
        return parse(model, found)
    except errors.OrderRejected as bad:
        field = f"{path}.{bad.field}".removesuffix(".")
        raise errors.OrderRejected(bad.reason, field=field) from None
