"""Designs and paths as JSON for the journal, and back: a design can be replayed for ever."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import pydantic

from oss_agent.spi import catalogue, views
from oss_agent.spi.tree import Path, Step


def design_to_json(design: catalogue.Design) -> dict[str, Any]:
    """``design_from_json`` is its inverse."""
    form: dict[str, Any] = views.as_json(design)
    return form


def design_from_json(form: Mapping[str, Any]) -> catalogue.Design:
    """A design as it was when it was made."""
    return _design().validate_python(form)


@functools.cache
def _design() -> pydantic.TypeAdapter[catalogue.Design]:
    # Built at first use, not at import: a schema costs milliseconds.
    return pydantic.TypeAdapter(catalogue.Design)


def error_from_json(form: Mapping[str, Any] | None) -> views.ErrorView | None:
    """The error of an order or item, as ``views.as_json`` wrote it."""
    return None if form is None else _error().validate_python(form)


@functools.cache
def _error() -> pydantic.TypeAdapter[views.ErrorView]:
    return pydantic.TypeAdapter(views.ErrorView)


def jeopardy_from_json(form: Mapping[str, Any]) -> views.JeopardyView:
    """An alert of an order, as ``views.as_json`` wrote it."""
    return _jeopardy().validate_python(form)


@functools.cache
def _jeopardy() -> pydantic.TypeAdapter[views.JeopardyView]:
    return pydantic.TypeAdapter(views.JeopardyView)


def service_state(word: str | None) -> views.ServiceState | None:
    """The state that an item wants its service to be in; None when it says nothing of it."""
    return None if word is None else views.ServiceState(word)


def path_to_json(path: Path) -> list[Any]:
    """``path_from_json`` is its inverse."""
    return [[step.name, [list(pair) for pair in step.keys]] for step in path]


def path_from_json(form: list[Any]) -> Path:
    """A path from its steps."""
    return tuple(Step(name, tuple((k, v) for k, v in keys)) for name, keys in form)
