"""The three orders of the story, as a BSS would send them (TMF641)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol


class Order(Protocol):
    """A service somebody orders."""

    @property
    def name(self) -> str:
        """What the service will be called."""
        ...

    def body(self) -> dict[str, Any]:
        """Give the service order."""
        ...


@dataclass(frozen=True, slots=True)
class Eline:
    """An E-Line between two customer ports."""

    name: str
    customer: str
    a_end: str
    z_end: str
    bandwidth: int

    def body(self) -> dict[str, Any]:
        """Give the service order."""
        wanted = {"aEnd": self.a_end, "zEnd": self.z_end, "bandwidth": self.bandwidth}
        return _addition(self.name, self.customer, "eline", wanted)


@dataclass(frozen=True, slots=True)
class Vpn:
    """An L3VPN; ``sites`` are (port, gateway of its LAN) pairs."""

    name: str
    customer: str
    sites: tuple[tuple[str, str], ...]

    def body(self) -> dict[str, Any]:
        """Give the service order."""
        sites = [{"port": port, "address": gateway} for port, gateway in self.sites]
        return _addition(self.name, self.customer, "l3vpn", {"sites": sites})


def _addition(
    name: str, customer: str, specification: str, wanted: Mapping[str, Any]
) -> dict[str, Any]:
    service = {
        "name": name,
        "serviceSpecification": {"id": specification, "version": "1.0"},
        "serviceCharacteristic": [{"name": key, "value": value} for key, value in wanted.items()],
    }
    return {
        "externalId": f"demo-{name}",
        "description": f"{specification} {name} for {customer}",
        "relatedParty": [{"id": customer, "role": "customer", "@referredType": "Organization"}],
        "serviceOrderItem": [{"id": "1", "action": "add", "service": service}],
    }


GOOD = Eline("acme-hq-branch", "acme", "pe1:eth4", "pe2:eth4", 20)
REFUSED = Eline("acme-hq-depot", "acme", "pe1:eth3", "pe3:eth3", 10)
BESIDE = Vpn(
    "acme-offices", "acme", tuple((f"pe{n}:eth3", f"172.16.{n}.1/24") for n in range(1, 4))
)
