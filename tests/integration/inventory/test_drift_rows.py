"""What an audit needs of the rows and leaves in them, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from inventory.drift import drift_desk, drift_rows
from inventory.planning import configured
from inventory.rows import cases, history, ownership, tables
from oss_agent import errors
from oss_agent.spi.drift import Audited, Difference, Kind
from oss_agent.spi.tree import ROOT, Step, Tree

AT = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
VNI = "/services/eline[name=acme]/vni"


def _tree(vni: str) -> Tree:
    line = Tree(Step("eline", (("name", "acme"),)), children=(Tree(Step("vni"), vni),))
    return Tree(ROOT, children=(Tree(Step("services"), children=(line,)),))


@pytest.fixture
def built(connection: sa.Connection) -> sa.Connection:
    """A service s1 of Acme on pe1, one of another tenant beside it."""
    for service, tenant in (("s1", "default"), ("s2", "other")):
        row: dict[str, Any] = {
            "tenant": tenant,
            "id": service,
            "name": f"line-{service}",
            "category": "CFS",
            "specification_id": "eline",
            "specification_version": "1.0",
            "specification_name": "E-Line",
            "characteristics": {},
            "customer": "Acme",
            "order_id": "1",
            "parent": None,
            "state": "active",
            "operating_status": "running",
            "cause": None,
            "status_since": AT,
            "service_date": AT,
        }
        history.begin(connection, tables.services, row, AT)
        whose = ownership.Holding(service, "pe1", "netconf")
        configured.record(connection, whose, _tree("7"), tenant=tenant, at=AT)
    return connection


def _told(*services: str, at: datetime = AT + HOUR) -> Audited:
    one = Difference("netconf", VNI, Kind.CHANGED, "7", "8", services)
    return Audited("pe1", at, (one,))


def test_a_device_waits_for_its_audit_since_it_got_something_of_ours(built: sa.Connection) -> None:
    (turn,) = drift_rows.turns(built).values()
    assert turn == drift_rows.Turn("default", AT, None, troubled=False)
    assert drift_rows.oldest_age(built, AT + HOUR) == 3_600
    ground = drift_rows.ground(built, "pe1")
    assert ground.names == {"s1": "line-s1 (s1)", "s2": "a service of another tenant"}
    assert ground.customers == {"s1": "Acme", "s2": ""}
    with pytest.raises(errors.NotFound):
        drift_rows.ground(built, "pe9")


def test_what_was_judged_is_cases_and_begins_the_age_anew(built: sa.Connection) -> None:
    ground = drift_rows.ground(built, "pe1")
    drift_rows.settle(built, ground, _told("s1"))
    (turn,) = drift_rows.turns(built).values()
    assert turn == drift_rows.Turn("default", AT + HOUR, AT + HOUR, troubled=True)
    (case,) = cases.unaccepted(built, "pe1", Kind.CHANGED)
    assert case.id == drift_rows.case_id("pe1", _told("s1").differences[0])
    assert case.actions == ("accept", "ignore", "revert", "adopt")
    assert case.owner == "Acme"

    drift_rows.settle(built, ground, Audited("pe1", AT + 2 * HOUR))
    assert cases.unaccepted(built, "pe1", Kind.CHANGED) == ()
    (turn,) = drift_rows.turns(built).values()
    assert (turn.since, turn.troubled) == (AT + 2 * HOUR, False)


def test_what_could_not_be_judged_is_as_old_as_it_was(built: sa.Connection) -> None:
    told = Audited("pe1", AT + HOUR, reason="no answer")
    drift_rows.note_failure(built, "default", told)
    (turn,) = drift_rows.turns(built).values()
    assert turn == drift_rows.Turn("default", AT, AT + HOUR, troubled=True)


def test_another_tenants_service_is_nobody_elses_to_order(built: sa.Connection) -> None:
    drift_rows.settle(built, drift_rows.ground(built, "pe1"), _told("s1", "s2"))
    (case,) = cases.unaccepted(built, "pe1", Kind.CHANGED)
    assert case.actions == cases.HARMLESS
    assert "a service of another tenant" in case.text


def test_a_device_without_anything_of_ours_has_turns_until_its_cases_end(
    built: sa.Connection,
) -> None:
    drift_rows.settle(built, drift_rows.ground(built, "pe1"), _told("s1"))
    for service in ("s1", "s2"):
        whose = ownership.Holding(service, "pe1", "netconf")
        configured.record(built, whose, Tree(ROOT), tenant="default", at=AT + 2 * HOUR)
    ground = drift_rows.ground(built, "pe1")
    assert ground.parts == {}
    assert set(drift_rows.turns(built)) == {"pe1"}
    drift_rows.settle(built, ground, Audited("pe1", AT + 3 * HOUR))
    assert drift_rows.turns(built) == {}


@pytest.mark.parametrize("target", ["pe1", "s1", "line-s1"])
def test_a_device_or_service_is_found_by_what_people_call_it(
    built: sa.Connection, target: str
) -> None:
    assert drift_rows.standing_on(built, "default", target) == ("pe1",)
    with pytest.raises(errors.NotFound):
        drift_rows.standing_on(built, "other", target)


def test_a_service_holds_its_ports_and_pool_values(built: sa.Connection) -> None:
    port = {"device": "pe1", "port": "eth4", "service": "s1", "order_id": "1"}
    history.begin(built, tables.port_claims, {"tenant": "default", **port}, AT)
    for key, value in (("s1.vni", 10_100), ("s10.vni", 10_101), ("s1/x", 10_102)):
        claim = {"pool": "core-vni", "value": value, "text": None, "key": key}
        history.begin(built, tables.pool_claims, {"tenant": "default", **claim}, AT)
    assert drift_desk.held(built, "s1") == {"eth4", "10100"}
