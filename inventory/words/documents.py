"""Decides which JSON and YAML from outside is read at all: small, shallow, plain, unambiguous. Pure.

Every YAML scalar but null stays text (a password 0123 is not a number), and anchors are refused: an alias
bomb is small as a file and huge as a value.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from typing import Any, Final, NoReturn

import yaml

from oss_agent import errors

MAX_CHARACTERS: Final = 4 * 1024 * 1024
"""Longest JSON file: some 5,000 nodes of a topology-data.json."""
MAX_YAML_CHARACTERS: Final = 1024 * 1024
"""PyYAML reads about 100,000 characters a second: ten seconds are the most a reader may take."""
MAX_DEPTH: Final = 32
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
"""YAML 1.2 10.2.1.1, as plain scalars."""


def read_any_json(name: str, text: str) -> dict[str, Any] | list[Any]:
    """The object or list in a JSON file; OrderRejected names the file and what is wrong with it."""
    _check_size(name, text, MAX_CHARACTERS)
    try:
        found = json.loads(text, object_pairs_hook=_unambiguous, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise refusal(name, f"is not readable JSON: {_sentence(error)}") from error
    return _shallow(name, found)


def read_yaml(name: str, text: str) -> dict[str, Any]:
    """The mapping in a YAML file, all scalars as text or None; OrderRejected as above."""
    _check_size(name, text, MAX_YAML_CHARACTERS)
    try:
        found = yaml.load(text, Loader=_PlainLoader)  # noqa: S506  BaseLoader builds only text, lists, mappings
    except yaml.MarkedYAMLError as error:
        raise refusal(name, f"is not readable YAML: {_marked(error)}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise refusal(name, f"is not readable YAML: {_sentence(error)}") from error
    return _object(name, _shallow(name, found))


def refusal(name: str, why: str) -> errors.OrderRejected:
    """The refusal of a whole file."""
    return errors.OrderRejected(f"{name} {why}", field=name, code="invalidFile")


def text(of: Mapping[str, Any], key: str) -> str:
    """The text under a key; "" where there is none."""
    value = of.get(key, "")
    return value if isinstance(value, str) else ""


def mapping(of: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object under a key; an empty one where there is none."""
    value = of.get(key)
    return value if isinstance(value, dict) else {}


class _PlainLoader(yaml.BaseLoader):
    """Text, lists and mappings; no aliases, no duplicate keys, bounded depth."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise self._wrong("aliases are not accepted; write the value out")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._wrong(f"nested deeper than {MAX_DEPTH}")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def _wrong(self, what: str) -> yaml.MarkedYAMLError:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # its stub has no types
        return yaml.MarkedYAMLError(problem=what, problem_mark=event.start_mark)

    def construct_scalar(self, node: yaml.ScalarNode) -> Any:
        text = super().construct_scalar(node)
        # Unquoted null means "not given"; as text it would become somebody's password.
        return None if node.style is None and text in _NULL else text

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002  PyYAML's signature
        # deep, because PyYAML else fills nested values after this method returned
        del deep
        pairs = [
            (self.construct_object(key, deep=True), self.construct_object(value, deep=True))
            for key, value in node.value
        ]
        found: dict[Hashable, Any] = {}
        for (key, value), (at, _) in zip(pairs, node.value, strict=True):
            if not isinstance(key, str) or key in found:
                what = _twice(key) if isinstance(key, str) else "a key is not text"
                raise yaml.MarkedYAMLError(problem=what, problem_mark=at.start_mark)
            found[key] = value
        return found


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:  # which line it is on Python's reader does not tell
            raise ValueError(_twice(key))
        found[key] = value
    return found


def _twice(key: str) -> str:
    return f"the key {key[:64]!r} occurs twice in one object"


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _check_size(name: str, text: str, limit: int) -> None:
    if len(text) > limit:
        raise refusal(name, f"has more than {limit} characters")


def _object(name: str, found: object) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise refusal(name, "does not hold an object at its top")
    return found


def _shallow(name: str, found: object) -> dict[str, Any] | list[Any]:
    if not isinstance(found, dict | list):
        raise refusal(name, "does not hold an object at its top")
    if _deeper_than(found, MAX_DEPTH):
        raise refusal(name, f"is nested deeper than {MAX_DEPTH}")
    return found


def _deeper_than(value: object, limit: int) -> bool:
    layer = [value]
    for _ in range(limit):
        layer = [inner for outer in layer for inner in _inside(outer)]
    return bool(layer)


def _inside(value: object) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _marked(error: yaml.MarkedYAMLError) -> str:
    """``line 3: found ...``; the library's own words name a stream that nobody wrote."""
    mark = error.problem_mark or error.context_mark
    where = f"line {mark.line + 1}: " if mark is not None else ""
    return where + " ".join(str(error.problem or error.context or error).split())[:200]


def _sentence(error: Exception) -> str:
    words = " ".join(str(error).split())
    return words[:200] if words and not isinstance(error, RecursionError) else "nested too deeply"
