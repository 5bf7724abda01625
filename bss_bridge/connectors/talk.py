"""What a connector and its sender say to each other: requests out, answers back, an outcome at the end.

A connector is pure: its ``tell`` yields one request after another and is given each answer. Who
carries them (``sender``) knows nothing of any billing system.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from bss_bridge.connectors import record
from bss_bridge.events import delivery
from oss_agent.spi.events import Attempt, Delivery


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request. ``body`` is sent as ``media``; None sends none."""

    method: str
    url: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    media: str = "application/json"

    @property
    def content(self) -> bytes:
        """The body's bytes; whole numbers of any size stay exact in JSON text."""
        return b"" if self.body is None else json.dumps(self.body, ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class File:
    """One file to put down whole: ``name`` in the connector's directory."""

    directory: str
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: at most ``delivery.ANSWER`` bytes of body. All of it is hostile."""

    status: int
    at: datetime
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""

    def json(self) -> Any:
        """The body as JSON; None when it is none, is cut short or nests too deep."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def outcome(self) -> Attempt:
        """What its status means."""
        return delivery.judge(self.status, self.headers, self.words, self.at)

    @property
    def words(self) -> str:
        """Its first printable words, for a person."""
        return printable(self.body.decode("utf-8", "replace"))


Request: TypeAlias = Call | File
Talk: TypeAlias = Generator[Request, Answer, Attempt]


class Connector(Protocol):
    """One kind of billing system, configured."""

    def wants(self, fact: record.Fact) -> bool:
        """Has it a form for this fact, and was it asked for?"""
        ...

    def tell(self, fact: record.Fact) -> Talk:
        """Say it. Called for facts that it wants; raises nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What the administrator wants told: which meters and which changes of services."""

    meters: tuple[record.Meter, ...]
    changes: frozenset[record.Change]
    by_name: bool = False
    """the billing system knows a service by its name, not by its id"""

    def subscription(self, fact: record.Fact) -> str:
        """By which id the billing system knows the service."""
        if isinstance(fact, record.Status):
            return fact.view.name if self.by_name else fact.view.id
        return fact.view.service_name if self.by_name else fact.view.service

    def amounts(self, fact: record.Usage | record.Day) -> tuple[tuple[record.Meter, int], ...]:
        """(meter, octets) for each meter asked for; empty where nobody knows: never a zero instead."""
        found = ((meter, fact.quantity(meter)) for meter in self.meters)
        return tuple((meter, octets) for meter, octets in found if octets is not None)


def one(request: Request) -> Talk:
    """The shortest talk: one request, judged by its status."""
    answer = yield request
    return answer.outcome()


def printable(text: str) -> str:
    """At most 200 letters of a stranger's text, without control characters."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:800])[:200]


def bearer(token: str | None) -> dict[str, str]:
    """The Authorization header (RFC 6750), or none."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def keyed(fact: record.Fact, token: str | None) -> dict[str, str]:
    """For receivers that know a repeat by its header: ``Idempotency-Key`` is the event's id."""
    return bearer(token) | {"Idempotency-Key": fact.event.id}


def refused(reason: str) -> Talk:
    """A talk without a request: a fact that has no form here waits for a person."""
    yield from ()
    return Attempt(Delivery.PARKED, reason)
