"""Decides whether what happened was told: every change an event, every event to billing, in order.

Law (v): per entity, billing's log is an at-least-once copy of the outbox in its order, with the
event's id as the stable key; and the outbox has exactly one event for every change there was.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from oss_agent.spi import orders
from oss_agent.testing.checker.facts import Facts, Row, Violation

LAW = "telling"
_RECEIVER = "billing"


def violations(facts: Facts) -> Iterator[Violation]:
    """Every change that was not told, told twice, told late or told wrongly."""
    yield from _events(facts)
    yield from _keys(facts)
    yield from _order(facts)
    yield from _arrived(facts)


def _events(facts: Facts) -> Iterator[Violation]:
    told = Counter((row["entity"], row["kind"], _state(row)) for row in facts.rows("out_event"))
    for order in facts.rows("ord_order"):
        entity, state = _about(order["id"]), order["state"]
        name = entity[0].upper() + entity[1:].partition(":")[0]
        kinds = {(entity, f"{name}CreateEvent", "acknowledged"): "was accepted"}
        kinds[entity, f"{name}StateChangeEvent", state] = f"became {state}"
        for key, what in kinds.items():
            if told[key] != 1:
                sentence = f"order {order['id']} {what}, and {told[key]} events tell it, not one"
                proof = list(facts.rows("out_event", entity=entity))
                yield Violation(LAW, sentence, [order, *proof])
    yield from _changes(facts)
    for service in facts.current("inv_services", category="CFS"):
        entity, state = f"service:{service['id']}", service["state"]
        if state in {"active", "inactive", "terminated"} and not told[entity, _CHANGE, state]:
            sentence = f"service {service['id']} became {state}, and no event tells it"
            yield Violation(LAW, sentence, [service])
        if state == "active" and told[entity, "ServiceCreateEvent", "active"] != 1:
            count = told[entity, "ServiceCreateEvent", "active"]
            sentence = f"service {service['id']} came to be, and {count} events tell it, not one"
            yield Violation(LAW, sentence, [service])


def _about(order: str) -> str:
    """What its events are about: an order of resources by themselves is told as one."""
    return f"{'resourceOrder' if orders.of_resources(order) else 'serviceOrder'}:{order}"


_CHANGE = "ServiceStateChangeEvent"
_AMENDED = "ServiceAttributeValueChangeEvent"


def _changes(facts: Facts) -> Iterator[Violation]:
    """What an order changed of a service is told once, by that order: content, state, or both."""
    amended = [row for row in facts.rows("out_event") if _is_change(row)]
    for item in facts.rows("ord_item", action="modify", state="completed"):
        if orders.by_itself(item["service_id"]):
            continue  # the inventory tells of it, as of every resource
        entity, order = f"service:{item['service_id']}", item["order_id"]
        told = [r for r in amended if r["entity"] == entity and r["payload"].get("order") == order]
        kinds = sorted(row["kind"] for row in told)
        once = len(kinds) == len(set(kinds)) > 0
        if not once or (kinds != [_AMENDED] and not item.get("service_state")):
            sentence = f"order {order} changed {entity}, and {len(told)} events tell it, not one"
            yield Violation(LAW, sentence, [item, *told])


def _state(row: Row) -> str:
    payload = row["payload"]
    return str(payload.get("state", "")) if isinstance(payload, dict) else ""


def _is_change(event: Row) -> bool:
    """Is it of a living service, whose end is an order's of its own?"""
    return event["kind"] in {_AMENDED, _CHANGE} and event["payload"].get("state") != "terminated"


def _keys(facts: Facts) -> Iterator[Violation]:
    known = {row["id"] for row in facts.rows("out_event")}
    first: dict[str, Row] = {}
    for row in facts.billing:
        if row["key"] not in known:
            sentence = (
                f"billing was told something under the key {row['key']}, which is no event's id"
            )
            yield Violation(LAW, sentence, [row])
        elif first.setdefault(row["key"], row)["body"] != row["body"]:
            sentence = f"billing was told two different things under the key {row['key']}"
            yield Violation(LAW, sentence, [first[row["key"]], row])


def _order(facts: Facts) -> Iterator[Violation]:
    events = {row["id"]: row for row in facts.rows("out_event")}
    newest: dict[str, Row] = {}
    seen: set[str] = set()
    for row in facts.billing:
        event = events.get(row["key"])
        if event is None or row["key"] in seen:
            continue
        seen.add(row["key"])
        before = newest.get(event["entity"])
        if before is not None and before["number"] > event["number"]:
            sentence = f"billing heard {before['id']} of {event['entity']} before {event['id']}"
            yield Violation(LAW, sentence, [before, event])
        newest[event["entity"]] = event


def _arrived(facts: Facts) -> Iterator[Violation]:
    names = {row["number"]: row for row in facts.rows("out_event")}
    heard = {row["key"] for row in facts.billing}
    states: dict[str, list[Row]] = defaultdict(list)
    for row in facts.rows("out_delivery", receiver=_RECEIVER):
        states[row["state"]].append(row)
        event = names[row["event"]]
        if row["state"] == "delivered" and event["id"] not in heard:
            sentence = f"{event['id']} counts as delivered, and billing never heard it"
            yield Violation(LAW, sentence, [row])
    for state in ("pending", "parked"):
        for row in states[state][:3]:
            sentence = f"{names[row['event']]['id']} is still {state} for billing"
            yield Violation(LAW, sentence, [row])
    for row in facts.rows("out_event"):
        if not row["spread"]:
            yield Violation(LAW, f"{row['id']} was never handed to its receivers", [row])
