"""What each billing system is sent: against recorded cases, its vendor's own reader and the schemas.

The recorded requests are in ``connector_cases``; ``python -m tests.unit.bss_bridge.record_cases``
writes them anew for a review as a difference.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given
from hypothesis import strategies as st
from lago_python_client.models import event as lago_events
from lago_python_client.models import subscription as lago_subscriptions

from bss_bridge.connectors import cgrates, lago, openmeter, record, talk
from bss_bridge.events import notifications
from oss_agent.spi import views
from oss_agent.spi.events import EventKind
from tests.unit.bss_bridge import record_cases, world
from tests.unit.bss_bridge.record_cases import FACTS, KINDS, requests

SPEC_635 = "TMF635/TMF635-UsageManagement-v4.0.0.swagger.json"
SPEC_637 = "TMF637/TMF637-ProductInventory-v4.0.0.swagger.json"
LARGEST = 2**63 - 1


@pytest.mark.parametrize("kind", record_cases.RECORDED)
def test_every_request_is_the_recorded_one(kind: str) -> None:
    recorded = json.loads(record_cases.place(kind).read_text(encoding="utf-8"))
    assert record_cases.case(kind) == recorded


@pytest.mark.parametrize("kind", ["lago", "openmeter", "cgrates", "cgrates-csv", "killbill"])
def test_unknown_usage_is_never_told_as_a_quantity(kind: str) -> None:
    view = dataclasses.replace(world.usage(), octets_in=None, octets_out=None, gap="agent restart")
    assert not KINDS[kind].wants(record_cases.usage(view))


def test_a_gap_is_told_where_the_form_can_carry_it() -> None:
    view = dataclasses.replace(world.usage(), octets_in=None, octets_out=None, gap="agent restart")
    for kind in ("webhook", "tmf635"):
        (call,) = requests(KINDS[kind], record_cases.usage(view))
        values = {c["name"]: c["value"] for c in call["body"]["usageCharacteristic"]}
        assert values["gap"] == "agent restart"
        assert "octetsIn" not in values


@given(st.integers(0, LARGEST), st.integers(0, LARGEST))
def test_no_quantity_loses_a_unit_on_its_way(into: int, out: int) -> None:
    """Law 7: through the text that is sent, each octet arrives."""
    view = dataclasses.replace(world.usage(), octets_in=into, octets_out=out)
    fact = record_cases.usage(view)
    for kind in ("lago", "openmeter", "cgrates"):
        text = json.dumps([one["body"] for one in requests(KINDS[kind], fact)])
        for octets in (into, out, into + out):
            assert f'"{octets}"' in text


def test_lagos_own_models_take_what_it_is_sent() -> None:
    fact = FACTS["usage"]
    batch = requests(KINDS["lago"], fact)[0]["body"]
    read = lago_events.BatchEvent.parse_obj(batch)
    assert [json.loads(one.json()) for one in read.events] == [
        one | {"precise_total_amount_cents": None} for one in batch["events"]
    ]
    strict = lago_events.Event.__fields__.keys()
    assert all(one.keys() <= strict for one in batch["events"])
    (call,) = requests(KINDS["lago"], FACTS["started"])
    known = lago_subscriptions.Subscription.__fields__.keys()
    assert call["body"]["subscription"].keys() <= known
    lago_subscriptions.Subscription.parse_obj(call["body"]["subscription"])


def test_lago_properties_hold_no_number_that_fits_two_branches() -> None:
    """Its schema says oneOf [string, integer, number]: an integer fits two and is refused."""
    for one in KINDS_LAGO.events(usage_fact()):
        assert all(isinstance(value, str) for value in one["properties"].values())


def test_one_meter_is_one_event_not_a_batch() -> None:
    asked = talk.Asked((record.Meter.OCTETS,), frozenset())
    (call,) = requests(lago.Lago("http://l", asked), FACTS["usage"])
    assert call["url"] == "http://l/api/v1/events"
    assert call["body"]["event"]["properties"]["octets"] == "3482125"
    (single,) = requests(openmeter.OpenMeter("http://o", asked, "urn:x"), FACTS["usage"])
    assert single["media"] == "application/cloudevents+json"
    assert single["body"]["id"] == "u-1/octets"


@pytest.mark.parametrize("name", ["usage", "started", "terminated"])
def test_the_cloudevents_reader_takes_each_event_and_gives_it_back(name: str) -> None:
    (call,) = requests(KINDS["openmeter"], FACTS[name])
    sent = call["body"] if isinstance(call["body"], list) else [call["body"]]
    batch = call["media"] == "application/cloudevents-batch+json"
    assert batch is isinstance(call["body"], list)
    for one in sent:
        read = JSONFormat().read(None, json.dumps(one))
        attributes = read.get_attributes()
        assert {"id", "source", "type", "specversion", "subject", "time"} <= attributes.keys()
        assert attributes["time"].tzinfo is not None
        assert read.get_data() == one["data"]


@pytest.mark.parametrize("name", ["usage", "started", "terminated", "failed"])
def test_a_plain_webhook_is_told_as_the_billing_url_is(name: str) -> None:
    (call,) = requests(KINDS["webhook"], FACTS[name])
    row = FACTS[name].event
    render = notifications.entity if name == "usage" else notifications.envelope
    assert call["body"] == render(row, world.LINKS)
    assert call["headers"]["Idempotency-Key"] == row.id


@pytest.mark.reference
def test_usage_is_what_tmf635_creates() -> None:
    (call,) = requests(KINDS["tmf635"], FACTS["usage"])
    world.judge(SPEC_635, "Usage_Create", call["body"])


@pytest.mark.reference
@pytest.mark.parametrize("name", ["started", "changed", "suspended", "resumed", "terminated"])
def test_a_change_is_what_tmf637_notifies(name: str) -> None:
    (call,) = requests(KINDS["tmf637"], FACTS[name])
    kind = call["body"]["eventType"]
    assert call["url"].endswith(f"/listener/{kind[0].lower()}{kind[1:]}")
    world.judge(SPEC_637, kind, call["body"])
    product = call["body"]["event"]["product"]
    assert product["status"] == (name if name in {"suspended", "terminated"} else "active")


def test_killbill_gets_a_days_octets_of_each_unit() -> None:
    find, post = requests(KINDS["killbill"], FACTS["day"])
    assert find["url"].endswith("/1.0/kb/subscriptions?externalKey=s1")
    records = {one["unitType"]: one["usageRecords"] for one in post["body"]["unitUsageRecords"]}
    assert records["octets_in"] == [{"recordDate": "2026-11-21", "amount": 2**62}]
    assert len(post["body"]["trackingId"]) <= 128  # the column's width there


@pytest.mark.parametrize(
    ("name", "blocks"), [("suspended", True), ("started", False), ("resumed", False)]
)
def test_killbill_hears_of_suspension_as_a_blocking_state(name: str, *, blocks: bool) -> None:
    _, post = requests(KINDS["killbill"], FACTS[name])
    assert post["body"]["stateName"] == f"network-{name}"
    assert post["body"]["isBlockBilling"] is post["body"]["isBlockEntitlement"] is blocks


def test_a_cdr_has_all_that_cgrates_demands() -> None:
    for one in requests(KINDS["cgrates"], FACTS["usage"]):
        (cdr,) = one["body"]["params"]
        for name in ("OriginID", "OriginHost", "Category", "Tenant", "Account", "Destination"):
            assert cdr[name]
        assert all(isinstance(value, str) for value in cdr["ExtraFields"].values())


def test_a_csv_line_stays_one_line_and_no_formula() -> None:
    view = dataclasses.replace(world.usage(), service_name='=cmd|"x"\n,evil', customer="a\rb")
    (file,) = requests(KINDS["cgrates-csv"], record_cases.usage(view))
    lines = file["content"].splitlines()
    assert len(lines) == len(record_cases.ASKED.meters)
    assert "'=cmd" in lines[0]
    assert "\r" not in file["content"]


def test_a_csv_file_of_the_same_record_is_the_same_file() -> None:
    one, again = (requests(KINDS["cgrates-csv"], FACTS["usage"]) for _ in range(2))
    assert one == again
    other = dataclasses.replace(world.usage(), key="u-2")
    assert requests(KINDS["cgrates-csv"], record_cases.usage(other))[0]["name"] != one[0]["name"]


def test_what_is_not_a_customers_service_is_nobodys_fact() -> None:
    end = world.service(category="RFS")
    assert record.fact(record_cases.event(EventKind.SERVICE_STATE, end)) is None
    order = record_cases.event(EventKind.SERVICE_ORDER_STATE, world.finished_order())
    assert record.fact(order) is None
    reserved = world.service(state=views.ServiceState.RESERVED)
    assert record.fact(record_cases.event(EventKind.SERVICE_STATE, reserved)) is None


@given(st.binary(max_size=300))
def test_no_answer_of_cgrates_or_lago_is_too_odd(body: bytes) -> None:
    answer = talk.Answer(200, world.NOW, {}, body)
    assert cgrates.judged(answer).reason.isprintable()
    assert lago.repeated(dataclasses.replace(answer, status=422)) is False


@pytest.mark.parametrize(
    ("details", "known"),
    [
        ({"transaction_id": ["value_already_exist"]}, True),
        ({"0": {"transaction_id": ["value_already_exist"]}}, True),
        ({"0": {"transaction_id": ["value_already_exist"]}, "1": {"code": ["missing"]}}, False),
        ({"transaction_id": ["value_already_exist"], "code": ["missing"]}, False),
        ({"code": ["value_already_exist"]}, False),
        ({}, False),
        ("value_already_exist", False),
        (None, False),
    ],
)
def test_only_a_known_transaction_is_a_repeat(details: Any, *, known: bool) -> None:
    body = json.dumps({"status": 422, "error_details": details}).encode()
    assert lago.repeated(talk.Answer(422, world.NOW, {}, body)) is known
    assert not lago.repeated(talk.Answer(400, world.NOW, {}, body))


KINDS_LAGO = lago.Lago("http://l", record_cases.ASKED)


def usage_fact() -> record.Usage:
    fact = FACTS["usage"]
    assert isinstance(fact, record.Usage)
    return fact
