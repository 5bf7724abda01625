"""Decides whether every acknowledged order has exactly one end, and whether its journal tells the same.

Law (i): nothing acknowledged is lost, nothing is taken twice, nothing is left running, held or
unsettled; "completed" rests on a commit decision that every participant carried out, anything else
on none.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from oss_agent.testing.checker.facts import Facts, Row, Violation

FINAL = frozenset({"rejected", "cancelled", "completed", "failed", "partial"})
LAW = "orders"


def violations(facts: Facts) -> Iterator[Violation]:
    """Every order, item and transaction whose story does not end well."""
    yield from _promised(facts)
    yield from _taken_twice(facts)
    yield from _unfinished(facts)
    for item in facts.items():
        yield from _item(facts, item)
    for order in facts.rows("ord_order"):
        yield from _sum(facts, order)


def _promised(facts: Facts) -> Iterator[Violation]:
    known = {row["id"] for row in facts.rows("ord_order")}
    given: dict[str, Row] = {}
    for promise in facts.sender:
        if promise["order"] not in known:
            sentence = f"order {promise['order']} was acknowledged (201) and is lost"
            yield Violation(LAW, sentence, [promise])
        first = given.setdefault(promise["key"], promise)
        if first["order"] != promise["order"]:
            sentence = (
                f"key {promise['key']} was acknowledged as order {first['order']} and, sent again, "
                f"as order {promise['order']}"
            )
            yield Violation(LAW, sentence, [first, promise])


def _taken_twice(facts: Facts) -> Iterator[Violation]:
    for column in ("idempotency_key", "external_id"):
        seen: dict[tuple[str, str, str], Row] = {}
        for row in facts.rows("ord_order"):
            if row[column] is None:
                continue
            first = seen.setdefault((row["tenant"], row["requester"], row[column]), row)
            if first is not row:
                sentence = (
                    f"one request ({column} {row[column]}) became two orders, {first['id']} and "
                    f"{row['id']}"
                )
                yield Violation(LAW, sentence, [first, row])


def _unfinished(facts: Facts) -> Iterator[Violation]:
    for row in itertools.chain(facts.rows("ord_order"), facts.rows("ord_item")):
        if row["state"] not in FINAL:
            what = f"order {row.get('order_id', row.get('id'))}"
            yield Violation(LAW, f"{what} never ended: it is {row['state']}", [row])
    for row in facts.rows("ord_transaction"):
        if row["stage"] != "closed":
            sentence = f"transaction {row['id']} never closed: it is {row['stage']}"
            yield Violation(LAW, sentence, [row])
    for row in facts.rows("ord_lease"):
        sentence = f"{row['device']} is still leased to transaction {row['transaction_id']}"
        yield Violation(LAW, sentence, [row])
    for row in facts.rows("ord_lease_queue"):
        sentence = f"transaction {row['transaction_id']} still queues for {row['device']}"
        yield Violation(LAW, sentence, [row])


def _item(facts: Facts, item: Row) -> Iterator[Violation]:
    where = {"order_id": item["order_id"], "position": item["position"]}
    transactions = list(facts.rows("ord_transaction", **where))
    if len(transactions) != 1:
        sentence = (
            f"order {item['order_id']} item {item['position']} has {len(transactions)} transactions"
        )
        yield Violation(LAW, sentence, [item, *transactions])
        return
    (transaction,) = transactions
    leader = transaction.get("leader")
    if leader is not None:
        yield from _carried(facts, item, leader)
        return
    for attempt in range(1, transaction["attempt"] + 1):
        yield from _attempt(facts, item, transaction, attempt)


def _carried(facts: Facts, item: Row, leader: str) -> Iterator[Violation]:
    """Its leader's last decision is its own."""
    decisions = sorted(
        facts.rows("ord_decision", transaction_id=leader), key=lambda row: int(row["attempt"])
    )
    committed = bool(decisions) and decisions[-1]["verdict"] == "commit"
    if (item["state"] == "completed") is not committed:
        sentence = (
            f"order {item['order_id']} was carried by transaction {leader}, which "
            f"{'was' if committed else 'was not'} decided commit, and its item is {item['state']}"
        )
        yield Violation(LAW, sentence, [item, *decisions])


def _attempt(facts: Facts, item: Row, transaction: Row, attempt: int) -> Iterator[Violation]:
    of = {"transaction_id": transaction["id"], "attempt": attempt}
    participants = list(facts.rows("ord_participant", **of))
    decisions = list(facts.rows("ord_decision", **of))
    name = f"transaction {transaction['id']} attempt {attempt}"
    if participants and len(decisions) != 1:
        sentence = f"{name} has {len(decisions)} decisions, not one"
        yield Violation(LAW, sentence, [transaction, *participants, *decisions])
        return
    committed = bool(decisions) and decisions[0]["verdict"] == "commit"
    wanted = "done" if committed else "reverted"
    for one in participants:
        if one["state"] != wanted:
            sentence = (
                f"{name} was decided {'commit' if committed else 'abort'}, and {one['device']} "
                f"is {one['state']}, not {wanted}"
            )
            yield Violation(LAW, sentence, [one, *decisions])
    completed = item["state"] == "completed" and attempt == transaction["attempt"]
    if completed is not committed:
        sentence = (
            f"{name} {'has' if committed else 'has no'} commit decision, and its item is "
            f"{item['state']}"
        )
        yield Violation(LAW, sentence, [item, transaction, *decisions])


def _sum(facts: Facts, order: Row) -> Iterator[Violation]:
    items = [
        one for one in facts.rows("ord_item", order_id=order["id"]) if not one.get("withdrawn")
    ]
    kinds = {item["state"] for item in items}
    if not kinds or (order["state"] == "completed") is not (kinds == {"completed"}):
        sentence = f"order {order['id']} is {order['state']}, and its items are {sorted(kinds)}"
        yield Violation(LAW, sentence, [order, *items])
