"""The two orders of the story, as a BSS would send them (TMF641)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


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
        return {
            "externalId": f"demo-{self.name}",
            "description": f"E-Line {self.name} for {self.customer}",
            "relatedParty": [
                {"id": self.customer, "role": "customer", "@referredType": "Organization"}
            ],
            "serviceOrderItem": [
                {
                    "id": "1",
                    "action": "add",
                    "service": {
                        "name": self.name,
                        "serviceSpecification": {"id": "eline", "version": "1.0"},
                        "serviceCharacteristic": [
                            {"name": "aEnd", "valueType": "string", "value": self.a_end},
                            {"name": "zEnd", "valueType": "string", "value": self.z_end},
                            {"name": "bandwidth", "valueType": "integer", "value": self.bandwidth},
                        ],
                    },
                }
            ],
        }


GOOD = Eline("acme-hq-branch", "acme", "pe1:eth4", "pe2:eth4", 20)
REFUSED = Eline("acme-hq-depot", "acme", "pe1:eth3", "pe3:eth3", 10)
