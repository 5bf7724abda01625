"""Decides which bytes count as a JSON document: strict, bounded, the same for every receiver.

Two parsers that disagree about a body are a hole between them, so whatever RFC 8259 leaves open is
refused: duplicate names, NaN, numbers no database keeps, lone surrogates, control characters.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator
from email.message import Message
from typing import Any, Final

from oss_agent import errors

DEPTH: Final = 32
"""Nested arrays and objects; a TMF641 order needs about ten."""
MEMBERS: Final = 1_000
"""Members of one array or object; the same bound as items of an order."""
_DIGITS: Final = 19
"""A signed 64-bit integer has no more: longer ones are lost by some database or receiver."""
UNCLEAN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
"""C0 and C1 controls but white space, lone surrogates: what some database or terminal chokes on."""


def require_json(content_type: str | None) -> None:
    """OrderRejected (415) unless the header says JSON in UTF-8."""
    require_type(content_type, "application/json")


def require_type(content_type: str | None, *accepted: str) -> str:
    """Which of the accepted media types, in UTF-8, the header says. OrderRejected (415)."""
    message = Message()
    message["content-type"] = content_type or ""
    charset = message.get_content_charset() or "utf-8"
    kind = message.get_content_type()
    if kind not in accepted or charset != "utf-8":
        raise errors.OrderRejected(
            f"content type {(content_type or 'none')[:80]!r} is not {' or '.join(accepted)}",
            status=415,
            code="unsupportedMediaType",
        )
    return kind


def document(body: bytes) -> dict[str, Any]:
    """The JSON object in ``body``. OrderRejected (400) naming the place that is wrong."""
    found = value(body)
    if not isinstance(found, dict):
        raise _malformed("the body must be one JSON object")
    return found


def value(body: bytes) -> Any:
    """The JSON value in ``body``, whatever its type. OrderRejected (400) as ``document``."""
    found = _loaded(body)
    judge(found)
    return found


def judge(found: Any) -> None:
    """OrderRejected (400) when a value, wherever it came from, is deeper or wider than we take."""
    for path, inner in walk(found):
        _judge(path, inner)


def _loaded(body: bytes) -> Any:
    try:
        return json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_bounded,
        )
    except RecursionError:
        raise _malformed(f"nested deeper than {DEPTH}") from None
    except UnicodeDecodeError as bad:
        raise _malformed(f"not UTF-8 at byte {bad.start}") from None
    except json.JSONDecodeError as bad:
        raise _malformed(f"{bad.msg} at line {bad.lineno} column {bad.colno}") from None


def digest(found: dict[str, Any]) -> str:
    """SHA-256 hex of the canonical form: equal documents are the same request again."""
    canonical = json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _malformed(reason: str, field: str = "") -> errors.OrderRejected:
    return errors.OrderRejected(reason, field=field, code="invalidJson")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _malformed(f"the name {twice[:80]!r} stands twice in one object", field=twice[:80])
    return found


def _no_constant(text: str) -> Any:
    raise _malformed(f"{text} is not a JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _malformed(f"the number {text[:40]} is out of range")
    return value


def _bounded(text: str) -> int:
    if len(text.lstrip("-")) > _DIGITS:
        raise _malformed(f"the number {text[:40]} is out of range")
    return int(text)


def walk(root: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every node with its path, without recursion: the depth is the sender's choice."""
    todo: list[tuple[tuple[str | int, ...], Any]] = [((), root)]
    while todo:
        path, value = todo.pop()
        yield path, value
        if isinstance(value, dict):
            todo.extend(((*path, name), inner) for name, inner in value.items())
        elif isinstance(value, list):
            todo.extend(((*path, place), inner) for place, inner in enumerate(value))


def _judge(path: tuple[str | int, ...], value: Any) -> None:
    if isinstance(value, dict | list):
        if len(path) >= DEPTH:
            raise _malformed(f"nested deeper than {DEPTH}", dotted(path[:4]))
        if len(value) > MEMBERS:
            raise _malformed(f"more than {MEMBERS} members", dotted(path))
    if isinstance(value, dict) and any(UNCLEAN.search(name) for name in value):
        raise _malformed("a name holds a control character or half a surrogate pair", dotted(path))
    if isinstance(value, str) and UNCLEAN.search(value):
        raise _malformed("the text holds a control character or half a surrogate", dotted(path))


def dotted(path: tuple[str | int, ...]) -> str:
    """``serviceOrderItem[0].service``: how a refusal names a place in the sender's body."""
    out = ""
    for step in path:
        out += f"[{step}]" if isinstance(step, int) else f".{step[:80]}"
    return out.removeprefix(".")
