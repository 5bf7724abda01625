"""Categories and catalogs of TMF633 and TMF634: one of each, for the files know no finer grouping.

What an integrator walks from the top: catalog, category, candidates, specifications.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bss_bridge.engine import rendering as r
from bss_bridge.engine import static, surface
from bss_bridge.engine.hrefs import Hrefs
from bss_bridge.resources import specifications
from oss_agent.spi.specifications import SpecificationView
from oss_agent.spi.views import SpecificationRef

Json = dict[str, Any]
_KEY = "all"


def resources(
    kind: str, base: str, offered: Sequence[SpecificationView], hrefs: Hrefs
) -> tuple[surface.Resource[static.Row], ...]:
    """``serviceCategory`` and ``serviceCatalog`` (kind ``Service``) over what is offered at ``base``."""
    stem = kind.lower()
    category, catalog = f"{stem}Category", f"{stem}Catalog"
    rows = {
        category: _head(f"All {stem}s", kind, "Category", f"{base}/{category}", offered, hrefs)
        | {
            "isRoot": True,
            f"{stem}Candidate": [
                specifications.reference(
                    SpecificationRef(one.id, one.version, one.name),
                    f"{base}/{stem}Candidate",
                    f"{kind}Candidate",
                    hrefs,
                )
                for one in offered
            ],
        },
        catalog: _head(f"The {stem} catalog", kind, "Catalog", f"{base}/{catalog}", offered, hrefs)
        | {
            "category": [
                r.reference(_KEY, hrefs.to(f"{base}/{category}", _KEY), f"{kind}Category")
                | {"name": f"All {stem}s"}
            ]
        },
    }
    return tuple(
        surface.Resource(name, (base,), static.StaticPort([row]), lambda row: row, wide=True)
        for name, row in rows.items()
    )


def _head(
    name: str,
    kind: str,
    word: str,
    place: str,
    offered: Sequence[SpecificationView],
    hrefs: Hrefs,
) -> Json:
    """``lastUpdate`` is the youngest file's; a catalog without any has none."""
    days = [one.updated.isoformat() for one in offered]
    own = {
        "id": _KEY,
        "href": hrefs.to(place, _KEY),
        "name": name,
        "lifecycleStatus": "Active",
        "lastUpdate": f"{max(days)}T00:00:00Z" if days else None,
        "@type": f"{kind}{word}",
    }
    return r.present(own)
