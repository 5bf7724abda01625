"""TMF633 Service Catalog v4, read only: the catalogue's files are the truth, no request changes them."""

from __future__ import annotations

from typing import Any, Final

from bss_bridge.engine import rendering as r
from bss_bridge.engine import shelves, surface
from bss_bridge.engine.hrefs import Hrefs
from bss_bridge.resources import groups, specifications, tmf634
from oss_agent.spi.specifications import Facing, Shelf, SpecificationView

BASE: Final = "/tmf-api/serviceCatalogManagement/v4"
SPECIFICATIONS: Final = f"{BASE}/serviceSpecification"
_TYPES: Final = {
    Facing.CUSTOMER: "CustomerFacingServiceSpecification",
    Facing.RESOURCE: "ResourceFacingServiceSpecification",
}


def resources(shelf: Shelf, hrefs: Hrefs) -> tuple[surface.Resource[Any], ...]:
    """serviceSpecification, a serviceCandidate of each that can be ordered, what groups these."""

    def specification(view: SpecificationView) -> dict[str, Any]:
        return render(view, hrefs)

    def offered(view: SpecificationView) -> dict[str, Any]:
        return candidate(view, hrefs)

    def orderable() -> tuple[SpecificationView, ...]:
        return tuple(one for one in shelf.services() if one.facing is Facing.CUSTOMER)

    ports = (
        ("serviceSpecification", shelves.ShelfPort(shelf.services, specification), specification),
        ("serviceCandidate", shelves.ShelfPort(orderable, offered), offered),
    )
    return (
        *(surface.Resource(name, (BASE,), port, shown, wide=True) for name, port, shown in ports),
        *groups.resources("Service", BASE, orderable, hrefs),
    )


def render(view: SpecificationView, hrefs: Hrefs) -> dict[str, Any]:
    """A service specification: customer-facing ones rely on resource-facing, those on resources."""
    own = specifications.head(view, SPECIFICATIONS, hrefs) | {
        "isBundle": False,
        "specCharacteristic": specifications.characteristics(
            view, "characteristicValueSpecification"
        ),
        "serviceSpecRelationship": [
            specifications.reference(one, SPECIFICATIONS, "ServiceSpecification", hrefs)
            | {"relationshipType": "reliesOn", "@type": "ServiceSpecRelationship"}
            for one in view.services
        ],
        "resourceSpecification": [
            specifications.reference(one, tmf634.SPECIFICATIONS, "ResourceSpecification", hrefs)
            for one in view.resources
        ],
        "@type": _TYPES[view.facing],
        "@baseType": "ServiceSpecification",
    }
    return r.present(own)


def candidate(view: SpecificationView, hrefs: Hrefs) -> dict[str, Any]:
    """What makes a customer-facing specification something to order; it has no life of its own."""
    return specifications.candidate(view, BASE, "service", hrefs)
