"""Listeners come and go; events reach a real HTTP listener; what it answers decides what follows."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import ipaddress
import json
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bss_bridge.events import callbacks, delivery, hub_listener, listeners, notifications, receivers
from bss_bridge.events import outside as outside_
from oss_agent import errors
from oss_agent.spi import events, views
from oss_agent.spi.events import Delivery, EventKind
from tests.unit.bss_bridge import world

pytestmark = pytest.mark.anyio

HUB = "/tmf-api/serviceOrdering/v4/hub"
SERVICE_HUB = "/tmf-api/serviceInventory/v4/hub"
SPEC_641 = "TMF641/TMF641-ServiceOrdering-v4.1.0.swagger.json"
SPEC_638 = "TMF638/TMF638-ServiceInventory-v4.0.0.swagger.json"


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[world.World]:
    async with world.world(tmp_path) as made:
        yield made


@dataclasses.dataclass
class Ear:
    """A real HTTP server on loopback that answers as told and remembers what it heard."""

    port: int = 0
    answer: bytes = b"HTTP/1.1 204 No Content\r\n\r\n"
    silent: bool = False
    heard: list[tuple[str, dict[str, str], Any]] = dataclasses.field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:])}
            body = await reader.readexactly(int(headers["content-length"]))
            self.heard.append((head[0], headers, json.loads(body)))
            if self.silent:
                await reader.read()
            with contextlib.suppress(ConnectionError):
                writer.write(self.answer)
                await writer.drain()


@pytest.fixture
async def ear() -> AsyncIterator[Ear]:
    made = Ear()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with delivery.client() as client:
        yield client


def outside(
    http: httpx.AsyncClient,
    allow: tuple[str, ...] = ("127.0.0.1",),
    style: outside_.CallbackStyle = outside_.CallbackStyle.LISTENER,
) -> outside_.Outside:
    policy = callbacks.Policy.of(allow)
    return outside_.Outside(http, world.StillClock(), world.LINKS, policy, style)


def event(kind: EventKind, view: Any, entity: str = "serviceOrder:17") -> events.Event:
    return events.Event("e-1", kind, "default", entity, world.NOW, views.as_json(view))


def order_event(kind: EventKind = EventKind.SERVICE_ORDER_STATE) -> events.Event:
    return event(kind, world.finished_order())


def hub(
    ear: Ear, http: httpx.AsyncClient, query: str = "", path: str = ""
) -> hub_listener.HubListener:
    base = HUB.removesuffix("/hub")
    row = listeners.Listener("l1", "default", base, ear.url + path, query)
    return hub_listener.HubListener(row, outside(http))


async def test_registered_listener_is_told_and_removed(
    it: world.World, ear: Ear, http: httpx.AsyncClient
) -> None:
    answer = await it.http.post(HUB, json={"callback": ear.url, "query": ""})
    key = answer.json()["id"]
    assert answer.status_code == 201
    assert answer.json() == {"id": key, "callback": ear.url, "query": ""}
    assert answer.headers["location"] == f"{world.URL}{HUB}/{key}"
    told = receivers.BridgeReceivers(it.store, outside(http), billing=None)
    (receiver,) = await told.current()
    assert receiver.id == f"hub:{key}"
    assert receiver.wants(order_event())
    assert (await receiver.deliver(order_event())).delivery is Delivery.DONE
    assert (await it.http.delete(f"{SERVICE_HUB}/{key}")).status_code == 404
    assert (await it.http.delete(f"{HUB}/{key}")).status_code == 204
    assert (await it.http.delete(f"{HUB}/{key}")).status_code == 404
    assert await told.current() == ()


async def test_the_same_subscription_is_the_same_listener(it: world.World, ear: Ear) -> None:
    bodies = [
        {"callback": ear.url},
        {"callback": ear.url},
        {"callback": ear.url, "query": "priority=1"},
    ]
    keys = [(await it.http.post(HUB, json=body)).json()["id"] for body in bodies]
    assert keys[0] == keys[1] != keys[2]
    assert (await it.http.post(SERVICE_HUB, json=bodies[0])).json()["id"] not in keys


async def test_listeners_are_bounded(it: world.World, ear: Ear) -> None:
    for number in range(listeners.MAX_PER_TENANT):
        await it.http.post(HUB, json={"callback": f"{ear.url}/{number}"})
    answer = await it.http.post(HUB, json={"callback": f"{ear.url}/more"})
    assert answer.status_code == 409
    assert answer.json()["code"] == "tooManyListeners"


@pytest.mark.reference
@pytest.mark.parametrize("kind", [EventKind.SERVICE_ORDER_CREATE, EventKind.SERVICE_ORDER_STATE])
async def test_an_order_event_on_the_wire(
    ear: Ear, http: httpx.AsyncClient, kind: EventKind
) -> None:
    await hub(ear, http, path="/tmf/").deliver(order_event(kind))
    line, headers, body = ear.heard[0]
    name = kind.value[0].lower() + kind.value[1:]
    assert line == f"POST /tmf/listener/{name} HTTP/1.1"
    assert headers["host"] == f"127.0.0.1:{ear.port}"
    assert headers["idempotency-key"] == body["eventId"] == "e-1"
    assert body["eventType"] == kind.value
    assert body["correlationId"] == "serviceOrder:17"
    assert body["domain"] == "serviceOrdering"
    assert body["eventTime"] == "2026-11-21T10:02:00.000Z"
    assert body["event"]["serviceOrder"]["id"] == "17"

    def mend(definitions: dict[str, Any]) -> None:
        del definitions["ServiceOrderItemRef"]["required"]

    world.judge(SPEC_641, kind.value, body, mend)


@pytest.mark.reference
async def test_a_service_event_is_the_service_as_it_is_read(
    ear: Ear, http: httpx.AsyncClient, it: world.World
) -> None:
    row = listeners.Listener("l2", "default", SERVICE_HUB.removesuffix("/hub"), ear.url, "")
    happened = event(EventKind.SERVICE_STATE, world.service(), "service:s1")
    await hub_listener.HubListener(row, outside(http)).deliver(happened)
    body = ear.heard[0][2]
    world.judge(SPEC_638, "ServiceStateChangeEvent", body)
    read = await it.http.get("/tmf-api/serviceInventory/v4/service/s1")
    assert body["event"]["service"] == read.json()


async def test_direct_style_posts_to_the_callback_itself(ear: Ear, http: httpx.AsyncClient) -> None:
    row = listeners.Listener("l", "default", HUB.removesuffix("/hub"), f"{ear.url}/in?x=1", "")
    direct = outside(http, style=outside_.CallbackStyle.DIRECT)
    await hub_listener.HubListener(row, direct).deliver(order_event())
    assert ear.heard[0][0] == "POST /in?x=1 HTTP/1.1"


async def test_a_name_is_called_at_the_judged_address_under_its_name(
    http: httpx.AsyncClient,
) -> None:
    ear = Ear()
    server = await asyncio.start_server(ear.serve, localhost(), 0)
    ear.port = server.sockets[0].getsockname()[1]
    callback = f"http://localhost:{ear.port}/cb"
    row = listeners.Listener("l", "default", HUB.removesuffix("/hub"), callback, "")
    async with server:
        allowed = outside(http, ("127.0.0.0/8", "::1"))
        assert (
            await hub_listener.HubListener(row, allowed).deliver(order_event())
        ).delivery is Delivery.DONE
    assert ear.heard[0][1]["host"] == f"localhost:{ear.port}"


async def test_tls_is_checked_for_the_name_not_for_the_address(ear: Ear, tmp_path: Path) -> None:
    """The connection goes to an address, the certificate is for localhost alone."""
    certificate, key = self_signed(tmp_path)
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))
    address = localhost()
    server = await asyncio.start_server(ear.serve, address, 0, ssl=served)
    port = server.sockets[0].getsockname()[1]
    literal = f"[{address}]" if ":" in address else address
    told = [("localhost", Delivery.DONE), (literal, Delivery.RETRY)]
    async with server, httpx.AsyncClient(verify=trusting, trust_env=False, timeout=300) as client:
        for host, expected in told:
            callback = f"https://{host}:{port}"
            row = listeners.Listener("l", "default", HUB.removesuffix("/hub"), callback, "")
            listener = hub_listener.HubListener(row, outside(client, ("127.0.0.0/8", "::1")))
            attempt = await listener.deliver(order_event())
            assert attempt.delivery is expected, attempt


def localhost() -> str:
    """The address that this machine means by the name."""
    return str(socket.getaddrinfo("localhost", 0, type=socket.SOCK_STREAM)[0][4][0])


def self_signed(directory: Path) -> tuple[Path, Path]:
    """A certificate for ``localhost`` and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = directory / "certificate.pem", directory / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return files


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", True),
        ("eventType=ServiceOrderStateChangeEvent", True),
        ("eventType=ServiceOrderCreateEvent", False),
        ("eventType=ServiceOrderCreateEvent,ServiceOrderStateChangeEvent", True),
        ("eventType=ServiceOrderStateChangeEvent&event.serviceOrder.state=failed", True),
        ("eventType=ServiceOrderStateChangeEvent&event.serviceOrder.state=completed", False),
        ("event.serviceOrder.state.ne=failed", False),
        ("event.serviceOrder.serviceOrderItem.id=1", True),
        ("event.serviceOrder.nothing=1", False),
        ("eventTime.gt=2026-11-21T10:00:00Z", True),
        ("eventTime.gt=2026-11-21T11:00:00Z", False),
    ],
)
async def test_the_query_chooses(
    ear: Ear, http: httpx.AsyncClient, query: str, *, wanted: bool
) -> None:
    assert hub(ear, http, query).wants(order_event()) is wanted


async def test_a_listener_gets_only_its_own_surface_and_tenant(
    ear: Ear, http: httpx.AsyncClient
) -> None:
    mine = hub(ear, http)
    assert not mine.wants(event(EventKind.SERVICE_STATE, world.service()))
    assert not mine.wants(event(EventKind.USAGE_CREATE, world.usage()))
    assert not mine.wants(event(EventKind.ALARM_CREATE, world.alarm()))
    assert not mine.wants(dataclasses.replace(order_event(), tenant="other"))


async def test_fields_of_the_query_choose_what_is_sent(ear: Ear, http: httpx.AsyncClient) -> None:
    await hub(ear, http, "fields=title").deliver(order_event())
    assert ear.heard[0][2].keys() == {"eventId", "eventTime", "eventType", "title"}


async def test_a_row_that_is_no_order_is_parked_not_raised(
    ear: Ear, http: httpx.AsyncClient
) -> None:
    broken = dataclasses.replace(order_event(), payload={"id": 1})
    listener = hub(ear, http, "event.serviceOrder.state=failed")
    assert listener.wants(broken)
    assert (await listener.deliver(broken)).delivery is Delivery.PARKED
    billing = receivers.Billing(receivers.BillingTarget(ear.url), outside(http))
    usage = dataclasses.replace(broken, kind=EventKind.USAGE_CREATE)
    assert (await billing.deliver(usage)).delivery is Delivery.PARKED
    assert ear.heard == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "callback"),
        ({"callback": ""}, "callback"),
        ({"callback": 7}, "callback"),
        ({"callback": "ftp://example.net/"}, "callback"),
        ({"callback": "http://"}, "callback"),
        ({"callback": "http://user:pass@127.0.0.1/"}, "callback"),
        ({"callback": "http://127.0.0.1:99999/"}, "callback"),
        ({"callback": "http://127.0.0.1\\@example.net/"}, "callback"),
        ({"callback": "http://127.0.0.1/#x"}, "callback"),
        ({"callback": "http://127.0.0.1/a\nb"}, "callback"),
        ({"callback": "http://[::1/"}, "callback"),
        ({"callback": "http://" + "a" * 70 + ".example/"}, "callback"),
        ({"callback": "http://127.0.0.1/", "query": "sort=id"}, "query"),
        ({"callback": "http://127.0.0.1/", "query": "limit=1"}, "query"),
        ({"callback": "http://127.0.0.1/", "query": "nonsense"}, "query"),
        ({"callback": "http://127.0.0.1/", "query": 7}, "query"),
    ],
)
async def test_bad_subscriptions_are_refused(
    it: world.World, body: dict[str, Any], field: str
) -> None:
    answer = await it.http.post(HUB, json=body)
    assert answer.status_code == 400
    assert answer.json()["field"] == field
    assert await it.store.read(listeners.every) == ()


INSIDE = [
    *("http://127.0.0.1/", "http://127.1/", "http://0x7f000001/", "http://2130706433/"),
    *("http://0177.0.0.1/", "http://0/", "http://localhost/", "http://[::1]/", "http://[::]/"),
    *("http://\uff11\uff12\uff17.0.0.1/", "http://[::ffff:127.0.0.1]/", "http://10.0.0.1/"),
    *("http://192.168.1.1/", "http://172.16.0.1/", "http://100.64.0.1/", "http://198.18.0.1/"),
    *("http://169.254.169.254/", "http://168.63.129.16/", "http://[fd00:ec2::254]/"),
    *("http://224.0.0.1/", "http://[ff02::1]/", "http://255.255.255.255/", "http://0.0.0.0/"),
    *("http://[fe80::1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/"),
    *(
        "http://[2001:0:7f00:1::]/",
        "http://[::7f00:1]/",
        "http://240.0.0.1/",
        "http://[::ffff:a83f:8110]/",
    ),
    *("http://8.8.8.8:22/", "http://8.8.8.8:8642/", "http://[2001:4860:4860::8888]:25/"),
]


@pytest.mark.parametrize("callback", INSIDE)
async def test_nothing_inside_is_called(
    tmp_path: Path, http: httpx.AsyncClient, callback: str
) -> None:
    async with world.world(tmp_path, allow=()) as it:
        answer = await it.http.post(HUB, json={"callback": callback})
        assert answer.status_code == 400
        assert answer.json()["code"] == "invalidCallback"
    row = listeners.Listener("l", "default", HUB.removesuffix("/hub"), callback, "")
    attempt = await hub_listener.HubListener(row, outside(http, ())).deliver(order_event())
    assert attempt.delivery is Delivery.PARKED
    assert attempt.reason.startswith("the callback")


@pytest.mark.parametrize(
    "callback",
    ["https://8.8.8.8/x", "http://[2001:4860:4860::8888]:8080/", "http://[::ffff:8.8.8.8]/"],
)
async def test_the_public_internet_may_be_called(callback: str) -> None:
    target = await callbacks.resolve(callback, callbacks.Policy())
    assert callbacks.public(ipaddress.ip_address(target.address))


async def test_the_administrators_list_opens_exactly_what_it_names() -> None:
    policy = callbacks.Policy.of(("10.0.0.0/8", "fd00::/8", "LOCALHOST"))
    for allowed in ("http://10.1.2.3:9/", "http://[fd00::1]:9/", "http://localhost:9/"):
        assert (await callbacks.resolve(allowed, policy)).port == 9
    for refused in ("http://11.0.0.1:9/", "http://127.0.0.1/", "http://[fe80::1]/"):
        with pytest.raises(errors.OrderRejected):
            await callbacks.resolve(refused, policy)


@pytest.mark.parametrize("entry", ["", "10.0.0.0/99", "a b/c", "10.0.0.1/8"])
def test_a_bad_list_is_a_configuration_error(entry: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=r"http\.callbacks"):
        callbacks.Policy.of((entry,))


def answered(status: int, *headers: str, body: str = "") -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


OUTCOMES = [
    (200, Delivery.DONE),
    (201, Delivery.DONE),
    (202, Delivery.DONE),
    (204, Delivery.DONE),
    (409, Delivery.DONE),
    (301, Delivery.PARKED),
    (307, Delivery.PARKED),
    (400, Delivery.PARKED),
    (404, Delivery.PARKED),
    (413, Delivery.PARKED),
    (422, Delivery.PARKED),
    (401, Delivery.STOPPED),
    (403, Delivery.STOPPED),
    (410, Delivery.STOPPED),
    (408, Delivery.RETRY),
    (429, Delivery.RETRY),
    (500, Delivery.RETRY),
    (503, Delivery.RETRY),
]


@pytest.mark.parametrize(("status", "expected"), OUTCOMES)
async def test_an_answer_decides(
    ear: Ear, http: httpx.AsyncClient, status: int, expected: Delivery
) -> None:
    elsewhere = f"Location: {ear.url}/elsewhere"
    ear.answer = answered(status, elsewhere, body="" if status == 204 else "why \x1b[2J not")
    target = receivers.BillingTarget(ear.url + "/in", "s3cret")
    billing = receivers.Billing(target, outside(http))
    usage = event(EventKind.USAGE_CREATE, world.usage(), "usage:u-1")
    attempt = await billing.deliver(usage)
    told = await hub(ear, http).deliver(order_event())
    assert (attempt.delivery, told.delivery) == (expected, expected)
    assert attempt.reason.startswith(str(status))
    assert attempt.reason.isprintable()
    assert "why" not in told.reason
    assert len(ear.heard) == 2
    assert "s3cret" not in attempt.reason + repr(target)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        ("999999", 3600.0),
        ("9" * 400, 3600.0),
        ("-5", None),
        ("soon", None),
        ("Sat, 21 Nov 2026 10:03:00 GMT", 60.0),
        ("Sat, 21 Nov 2020 10:03:00 GMT", 0.0),
        ("Sat, 21 Nov 2099 10:03:00 GMT", 3600.0),
        ("Sat, 21 Nov 2026 10:03:00", None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_honoured_within_reason(
    ear: Ear, http: httpx.AsyncClient, header: str, seconds: float | None, status: int
) -> None:
    ear.answer = answered(status, f"Retry-After: {header}")
    attempt = await hub(ear, http).deliver(order_event())
    assert attempt.delivery is Delivery.RETRY
    assert attempt.retry_after == seconds


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"not http\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ncut",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
    ],
)
async def test_a_broken_answer_is_tried_again(
    ear: Ear, http: httpx.AsyncClient, answer: bytes
) -> None:
    ear.answer = answer
    assert (await hub(ear, http).deliver(order_event())).delivery is Delivery.RETRY


async def test_an_endless_answer_is_not_read_to_its_end(ear: Ear, http: httpx.AsyncClient) -> None:
    ear.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * (1 << 20)
    assert (await hub(ear, http).deliver(order_event())).delivery is Delivery.DONE


async def test_a_compressed_answer_is_not_unpacked(ear: Ear, http: httpx.AsyncClient) -> None:
    ear.answer = answered(200, "Content-Encoding: gzip", body="no gzip at all")
    assert (await hub(ear, http).deliver(order_event())).delivery is Delivery.DONE


async def test_silence_ends_at_the_deadline(
    ear: Ear, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "DEADLINE", 0.1)
    ear.silent = True
    attempt = await hub(ear, http).deliver(order_event())
    assert attempt.delivery is Delivery.RETRY
    assert "0.1 s" in attempt.reason


async def test_nobody_listening_is_tried_again(ear: Ear, http: httpx.AsyncClient) -> None:
    ear.port = 1
    assert (await hub(ear, http).deliver(order_event())).delivery is Delivery.RETRY


async def test_the_environment_cannot_put_a_proxy_in_between(
    ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with delivery.client() as http:
        assert (await hub(ear, http).deliver(order_event())).delivery is Delivery.DONE


async def test_billing_is_told_of_usage_and_services_only(
    it: world.World, ear: Ear, http: httpx.AsyncClient
) -> None:
    target = receivers.BillingTarget(ear.url + "/in", "s3cret")
    told = receivers.BridgeReceivers(it.store, outside(http, ()), target)
    (billing,) = await told.current()
    assert billing.id == "billing"
    status = event(EventKind.SERVICE_OPERATING_STATUS, world.service(), "service:s1")
    usage = event(EventKind.USAGE_CREATE, world.usage(), "usage:u-1")
    assert [billing.wants(one) for one in (status, usage, order_event())] == [True, True, False]
    for one in (status, usage):
        assert (await billing.deliver(one)).delivery is Delivery.DONE
    (line, headers, body), (_, _, record) = ear.heard
    assert line == "POST /in HTTP/1.1"
    assert headers["authorization"] == "Bearer s3cret"
    assert headers["idempotency-key"] == "e-1"
    assert body["event"]["service"]["operatingStatus"] == "running"
    assert record["@type"] == "Usage"
    assert {"name": "octetsIn", "value": 3_482_113, "valueType": "integer"}.items() <= {
        k: v for one in record["usageCharacteristic"] if one["name"] == "octetsIn"
        for k, v in one.items()
    }.items()  # fmt: skip


def test_every_event_survives_its_row() -> None:
    """What the outbox stores is what a listener gets: through JSON text and back."""
    stored = json.loads(json.dumps(views.as_json(world.finished_order())))
    happened = dataclasses.replace(order_event(), payload=stored)
    shown = notifications.entity(happened, world.LINKS)
    assert shown == notifications.entity(order_event(), world.LINKS)
    assert shown["startDate"] == datetime(2026, 11, 21, 10, 2, tzinfo=UTC).strftime(
        "%Y-%m-%dT%H:%M:%S.000Z"
    )


@pytest.mark.reference
@pytest.mark.parametrize(
    "kind", [EventKind.CANCEL_SERVICE_ORDER_CREATE, EventKind.CANCEL_SERVICE_ORDER_STATE]
)
async def test_a_cancellation_is_told_on_the_wire(
    ear: Ear, http: httpx.AsyncClient, kind: EventKind
) -> None:
    task = views.CancelView(
        "3", "default", views.TaskState.DONE, "17", "bss", world.NOW, effective=world.NOW
    )
    await hub(ear, http, path="/tmf/").deliver(event(kind, task, "cancelServiceOrder:3"))
    line, _, body = ear.heard[0]

    name = kind.value[0].lower() + kind.value[1:]
    assert line == f"POST /tmf/listener/{name} HTTP/1.1"
    assert body["event"]["cancelServiceOrder"]["state"] == "done"
    world.judge(SPEC_641, kind.value, body)
