"""What every request passes before it is routed: who sends it, how much it sends, in what time.

Pure ASGI, so that it also covers paths that do not exist. The whole body is read here, at most
``Limits.body`` bytes, so no handler ever waits for a sender that stalls.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bss_bridge.engine import intake
from bss_bridge.engine.access import Tokens
from bss_bridge.engine.problem import Problem
from oss_agent.spi import access

LIVENESS: Final = "/healthz"
"""A path without a token: a probe has none, and the answer says nothing."""
SIGNED: Final = "/billing/"
"""Below it whoever sends is known by a signature of the connector's own, which its route checks."""
_PROBE: Final = access.Caller("anonymous", "default", ())


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of a body, seconds to send it."""

    body: int = 1 << 20
    seconds: float = 30.0


class Door:
    """ASGI middleware: token, body limit, slow body, unprintable paths."""

    def __init__(self, app: ASGIApp, *, tokens: Tokens, limits: Limits) -> None:
        self._app = app
        self._tokens = tokens
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a refusal at once, or hand on the request with its body and its caller."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        caller = self._caller(scope)
        if caller is None:
            await _answer(send, _UNKNOWN)
            return
        problem = _unreadable(scope) or _announced(scope, self._limits.body)
        body = problem or await self._body(receive)
        if isinstance(body, Problem):
            await _answer(send, body)
        elif body is not None:
            scope.setdefault("state", {})["caller"] = caller
            await self._app(scope, _replay(body, receive), send)

    def _caller(self, scope: Scope) -> access.Caller | None:
        sent = [value for name, value in scope["headers"] if name == b"authorization"]
        found = self._tokens.caller(sent[0].decode("latin-1")) if len(sent) == 1 else None
        if found is None and not self._tokens:
            return self._tokens.caller(None)
        return _PROBE if found is None and _without_token(scope["path"]) else found

    async def _body(self, receive: Receive) -> bytes | Problem | None:
        """The whole body; None when the sender is gone."""
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    body += message.get("body", b"")
                    if len(body) > self._limits.body:
                        return _too_large(self._limits.body)
                    if not message.get("more_body"):
                        return bytes(body)
        except TimeoutError:
            reason = f"no whole body within {self._limits.seconds:g} s"
            return Problem(408, "requestTimeout", reason, headers=_CLOSE)


def _without_token(path: str) -> bool:
    return path == LIVENESS or path.startswith(SIGNED)


_CLOSE: Final = {"Connection": "close"}
_UNKNOWN: Final = Problem(
    401, "unauthorized", "no valid token was sent", headers={"WWW-Authenticate": "Bearer"}
)


def _unreadable(scope: Scope) -> Problem | None:
    """Control characters are no part of any id: some database would fail on them."""
    if not scope["path"].isprintable():
        return Problem(404, "notFound", "no such path")
    asked = unquote_to_bytes(scope["query_string"]).decode("utf-8", "replace")
    if intake.UNCLEAN.search(asked):
        return Problem(400, "invalidQuery", "the query holds a control character", "query")
    return None


def _announced(scope: Scope, limit: int) -> Problem | None:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value[:_DIGITS]) > limit:
            return _too_large(limit)
    return None


_DIGITS: Final = 18
"""Python refuses to read an integer of 4,300 digits; eighteen are enough to be too large."""


def _too_large(limit: int) -> Problem:
    return Problem(413, "bodyTooLarge", f"the body is larger than {limit} bytes", headers=_CLOSE)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A receive that first gives the body we read, then waits for the sender to go."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return messages.pop() if messages else await receive()

    return replayed


async def _answer(send: Send, problem: Problem) -> None:
    content = json.dumps(problem.body()).encode()
    headers = {"content-type": "application/json", "content-length": str(len(content))}
    pairs = [(k.lower().encode(), v.encode()) for k, v in (headers | problem.headers).items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": pairs})
    await send({"type": "http.response.body", "body": content})
