"""Decides what is known of containerlab's kinds of nodes: our platform, their first login. Pure data.

Every kind is known by its name, also those without a driver of ours.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pydantic
import yaml

from oss_agent.errors import ConfigurationError

FILE: Final = Path(__file__).parent / "containerlab_kinds.yaml"


class FirstLogin(pydantic.BaseModel):
    """What a node comes up with; the makers publish it."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    username: str
    password: str


class Kind(pydantic.BaseModel):
    """One entry of the file, which says what each means."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    kind: str
    title: str
    also: tuple[str, ...] = ()
    platform: str = ""
    login: FirstLogin | None = None
    known_as: tuple[str, ...] = ()
    nothing: str = ""
    host: bool = False


@dataclass(frozen=True, slots=True)
class Kinds:
    """``named``: by every name that containerlab has or had for it; ``tools`` by other tools' names."""

    named: Mapping[str, Kind]
    tools: Mapping[str, frozenset[str]]

    def meant(self, name: str) -> frozenset[str]:
        """The kinds that a name may mean, by their present names; itself where nobody knows it."""
        known = self.named.get(name)
        if known is not None:
            return frozenset({known.kind})
        return self.tools.get(name, frozenset({name} if name else ()))


@functools.cache
def load(file: Path = FILE) -> Kinds:
    """The kinds of an installed release, read once. ConfigurationError naming the file."""
    try:
        text = yaml.safe_load(file.read_text(encoding="utf-8"))
        every = pydantic.TypeAdapter(tuple[Kind, ...]).validate_python(text)
    except (OSError, ValueError, yaml.YAMLError) as wrong:
        raise ConfigurationError(f"{file} cannot be read: {wrong}") from wrong
    named = {name: one for one in every for name in (one.kind, *one.also)}
    tools: dict[str, frozenset[str]] = {}
    for one in every:
        for name in one.known_as:
            tools[name] = tools.get(name, frozenset()) | {one.kind}
    return Kinds(named, tools)
