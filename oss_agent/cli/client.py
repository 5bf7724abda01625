"""Talking to the daemon: one HTTP client, its errors turned into a sentence and an exit code.

Exit codes of every command: 0 done, 1 there is a difference or the order did not complete,
2 wrong usage, 3 the daemon refused, 4 the daemon cannot be reached.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

SERVICE_ORDERS = "/tmf-api/serviceOrdering/v4/serviceOrder"
CANCELLATIONS = "/tmf-api/serviceOrdering/v4/cancelServiceOrder"
RESOURCE_ORDERS = "/tmf-api/resourceOrdering/v4/resourceOrder"
RESOURCE_CANCELLATIONS = "/tmf-api/resourceOrdering/v4/cancelResourceOrder"
SERVICE_TESTS = "/tmf-api/serviceTestManagement/v4/serviceTest"
OPERATOR = "/api/v1"


class Refused(Exception):
    """The daemon said no; ``exit_code`` is what the process ends with."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Api:
    """Where the daemon is and as whom we come."""

    url: str
    token: str | None = field(default=None, repr=False)
    timeout: float = 60.0

    def get(self, path: str, /, **params: str | Sequence[str]) -> Any:
        """GET and decode; several values of a parameter are alternatives. Refused on any error."""
        return self._send("GET", path, params=params)

    def post(self, path: str, body: Any, headers: Mapping[str, str] | None = None) -> Any:
        """POST JSON and decode; Refused on any error."""
        return self._send("POST", path, json=body, headers=headers)

    def patch(self, path: str, body: Any) -> Any:
        """PATCH by merge (RFC 7396) and decode; Refused on any error."""
        return self._send("PATCH", path, json=body)

    def delete(self, path: str) -> Any:
        """DELETE and decode; Refused on any error."""
        return self._send("DELETE", path)

    def _send(self, method: str, path: str, **options: Any) -> Any:
        headers = dict(options.pop("headers", None) or {})
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            with httpx.Client(base_url=self.url, timeout=self.timeout, trust_env=False) as http:
                answer = http.request(method, path, headers=headers, **options)
        except httpx.HTTPError as bad:
            raise Refused(
                f"no daemon at {self.url} ({bad}): start one with 'oss-agent run', or name "
                "another with --api or OSS_AGENT_API",
                exit_code=4,
            ) from bad
        if answer.is_error:
            raise Refused(sentence(answer), exit_code=3)
        return answer.json() if answer.content else None


def sentence(answer: httpx.Response) -> str:
    """What a TMF630 error body says, as one line."""
    try:
        body = answer.json()
    except ValueError:
        return f"{answer.status_code} {answer.reason_phrase}"
    words = [str(body[key]) for key in ("reason", "message") if body.get(key)]
    return f"{answer.status_code} " + ". ".join(dict.fromkeys(words))
