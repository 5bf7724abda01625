"""The checker judges what it is given, and a failure's folder gives the same judgement again."""

from __future__ import annotations

from pathlib import Path

from oss_agent.testing.checker import configuration, facts, telling, verdict
from oss_agent.testing.checker.facts import Device, Facts

EVENT = {"number": 1, "id": "e1", "entity": "service:1", "spread": True, "payload": {}, "kind": "x"}


def test_nothing_is_no_violation() -> None:
    assert verdict.judge(Facts({}, {})) == ()


def test_a_promise_that_nobody_remembers_is_one() -> None:
    (found,) = verdict.judge(Facts({}, {}, sender=[{"key": "k", "order": "7"}]))
    assert "order 7 was acknowledged (201) and is lost" in str(found)


def test_a_device_left_to_its_timer_is_one() -> None:
    rollback = {"number": 1, "session": 1, "kind": "rollback", "detail": "timeout", "digest": ""}
    device = Device(log=[{"at": 1.0, **rollback}], running=[], pending=True)
    said = " ".join(map(str, verdict.judge(Facts({}, {"pe1": device}))))
    assert "still waits for its end" in said
    assert "the device's own timer did" in said


def test_what_is_on_a_device_and_nowhere_else_is_one() -> None:
    device = Device(log=[], running=["/a[n=1]", "/f[n=2]"], foreign=["/f[n=2]", "/g[n=3]"])
    said = " ".join(map(str, configuration.violations(Facts({}, {"pe1": device}))))
    assert "pe1 has /a[n=1], and the configured ledger has not" in said
    assert "no service owns it" in said
    assert "/g[n=3] is gone" in said
    assert "/f[n=2]," not in said


def test_billing_may_hear_a_thing_again_but_not_another_way_nor_out_of_order() -> None:
    tables = {"out_event": [EVENT, {**EVENT, "number": 2, "id": "e2"}], "out_delivery": []}
    again = [{"key": "e1", "body": 1}, {"key": "e1", "body": 1}, {"key": "e2", "body": 2}]
    assert not list(telling.violations(Facts(tables, {}, billing=again)))
    other = [{"key": "e2", "body": 2}, {"key": "e1", "body": 1}, {"key": "e1", "body": 3}]
    said = " ".join(map(str, telling.violations(Facts(tables, {}, billing=other))))
    assert "two different things" in said
    assert "before e1" in said


def test_a_folder_is_judged_again_as_it_was(tmp_path: Path) -> None:
    device = Device(log=[], running=["/a[n=1]"], startup=[])
    given = Facts({}, {"pe1": device}, sender=[{"key": "k", "order": "7"}], seed=3, kills=["x"])
    facts.dump(given, tmp_path)
    assert verdict.judge(facts.load(tmp_path)) == verdict.judge(given)
    assert len(verdict.judge(given)) == 4
