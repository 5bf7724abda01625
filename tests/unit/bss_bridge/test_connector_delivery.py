"""Connectors against real HTTP listeners that behave as the billing systems do: right, wrong, silent."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from lago_python_client import client as lago_client
from lago_python_client.models import event as lago_events

from bss_bridge.connectors import (
    cgrates,
    killbill,
    lago,
    openmeter,
    record,
    sender,
    talk,
    tmf635_push,
    tmf637_push,
    webhook,
)
from bss_bridge.events import delivery
from oss_agent import outbox, store
from oss_agent.spi.events import Attempt, Delivery, Event, EventKind, Receiver
from tests.unit.bss_bridge import desks, world
from tests.unit.bss_bridge.record_cases import ASKED, FACTS, SUBSCRIPTION, event

pytestmark = pytest.mark.anyio
USAGE = event(EventKind.USAGE_CREATE, world.usage(), "usage-u-1")
STATUS = event(EventKind.SERVICE_STATE, world.service())
KEYS = killbill.Keys("admin:hunter22", "bob", "lazar77")


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with delivery.client() as client:
        yield client


def connectors(url: str) -> dict[str, talk.Connector]:
    """Every kind that speaks HTTP, at one listener."""
    return {
        "webhook": webhook.Webhook(url, ASKED, world.LINKS, "s3cret"),
        "tmf635": tmf635_push.UsageManagement(url, "s3cret"),
        "tmf637": tmf637_push.ProductInventory(url, ASKED, world.LINKS, "s3cret"),
        "lago": lago.Lago(url, ASKED, {"e-line": "monthly"}, "s3cret"),
        "openmeter": openmeter.OpenMeter(url, ASKED, "urn:oss-agent", "s3cret"),
        "killbill": killbill.KillBill(url, ASKED, KEYS),
        "cgrates": cgrates.CgratesRpc(url, cgrates.CdrForm(ASKED, "cgrates.org"), "s3cret"),
    }


def receiver(connector: talk.Connector, http: httpx.AsyncClient) -> sender.ConnectorReceiver:
    mouth = sender.Mouth(http, world.StillClock())
    return sender.ConnectorReceiver("it", "default", connector, mouth)


def wanted(connector: talk.Connector) -> Event:
    """An event that the kind has a form for."""
    return next(one.event for one in FACTS.values() if connector.wants(one))


HTTP_KINDS = sorted(connectors(""))


@pytest.mark.parametrize("kind", HTTP_KINDS)
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, Delivery.PARKED),
        (422, Delivery.PARKED),
        (307, Delivery.PARKED),
        (401, Delivery.STOPPED),
        (403, Delivery.STOPPED),
        (429, Delivery.RETRY),
        (500, Delivery.RETRY),
        (503, Delivery.RETRY),
    ],
)
async def test_a_wrong_answer_decides(
    http: httpx.AsyncClient, kind: str, status: int, expected: Delivery
) -> None:
    async with desks.listening(lambda _: (status, {"why": "\x1b[2J no"})) as desk:
        connector = connectors(desk.url)[kind]
        attempt = await receiver(connector, http).deliver(wanted(connector))
    assert attempt.delivery is expected
    assert attempt.reason.startswith(str(status))
    assert attempt.reason.isprintable()
    assert len(desk.heard) == 1  # nothing else is tried on a refusal
    for secret in ("s3cret", "hunter22", "lazar77"):
        assert secret not in attempt.reason + repr(connector)


@pytest.mark.parametrize("kind", HTTP_KINDS)
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not http\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ncut",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000,
    ],
)
async def test_a_broken_answer_is_tried_again(
    http: httpx.AsyncClient, kind: str, raw: bytes
) -> None:
    async with desks.listening(lambda _: (200, None)) as desk:
        desk.raw = raw
        connector = connectors(desk.url)[kind]
        attempt = await receiver(connector, http).deliver(wanted(connector))
    assert attempt.delivery is Delivery.RETRY


@pytest.mark.parametrize("kind", HTTP_KINDS)
async def test_silence_ends_at_the_deadline(
    http: httpx.AsyncClient, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "DEADLINE", 0.1)
    async with desks.listening(lambda _: (200, None)) as desk:
        desk.silent = True
        connector = connectors(desk.url)[kind]
        attempt = await receiver(connector, http).deliver(wanted(connector))
    assert attempt.delivery is Delivery.RETRY
    assert "0.1 s" in attempt.reason


@pytest.mark.parametrize("kind", HTTP_KINDS)
async def test_a_huge_answer_is_not_read_to_its_end(http: httpx.AsyncClient, kind: str) -> None:
    async with desks.listening(lambda _: (200, None)) as desk:
        desk.raw = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"[" * (1 << 20)
        connector = connectors(desk.url)[kind]
        attempt = await receiver(connector, http).deliver(wanted(connector))
    expected = {"cgrates": Delivery.RETRY, "killbill": Delivery.PARKED}
    assert attempt.delivery is expected.get(kind, Delivery.DONE)


async def test_nobody_there_is_tried_again(http: httpx.AsyncClient) -> None:
    for connector in connectors("http://127.0.0.1:1").values():
        attempt = await receiver(connector, http).deliver(wanted(connector))
        assert attempt.delivery is Delivery.RETRY


@pytest.mark.parametrize("kind", ["webhook", "tmf635", "tmf637"])
async def test_the_events_id_is_the_idempotency_key(http: httpx.AsyncClient, kind: str) -> None:
    async with desks.listening(lambda _: (409, None)) as desk:
        connector = connectors(desk.url)[kind]
        row = wanted(connector)
        attempt = await receiver(connector, http).deliver(row)
    assert attempt.delivery is Delivery.DONE  # 409: it has it
    assert desk.heard[0].headers["idempotency-key"] == row.id
    assert desk.heard[0].headers["authorization"] == "Bearer s3cret"


async def test_lago_has_each_event_once_however_often_it_is_told(http: httpx.AsyncClient) -> None:
    server = desks.LagoServer()
    async with desks.listening(server) as desk:
        told = receiver(connectors(desk.url)["lago"], http)
        assert [(await told.deliver(USAGE)).delivery for _ in range(2)] == [Delivery.DONE] * 2
    assert sorted(server.events) == ["u-1/octets", "u-1/octets_in", "u-1/octets_out"]
    assert server.events["u-1/octets_in"]["properties"]["octets"] == "3482113"


async def test_lago_gets_the_rest_when_one_event_of_a_batch_is_known(
    http: httpx.AsyncClient,
) -> None:
    server = desks.LagoServer({"u-1/octets_in": {}})
    async with desks.listening(server) as desk:
        told = await receiver(connectors(desk.url)["lago"], http).deliver(USAGE)
    assert told.delivery is Delivery.DONE
    assert len(server.events) == 3


async def test_a_subscription_at_lago_lives_as_long_as_its_service(
    http: httpx.AsyncClient,
) -> None:
    server = desks.LagoServer()
    async with desks.listening(server) as desk:
        told = receiver(connectors(desk.url)["lago"], http)
        assert (await told.deliver(FACTS["started"].event)).delivery is Delivery.DONE
        assert server.subscriptions == {"s1"}
        for _ in range(2):  # the second time it is gone already
            assert (await told.deliver(FACTS["terminated"].event)).delivery is Delivery.DONE
    assert server.subscriptions == set()


async def test_lagos_own_client_sends_what_we_send(http: httpx.AsyncClient) -> None:
    """Path, authorisation and body of the vendor's client, as its server hears both."""
    asked = talk.Asked((record.Meter.OCTETS,), frozenset())
    server = desks.LagoServer()
    async with desks.listening(server) as desk:
        ours = lago.Lago(desk.url, asked, token="s3cret")
        await receiver(ours, http).deliver(USAGE)
        body = desk.heard[0].json()["event"]
        theirs = lago_client.Client(api_key="s3cret", api_url=desk.url)
        server.events.clear()
        event = lago_events.Event(**body)
        await asyncio.to_thread(theirs.events.create, event)  # pyright: ignore[reportAttributeAccessIssue] - a callable property
    mine, vendors = desk.heard
    assert (mine.method, mine.path) == (vendors.method, vendors.path)
    assert mine.headers["authorization"] == vendors.headers["authorization"]
    theirs_sent = {k: v for k, v in vendors.json()["event"].items() if v is not None}
    assert mine.json()["event"] == theirs_sent


async def test_openmeter_takes_a_batch_by_its_media_type(http: httpx.AsyncClient) -> None:
    async with desks.listening(lambda _: (204, None)) as desk:
        told = receiver(connectors(desk.url)["openmeter"], http)
        for row in (USAGE, STATUS):
            assert (await told.deliver(row)).delivery is Delivery.DONE
    batch, one = desk.heard
    assert batch.headers["content-type"] == "application/cloudevents-batch+json"
    assert [event["type"] for event in batch.json()] == ["octets_in", "octets_out", "octets"]
    assert one.headers["content-type"] == "application/cloudevents+json"
    assert one.json()["data"]["change"] == "started"


async def test_killbill_counts_a_day_once(http: httpx.AsyncClient) -> None:
    server = desks.KillBillServer({"s1": SUBSCRIPTION})
    async with desks.listening(server) as desk:
        told = dataclasses.replace(receiver(connectors(desk.url)["killbill"], http), name="kb")
        for _ in range(2):
            attempt = await told.deliver(FACTS["day"].event)
            assert attempt.delivery is Delivery.DONE
        assert (await told.deliver(FACTS["suspended"].event)).delivery is Delivery.DONE
    (usage,) = server.usages.values()
    assert usage["subscriptionId"] == SUBSCRIPTION
    (block,) = server.blocked
    assert block["stateName"] == "network-suspended"
    assert desk.heard[0].headers["x-killbill-apikey"] == "bob"
    assert desk.heard[0].headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    "reply",
    [(404, None), (200, []), (200, {"subscriptionId": "../../evil"}), (200, {"subscriptionId": 7})],
)
async def test_killbill_without_the_subscription_waits_for_a_person(
    http: httpx.AsyncClient, reply: desks.Reply
) -> None:
    async with desks.listening(lambda _: reply) as desk:
        told = receiver(connectors(desk.url)["killbill"], http)
        attempt = await told.deliver(FACTS["started"].event)
    assert attempt.delivery is Delivery.PARKED
    assert len(desk.heard) == 1


async def test_cgrates_has_each_cdr_once_and_an_account_per_service(
    http: httpx.AsyncClient,
) -> None:
    server = desks.CgratesServer()
    async with desks.listening(server) as desk:
        told = receiver(connectors(desk.url)["cgrates"], http)
        for _ in range(2):
            assert (await told.deliver(USAGE)).delivery is Delivery.DONE
        for name, disabled in (("started", False), ("suspended", True), ("resumed", False)):
            assert (await told.deliver(FACTS[name].event)).delivery is Delivery.DONE
            assert server.accounts == {"s1": disabled}
    assert len(server.cdrs) == 3
    assert server.cdrs["oss-agent u-1/octets_in"]["Usage"] == "3482113"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("EXISTS", Delivery.DONE),
        ("SERVER_ERROR: DB down", Delivery.RETRY),
        ("DISCONNECTED", Delivery.RETRY),
        ("MANDATORY_IE_MISSING: [Account]", Delivery.PARKED),
        ("NOT_FOUND", Delivery.PARKED),
    ],
)
async def test_cgrates_says_in_the_body_what_became_of_it(
    http: httpx.AsyncClient, error: str, expected: Delivery
) -> None:
    async with desks.listening(desks.CgratesServer(error=error)) as desk:
        attempt = await receiver(connectors(desk.url)["cgrates"], http).deliver(USAGE)
    assert attempt.delivery is expected
    assert attempt.reason.startswith(error)


async def test_a_cdr_file_appears_whole_and_once(http: httpx.AsyncClient, tmp_path: Path) -> None:
    form = cgrates.CdrForm(ASKED, "cgrates.org")
    told = receiver(cgrates.CgratesCsv(str(tmp_path), form), http)
    for _ in range(2):
        assert (await told.deliver(USAGE)).delivery is Delivery.DONE
    (file,) = await asyncio.to_thread(lambda: list(tmp_path.iterdir()))
    first = file.read_text().splitlines()[0].split(",")
    shown = dict(zip((*cgrates.FIELDS, *cgrates.EXTRA), first, strict=True))
    assert shown["OriginID"] == "u-1/octets_in"
    assert shown["Usage"] == "3482113"


async def test_a_directory_that_is_away_is_tried_again(http: httpx.AsyncClient) -> None:
    form = cgrates.CdrForm(ASKED, "cgrates.org")
    told = receiver(cgrates.CgratesCsv("/nowhere/at/all", form), http)
    attempt = await told.deliver(USAGE)
    assert attempt.delivery is Delivery.RETRY
    assert "FileNotFoundError" in attempt.reason


async def test_a_connector_gets_its_tenant_alone_and_what_it_was_asked_for(
    http: httpx.AsyncClient,
) -> None:
    few = talk.Asked((record.Meter.OCTETS,), frozenset({record.Change.TERMINATED}))
    told = receiver(openmeter.OpenMeter("http://o", few, "urn:x"), http)
    assert told.wants(USAGE)
    assert not told.wants(dataclasses.replace(USAGE, tenant="other"))
    assert not told.wants(STATUS)
    assert told.wants(FACTS["terminated"].event)
    assert not told.wants(FACTS["day"].event)
    late = await told.deliver(STATUS)  # it was asked for when the event was spread
    assert late.delivery is Delivery.DONE
    assert "not asked for" in late.reason


async def test_a_broken_row_is_parked_not_raised(http: httpx.AsyncClient) -> None:
    broken = dataclasses.replace(USAGE, payload={"key": 1})
    for connector in connectors("http://127.0.0.1:1").values():
        told = receiver(connector, http)
        assert told.wants(broken)
        assert (await told.deliver(broken)).delivery is Delivery.PARKED


async def test_a_resend_after_a_lost_record_is_the_same_everywhere(
    http: httpx.AsyncClient, tmp_path: Path
) -> None:
    """Through the durable outbox: the first answer is lost, the daemon starts anew, nothing doubles."""
    server = desks.LagoServer()
    async with (
        desks.listening(server) as desk,
        store.open_store(f"sqlite:///{tmp_path / 'a.db'}") as rows,
    ):
        await rows.write(outbox.METADATA.create_all)
        told = receiver(connectors(desk.url)["lago"], http)
        await told.deliver(USAGE)  # heard, and we died before we knew
        await _through_the_outbox(rows, told, USAGE)
        assert len(server.events) == 3
        assert [one.target for one in desk.heard] == [
            *["/api/v1/events/batch"] * 2,
            *["/api/v1/events"] * 3,
        ]


async def _through_the_outbox(
    rows: store.SqlStore, told: sender.ConnectorReceiver, row: Event
) -> None:
    once = _Once(told)
    box = outbox.Outbox(rows, once, world.StillClock(), _heard)
    async with asyncio.TaskGroup() as group:
        role = group.create_task(box.run())
        await rows.write(lambda c: box.append(c, row))
        async with asyncio.timeout(300):
            await once.done.wait()
        role.cancel()


def _heard(_: sa.Connection, halt: outbox.Halt) -> None:
    raise AssertionError(halt)


@dataclasses.dataclass
class _Once:
    """The connector as the only receiver; says when it has accepted something."""

    told: sender.ConnectorReceiver
    done: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    @property
    def id(self) -> str:
        return self.told.id

    def wants(self, event: Event) -> bool:
        return self.told.wants(event)

    async def deliver(self, event: Event) -> Attempt:
        attempt = await self.told.deliver(event)
        assert attempt.delivery is Delivery.DONE
        self.done.set()
        return attempt

    async def current(self) -> tuple[Receiver, ...]:
        return (self,)
