"""TMF634 Resource Catalog v4, read only: the catalogue's files are the truth, no request changes them."""

from __future__ import annotations

from typing import Any, Final

from bss_bridge.engine import rendering as r
from bss_bridge.engine import shelves, surface
from bss_bridge.engine.hrefs import Hrefs
from bss_bridge.resources import specifications
from oss_agent.spi.specifications import Shelf, SpecificationView

BASE: Final = "/tmf-api/resourceCatalog/v4"
SPECIFICATIONS: Final = f"{BASE}/resourceSpecification"


def resources(shelf: Shelf, hrefs: Hrefs) -> tuple[surface.Resource[Any], ...]:
    """ResourceSpecification."""

    def shown(view: SpecificationView) -> dict[str, Any]:
        return render(view, hrefs)

    port = shelves.ShelfPort(shelf.resources, shown)
    return (surface.Resource("resourceSpecification", (BASE,), port, shown, wide=True),)


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
