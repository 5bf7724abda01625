"""Decides whether every value and port has one living holder, and every living service its values.

Law (iv): unique, owned, none leaked after a failure or an end, none given back under a living service.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from oss_agent.testing.checker.facts import Facts, Row, Violation

LAW = "allocations"
_LIVING = ("active", "inactive")
"""A suspended service keeps what it holds."""


def violations(facts: Facts) -> Iterator[Violation]:
    """Every value or port with no holder, a dead one, or two."""
    alive = {row["id"]: row for row in facts.current("inv_services") if row["state"] in _LIVING}
    held = [row for row in facts.current("inv_pool_claims") if row["released_at"] is None]
    yield from _twice(held, ("pool", "value"), "value")
    ports = list(facts.current("inv_port_claims"))
    yield from _twice(ports, ("device", "port"), "port")
    yield from _leaked(facts, held, alive)
    for row in ports:
        if row["service"] not in alive:
            sentence = f"port {row['device']}:{row['port']} is held by service {row['service']}, which does not live"
            yield Violation(LAW, sentence, [row])
    for service in alive.values():
        yield from _lost(facts, service, held)


def _twice(rows: Sequence[Row], columns: tuple[str, str], what: str) -> Iterator[Violation]:
    for one, two in itertools.combinations(rows, 2):
        if all(one[column] == two[column] for column in columns):
            where = ":".join(str(one[column]) for column in columns)
            yield Violation(LAW, f"{what} {where} has two holders", [one, two])


def _leaked(facts: Facts, held: Sequence[Row], alive: dict[str, Row]) -> Iterator[Violation]:
    holders = {row["key"]: row["service_id"] for row in facts.rows("ord_claim")}
    for row in held:
        if holders.get(row["key"]) not in alive:
            sentence = (
                f"value {row['value']} of pool {row['pool']} is held by {row['key']}, and no living "
                "service has it"
            )
            yield Violation(LAW, sentence, [row])
    for row in facts.rows("ord_claim"):
        if row["service_id"] not in alive:
            sentence = (
                f"claim {row['key']} belongs to service {row['service_id']}, which does not live"
            )
            yield Violation(LAW, sentence, [row])


def _lost(facts: Facts, service: Row, held: Sequence[Row]) -> Iterator[Violation]:
    if service["category"] != "CFS":
        return
    keys = {row["key"] for row in held}
    claims = list(facts.rows("ord_claim", service_id=service["id"]))
    names = {row["name"] for row in claims if row["key"] in keys}
    for need in facts.needs.get(service["specification_id"], ()):
        if need not in names:
            sentence = f"service {service['id']} lives, and its {need} was given back"
            yield Violation(LAW, sentence, [service, *claims])
    if not any(facts.current("inv_port_claims", service=service["id"])):
        yield Violation(LAW, f"service {service['id']} lives, and holds no port", [service])
