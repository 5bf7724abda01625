"""One POST to somebody outside, and what its answer means for the event's future.

Whatever the other side does becomes an ``Attempt``: nothing it sends can raise here, keep us
longer than ``DEADLINE`` or make us read more than ``ANSWER`` bytes.
"""

from __future__ import annotations

import asyncio
import email.utils
import http
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import httpx

from bss_bridge.events import lines
from oss_agent.spi.clock import Clock
from oss_agent.spi.events import Attempt, Delivery

DEADLINE: Final = 10.0
ANSWER: Final = 64 * 1024
_LONGEST_WAIT: Final = 3600.0
_QUOTE: Final = 200
_AGAIN: Final = frozenset({408, 425, 429})
_LOCKED_OUT: Final = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class Parcel:
    """What to send where. ``extensions`` are httpcore's (the SNI name of a pinned address)."""

    url: str
    body: Mapping[str, Any]
    key: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    extensions: Mapping[str, Any] = field(default_factory=dict[str, Any])


def client() -> httpx.AsyncClient:
    """The HTTP client for deliveries: no proxies from the environment, no redirects.

    Each receiver has its own connections; the outbox bounds how many, per receiver and in all.
    """
    return httpx.AsyncClient(
        trust_env=False,
        follow_redirects=False,
        timeout=DEADLINE,
        transport=lines.Lines(),
    )


async def post(via: httpx.AsyncClient, parcel: Parcel, clock: Clock, *, quote: bool) -> Attempt:
    """Send once. ``quote``: may the answer's words be kept in the reason (a trusted receiver)?"""
    try:
        async with asyncio.timeout(DEADLINE), _stream(via, parcel) as answer:
            said = await _read(answer)
            return judge(answer.status_code, answer.headers, said if quote else "", clock.now())
    except TimeoutError:
        return Attempt(Delivery.RETRY, f"no answer within {DEADLINE:g} s")
    except (httpx.InvalidURL, UnicodeError) as bad:
        return Attempt(Delivery.PARKED, f"cannot be sent: {bad}")
    except httpx.HTTPError as bad:
        return Attempt(Delivery.RETRY, f"{type(bad).__name__}: {bad}"[:_QUOTE])


def _stream(via: httpx.AsyncClient, parcel: Parcel) -> Any:
    headers = {"Content-Type": "application/json", "Idempotency-Key": parcel.key, **parcel.headers}
    content = json.dumps(parcel.body, ensure_ascii=False).encode()
    return via.stream(
        "POST", parcel.url, content=content, headers=headers, extensions=dict(parcel.extensions)
    )


async def _read(answer: httpx.Response) -> str:
    """The first printable words of the answer; reading on to its end keeps the connection."""
    size, start = 0, b""
    async for piece in answer.aiter_raw():
        start = (start + piece)[: 4 * _QUOTE]
        size += len(piece)
        if size > ANSWER:
            break
    text = start.decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else " " for letter in text)[:_QUOTE]


def judge(status: int, headers: Mapping[str, str], said: str, now: datetime) -> Attempt:
    """What an HTTP answer means. Pure."""
    reason = f"{status} {said}".strip()
    if httpx.codes.is_success(status) or status == http.HTTPStatus.CONFLICT:
        return Attempt(Delivery.DONE, reason)
    if status in _LOCKED_OUT or status == http.HTTPStatus.GONE:
        return Attempt(Delivery.STOPPED, reason)
    if status in _AGAIN or httpx.codes.is_server_error(status):
        return Attempt(Delivery.RETRY, reason, retry_after(headers.get("retry-after"), now))
    if httpx.codes.is_redirect(status):
        return Attempt(Delivery.PARKED, f"{status}: a redirect is not followed")
    return Attempt(Delivery.PARKED, reason)


def retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds of a Retry-After header (number or HTTP date), at most an hour; None when absent."""
    if not text:
        return None
    if text.isascii() and text.isdecimal():
        return min(float(text[:6]), _LONGEST_WAIT)
    try:
        wait = (email.utils.parsedate_to_datetime(text) - now).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(wait, 0.0), _LONGEST_WAIT)
