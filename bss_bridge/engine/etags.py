"""Decides whether what a client saw is what is there (RFC 9110 sections 8.8.3, 13.1).

A tag names the whole instance, whatever ``fields`` shows of it, so that a client that read two
attributes can still say which state it decided on.
"""

from __future__ import annotations

import re
from typing import Any, Final

from bss_bridge.engine import intake
from oss_agent import errors

_TAG: Final = re.compile(r'(W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_LENGTH: Final = 32


def tag(body: dict[str, Any]) -> str:
    """The strong entity tag of a rendered instance, quotes included."""
    return f'"{intake.digest(body)[:_LENGTH]}"'


def require(current: str, if_match: str | None, *, must: bool) -> None:
    """OrderRejected: 412 when the tag moved on, 428 when one is needed and none was sent."""
    if if_match is None:
        if must:
            raise errors.OrderRejected(
                "send the ETag of a GET as If-Match",
                field="If-Match",
                status=428,
                code="preconditionRequired",
            )
        return
    if if_match.strip() != "*" and current not in _tags(if_match):
        raise errors.OrderRejected(
            f"it has changed since: its ETag is {current} now",
            field="If-Match",
            status=412,
            code="preconditionFailed",
        )


def unchanged(current: str, if_none_match: str | None) -> bool:
    """Does the client hold this state already? Compared weakly, as a GET may (304)."""
    if if_none_match is None:
        return False
    tags = {one.removeprefix("W/") for one in _tags(if_none_match)}
    return if_none_match.strip() == "*" or current in tags


def _tags(header: str) -> set[str]:
    """The tags of a list; a weak one never equals ours, as a strong comparison demands."""
    return {found[0] for found in _TAG.finditer(header)}
