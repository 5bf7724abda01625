"""Decides what a platform's quality file may say, and reads it: each rule, and what it was proven on.

Both files are data beside the drivers; an outside package ships its own ``quality.yaml`` beside its
``driver.py`` and is judged by the same rules.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from importlib import resources
from typing import Any, TypeVar

import pydantic
import yaml
from pydantic.dataclasses import dataclass

from oss_agent.errors import ConfigurationError
from oss_agent.spi import standing

T = TypeVar("T")
_STRICT = pydantic.ConfigDict(extra="forbid")
FILE = "quality.yaml"
PROVEN = "proven"
TRIAL = "trial"
_NO_RULES = frozenset({PROVEN, TRIAL})


class Status(StrEnum):
    """How a platform stands to a rule."""

    DONE = "done"
    TODO = "todo"
    EXEMPT = "exempt"


@dataclass(frozen=True, config=_STRICT)
class Rule:
    """A rule, and the tests that show it where a platform names none of its own."""

    says: str
    shown_by: tuple[str, ...] = ()


@dataclass(frozen=True, config=_STRICT)
class Answer:
    """What a platform says to a rule; whatever is not done has a reason."""

    status: Status
    reason: str = ""
    shown_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an excuse without a reason."""
        if self.status is not Status.DONE and not self.reason:
            raise ValueError(f"a rule that is {self.status} needs a `reason`")


@dataclass(frozen=True, config=_STRICT)
class ProvenOn:
    """Versions and models on which the laws have passed, by patterns; ``why``: where it was shown."""

    version: re.Pattern[str]
    why: str
    model: re.Pattern[str] = re.compile(".*")


def proven(package: str) -> tuple[standing.Proven, ...]:
    """On what the platform in this package may be written to; () where it does not say.

    ConfigurationError when its file cannot be read.
    """
    told = part(resources.files(package), PROVEN, list[ProvenOn])
    return tuple(standing.Proven(one.version, one.model, one.why) for one in told)


def part(folder: Any, name: str, shape: type[list[T]]) -> tuple[T, ...]:
    """A part of a platform's file that is no rule; () where it is not there.

    ConfigurationError when it cannot be read.
    """
    file = folder.joinpath(FILE)
    return tuple(_shaped(file, _read(file, dict[str, Any]).get(name, []), shape))


def rules() -> Mapping[str, Rule]:
    """The rules by name, in the order in which they are shown."""
    return _read(resources.files("drivers").joinpath(FILE), dict[str, Rule])


def answers(package: str) -> Mapping[str, Answer]:
    """What the platform in this package says to each rule, with the tests that show it.

    ConfigurationError when it has no file, leaves a rule out or answers one that there is not.
    """
    file = resources.files(package).joinpath(FILE)
    told = _read(file, dict[str, Any])
    said = _shaped(file, {k: v for k, v in told.items() if k not in _NO_RULES}, dict[str, Answer])
    asked = rules()
    if set(said) != set(asked):
        missing, unknown = sorted(set(asked) - set(said)), sorted(set(said) - set(asked))
        raise ConfigurationError(f"{file}: missing rules {missing}, unknown rules {unknown}")
    return {name: _shown(said[name], rule) for name, rule in asked.items()}


def _shown(answer: Answer, rule: Rule) -> Answer:
    if answer.status is not Status.DONE or answer.shown_by:
        return answer
    return Answer(answer.status, answer.reason, rule.shown_by)


def _read(file: Any, shape: type[T]) -> T:
    try:
        told = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as wrong:
        raise ConfigurationError(f"{file} cannot be used: {wrong}") from wrong
    return _shaped(file, told, shape)


def _shaped(file: Any, told: Any, shape: type[T]) -> T:
    try:
        return pydantic.TypeAdapter(shape).validate_python(told)
    except ValueError as wrong:
        raise ConfigurationError(f"{file} cannot be used: {wrong}") from wrong
