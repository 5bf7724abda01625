"""Pieces that TMF633 and TMF634 share: head, characteristics and references of a specification."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bss_bridge.engine import rendering as r
from bss_bridge.engine import shelves
from bss_bridge.engine.hrefs import Hrefs
from oss_agent.spi.specifications import CharacteristicView, SpecificationView
from oss_agent.spi.views import SpecificationRef

Json = dict[str, Any]


def head(view: SpecificationView, collection: str, hrefs: Hrefs) -> Json:
    """What every specification says of itself; the href names the version, the id does not."""
    return {
        "id": view.id,
        "href": hrefs.to(collection, shelves.key(view.id, view.version)),
        "name": view.name,
        "description": view.text,
        "version": view.version,
        "lifecycleStatus": "Active" if view.active else "Retired",
        "lastUpdate": f"{view.updated.isoformat()}T00:00:00Z",
    }


def reference(ref: SpecificationRef, collection: str, kind: str, hrefs: Hrefs) -> Json:
    """A reference to one version of a specification."""
    href = hrefs.to(collection, shelves.key(ref.id, ref.version))
    return r.reference(ref.id, href, kind) | {"name": ref.name, "version": ref.version}


def candidate(view: SpecificationView, base: str, kind: str, hrefs: Hrefs) -> Json:
    """The candidate of a specification of this kind (``service``, ``resource``) in the API at ``base``."""
    whole = f"{kind.capitalize()}Specification"
    ref = head(view, f"{base}/{kind}Specification", hrefs)
    return head(view, f"{base}/{kind}Candidate", hrefs) | {
        f"{kind}Specification": r.reference(view.id, ref["href"], whole)
        | {"name": view.name, "version": view.version},
        "@type": f"{kind.capitalize()}Candidate",
    }


def characteristics(view: SpecificationView, values: str) -> list[Json]:
    """Its characteristics, the members of a list behind it (``sites.port``).

    ``values`` is what the API calls the array of value specifications.
    """
    return [
        shown for one in view.characteristics for shown in _with_members(one, values, parent=None)
    ]


def _with_members(
    one: CharacteristicView, values: str, parent: CharacteristicView | None
) -> Iterator[Json]:
    yield _characteristic(one, values, parent)
    for member in one.fields:
        yield from _with_members(member, values, one)


def _characteristic(
    one: CharacteristicView, values: str, parent: CharacteristicView | None
) -> Json:
    name = one.name if parent is None else f"{parent.name}.{one.name}"
    own = {
        "id": name,
        "name": name,
        "description": one.text,
        "valueType": one.kind,
        "configurable": one.configurable,
        "extensible": False,
        "minCardinality": 1 if one.required else 0,
        "maxCardinality": 1,
        "regex": one.regex,
        values: [_value(one)],
        "@type": "CharacteristicSpecification",
    }
    return r.present(own)


def _value(one: CharacteristicView) -> Json:
    own = {
        "valueType": one.kind,
        "valueFrom": one.minimum,
        "valueTo": one.maximum,
        "rangeInterval": "closed" if one.minimum is not None or one.maximum is not None else None,
        "@type": "CharacteristicValueSpecification",
    }
    return r.present(own)
