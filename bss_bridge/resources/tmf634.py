"""TMF634 Resource Catalog v4, read only: the catalogue's files are the truth, no request changes them."""

from __future__ import annotations

from typing import Any, Final

from bss_bridge.engine import rendering as r
from bss_bridge.engine import shelves, surface
from bss_bridge.engine.hrefs import Hrefs
from bss_bridge.resources import groups, specifications
from oss_agent.spi.specifications import Shelf, SpecificationView

BASE: Final = "/tmf-api/resourceCatalog/v4"
SPECIFICATIONS: Final = f"{BASE}/resourceSpecification"


def resources(shelf: Shelf, hrefs: Hrefs) -> tuple[surface.Resource[Any], ...]:
    """resourceSpecification, a resourceCandidate of each, what groups these."""

    def shown(view: SpecificationView) -> dict[str, Any]:
        return render(view, hrefs)

    def offered(view: SpecificationView) -> dict[str, Any]:
        return candidate(view, hrefs)

    ports = (("resourceSpecification", shown), ("resourceCandidate", offered))
    return (
        *(
            surface.Resource(
                name, (BASE,), shelves.ShelfPort(shelf.resources, render_as), render_as, wide=True
            )
            for name, render_as in ports
        ),
        *groups.resources("Resource", BASE, shelf.resources, hrefs),
    )


def render(view: SpecificationView, hrefs: Hrefs) -> dict[str, Any]:
    """A logical resource: one piece of configuration on one device; the design fills its values."""
    own = specifications.head(view, SPECIFICATIONS, hrefs) | {
        "category": "configuration",
        "isBundle": False,
        "resourceSpecCharacteristic": specifications.characteristics(
            view, "resourceSpecCharacteristicValue"
        ),
        "@type": "LogicalResourceSpecification",
        "@baseType": "ResourceSpecification",
    }
    return r.present(own)


def candidate(view: SpecificationView, hrefs: Hrefs) -> dict[str, Any]:
    """What makes a specification something that categories hold; it has no life of its own."""
    return specifications.candidate(view, BASE, "resource", hrefs)
