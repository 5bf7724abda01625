"""Pieces that the TM Forum resources share: characteristics, references, parties, stamps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from oss_agent.spi.clock import rfc3339
from oss_agent.spi.views import SpecificationRef

US: Final = "oss-agent"
"""The author of the notes that are ours."""


def present(members: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that have a value: the v4 schemas know absence, not null."""
    return {name: value for name, value in members.items() if value is not None}


def stamp(moment: datetime | None) -> str | None:
    """RFC 3339 with Z, or nothing."""
    return None if moment is None else rfc3339(moment)


def value_type(value: Any) -> str:
    """The valueType word of a JSON value; bool before number, for True is an int to Python."""
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return next((word for kind, word in kinds.items() if isinstance(value, kind)), "object")


def characteristics(
    values: Mapping[str, Any], extra: Mapping[str, Mapping[str, Any]] | None = None
) -> list[dict[str, Any]]:
    """Name -> value as a characteristic array; ``extra`` adds what the sender wrote beside each.

    A value of null is left out: the schemas demand one.
    """
    return [
        {"@type": "Characteristic", "valueType": value_type(value)}
        | dict((extra or {}).get(name, {}))
        | {"name": name, "value": value}
        for name, value in values.items()
        if value is not None
    ]


def specification(ref: SpecificationRef) -> dict[str, Any]:
    """A ServiceSpecificationRef."""
    return {
        "id": ref.id,
        "version": ref.version,
        "name": ref.name,
        "@type": "ServiceSpecificationRef",
        "@referredType": "ServiceSpecification",
    }


def offering(ref: SpecificationRef) -> dict[str, Any]:
    """A ProductOfferingRef; ``version`` is an extension in v4."""
    return {
        "id": ref.id,
        "version": ref.version,
        "name": ref.name,
        "@type": "ProductOfferingRef",
        "@referredType": "ProductOffering",
    }


def customer(name: str) -> list[dict[str, Any]] | None:
    """The relatedParty array of something a customer has; nothing when nobody is named."""
    if not name:
        return None
    party = {"id": name, "name": name, "role": "customer"}
    return [party | {"@type": "RelatedParty", "@referredType": "Organization"}]


def note(text: str, at: datetime) -> dict[str, Any]:
    """A Note of ours."""
    return {"author": US, "date": stamp(at), "text": text, "@type": "Note"}


def reference(key: str, href: str, kind: str) -> dict[str, Any]:
    """A typed reference by id and href."""
    return {"id": key, "href": href, "@type": f"{kind}Ref", "@referredType": kind}
