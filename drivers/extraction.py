"""Decides which typed facts a command's output holds, by the platform's data; pure.

Regular expressions come from reviewed data files and see at most the bounded output; nothing of
the output is ever executed or formatted into anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from device_models import model
from drivers import text
from drivers.execution import Output
from oss_agent.spi.proof import Scalar

_MISSING = object()


class NotThere(Exception):
    """The output does not hold what was asked; the text says what is missing."""


def word(part: model.Word, params: Mapping[str, str]) -> str:
    """A word of a command or path with its slot filled."""
    return part.text if part.text is not None else params[part.slot or ""]


def transcript(words: Sequence[str], output: Output) -> str:
    """The exchange as people read it: the command, what it said, how it ended."""
    asked = f"$ {' '.join(words)}\n" if words else ""
    ended = "" if output.status == 0 else f"[exit status {output.status}]\n"
    return asked + output.out + output.err + ended


def values(
    reading: model.Reading, params: Mapping[str, str], output: Output
) -> Mapping[str, Scalar]:
    """The facts of a reading, by name. Raises NotThere."""
    for alternative in reading.alternatives:
        if re.search(alternative.regex, output.out + "\n" + output.err, re.MULTILINE):
            return dict(alternative.values)
    if output.status not in reading.statuses:
        raise NotThere(f"exit status {output.status}: {text.line(output.err or output.out)}")
    if output.cut:
        raise NotThere("there was more output than is read")
    found = _Found(output.out)
    wanted = ((name, _value(value, params, found)) for name, value in reading.values.items())
    return {name: value for name, value in wanted if value is not None}


class _Found:
    """The output as text and, when asked for the first time, as JSON."""

    def __init__(self, out: str) -> None:
        self.text = out
        self._json: Any = _MISSING

    @property
    def json(self) -> Any:
        if self._json is _MISSING:
            try:
                self._json = json.loads(self.text)
            except (ValueError, RecursionError) as wrong:
                raise NotThere(f"the output is not JSON: {text.line(self.text)!r}") from wrong
        return self._json


def _value(value: model.Value, params: Mapping[str, str], found: _Found) -> Scalar:
    raw = _by_regex(value.regex, found) if value.regex else _by_path(value, params, found)
    if raw is not _MISSING:
        return _typed(value, raw, params)
    if value.otherwise is None and not value.optional:
        raise NotThere(f"{value.regex or _path_text(value, params)} is not in the output")
    return value.otherwise


def _by_regex(regex: str, found: _Found) -> Any:
    match = re.search(regex, found.text, re.MULTILINE)
    return _MISSING if match is None else match[1]


def _by_path(value: model.Value, params: Mapping[str, str], found: _Found) -> Any:
    node = found.json
    for step in value.path or ():
        name = word(step, params)
        if not isinstance(node, dict) or name not in node:
            return _MISSING
        node = node[name]
    return node


def _path_text(value: model.Value, params: Mapping[str, str]) -> str:
    return "/".join(word(step, params) for step in value.path or ())


def _typed(value: model.Value, raw: Any, params: Mapping[str, str]) -> Scalar:
    match value.extract:
        case model.Extract.JSON:
            return json.dumps(raw, separators=(",", ":"))
        case model.Extract.COUNT:
            return _count(raw, value.where)
        case model.Extract.CONTAINS:
            return value.wanted is not None and _contains(raw, word(value.wanted, params))
        case _:
            return _scalar(value, raw)


def _scalar(value: model.Value, raw: Any) -> Scalar:
    said = text.line(str(raw))
    if value.map:
        return value.map.get(said, value.otherwise)
    try:
        match value.extract:
            case model.Extract.INT:
                return int(said)
            case model.Extract.FLOAT:
                return float(said)
            case _:
                return said
    except ValueError:
        raise NotThere(f"{said!r} is not a number") from None


def _count(raw: Any, where: Mapping[str, Scalar]) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    if not isinstance(raw, list | dict):
        raise NotThere("what should be counted is neither a list nor a number")
    entries = list(raw.values()) if isinstance(raw, dict) else raw
    return sum(1 for entry in entries if _fits(entry, where))


def _fits(entry: Any, where: Mapping[str, Scalar]) -> bool:
    if not where:
        return True
    return isinstance(entry, dict) and all(entry.get(k) == wanted for k, wanted in where.items())


def _contains(raw: Any, wanted: str) -> bool:
    entries = raw if isinstance(raw, list) else []
    return any(
        entry == wanted or (isinstance(entry, dict) and wanted in entry.values())
        for entry in entries
    )
