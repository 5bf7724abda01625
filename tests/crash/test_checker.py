"""The checker judges what it is given, and a failure's folder gives the same judgement again."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from oss_agent.testing.checker import (
    allocations,
    configuration,
    devices,
    facts,
    orders,
    telling,
    verdict,
)
from oss_agent.testing.checker.facts import Device, Facts, Row

NOW = {"valid_to": None, "known_to": None}
EVENT = {"number": 1, "id": "e1", "entity": "service:1", "spread": True, "payload": {}, "kind": "x"}


def test_nothing_is_no_violation() -> None:
    assert verdict.judge(Facts({}, {})) == ()


def test_a_promise_that_nobody_remembers_is_one() -> None:
    (found,) = verdict.judge(Facts({}, {}, sender=[{"key": "k", "order": "7"}]))
    assert "order 7 was acknowledged (201) and is lost" in str(found)


def test_a_device_left_to_its_timer_is_one() -> None:
    rollback = {"number": 1, "session": 1, "kind": "rollback", "detail": "timeout", "digest": ""}
    device = Device(log=[{"at": 1.0, **rollback}], running=[], pending=True)
    words = " ".join(map(str, verdict.judge(Facts({}, {"pe1": device}))))
    assert "still waits for its end" in words
    assert "the device's own timer did" in words


def test_what_is_on_a_device_and_nowhere_else_is_one() -> None:
    device = Device(log=[], running=["/a[n=1]", "/f[n=2]"], foreign=["/f[n=2]", "/g[n=3]"])
    words = " ".join(map(str, configuration.violations(Facts({}, {"pe1": device}))))
    assert "pe1 has /a[n=1], and the configured ledger has not" in words
    assert "no service owns it" in words
    assert "/g[n=3] is gone" in words
    assert "/f[n=2]," not in words


def changed(port: str, bandwidth: int) -> Facts:
    """A service added at eth2 with 20, changed by one order to eth4 with 30: what is left of it."""
    now = NOW
    item = {"service_id": "s1", "position": 1, "state": "completed"}
    ordered = ({"aEnd": "pe1:eth2", "bandwidth": 20}, {"aEnd": "pe1:eth4", "bandwidth": 30})
    items: list[Row] = [
        {**item, "order_id": str(n), "action": action, "characteristics": said}
        for n, (action, said) in enumerate(zip(("add", "modify"), ordered, strict=True))
    ]
    has = {"aEnd": "pe1:eth4", "bandwidth": bandwidth}
    service = {"id": "s1", "category": "CFS", "state": "active", "characteristics": has, **now}
    tree = {"name": "", "children": [{"name": "port", "value": port}]}
    configured = {"device": "pe1", "service": "s1", "tree": tree, **now}
    tables: dict[str, list[Row]] = {"inv_services": [service], "ord_item": items}
    tables["inv_configured"] = [configured]
    return Facts(tables, {"pe1": Device(log=[], running=[f"/port = {port}"])})


def said(facts: Facts) -> str:
    return " ".join(map(str, (*configuration.violations(facts), *telling.violations(facts))))


def test_a_change_that_was_not_carried_over_is_one() -> None:
    assert "was ordered" not in said(changed("eth4", 30))
    assert "was ordered with bandwidth 30 and has 20" in said(changed("eth4", 20))
    assert "was ordered at pe1:eth4, and nothing of it is there" in said(changed("eth2", 30))


def test_a_change_that_nobody_was_told_is_one() -> None:
    facts = changed("eth4", 30)
    assert "order 1 changed service:s1, and 0 events tell it, not one" in said(facts)
    event = {"entity": "service:s1", "kind": "ServiceAttributeValueChangeEvent"}
    told = {**EVENT, **event, "payload": {"order": "1"}}
    facts = dataclasses.replace(facts, tables={**facts.tables, "out_event": [told]})
    assert "order 1 changed" not in said(facts)


def test_a_suspended_service_keeps_its_values_and_owns_nothing() -> None:
    facts = changed("eth4", 30)
    (*before, last), (service,) = facts.tables["ord_item"], facts.tables["inv_services"]
    rows: dict[str, Sequence[Row]] = {
        **facts.tables,
        "ord_item": [*before, {**last, "service_state": "inactive"}],
        "inv_services": [{**service, "state": "inactive", "specification_id": "eline"}],
        "inv_port_claims": [{"device": "pe1", "port": "eth4", "service": "s1", **NOW}],
    }
    left = Facts(rows, facts.devices)
    assert "is suspended, and still is active, owned or configured" in said(left)
    assert "service s1 became inactive, and no event tells it" in said(left)
    assert "which does not live" not in " ".join(map(str, allocations.violations(left)))
    event = {"entity": "service:s1", "kind": "ServiceStateChangeEvent"}
    told = {**EVENT, **event, "payload": {"order": "1", "state": "inactive"}}
    gone = Facts({**rows, "inv_configured": [], "out_event": [told]}, {"pe1": Device([], [])})
    assert said(gone) == ""


def carried(leader: str | None) -> Facts:
    """A transaction that was undone in its own attempt, and completed in its second."""
    times = [f"2026-01-01T00:00:0{n}Z" for n in range(1, 6)]
    planned, decided, undone, again, closed = times
    tree = {"name": "config"}
    target = {**tree, "children": [{"name": "a", "value": "1"}]}
    roots = [[["a", [["name", "1"]]]]]
    part = {"transaction_id": "2-1", "attempt": 1, "device": "pe1", "roots": roots}
    told = [(planned, "planned on pe1"), (undone, "undone, will be tried again")]
    tables: dict[str, list[Row]] = {
        "ord_transaction": [{"id": "2-1", "attempt": 2, "closed_at": closed, "leader": leader}],
        "ord_item": [{"order_id": "2", "position": 1, "state": "completed"}],
        "ord_decision": [
            {"transaction_id": "2-1", "attempt": 1, "at": decided, "verdict": "abort"}
        ],
        "ord_participant": [{**part, "before": tree, "target": target}],
        "ord_history": [
            {"transaction_id": "2-1", "at": at, "text": text}
            for at, text in (*told, (again, "planned on pe1"))
        ],
    }
    return Facts(tables, {"pe1": Device(log=[], running=[])})


def test_what_another_commit_carried_in_the_end_was_not_made_by_its_own() -> None:
    assert not list(devices.violations(carried(leader="1-1")))
    (found,) = devices.violations(carried(leader=None))
    assert "completed, and its change was never made" in str(found)


def test_a_damaged_database_is_one() -> None:
    (found,) = verdict.judge(Facts({}, {}, damage=["row 7 missing from index"]))
    assert "row 7 missing" in str(found)


def test_billing_may_hear_a_thing_again_but_not_another_way_nor_out_of_order() -> None:
    tables = {"out_event": [EVENT, {**EVENT, "number": 2, "id": "e2"}], "out_delivery": []}
    again = [{"key": "e1", "body": 1}, {"key": "e1", "body": 1}, {"key": "e2", "body": 2}]
    assert not list(telling.violations(Facts(tables, {}, billing=again)))
    other = [{"key": "e2", "body": 2}, {"key": "e1", "body": 1}, {"key": "e1", "body": 3}]
    words = " ".join(map(str, telling.violations(Facts(tables, {}, billing=other))))
    assert "two different things" in words
    assert "before e1" in words


def test_a_folder_is_judged_again_as_it_was(tmp_path: Path) -> None:
    device = Device(log=[], running=["/a[n=1]"], startup=[])
    given = Facts({}, {"pe1": device}, sender=[{"key": "k", "order": "7"}], seed=3, kills=["x"])
    facts.dump(given, tmp_path)
    assert verdict.judge(facts.load(tmp_path)) == verdict.judge(given)
    assert len(verdict.judge(given)) == 4


def test_what_is_mentioned_only_is_asked_for_no_decision_and_builds_nothing() -> None:
    item = {"order_id": "2", "position": 1, "service_id": "s1", "state": "completed"}
    said = {**item, "action": "noChange", "characteristics": {"bandwidth": 9}}
    transaction = {"id": "2-1", "order_id": "2", "position": 1, "attempt": 1, "stage": "closed"}
    rows: dict[str, Sequence[Row]] = {
        "ord_transaction": [{**transaction, "accepted": 1, "leader": None}],
        "ord_item": [said],
    }
    facts = Facts(rows, {})
    assert not [*orders.violations(facts), *configuration.violations(facts)]
    built = Facts({**rows, "ord_item": [{**said, "action": "add"}]}, {})
    assert "has no commit decision" in " ".join(map(str, orders.violations(built)))
