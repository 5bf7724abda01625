"""Which chapter of the API's own document a TM Forum path stands in: one for each API."""

from __future__ import annotations

from typing import Final

_CHAPTERS: Final = {
    "productOrderingManagement": (
        "TMF622 Product Ordering",
        "Order a product; the services that it becomes are the offering's.",
    ),
    "serviceOrdering": (
        "TMF641 Service Ordering",
        "Order, change and end services. Headers: Idempotency-Key, Fallout, Plan-Hash, Out-Of-Band.",
    ),
    "resourceOrdering": (
        "TMF652 Resource Ordering",
        "An operator's orders of single resources, and what service orders do to each device.",
    ),
    "ServiceActivationAndConfiguration": (
        "TMF640 Service Activation and Configuration",
        "Post, patch and delete a service; each becomes an order that a monitor follows.",
    ),
    "productInventory": ("TMF637 Product Inventory", "What customers have, as products."),
    "serviceInventory": (
        "TMF638 Service Inventory",
        "Services, what they stand on and how they run, now or as of a moment.",
    ),
    "resourceInventoryManagement": (
        "TMF639 Resource Inventory",
        "Devices, ports, parts, VLANs, VRFs and values of pools, now or as of a moment.",
    ),
    "serviceCatalogManagement": (
        "TMF633 Service Catalog",
        "What can be ordered, with its characteristics; the files of the catalogue are the truth.",
    ),
    "resourceCatalog": ("TMF634 Resource Catalog", "What services are made of."),
    "serviceTestManagement": (
        "TMF653 Service Test",
        "What proved a service, and the same asked again now.",
    ),
    "alarmManagement": (
        "TMF642 Alarm",
        "Faults, with the services and customers that they affect.",
    ),
    "usageManagement": ("TMF635 Usage", "What was used, for each meter point and period."),
    "event": ("TMF688 Event", "What listeners were told, by topic."),
}


def of(base: str) -> str:
    """The chapter of a surface, by its canonical base path; what is no TM Forum API is its own."""
    name = base.removeprefix("/tmf-api/").partition("/")[0]
    return _CHAPTERS.get(name, (name, ""))[0]


def tags() -> list[dict[str, str]]:
    """Every chapter with its sentence, in the order of the document, as OpenAPI wants its tags."""
    return [{"name": name, "description": text} for name, text in _CHAPTERS.values()]
