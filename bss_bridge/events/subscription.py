"""Decides what a hub query asks (TMF630): which events, and what of each. Pure.

``eventType=ServiceOrderStateChangeEvent&event.serviceOrder.state=completed&fields=eventType,id,state``
An event type may begin small, as in the paths of the v4 specifications. ``fields`` names members of
the envelope, dotted paths in it, or attributes of the entity alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import unquote_plus

from bss_bridge.engine import tmf630
from oss_agent import errors
from oss_agent.spi.query import Filter, Operator, Query

EVENT_TYPE: Final = "eventType"
_IDENTITY: Final = ("eventId", "eventTime", "eventType")
_MEMBERS: Final = frozenset(
    {
        *(*_IDENTITY, "timeOcurred", "correlationId", "domain", "title", "description"),
        *("priority", "fieldPath", "event", "@type"),
    }
)
_MOST_FIELDS: Final = 100


@dataclass(frozen=True, slots=True)
class Subscription:
    """``types`` are conditions on the event type alone, ``filters`` those on anything else.

    ``fields`` are dotted paths into the envelope; None is all of it.
    """

    types: tuple[Filter, ...]
    filters: tuple[Filter, ...]
    fields: tuple[str, ...] | None


def parse(text: str, tenant: str) -> Subscription:
    """A hub's query. OrderRejected names what is wrong with it.

    Sort, offset and limit are refused: a stream has none of them.
    """
    parts = [part for part in text.removeprefix("?").split("&") if part]
    chosen = [part for part in parts if part.partition("=")[0].strip() == "fields"]
    asked = tmf630.parse("&".join(p for p in parts if p not in chosen), tenant).query
    if asked != Query(tenant, filters=asked.filters):
        raise errors.OrderRejected("holds sort, offset or limit", field="query")
    filters = [_capital(one) for one in asked.filters]
    return Subscription(
        types=tuple(one for one in filters if one.path == EVENT_TYPE),
        filters=tuple(one for one in filters if one.path != EVENT_TYPE),
        fields=_fields(chosen) if chosen else None,
    )


def _capital(one: Filter) -> Filter:
    """``serviceOrderCreateEvent`` in the paths is ``ServiceOrderCreateEvent`` in the envelope."""
    if one.path != EVENT_TYPE:
        return one
    return replace(one, values=tuple(value[:1].upper() + value[1:] for value in one.values))


def _fields(parts: Sequence[str]) -> tuple[str, ...]:
    names = [
        name.strip()
        for part in parts
        for name in unquote_plus(part.partition("=")[2], errors="replace").split(",")
        if name.strip()
    ]
    if not names or len(names) > _MOST_FIELDS:
        raise errors.OrderRejected(
            f"fields must name 1 to {_MOST_FIELDS} attributes", field="query", code="invalidQuery"
        )
    return tuple(map(_path, names))


def _path(name: str) -> str:
    """A dotted path into the envelope; ``*`` is the entity, whatever it is called there."""
    if not tmf630.is_path(name):
        raise errors.OrderRejected(
            f"fields: {name[:80]!r} is no attribute name", field="query", code="invalidQuery"
        )
    return name if name.partition(".")[0] in _MEMBERS else f"event.*.{name}"


def require_told(one: Subscription, names: AbstractSet[str]) -> None:
    """OrderRejected (400) when no event of this hub could ever have a type that is asked for."""
    for asked in one.types:
        if asked.operator is Operator.EQ and not names & set(asked.values):
            raise errors.OrderRejected(
                f"eventType {', '.join(asked.values)[:200]} is never sent here; there are "
                + ", ".join(sorted(names)),
                field="query",
                code="invalidQuery",
            )


def require_reachable(one: Subscription, entities: AbstractSet[str]) -> None:
    """OrderRejected (400) when a condition is on what no event of this hub has: it would never be told."""
    for asked in one.filters:
        member, _, rest = asked.path.partition(".")
        known = member in _MEMBERS and (member != "event" or rest.partition(".")[0] in entities)
        if not known:
            raise errors.OrderRejected(
                f"{asked.path[:80]} is in no event here: begin with "
                + " or ".join(f"event.{name}." for name in sorted(entities))
                + f", or name one of {', '.join(sorted(_MEMBERS - {'event'}))}",
                field="query",
                code="invalidQuery",
            )


def select(envelope: Mapping[str, Any], one: Subscription) -> dict[str, Any]:
    """What of an envelope is sent; what identifies event and entity always is."""
    if one.fields is None:
        return dict(envelope)
    paths = {*one.fields, *_IDENTITY}
    if any(path.startswith("event.") for path in paths):
        paths |= {"event.*.id", "event.*.href"}
    return _pick(envelope, [path.split(".") for path in paths])


def _pick(node: Mapping[str, Any], paths: Sequence[Sequence[str]]) -> dict[str, Any]:
    """The members that the paths lead to, in the node's own order; paths cross arrays."""
    out: dict[str, Any] = {}
    for name, value in node.items():
        rests = [path[1:] for path in paths if path[0] in {name, "*"}]
        if not rests:
            continue
        kept = value if [] in rests else _inside(value, rests)
        if kept is not None:
            out[name] = kept
    return out


def _inside(value: Any, rests: Sequence[Sequence[str]]) -> Any:
    if isinstance(value, Mapping):
        return _pick(value, rests)
    if isinstance(value, list):
        return [_pick(member, rests) for member in value if isinstance(member, Mapping)]
    return None
