"""The chapters of the operator's API in its own document: which route stands where, and what each is for."""

from __future__ import annotations

from typing import Final

ORDERS: Final = "Orders and services"
FALLOUT: Final = "Fallout"
STOPS: Final = "Stops"
DEVICES: Final = "Devices"
CASES: Final = "Cases"
LEDGERS: Final = "Ledgers and drift"
ADOPTION: Final = "Adoption"
BACKUPS: Final = "Backups"
POOLS: Final = "Pools"
CATALOGUE: Final = "Catalogue"
OUTBOX: Final = "Outbox"
AUDIT: Final = "Audit"
HEALTH: Final = "Health"
BILLING: Final = "Billing"

_WORDS: Final = {
    ORDERS: "What an order would do, what it waits for, and the decisions that are a person's.",
    FALLOUT: "What failed for good and waits for a person's decision.",
    STOPS: "Keep new writes from the network for a while.",
    DEVICES: "Take devices in, pin their keys, ask them what they are, who is linked to whom.",
    CASES: "What of the network a person should look at, and what was decided.",
    LEDGERS: "What is planned, configured and observed; what devices hold otherwise than we left it.",
    ADOPTION: "Services that are on devices already become ours; nothing is sent.",
    BACKUPS: "The configurations that devices had, and which order left them.",
    POOLS: "VLANs, VNIs, addresses, prefixes, route distinguishers and targets: who has them.",
    CATALOGUE: "What a reload of the catalogue's files would change, and the reload.",
    OUTBOX: "What is still to be told to others, and why it waits.",
    AUDIT: "Who did what; rows that nobody can change.",
    HEALTH: "Alive, ready, and Prometheus.",
    BILLING: "What a billing system says, signed by its connector's secret.",
}


def tags() -> list[dict[str, str]]:
    """Every chapter with its sentence, in the order of the document, as OpenAPI wants its tags."""
    return [{"name": name, "description": text} for name, text in _WORDS.items()]
