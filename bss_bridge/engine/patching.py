"""Decides what a document becomes under a patch: RFC 7396 (merge) and RFC 6902 (operations).

Pure: the document given is never changed. A patch is hostile input, so the pointers' depth and the
values that ``copy`` multiplies are bounded.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from bss_bridge.engine import intake
from oss_agent import errors

Json = dict[str, Any]
COPIED: Final = 10_000
"""Values that all copies of one patch may make: copying a copy doubles at each operation."""
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,5}")
_ESCAPE: Final = re.compile(r"~(?![01])")
_MISSING: Final = object()


def merge(document: Json, patch: Mapping[str, Any]) -> Json:
    """RFC 7396: members replace members, null removes, arrays are replaced as a whole."""
    out = dict(document)
    for name, value in patch.items():
        if value is None:
            out.pop(name, None)
        elif isinstance(value, dict):
            inner = out.get(name)
            out[name] = merge(inner if isinstance(inner, dict) else {}, value)
        else:
            out[name] = value
    return out


def operate(document: Json, operations: list[Any]) -> Json:
    """RFC 6902, all operations or none.

    OrderRejected: 400 for what is no operation, 422 for a place that is not there, 409 for a test
    that fails.
    """
    root: Any = copy.deepcopy(document)
    made = 0
    for number, one in enumerate(operations):
        if not isinstance(one, dict):
            raise _refused("must be an object with op and path", f"[{number}]")
        if one.get("op") == "copy":
            made += sum(1 for _ in _nodes(_found(root, _pointer(one, "from", number), number)))
        if made > COPIED:
            raise _refused(f"copies more than {COPIED} values", f"[{number}]")
        root = _operation(one, number)(root, one, number)
    if not isinstance(root, dict):
        raise _refused("leaves no object", "")
    return root


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """The first-level attributes that differ, sorted."""
    names = before.keys() | after.keys()
    return tuple(
        sorted(n for n in names if not same(before.get(n, _MISSING), after.get(n, _MISSING)))
    )


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1, although Python says so; 1 is 1.0."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


Operation = Callable[[Any, Json, int], Any]


def _operation(one: Json, number: int) -> Operation:
    table: dict[str, Operation] = {
        "add": _add,
        "remove": _remove,
        "replace": _replace,
        "move": _move,
        "copy": _copy,
        "test": _test,
    }
    name = one.get("op")
    if not isinstance(name, str) or name not in table:
        raise _refused(f"must be one of {', '.join(table)}", f"[{number}].op")
    return table[name]


def _add(root: Any, one: Json, number: int) -> Any:
    return _put(root, _pointer(one, "path", number), _value(one, number), number)


def _remove(root: Any, one: Json, number: int) -> Any:
    return _take(root, _pointer(one, "path", number), number)


def _replace(root: Any, one: Json, number: int) -> Any:
    path, value = _pointer(one, "path", number), _value(one, number)
    _found(root, path, number)
    if not path:
        return value
    holder = _found(root, path[:-1], number)
    holder[_index(path[-1]) if isinstance(holder, list) else path[-1]] = value
    return root


def _move(root: Any, one: Json, number: int) -> Any:
    source, path = _pointer(one, "from", number), _pointer(one, "path", number)
    value = _found(root, source, number)
    if source == path:
        return root
    if path[: len(source)] == source:
        raise _refused("moves a value into itself", f"[{number}].path")
    return _put(_take(root, source, number), path, value, number)


def _copy(root: Any, one: Json, number: int) -> Any:
    value = copy.deepcopy(_found(root, _pointer(one, "from", number), number))
    return _put(root, _pointer(one, "path", number), value, number)


def _test(root: Any, one: Json, number: int) -> Any:
    path = _pointer(one, "path", number)
    if not same(_found(root, path, number), _value(one, number)):
        raise errors.OrderRejected(
            f"the test of /{'/'.join(path)} fails: it holds something else",
            field=f"[{number}]",
            status=409,
            code="testFailed",
        )
    return root


def _pointer(one: Json, member: str, number: int) -> tuple[str, ...]:
    """RFC 6901: reference tokens, unescaped; () is the whole document."""
    text = one.get(member)
    field = f"[{number}].{member}"
    if not isinstance(text, str) or (text and not text.startswith("/")) or _ESCAPE.search(text):
        raise _refused("must be a JSON pointer such as /note/0/text", field)
    tokens = tuple(t.replace("~1", "/").replace("~0", "~") for t in text.split("/")[1:])
    if len(tokens) > intake.DEPTH:
        raise _refused(f"leads deeper than {intake.DEPTH}", field)
    return tokens


def _value(one: Json, number: int) -> Any:
    if "value" not in one:
        raise _refused("is missing", f"[{number}].value")
    return copy.deepcopy(one["value"])


def _found(root: Any, path: tuple[str, ...], number: int) -> Any:
    for token in path:
        if isinstance(root, dict):
            root = root.get(token, _MISSING)
        elif isinstance(root, list) and _index(token) in range(len(root)):
            root = root[_index(token)]
        else:
            root = _MISSING
        if root is _MISSING:
            raise _nowhere(path, number)
    return root


def _put(root: Any, path: tuple[str, ...], value: Any, number: int) -> Any:
    if not path:
        return value
    holder, last = _found(root, path[:-1], number), path[-1]
    if isinstance(holder, dict):
        holder[last] = value
    elif isinstance(holder, list) and (last == "-" or _index(last) in range(len(holder) + 1)):
        holder.insert(len(holder) if last == "-" else _index(last), value)
    else:
        raise _nowhere(path, number)
    return root


def _take(root: Any, path: tuple[str, ...], number: int) -> Any:
    _found(root, path, number)
    if not path:
        raise _refused("removes the whole document", f"[{number}].path")
    holder = _found(root, path[:-1], number)
    del holder[_index(path[-1]) if isinstance(holder, list) else path[-1]]
    return root


def _index(token: str) -> int:
    """A place in an array; -1 for what is no index (RFC 6901: no signs, no leading zeros)."""
    return int(token) if _INDEX.fullmatch(token) else -1


def _nodes(value: Any) -> Iterator[Any]:
    todo = [value]
    while todo:
        value = todo.pop()
        yield value
        if isinstance(value, dict):
            todo.extend(value.values())
        elif isinstance(value, list):
            todo.extend(value)


def _nowhere(path: tuple[str, ...], number: int) -> errors.OrderRejected:
    return errors.OrderRejected(
        f"/{'/'.join(path)[:80]} is not there", field=f"[{number}]", status=422, code="noSuchPlace"
    )


def _refused(reason: str, field: str) -> errors.OrderRejected:
    return errors.OrderRejected(reason, field=field, code="invalidPatch")
