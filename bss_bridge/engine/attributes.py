"""Judges what no model of ours names and is given back as it came: is it of the type that TMF630 says?

A name has one type wherever it stands in the bodies of 622, 640, 641, 652 and 653, so a table by name is
enough (a test holds it against the official documents). Of another type it would make our answer one
that no schema accepts, for as long as the order is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from bss_bridge.engine import intake
from oss_agent import errors

TEXTS: Final = (
    *("@baseType", "@referredType", "@schemaLocation", "@type"),
    *("author", "category", "date", "description", "externalReferenceType", "href", "id", "name"),
    *("notificationContact", "productSerialNumber", "role", "serviceType", "startMode", "text"),
    *("valueType", "version"),
)
LISTS: Final = (
    *("agreement", "channel", "characteristicRelationship", "externalReference", "feature"),
    *("featureCharacteristic", "featureRelationship", "itemPrice", "itemTerm", "itemTotalPrice"),
    *("note", "orderRelationship", "orderTotalPrice", "payment", "productOfferingQualification"),
    *("productPrice", "productRelationship", "productTerm", "quote", "relatedEntity"),
    *("relatedParty", "resourceRelationship", "serviceRelationship", "supportingResource"),
    *("supportingService",),
)
OBJECTS: Final = (
    *("billingAccount", "productOfferingQualificationItem", "productSpecification", "quoteItem"),
    "validFor",
)
SWITCHES: Final = ("hasStarted", "isBundle", "isCustomerVisible", "isEnabled", "isStateful")
OF_CHARACTERISTICS: Final = (
    *("@baseType", "@referredType", "@schemaLocation", "@type"),
    *("characteristicRelationship", "id", "name", "valueType"),
)
"""What the specifications know of a characteristic: whatever else stands there is the sender's own."""
_FREE: Final = "value"
"""What a characteristic holds is its specification's to say, not TMF630's."""
_KINDS: Final[Mapping[str, tuple[type, str]]] = {
    **dict.fromkeys(TEXTS, (str, "must be text")),
    **dict.fromkeys(LISTS, (list, "must be a list of objects")),
    **dict.fromkeys(OBJECTS, (dict, "must be an object")),
    **dict.fromkeys(SWITCHES, (bool, "must be true or false")),
}


def judge(found: Any) -> None:
    """OrderRejected (400) naming one of another type; null is as good as absent."""
    for path, here in intake.walk(found):
        if isinstance(here, dict) and _FREE not in path:
            known = OF_CHARACTERISTICS if _is_characteristic(path) else _KINDS
            for name in filter(known.__contains__, here):
                _judge((*path, name), name, here[name])


def _is_characteristic(path: tuple[str | int, ...]) -> bool:
    return len(path) > 1 and str(path[-2]).endswith("Characteristic")


def _judge(path: tuple[str | int, ...], name: str, value: Any) -> None:
    kind, words = _KINDS[name]
    if value is None:
        return
    if not isinstance(value, kind):
        raise errors.OrderRejected(words, field=intake.dotted(path))
    if name in LISTS:
        for place, one in enumerate(cast("list[Any]", value)):
            if not isinstance(one, dict):
                raise errors.OrderRejected("must be an object", field=intake.dotted((*path, place)))
