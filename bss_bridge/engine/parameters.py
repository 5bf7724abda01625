"""Decides what the API's document says of a read's query string, beside the filters."""

from __future__ import annotations

from typing import Any, Final

from bss_bridge.engine import past as moments
from bss_bridge.engine import tmf630

_Parameter = tuple[str, str, str]
_FIELDS: Final = ("fields", "string", "attributes to show, comma separated, dots lead inside")
_OF_LISTS: Final = (
    _FIELDS,
    ("offset", "integer", "rows to skip"),
    ("limit", "integer", f"rows to show, at most {tmf630.MAX_LIMIT}"),
    ("sort", "string", "attributes, comma separated, - in front for descending"),
    ("filter", "string", "a JSONPath expression: $[?(@.state=='held' && @.priority<'3')]"),
)
_MOMENTS: Final = (
    (moments.AT, "string", "as it was at this moment, RFC 3339; now if absent"),
    (moments.KNOWN, "string", "by what was believed at this moment; that of $at if absent"),
)


def of_list(*, past: bool) -> dict[str, Any]:
    """Of a collection; with a ``past`` it may be asked as of a moment."""
    return _described(*_OF_LISTS, *(_MOMENTS if past else ()))


def of_one(*, past: bool) -> dict[str, Any]:
    """Of one instance."""
    return _described(_FIELDS, *(_MOMENTS if past else ()))


def _described(*several: _Parameter) -> dict[str, Any]:
    return {
        "parameters": [
            {"name": name, "in": "query", "schema": {"type": kind}, "description": text}
            for name, kind, text in several
        ]
    }
