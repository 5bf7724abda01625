"""Categories and catalogs of TMF633 and TMF634: one of each, for the files know no finer grouping.

What an integrator walks from the top: catalog, category, candidates, specifications.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bss_bridge.engine import rendered, surface
from bss_bridge.engine import rendering as r
from bss_bridge.engine.hrefs import Hrefs
from bss_bridge.resources import specifications
from oss_agent.spi.specifications import SpecificationView
from oss_agent.spi.views import SpecificationRef

Json = dict[str, Any]
_KEY = "all"


def resources(
    kind: str, base: str, offered: Callable[[], Sequence[SpecificationView]], hrefs: Hrefs
) -> tuple[surface.Resource[rendered.Row], ...]:
    """``serviceCategory`` and ``serviceCatalog`` (kind ``Service``) over what is offered at ``base``."""
    stem = kind.lower()
    rows: Mapping[str, Callable[[], Json]] = {
        f"{stem}Category": lambda: _category(kind, base, offered(), hrefs),
        f"{stem}Catalog": lambda: _catalog(kind, base, offered(), hrefs),
    }
    return tuple(_resource(name, base, row) for name, row in rows.items())


def _resource(name: str, base: str, row: Callable[[], Json]) -> surface.Resource[rendered.Row]:
    port = rendered.RenderedPort(lambda: [row()])
    return surface.Resource(name, (base,), port, lambda shown: shown, wide=True)


def _category(kind: str, base: str, offered: Sequence[SpecificationView], hrefs: Hrefs) -> Json:
    stem = kind.lower()
    head = _head(f"All {stem}s", kind, "Category", f"{base}/{stem}Category", offered, hrefs)
    candidates = [
        specifications.reference(
            SpecificationRef(one.id, one.version, one.name),
            f"{base}/{stem}Candidate",
            f"{kind}Candidate",
            hrefs,
        )
        for one in offered
    ]
    return head | {"isRoot": True, f"{stem}Candidate": candidates}


def _catalog(kind: str, base: str, offered: Sequence[SpecificationView], hrefs: Hrefs) -> Json:
    stem = kind.lower()
    head = _head(f"The {stem} catalog", kind, "Catalog", f"{base}/{stem}Catalog", offered, hrefs)
    place = hrefs.to(f"{base}/{stem}Category", _KEY)
    return head | {
        "category": [r.reference(_KEY, place, f"{kind}Category") | {"name": f"All {stem}s"}]
    }


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
