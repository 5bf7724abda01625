"""Decides what a catalogue file says, or where its mistakes are: file, line, place, what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Any, Generic, TypeAlias, TypeVar

import pydantic
import yaml

from oss_agent.catalog import forms
from oss_agent.spi import refused_values

Place: TypeAlias = tuple[str | int, ...]
Form = TypeVar("Form", bound=forms.Form)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's, where PyYAML was built with it: it reads what is shipped in a tenth of the time."""
_WORDS = {
    "missing": "it is missing: add it",
    "extra_forbidden": "nothing of this name is known here: correct the name or remove it",
}
"""What pydantic says too shortly to act on, by its error types."""


class Wrong(ValueError):
    """What a validator of ours found, each with its place below the validated form."""

    def __init__(self, found: Sequence[tuple[Place, str]]) -> None:
        super().__init__("; ".join(what for _, what in found))
        self.found = tuple(found)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake of a file; ``line`` counts from 1, ``place`` is dotted, "" for the whole file."""

    file: str
    line: int
    place: str
    what: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: "
        return where + (f"{self.place}: {self.what}" if self.place else self.what)


@dataclass(frozen=True, slots=True)
class Read(Generic[Form]):
    """A file that was read: its form, and the lines of its places for later complaints."""

    file: str
    form: Form
    root: yaml.Node

    def mistake(self, place: Place, what: str) -> Mistake:
        """Something that is wrong only beside other files."""
        return Mistake(self.file, _line(self.root, place), dotted(place), what)


def read(file: Traversable, model: type[Form]) -> Read[Form] | tuple[Mistake, ...]:
    """The file as a form, or everything that is wrong in it."""
    try:
        text = file.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=_LOADER)
        said = yaml.load(text, Loader=_LOADER)  # noqa: S506  (one of the two safe ones)
    except yaml.YAMLError as bad:
        return (_unreadable(str(file), bad),)
    except (OSError, ValueError) as bad:
        return (Mistake(str(file), 1, "", _spoilt(bad)),)
    if not isinstance(root, yaml.MappingNode):
        return (
            Mistake(str(file), 1, "", "it is empty or no mapping: begin with id, version, name"),
        )
    twice = tuple(_twice(str(file), root, ()))
    if twice:
        return twice
    try:
        return Read(str(file), model.model_validate(said), root)
    except pydantic.ValidationError as bad:
        return tuple(_mistakes(str(file), root, bad))


def dotted(place: Place) -> str:
    """``resource_facing[0].slots.port``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return text.removeprefix(".")


def _spoilt(bad: OSError | ValueError) -> str:
    if isinstance(bad, OSError | UnicodeDecodeError):
        return f"it cannot be read as UTF-8 text: {bad}"
    # PyYAML lets it out as it came: of 2026-02-30, or of a number with thousands of digits.
    return f"a date or a number in it is none: {bad}"


def _unreadable(file: str, bad: yaml.YAMLError) -> Mistake:
    mark = getattr(bad, "problem_mark", None)
    why = " ".join(str(getattr(bad, "problem", None) or bad).split())
    return Mistake(file, mark.line + 1 if mark is not None else 1, "", f"it is not YAML: {why}")


def _twice(file: str, node: yaml.Node, place: Place) -> Iterator[Mistake]:
    """Keys that stand twice in one mapping: YAML readers keep the last and say nothing."""
    for step, key, inner in _children(node):
        here = (*place, step)
        if key is not None and key is not _key(node, step):
            what = "it is there twice: remove one"
            yield Mistake(file, key.start_mark.line + 1, dotted(here), what)
        yield from _twice(file, inner, here)


def _children(node: yaml.Node) -> Iterator[tuple[str | int, yaml.Node | None, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        yield from ((str(key.value), key, inner) for key, inner in node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from ((number, None, inner) for number, inner in enumerate(node.value))


def _key(node: yaml.Node, step: str | int) -> yaml.Node | None:
    return next((key for name, key, _ in _children(node) if name == step), None)


def _mistakes(file: str, root: yaml.Node, bad: pydantic.ValidationError) -> Iterator[Mistake]:
    for one in bad.errors(include_url=False, include_input=False):
        # A tag tells pydantic which form a value has; nobody wrote it.
        at = tuple(step for step in one["loc"] if not str(step).startswith(forms.TAG))
        for below, what in _found(one):
            place = (*at, *below)
            yield Mistake(file, _line(root, place), dotted(place), what)


def _found(one: Any) -> Sequence[tuple[Place, str]]:
    cause = one.get("ctx", {}).get("error")
    if isinstance(cause, Wrong):
        return cause.found
    said = refused_values.said(one["type"], one.get("ctx", {}), str(one["msg"]), "a mapping")
    return [((), _WORDS.get(one["type"], said))]


def _line(root: yaml.Node, place: Place) -> int:
    """Where a place stands, or the nearest above it."""
    node, line = root, root.start_mark.line + 1
    for step in place:
        found = next(((key, inner) for name, key, inner in _children(node) if name == step), None)
        if found is None:
            break
        key, node = found
        line = (key or node).start_mark.line + 1
    return line
