"""What billing systems say back: signed or refused, asked about, ordered once; never faked."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bss_bridge import application
from bss_bridge.connectors import (
    inbound,
    inbound_killbill,
    inbound_lago,
    inbound_plain,
    killbill,
    sender,
)
from bss_bridge.engine import access as tokens
from bss_bridge.events import delivery
from bss_bridge.resources import order_body
from oss_agent import errors
from oss_agent.spi import access, views
from tests.unit.bss_bridge import desks, record_cases, world
from tests.unit.bss_bridge.record_cases import SUBSCRIPTION

pytestmark = pytest.mark.anyio
SECRET = "0123456789abcdef-inbound"
CALLER = access.Caller("bss", "default", (access.Role.ORDERER,))
OPTIONS = application.Options(tokens=tokens.Tokens.of([("0123456789abcdef-api", CALLER)]))
ORDER = {"id": "4711", "action": "terminate", "service": "s1", "reason": "non-payment"}


@dataclasses.dataclass
class Place:
    """The application with a line for each kind, and the billing system that is asked."""

    it: world.World
    desk: desks.Desk
    lago: desks.LagoServer
    bill: desks.KillBillServer
    invoices: dict[str, dict[str, Any]]

    async def post(self, name: str, body: bytes, **headers: str) -> httpx.Response:
        path, _, query = name.partition("?")
        sent = {"Content-Type": "application/json"} | {
            key.replace("_", "-"): value for key, value in headers.items()
        }
        url = f"/billing/{path}" + (f"?{query}" if query else "")
        return await self.it.http.post(url, content=body, headers=sent)

    async def plain(self, body: Any, name: str = "own") -> httpx.Response:
        text = json.dumps(body).encode()
        return await self.post(name, text, x_signature=signed(text))

    async def say_lago(self, kind: str, **parts: Any) -> httpx.Response:
        text = json.dumps({"webhook_type": kind, **parts}).encode()
        return await self.post("lago", text, **lago_signed(text))

    async def push(
        self, kind: str, named: str = SUBSCRIPTION, account: str | None = None
    ) -> httpx.Response:
        found = {"eventType": kind, "objectType": "SUBSCRIPTION", "objectId": named}
        found |= {"accountId": account} if account else {}
        return await self.post(f"kb?secret={SECRET}", json.dumps(found).encode())


def signed(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def lago_signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return {
        "x_lago_signature": base64.b64encode(digest).decode(),
        "x_lago_signature_algorithm": "hmac",
    }


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    lago, bill = desks.LagoServer(), desks.KillBillServer({"s1": SUBSCRIPTION})
    invoices: dict[str, dict[str, Any]] = {}

    def invoice(heard: desks.Heard) -> desks.Reply:
        key = heard.path.rpartition("/")[2]
        if key != "invoices":
            return (200, {"invoice": invoices[key]}) if key in invoices else (404, {})
        assert heard.query["external_customer_id"] == ["acme"]
        return 200, {"invoices": [one for one in invoices.values() if one["payment_overdue"]]}

    def reply(heard: desks.Heard) -> desks.Reply:
        if heard.path.startswith("/1.0/kb/"):
            return bill(heard)
        if "/invoices" in heard.path:
            return invoice(heard)
        key = heard.path.rpartition("/")[2]
        known = {"subscription": {"external_id": key, "status": "active"}}
        return (200, known) if key in lago.subscriptions else (404, {"code": "not_found"})

    async with contextlib.AsyncExitStack() as stack:
        desk = await stack.enter_async_context(desks.listening(reply))
        it = await stack.enter_async_context(world.world(tmp_path, OPTIONS))
        http = await stack.enter_async_context(delivery.client())
        it.app.include_router(inbound.router(office(it, desk.url, http)))
        yield Place(it, desk, lago, bill, invoices)


def office(it: world.World, url: str, http: httpx.AsyncClient) -> inbound.Office:
    told = killbill.KillBill(url, record_cases.ASKED, killbill.Keys("a:b", "bob", "lazar"))
    ears: dict[str, inbound.Ear] = {
        "own": inbound_plain.PlainEar(SECRET),
        "lago": inbound_lago.LagoEar(SECRET, url, "s3cret"),
        "kb": inbound_killbill.KillBillEar(SECRET, told),
    }
    lines = {name: inbound.Line(name, "default", ear) for name, ear in ears.items()}
    lines["named"] = dataclasses.replace(lines["own"], name="named", by_name=True)
    lines["others"] = dataclasses.replace(lines["own"], name="others", tenant="other")
    mouth = sender.Mouth(http, world.StillClock())
    return inbound.Office(lines, mouth, it.orders, it.services, world.LINKS)


async def test_terminate_is_the_order_that_a_tmf641_delete_is(place: Place) -> None:
    answer = await place.plain(ORDER)
    assert answer.status_code == 201
    shown = answer.json()["serviceOrder"]
    assert shown == {"id": "1", "href": world.LINKS.order("1")}
    (request,) = place.it.orders.requests
    body = {"serviceOrderItem": [{"id": "1", "action": "delete", "service": {"id": "s1"}}]}
    same = order_body.order_request(
        body, tenant="default", sender="billing:own", idempotency_key=request.idempotency_key
    )
    differs = {"body_digest", "description", "items", "external_id"}
    for field in dataclasses.fields(request):
        if field.name not in differs:
            assert getattr(request, field.name) == getattr(same, field.name)
    assert request.description == "terminate for non-payment, by own"
    path = same.items[0].path
    assert dataclasses.replace(request.items[0], path=path) == same.items[0]


async def test_the_same_again_has_the_same_key_and_digest(place: Place) -> None:
    for _ in range(2):
        await place.plain(ORDER)
    await place.plain(ORDER | {"id": "4712"})
    first, again, other = place.it.orders.requests
    assert (first.idempotency_key, first.body_digest) == (
        again.idempotency_key,
        again.body_digest,
    )
    assert first.idempotency_key != other.idempotency_key
    assert (first.idempotency_key or "").isascii()


@pytest.mark.parametrize(("action", "state"), [("suspend", "inactive"), ("resume", "active")])
async def test_suspend_and_resume_are_the_orders_that_tmf641_modifies_are(
    place: Place, action: str, state: str
) -> None:
    answers = [await place.plain(ORDER | {"action": action}) for _ in range(2)]
    assert [one.status_code for one in answers] == [201, 201]
    first, again = place.it.orders.requests
    assert (first.idempotency_key, first.body_digest) == (again.idempotency_key, again.body_digest)
    item = {"id": "1", "action": "modify", "service": {"id": "s1", "state": state}}
    same = order_body.order_request(
        {"serviceOrderItem": [item]}, tenant="default", sender="b", idempotency_key=None
    )
    bare = dataclasses.replace(same.items[0], path="service", extra={})
    assert first.items == (bare,)
    assert first.description == f"{action} for non-payment, by own"


OVERDUE = {"lago_id": "i-1", "payment_overdue": True, "payment_status": "pending"}
PAID = {"lago_id": "i-1", "payment_overdue": False, "payment_status": "succeeded"}
WHOSE = {"subscriptions": [{"external_id": "s1"}, {"external_id": "not-ours"}],
         "customer": {"external_id": "acme"}}  # fmt: skip


async def test_lagos_overdue_invoice_suspends_and_its_payment_resumes(place: Place) -> None:
    place.invoices["i-1"] = OVERDUE | WHOSE
    said = {"payment_overdue": {"lago_id": "i-1"}}
    assert (await place.say_lago("invoice.payment_overdue", **said)).status_code == 201
    (down,) = place.it.orders.requests
    assert [(one.service_id, one.service_state) for one in down.items] == [
        ("s1", views.ServiceState.INACTIVE)
    ]
    place.invoices["i-1"] = PAID | WHOSE
    place.invoices["i-2"] = OVERDUE | WHOSE | {"lago_id": "i-2"}
    paid = {"invoice": {"lago_id": "i-1"}}
    wait = await place.say_lago("invoice.payment_status_updated", **paid)
    assert (wait.status_code, wait.json()["done"]) == (200, "nothing")
    del place.invoices["i-2"]
    assert (await place.say_lago("invoice.payment_status_updated", **paid)).status_code == 201
    up = place.it.orders.requests[-1]
    assert [one.service_state for one in up.items] == [views.ServiceState.ACTIVE]
    assert up.idempotency_key != down.idempotency_key


async def test_a_paid_invoice_that_suspended_nothing_resumes_nothing(place: Place) -> None:
    for shown in (PAID | WHOSE, OVERDUE | WHOSE | {"payment_overdue": False}, PAID):
        place.invoices["i-1"] = shown
        for kind in ("invoice.payment_status_updated", "invoice.payment_overdue"):
            answer = await place.say_lago(kind, invoice={"lago_id": "i-1"})
            assert (answer.status_code, answer.json()["done"]) == (200, "nothing")
    assert place.it.orders.requests == []


def wished(place: Place) -> str:
    """What the last order wants its service to be."""
    return str(place.it.orders.requests[-1].items[0].service_state)


def block(of: str, *, stops: bool, day: int, service: str = "entitlement-service") -> Any:
    state = "ENT_BLOCKED" if stops else "ENT_CLEAR"
    return {
        "blockedId": of,
        "stateName": state,
        "service": service,
        "isBlockEntitlement": stops,
        "effectiveDate": f"2025-01-{day:02}T00:00:00.000Z",
    }


ACCOUNT, BUNDLE = "0a0a0a0a-0000-4000-8000-000000000001", "0b0b0b0b-0000-4000-8000-000000000002"


async def test_killbills_pause_suspends_what_kill_bill_says_it_stops(place: Place) -> None:
    place.bill.bundles = [
        {
            "bundleId": BUNDLE,
            "subscriptions": [
                {"subscriptionId": SUBSCRIPTION, "externalKey": "s1", "state": "BLOCKED"},
                {"subscriptionId": ACCOUNT, "externalKey": "gone", "state": "CANCELLED"},
            ],
        }
    ]
    said = {"kind": "BUNDLE_PAUSE", "named": BUNDLE, "account": ACCOUNT}
    answer = await place.push(**said)
    assert (answer.status_code, answer.json()["done"]) == (200, "nothing")
    place.bill.blocks = [
        block(BUNDLE, stops=True, day=1),
        block(SUBSCRIPTION, stops=True, day=2, service="oss-agent"),
    ]
    for _ in range(2):
        assert (await place.push(**said)).status_code == 201
    first, again = place.it.orders.requests
    assert first.idempotency_key == again.idempotency_key
    assert [(one.service_id, one.service_state) for one in first.items] == [
        ("s1", views.ServiceState.INACTIVE)
    ]

    place.bill.blocks.append(block(BUNDLE, stops=False, day=3))
    assert (await place.push("BUNDLE_RESUME", BUNDLE, ACCOUNT)).status_code == 201
    assert wished(place) == "active"
    place.bill.blocks.append(block(BUNDLE, stops=True, day=4))
    assert (await place.push(**said)).status_code == 201
    keys = {one.idempotency_key for one in place.it.orders.requests}
    assert len(keys) == 3, "another pause is another order"

    place.bill.blocks += [
        block(BUNDLE, stops=False, day=5),
        block(ACCOUNT, stops=True, day=5, service="overdue-service"),
    ]
    answer = await place.push("BUNDLE_RESUME", BUNDLE, ACCOUNT)
    assert (answer.status_code, answer.json()["done"]) == (200, "nothing"), "its account is overdue"
    answer = await place.push("OVERDUE_CHANGE", ACCOUNT, ACCOUNT)
    assert answer.status_code == 201
    assert wished(place) == "inactive"


HOSTILE: list[Any] = [
    [], {}, [7], [None], [{"blockedId": BUNDLE}], [block(BUNDLE, stops=True, day=1) | {"service": 7}],
    [block(BUNDLE, stops=True, day=1) | {"effectiveDate": "soon"}],
    [block(BUNDLE, stops=True, day=1) | {"effectiveDate": "2999-01-01T00:00:00Z"}],
]  # fmt: skip


@pytest.mark.parametrize("blocks", HOSTILE)
async def test_what_kill_bill_answers_is_not_trusted_to_have_a_form(
    place: Place, blocks: Any
) -> None:
    subscription = {"subscriptionId": SUBSCRIPTION, "externalKey": "s1", "state": "ACTIVE"}
    place.bill.bundles = [{"bundleId": BUNDLE, "subscriptions": [7, subscription]}]
    place.bill.blocks = blocks
    answer = await place.push("BUNDLE_PAUSE", BUNDLE, ACCOUNT)
    assert (answer.status_code, answer.json()["done"]) == (200, "nothing")
    assert place.it.orders.requests == []


async def test_lago_ends_a_service_only_when_no_subscription_is_left(place: Place) -> None:
    ended = {"subscription": {"external_id": "s1", "lago_id": "l-1", "status": "terminated"}}
    place.lago.subscriptions.add("s1")  # another plan followed, under the same id
    answer = await place.say_lago("subscription.terminated", **ended)
    assert (answer.status_code, answer.json()["done"]) == (200, "nothing")
    place.lago.subscriptions.clear()
    answer = await place.say_lago("subscription.terminated", **ended)
    assert answer.status_code == 201
    assert place.desk.heard[-1].headers["authorization"] == "Bearer s3cret"
    (request,) = place.it.orders.requests
    assert request.requester == "billing:lago"


async def test_killbill_is_asked_before_a_push_is_believed(place: Place) -> None:
    answer = await place.push("SUBSCRIPTION_CANCEL")
    assert (answer.status_code, answer.json()["done"]) == (200, "nothing")
    place.bill.states["s1"] = "CANCELLED"
    for kind in ("SUBSCRIPTION_CANCEL", "ENTITLEMENT_CANCEL"):
        assert (await place.push(kind)).status_code == 201
    first, again = place.it.orders.requests
    assert first.idempotency_key == again.idempotency_key
    assert place.desk.heard[0].path == f"/1.0/kb/subscriptions/{SUBSCRIPTION}"


@pytest.mark.parametrize("kind", ["INVOICE_CREATION", "BLOCKING_STATE", "PAYMENT_SUCCESS"])
async def test_what_changes_no_service_is_taken_and_left(place: Place, kind: str) -> None:
    answers = [await place.push(kind), await place.say_lago("invoice.created", invoice={})]
    assert [one.json()["done"] for one in answers] == ["nothing"] * 2
    assert place.desk.heard == []


async def test_a_billing_system_that_cannot_be_asked_says_it_again(place: Place) -> None:
    place.desk.raw = b"HTTP/1.1 500 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    ended = {"subscription": {"external_id": "s1", "lago_id": "l-1"}}
    answers = [
        await place.say_lago("subscription.terminated", **ended),
        await place.push("SUBSCRIPTION_CANCEL"),
    ]
    place.desk.raw = b""
    answers.append(await place.push("SUBSCRIPTION_CANCEL"))
    assert [one.status_code for one in answers] == [503] * 3
    assert place.it.orders.requests == []


async def test_a_service_that_is_gone_is_not_terminated_again(place: Place) -> None:
    place.it.services.rows[0] = world.service(state=views.ServiceState.TERMINATED)
    answer = await place.plain(ORDER)
    assert (answer.status_code, answer.json()["done"]) == (200, "nothing")
    assert place.it.orders.requests == []


async def test_nobody_ends_what_is_not_theirs(place: Place) -> None:
    unknown = await place.plain(ORDER | {"service": "s9"})
    others = await place.plain(ORDER, "others")
    assert [one.status_code for one in (unknown, others)] == [404, 404]
    assert place.it.orders.requests == []


async def test_a_name_means_the_one_that_lives(place: Place) -> None:
    gone = world.service("s0", name="acme-s1", state=views.ServiceState.TERMINATED)
    place.it.services.rows.append(gone)
    assert (await place.plain(ORDER | {"service": "acme-s1"}, "named")).status_code == 201
    assert place.it.orders.requests[0].items[0].service_id == "s1"
    place.it.services.rows.append(world.service("s2", name="acme-s1"))
    again = await place.plain(ORDER | {"service": "acme-s1", "id": "2"}, "named")
    assert (again.status_code, again.json()["code"]) == (409, "ambiguous")
    assert (await place.plain(ORDER | {"service": "no"}, "named")).status_code == 404


async def test_a_refusal_of_the_order_reaches_the_billing_system(place: Place) -> None:
    place.it.orders.failure = errors.OrderRejected("an order for it runs", status=409)
    answer = await place.plain(ORDER)
    assert (answer.status_code, answer.json()["reason"]) == (409, "an order for it runs")


FORGED: list[tuple[str, Callable[[bytes], dict[str, str]]]] = [
    ("own", lambda _: {}),
    ("own", lambda body: {"x_signature": signed(body, "wrong-wrong-wrong")}),
    ("own", lambda body: {"x_signature": signed(body + b" ")}),
    ("own", lambda body: {"x_signature": signed(body).removeprefix("sha256=")}),
    ("own", lambda _: {"x_signature": "sha256="}),
    ("own", lambda _: {"Authorization": "Bearer 0123456789abcdef-api"}),
    ("lago", lambda _: {}),
    ("lago", lambda body: lago_signed(body, "wrong-wrong-wrong")),
    ("lago", lambda body: lago_signed(body) | {"x_lago_signature_algorithm": "jwt"}),
    ("lago", lambda body: {"x_lago_signature": lago_signed(body)["x_lago_signature"]}),
    ("kb", lambda _: {}),
    ("kb?secret=", lambda _: {}),
    ("kb?secret=wrong", lambda _: {}),
    ("nobody", lambda body: {"x_signature": signed(body)}),
    ("..%2Fown", lambda body: {"x_signature": signed(body)}),
]


@pytest.mark.parametrize(("name", "headers"), FORGED)
async def test_what_is_not_signed_is_refused_alike(
    place: Place, name: str, headers: Callable[[bytes], dict[str, str]]
) -> None:
    body = json.dumps(ORDER).encode()
    answer = await place.post(name, body, **headers(body))
    assert answer.status_code in {401, 404}
    assert "4711" not in answer.text
    assert SECRET not in answer.text
    assert place.it.orders.requests == []
    assert place.desk.heard == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "action"),
        (ORDER | {"action": "explode"}, "action"),
        (ORDER | {"action": ["terminate"]}, "action"),
        (ORDER | {"service": ""}, "service"),
        (ORDER | {"service": 7}, "service"),
        (ORDER | {"service": "a" * 256}, "service"),
        (ORDER | {"id": None}, "id"),
        (ORDER | {"reason": "a\nb"}, "reason"),
        (ORDER | {"force": True}, "force"),
    ],
)
async def test_a_signed_message_is_judged_all_the_same(
    place: Place, body: dict[str, Any], field: str
) -> None:
    answer = await place.plain(body)
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert place.it.orders.requests == []


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"a":1,"a":2}', b'{"a":NaN}', b"\xff", b'{"a":' * 40 + b"1" + b"}" * 40]
)
async def test_hostile_bytes_are_refused_although_they_are_signed(
    place: Place, body: bytes
) -> None:
    answer = await place.post("own", body, x_signature=signed(body))
    assert answer.status_code == 400
    wrong = await place.post("own", b"{}", x_signature=signed(b"{}"), Content_Type="text/plain")
    assert wrong.status_code == 415


@pytest.mark.parametrize("named", ["../accounts", "x", "", "7b5c1e9a?x=1"])
async def test_an_id_from_a_push_is_no_path(place: Place, named: str) -> None:
    assert (await place.push("SUBSCRIPTION_CANCEL", named)).status_code == 400
    assert place.desk.heard == []


async def test_the_rest_of_the_house_still_needs_a_token(place: Place) -> None:
    for path in ("/billing", "/tmf-api/serviceOrdering/v4/serviceOrder", "/api/v1/orders"):
        assert (await place.it.http.get(path)).status_code == 401
    assert (await place.it.http.get("/billing/own")).status_code == 405


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none()), st.binary())
def test_no_signature_is_ever_a_guess(headers: dict[str, Any], body: bytes) -> None:
    sent = inbound.Sent({k: str(v) for k, v in headers.items()}, {}, body)
    told = killbill.KillBill("http://b", record_cases.ASKED, killbill.Keys("a:b", "k", "s"))
    for ear in (
        inbound_plain.PlainEar(SECRET),
        inbound_lago.LagoEar(SECRET, "http://b"),
        inbound_killbill.KillBillEar(SECRET, told),
    ):
        assert not ear.knows(sent)
        assert SECRET not in repr(ear)
