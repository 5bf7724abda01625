"""TMF639 Resource Inventory v4: X.731 states inside, the v4 spelling outside."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

from bss_bridge.engine import rendering as r
from bss_bridge.engine.hrefs import Hrefs
from bss_bridge.resources import specifications, tmf634
from oss_agent import errors
from oss_agent.spi import moments, query, views

_ADMINISTRATIVE: Final = {"locked": "locked", "unlocked": "unlocked", "shuttingDown": "shutdown"}
_OPERATIONAL: Final = {"enabled": "enable", "disabled": "disable"}
_USAGE: Final = frozenset({"idle", "active", "busy"})
_STATUS: Final = frozenset({"standby", "alarm", "available", "reserved", "unknown", "suspended"})
_PHYSICAL: Final = frozenset({"device", "part", "port"})
_SUPPORTS: Final = "supports"
PARTS: Final = {"physicalResource": tuple(sorted(_PHYSICAL)), "logicalResource": ("logical",)}
"""The sub-collections of v4, and what is in each by category."""


def render(view: views.ResourceView, hrefs: Hrefs) -> dict[str, Any]:
    """A resource: device, port, part or logical value. A state v4 has no word for is left out."""
    own = {
        "id": view.id,
        "href": hrefs.resource(view.id),
        "name": view.name,
        "category": view.category,
        "administrativeState": _ADMINISTRATIVE.get(view.administrative_state),
        "operationalState": _OPERATIONAL.get(view.operational_state),
        "usageState": view.usage_state if view.usage_state in _USAGE else None,
        "resourceStatus": view.resource_status if view.resource_status in _STATUS else None,
        "serialNumber": view.characteristics.get("serial"),
        "versionNumber": view.characteristics.get("hardware"),
        "startOperatingDate": r.stamp(view.start_date),
        "resourceSpecification": _specification(view, hrefs),
        "resourceCharacteristic": r.characteristics(view.characteristics),
        "resourceRelationship": [
            _relationship(kind, key, hrefs) for kind, key in view.relationships
        ],
        "@type": "PhysicalResource" if view.category in _PHYSICAL else "LogicalResource",
    }
    return r.present(own)


def _specification(view: views.ResourceView, hrefs: Hrefs) -> dict[str, Any] | None:
    """Of what was ordered by itself; what is found in the network has none."""
    of = view.specification
    if of is None:
        return None
    return specifications.reference(of, tmf634.SPECIFICATIONS, "ResourceSpecification", hrefs)


def _relationship(kind: str, key: str, hrefs: Hrefs) -> dict[str, Any]:
    """Both official editions of v4 at once: one wants id and href, the other a resource.

    What it supports is a service (TMF638), and said to be one.
    """
    of = "Service" if kind == _SUPPORTS else "Resource"
    href = hrefs.service(key) if kind == _SUPPORTS else hrefs.resource(key)
    return {
        "id": key,
        "href": href,
        "relationshipType": kind,
        "resource": r.reference(key, href, of),
        "@type": "ResourceRelationship",
    }


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """A sub-collection: the resources of some categories, as ``spi.query.LedgerPort``."""

    resources: query.LedgerPort[views.ResourceView]
    categories: tuple[str, ...]

    async def find(
        self, asked: query.Query, /, when: moments.AsOf | None = None
    ) -> query.Page[views.ResourceView]:
        """Those of them that match. OrderRejected (400)."""
        mine = query.Filter("category", query.Operator.EQ, self.categories)
        theirs = dataclasses.replace(asked, filters=(mine, *asked.filters))
        return await self.resources.find(theirs, when)

    async def get(
        self, tenant: str, key: str, when: moments.AsOf | None = None
    ) -> views.ResourceView:
        """One of them; NotFound."""
        found = await self.resources.get(tenant, key, when)
        if found.category not in self.categories:
            raise errors.NotFound(f"resource {ascii(key)[:80]}")
        return found
