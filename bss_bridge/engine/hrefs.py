"""Where every resource lives: the base paths of the surfaces and the href of one instance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

PRODUCT_ORDERING: Final = "/tmf-api/productOrderingManagement/v4"
PRODUCT_INVENTORY: Final = "/tmf-api/productInventory/v4"
SERVICE_ORDERING: Final = "/tmf-api/serviceOrdering/v4"
SERVICE_INVENTORY: Final = "/tmf-api/serviceInventory/v4"
ACTIVATION: Final = "/tmf-api/ServiceActivationAndConfiguration/v4"
SERVICE_TEST: Final = "/tmf-api/serviceTestManagement/v4"
USAGE: Final = "/tmf-api/usageManagement/v4"
RESOURCE_INVENTORY: Final = "/tmf-api/resourceInventoryManagement/v4"
RESOURCE_ORDERING: Final = (
    "/tmf-api/resourceOrdering/v4",
    "/tmf-api/resourceOrderingManagement/v4",
)
"""The profile and the swagger of TMF652 disagree: both are served, the first is canonical."""
EVENTS: Final = "/tmf-api/event/v4"
ALARMS: Final = ("/tmf-api/alarmManagement/v4", "/tmf-api/alarm/v4")
"""The profile and the swagger of TMF642 disagree: both are served, the first is canonical."""


@dataclass(frozen=True, slots=True)
class Hrefs:
    """Links from the configured public URL, never from a request's Host header (a sender's word).

    An empty ``public_url`` gives path-absolute references, which survive every proxy.
    """

    public_url: str = ""

    def product_order(self, key: str) -> str:
        """TMF622 productOrder."""
        return self.to(f"{PRODUCT_ORDERING}/productOrder", key)

    def product(self, key: str) -> str:
        """TMF637 product."""
        return self.to(f"{PRODUCT_INVENTORY}/product", key)

    def order(self, key: str) -> str:
        """TMF641 serviceOrder."""
        return self.to(f"{SERVICE_ORDERING}/serviceOrder", key)

    def resource_order(self, key: str) -> str:
        """TMF652 resourceOrder."""
        return self.to(f"{RESOURCE_ORDERING[0]}/resourceOrder", key)

    def resource_cancellation(self, key: str) -> str:
        """TMF652 cancelResourceOrder."""
        return self.to(f"{RESOURCE_ORDERING[0]}/cancelResourceOrder", key)

    def usage(self, key: str) -> str:
        """TMF635 usage."""
        return self.to(f"{USAGE}/usage", key)

    def cancellation(self, key: str) -> str:
        """TMF641 cancelServiceOrder."""
        return self.to(f"{SERVICE_ORDERING}/cancelServiceOrder", key)

    def service(self, key: str) -> str:
        """TMF638 service."""
        return self.to(f"{SERVICE_INVENTORY}/service", key)

    def activated(self, key: str) -> str:
        """TMF640 service: the same that TMF638 shows, where it can be changed."""
        return self.to(f"{ACTIVATION}/service", key)

    def monitor(self, key: str) -> str:
        """TMF640 monitor."""
        return self.to(f"{ACTIVATION}/monitor", key)

    def service_test(self, key: str) -> str:
        """TMF653 serviceTest."""
        return self.to(f"{SERVICE_TEST}/serviceTest", key)

    def resource(self, key: str) -> str:
        """TMF639 resource."""
        return self.to(f"{RESOURCE_INVENTORY}/resource", key)

    def alarm(self, key: str) -> str:
        """TMF642 alarm."""
        return self.to(f"{ALARMS[0]}/alarm", key)

    def to(self, collection: str, key: str = "") -> str:
        """A collection, or the instance ``key`` of it."""
        tail = f"/{quote(key, safe='')}" if key else ""
        return self.public_url.rstrip("/") + collection + tail
