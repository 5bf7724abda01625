"""Small real HTTP listeners that behave as billing systems do, in the test's own event loop."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

Reply = tuple[int, Any]


@dataclasses.dataclass(frozen=True)
class Heard:
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)

    def json(self) -> Any:
        return json.loads(self.body)


@dataclasses.dataclass
class Desk:
    """Answers by ``reply``; with ``raw`` it answers those bytes instead, with ``silent`` nothing."""

    reply: Callable[[Heard], Reply]
    url: str = ""
    raw: bytes | None = None
    silent: bool = False
    heard: list[Heard] = dataclasses.field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gone = contextlib.suppress(ConnectionError, asyncio.IncompleteReadError)
        with contextlib.closing(writer), gone:  # whose patience ended before it said anything
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, target, _ = head[0].split(" ")
            headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:])}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            heard = Heard(method, target, headers, body)
            self.heard.append(heard)
            if self.silent:
                await reader.read()
            writer.write(self.raw if self.raw is not None else _answer(*self.reply(heard)))
            await writer.drain()


def _answer(status: int, body: Any) -> bytes:
    text = b"" if body is None else json.dumps(body).encode()
    return (
        f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n"
    ).encode() + text


@contextlib.asynccontextmanager
async def listening(reply: Callable[[Heard], Reply]) -> AsyncIterator[Desk]:
    """A desk on a port of loopback."""
    desk = Desk(reply)
    server = await asyncio.start_server(desk.serve, "127.0.0.1", 0)
    desk.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield desk


@dataclasses.dataclass
class LagoServer:
    """Lago's intake: a transaction_id once, a batch whole or not at all."""

    events: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    subscriptions: set[str] = dataclasses.field(default_factory=set)

    def __call__(self, heard: Heard) -> Reply:
        match heard.method, heard.path.removeprefix("/api/v1/").split("/"):
            case "POST", ["events"]:
                return self._events([heard.json()["event"]], batch=False)
            case "POST", ["events", "batch"]:
                return self._events(heard.json()["events"], batch=True)
            case "POST", ["subscriptions"]:
                self.subscriptions.add(heard.json()["subscription"]["external_id"])
                return 200, {"subscription": {}}
            case "DELETE", ["subscriptions", key] if key in self.subscriptions:
                self.subscriptions.remove(key)
                return 200, {"subscription": {}}
            case _:
                return 404, {"status": 404, "error": "Not Found", "code": "not_found"}

    def _events(self, events: list[dict[str, Any]], *, batch: bool) -> Reply:
        known = {"transaction_id": ["value_already_exist"]}
        found = {
            str(n): known for n, one in enumerate(events) if one["transaction_id"] in self.events
        }
        if found:
            return 422, {
                "status": 422,
                "error": "Unprocessable Entity",
                "code": "validation_errors",
                "error_details": found if batch else known,
            }
        self.events |= {one["transaction_id"]: one for one in events}
        return 200, {"events": events}


@dataclasses.dataclass
class KillBillServer:
    """Kill Bill's intake: subscriptions by external key, a trackingId once per subscription."""

    subscriptions: dict[str, str] = dataclasses.field(default_factory=dict)
    usages: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    blocked: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    states: dict[str, str] = dataclasses.field(default_factory=dict)
    bundles: list[Any] = dataclasses.field(default_factory=list)
    blocks: Any = dataclasses.field(default_factory=list)

    def __call__(self, heard: Heard) -> Reply:
        match heard.method, heard.path.removeprefix("/1.0/kb/").split("/"):
            case "GET", ["accounts" | "bundles" as kind, *rest]:
                return 200, self._account(kind, rest)
            case "GET", ["subscriptions"]:
                return self._named(heard.query["externalKey"][0])
            case "GET", ["subscriptions", key]:
                found = [name for name, one in self.subscriptions.items() if one == key]
                return self._named(found[0] if found else "")
            case "POST", ["usages"]:
                return self._usage(heard.json())
            case "POST", ["subscriptions", _, "block"]:
                self.blocked.append(heard.json())
                return 201, None
            case _:
                return 404, None

    def _account(self, kind: str, rest: list[str]) -> Any:
        """What blocks it, its bundles, or the one that is named."""
        if kind == "bundles":
            return next((one for one in self.bundles if one["bundleId"] == rest[0]), {})
        return self.blocks if rest[1] == "block" else self.bundles

    def _named(self, external: str) -> Reply:
        key = self.subscriptions.get(external)
        if key is None:
            return 404, {"className": "SubscriptionBaseApiException", "code": 1102}
        state = self.states.get(external, "ACTIVE")
        return 200, {"subscriptionId": key, "externalKey": external, "state": state}

    def _usage(self, body: dict[str, Any]) -> Reply:
        if body["trackingId"] in self.usages:
            return 400, {"className": "UsageApiException", "code": 50000, "message": "exists"}
        self.usages[body["trackingId"]] = body
        return 201, None


@dataclasses.dataclass
class CgratesServer:
    """CGRateS' JSON-RPC: an OriginID once; everything is a 200."""

    cdrs: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    accounts: dict[str, bool] = dataclasses.field(default_factory=dict)
    error: str | None = None

    def __call__(self, heard: Heard) -> Reply:
        body = heard.json()
        (parameters,) = body["params"]
        error = self.error
        if body["method"] == "CDRsV1.ProcessExternalCDR":
            key = f"{parameters['OriginHost']} {parameters['OriginID']}"
            if error is None and key in self.cdrs:
                error = "EXISTS"
            elif error is None:
                self.cdrs[key] = parameters
        elif error is None:
            self.accounts[parameters["Account"]] = parameters["ExtraOptions"]["Disabled"]
        return 200, {"id": body["id"], "result": None if error else "OK", "error": error}
