"""Decides whether devices, ledger, ownership and orders tell one story about configuration.

Law (iii): what is ours on a device is what the configured ledger says and what some service owns;
every service is where its last completed order put it, and has what its orders said; what is
foreign is as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from oss_agent.testing.checker.facts import Device, Facts, Row, Violation

LAW = "configuration"


def lines(tree: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """A tree (``spi.tree.to_json``) as one line a node: entries by path, leaves with ``= value``."""
    for child in tree.get("children", ()):
        keys = "".join(f"[{k}={v}]" for k, v in child.get("keys", ()))
        here = f"{prefix}/{child['name']}{keys}"
        if "value" in child:
            yield f"{here} = {child['value']}"
        elif keys:
            yield here
        yield from lines(child, here)


def violations(facts: Facts) -> Iterator[Violation]:
    """Every node that one of the four has and another has not."""
    for name, device in facts.devices.items():
        ours = set(device.running) - set(device.foreign)
        yield from _foreign(name, device)
        yield from _saved(name, device, ours)
        yield from _ledger(facts, name, ours)
        yield from _owned(facts, name, ours)
    for service, item in _last_items(facts).items():
        yield from _outcome(facts, service, item)
    for row in facts.current("inv_services", category="CFS", state="active"):
        yield from _as_ordered(facts, row)


def _foreign(name: str, device: Device) -> Iterator[Violation]:
    gone = sorted(set(device.foreign) - set(device.running))
    if gone:
        sentence = f"{name}: foreign configuration was touched: {', '.join(gone[:5])} is gone"
        yield Violation(LAW, sentence)


def _saved(name: str, device: Device, ours: set[str]) -> Iterator[Violation]:
    """A reboot must not take away what was reported, nor bring back what was ended."""
    if device.startup is None:
        return
    kept = set(device.startup) - set(device.foreign)
    if kept != ours:
        lost, stale = sorted(ours - kept)[:3], sorted(kept - ours)[:3]
        sentence = (
            f"{name}: a reboot would lose {lost or 'nothing'} and bring back {stale or 'nothing'}"
        )
        yield Violation(LAW, sentence)


def _ledger(facts: Facts, name: str, ours: set[str]) -> Iterator[Violation]:
    rows = list(facts.current("inv_configured", device=name))
    told = {line for row in rows for line in lines(row["tree"])}
    for line in sorted(ours - told):
        yield Violation(LAW, f"{name} has {line}, and the configured ledger has not")
    for line in sorted(told - ours):
        proof = [row for row in rows if line in set(lines(row["tree"]))]
        yield Violation(
            LAW, f"the configured ledger has {line} on {name}, and {name} has not", proof
        )


def _owned(facts: Facts, name: str, ours: set[str]) -> Iterator[Violation]:
    rows = list(facts.current("inv_ownership", device=name))
    paths = {row["path"] for row in rows}
    there = {line.partition(" = ")[0] for line in ours}
    for path in sorted(there - paths):
        yield Violation(LAW, f"{name} has {path}, put there by us, and no service owns it")
    for row in rows:
        if row["path"] not in there:
            sentence = f"service {row['service']} owns {row['path']} on {name}, and it is not there"
            yield Violation(LAW, sentence, [row])


def _items(facts: Facts) -> list[Row]:
    """Every item, in the order they were accepted."""
    accepted = {
        (row["order_id"], row["position"]): row["accepted"] for row in facts.rows("ord_transaction")
    }
    return sorted(
        facts.items(),
        key=lambda row: accepted.get((row["order_id"], row["position"]), 0),
    )


def _last_items(facts: Facts) -> dict[str, Row]:
    """The last completed item of each service; the first item of one that never completed any."""
    last: dict[str, Row] = {}
    for item in _items(facts):
        if item["state"] == "completed" or item["service_id"] not in last:
            last[item["service_id"]] = item
    return last


def _outcome(facts: Facts, service: str, item: Row) -> Iterator[Violation]:
    stands = item["state"] == "completed" and item["action"] != "delete"
    rows = list(facts.current("inv_services", id=service))
    active = [row for row in rows if row["state"] == "active"]
    owns = list(facts.current("inv_ownership", service=service))
    told = [r for r in facts.current("inv_configured", service=service) if list(lines(r["tree"]))]
    what = f"service {service} ({item['action']} {item['state']}, order {item['order_id']})"
    if stands and _suspended(facts, service):
        if active or owns or told:
            sentence = f"{what} is suspended, and still is active, owned or configured"
            yield Violation(LAW, sentence, [item, *rows, *owns[:3], *told[:1]])
        return
    if stands and not (active and owns and told):
        sentence = f"{what} should stand, and is not active, owned and configured"
        yield Violation(LAW, sentence, [item, *rows])
    if not stands and (active or owns or told):
        sentence = f"{what} should be gone, and still is active, owned or configured"
        yield Violation(LAW, sentence, [item, *rows, *owns[:3], *told[:1]])


def _suspended(facts: Facts, service: str) -> bool:
    """Did the last completed order that says in which state it shall be suspend it?"""
    said = [
        item.get("service_state")
        for item in _items(facts)
        if item["service_id"] == service and item["state"] == "completed"
    ]
    said = [state for state in said if state]
    return said[-1:] == ["inactive"]


def _as_ordered(facts: Facts, service: Row) -> Iterator[Violation]:
    """A living service has what its completed orders said last, and its ports are configured."""
    mine = [
        item
        for item in _items(facts)
        if item["service_id"] == service["id"] and item["state"] == "completed"
    ]
    ordered = {k: v for item in mine for k, v in (item["characteristics"] or {}).items()}
    for name, value in ordered.items():
        has = service["characteristics"].get(name)
        if has != value:
            sentence = f"service {service['id']} was ordered with {name} {value!r} and has {has!r}"
            yield Violation(LAW, sentence, [service, *mine])
        device, _, port = str(value).partition(":")
        if port and device in facts.devices and not _names(facts, service, device, port):
            sentence = f"service {service['id']} was ordered at {value}, and nothing of it is there"
            yield Violation(LAW, sentence, [service, *mine])


def _names(facts: Facts, service: Row, device: str, port: str) -> bool:
    """Does a line of its configuration on this device say the port?"""
    rows = facts.current("inv_configured", device=device, service=service["id"])
    said = (line for row in rows for line in lines(row["tree"]))
    return any(line.endswith((f" = {port}", f"={port}]", f" {port}]")) for line in said)
