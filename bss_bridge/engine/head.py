"""HEAD wherever GET is (RFC 9110 section 9.3.2): asked as a GET, answered without its body.

Pure ASGI around everything else, so that a refusal has no body either, and no route is written twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHOD: Final = "HEAD"
_ASKED_AS: Final = "GET"
_BODY: Final = "http.response.body"


class Head:
    """ASGI middleware: who asks for the headers alone gets those of the whole answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is no HEAD as it is."""
        if scope["type"] != "http" or scope["method"] != METHOD:
            await self._app(scope, receive, send)
            return

        async def headers_alone(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == _BODY else message)

        await self._app({**scope, "method": _ASKED_AS}, receive, headers_alone)


def allowed(methods: set[str]) -> set[str]:
    """The methods of a path, with HEAD where there is GET."""
    return methods | ({METHOD} if _ASKED_AS in methods else set())


def documented(document: Mapping[str, Any]) -> dict[str, Any]:
    """An OpenAPI document whose every GET has its HEAD: the same, but that no answer has content."""
    paths = {path: _with_head(operations) for path, operations in document["paths"].items()}
    return {**document, "paths": paths}


def _with_head(operations: Mapping[str, Any]) -> dict[str, Any]:
    get = operations.get(_ASKED_AS.lower())
    if get is None:
        return dict(operations)
    answers = {
        status: {name: said for name, said in answer.items() if name != "content"}
        for status, answer in get["responses"].items()
    }
    named = {"operationId": f"{get['operationId']}_head", "responses": answers}
    return {**operations, METHOD.lower(): {**get, **named}}
