"""Talking to the daemon: one HTTP client, its errors turned into a sentence and an exit code.

Exit codes of every command: 0 done; 1 something differs, was not found or did not end well; 2 the
command line, a file or a setting is wrong; 3 the daemon refused; 4 the daemon cannot be reached.
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
PAGE = 1_000
"""Rows that a list of the operator's API has at once, where no limit is named."""


class Refused(Exception):
    """The daemon said no; ``exit_code`` is what the process ends with, ``field`` what it is about."""

    def __init__(self, message: str, exit_code: int, field: str = "") -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.field = field


@dataclass(frozen=True, slots=True)
class Api:
    """Where the daemon is and as whom we come."""

    url: str
    token: str | None = field(default=None, repr=False)
    timeout: float = 60.0

    def get(self, path: str, /, **params: str | Sequence[str]) -> Any:
        """GET and decode; several values of a parameter are alternatives. Refused on any error."""
        return self._send("GET", path, params=params)

    def rows(self, path: str, /, **params: str | Sequence[str]) -> list[dict[str, Any]]:
        """GET a list to its end, page by page; one that silently ends misleads. Refused on any error."""
        found: list[dict[str, Any]] = []
        while True:
            further = {"offset": str(len(found))} if found else {}
            page: list[dict[str, Any]] = self.get(path, **params, **further)
            found += page
            if len(page) < PAGE:
                return found

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
        _check(path)
        headers = dict(options.pop("headers", None) or {})
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        try:
            with httpx.Client(base_url=self.url, timeout=self.timeout, trust_env=False) as http:
                answer = http.request(method, path, headers=headers, **options)
        except httpx.UnsupportedProtocol as bad:
            raise Refused(
                f"{self.url} is no address of a daemon: write it as http://HOST:PORT", exit_code=2
            ) from bad
        except (httpx.InvalidURL, httpx.LocalProtocolError, UnicodeEncodeError) as bad:
            raise Refused(f"{self.url}, the token or a header: {bad}; correct it", 2) from bad
        except (httpx.ConnectError, httpx.ConnectTimeout) as bad:
            raise Refused(
                f"no daemon at {self.url} ({bad}): start one with 'oss-agent run', or name "
                "another with --api or OSS_AGENT_API",
                exit_code=4,
            ) from bad
        except httpx.HTTPError as bad:
            raise Refused(
                f"{self.url} took the request and did not answer ({bad}): what was asked may be "
                "done; look, then ask again",
                exit_code=4,
            ) from bad
        if answer.is_error:
            raise Refused(sentence(answer), exit_code=3, field=_field(answer))
        return self._decoded(answer) if answer.content else None

    def _decoded(self, answer: httpx.Response) -> Any:
        try:
            return answer.json()
        except ValueError as bad:
            raise Refused(
                f"what answers at {self.url} is no oss-agent daemon (no JSON): name another with "
                "--api or OSS_AGENT_API",
                exit_code=4,
            ) from bad


def _check(path: str) -> None:
    """Refuse an id that would lead to another place than the command means (``..``, ``?``)."""
    parts = path.split("/")[1:]
    if any(
        one in {"", ".", ".."} or {"?", "#"} & set(one) or not one.isprintable() for one in parts
    ):
        raise Refused(
            f"{path!r} is no path of the API: an id is not empty and has no '..', '?', '#' or "
            "line break; check what was typed",
            exit_code=2,
        )


def _field(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("field") or "")
    except (ValueError, AttributeError):
        return ""


def sentence(answer: httpx.Response) -> str:
    """What a TMF630 error body says, as one line."""
    try:
        body = answer.json()
    except ValueError:
        return f"{answer.status_code} {answer.reason_phrase}"
    words = [str(body[key]) for key in ("reason", "message") if body.get(key)]
    return f"{answer.status_code} " + ". ".join(dict.fromkeys(words))
