"""Decides the TMF630 error body of everything that can go wrong, so that no path answers otherwise.

``reason`` says what and why, ``message`` what to do, ``referenceError`` names the kind of error as
a URN (the schemas ask for a URI) with the field as its fragment; ``field`` is the same for people.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Final
from urllib.parse import quote

from oss_agent import errors

_KEY_USED: Final = "Use a new Idempotency-Key for a new request."
_UNSIGNED: Final = "Sign it as the connector's page says, with the secret of its settings."
_ADVICE: Final = {
    400: "Correct it and send it again; nothing was stored.",
    401: "Send Authorization: Bearer with a valid token.",
    403: "Ask an administrator for a token with the role that this needs.",
    404: "Check the path and the id.",
    405: "Use a method of the Allow header.",
    408: "Send the whole body without pausing.",
    409: "Look at what is in the way, then decide.",
    412: "Read it again, then decide again.",
    413: "Send less in one request.",
    415: "Send one of the types it names, in UTF-8.",
    422: "Ask for something else, or change what is in the way; nothing was stored.",
    428: "Read it first; nothing was changed.",
    429: "Wait, then send it again; nothing was stored.",
    500: "This is a fault of the agent: its log has the details.",
    501: "Leave it out.",
    502: "Look at the device.",
    503: "Try again later.",
}
INTERNAL: Final = 500
METHOD_NOT_ALLOWED: Final = 405
RETRY_AFTER: Final = {"Retry-After": "5"}

_WORD: Final = {"type": "string"}
_BODY: Final = {
    "type": "object",
    "required": ["@type", "code", "reason", "message", "status", "referenceError"],
    "properties": {
        "@type": {"const": "Error"},
        "code": _WORD,
        "reason": _WORD,
        "message": _WORD,
        "status": _WORD,
        "referenceError": _WORD | {"format": "uri"},
        "field": _WORD,
    },
}
_CONTENT: Final = {"application/json": {"schema": _BODY}}
ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    "4XX": {"description": "Refused: what, why, and what to do", "content": _CONTENT},
    "5XX": {"description": "Not done: what is not served, or in the way", "content": _CONTENT},
}
"""What every operation may answer beside what it is for, as OpenAPI has it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Problem:
    """A refusal: HTTP status, stable code word, sentence, offending field, extra headers."""

    status: int
    code: str
    reason: str
    field: str = ""
    headers: dict[str, str] = dataclasses.field(default_factory=dict[str, str])

    def body(self) -> dict[str, Any]:
        """The TMF630 Error object."""
        place = f"#{quote(self.field, safe='.')}" if self.field else ""
        found = {
            "@type": "Error",
            "code": self.code,
            "reason": self.reason,
            "message": self._advice(),
            "status": str(self.status),
            "referenceError": f"urn:oss-agent:error:{self.code}{place}",
        }
        return found | ({"field": self.field} if self.field else {})

    def _advice(self) -> str:
        if (self.status, self.code) == (422, "idempotencyConflict"):
            return _KEY_USED
        if (self.status, self.code) == (401, "unsigned"):
            return _UNSIGNED
        return _ADVICE.get(self.status, _ADVICE[400])


def of_error(error: errors.AgentError) -> Problem:
    """What an error of the agent means to whoever asked."""
    match error:
        case errors.OrderRejected():
            return Problem(error.status, error.code, _named(error), error.field)
        case errors.Conflict():
            holder = f" (held by {error.holder})" if error.holder else ""
            return Problem(409, "conflict", error.reason + holder)
        case errors.StoreUnavailable():
            return Problem(
                503, "storeUnavailable", "the database takes no writes now", "", RETRY_AFTER
            )
        case errors.DeviceUnreachable() | errors.DeviceBusy():
            return Problem(503, "deviceUnavailable", str(error), "", RETRY_AFTER)
        case errors.DeviceError():
            return Problem(502, "deviceRefused", str(error))
        case _:
            return internal()


def _named(error: errors.OrderRejected) -> str:
    """The reason with its field in front: 'must be …' alone does not say what must."""
    said = not error.field or error.reason.startswith((f"{error.field} ", f"{error.field}: "))
    return error.reason if said else f"{error.field}: {error.reason}"


def internal() -> Problem:
    """A fault of ours: nothing about it leaves the house but that it happened."""
    return Problem(500, "internalError", "the agent failed to answer")
