"""Decides how a platform's folder becomes one ``Platform``: three kinds of files, read once.

``<platform>/platform.yaml`` is required, ``observe.yaml`` and ``templates/*.yaml`` are not. ``standard:``
in ``observe.yaml`` names files of ``readings/`` whose readings the platform has, where it has none of its
own. Files of an installed release do not change under a running agent, so what was read is kept.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pydantic
import yaml

from device_models.model import Platform
from oss_agent.errors import ConfigurationError
from oss_agent.spi import refused_values

SHIPPED = Path(__file__).parent
_PLATFORM = pydantic.TypeAdapter[Platform](Platform)


@functools.cache
def load(platform: str, folder: Path = SHIPPED) -> Platform:
    """The platform whose data lie in ``folder/<platform>/``.

    ConfigurationError naming the file and place when something is missing or wrong.
    """
    place = folder / platform
    data = _mapping(place / "platform.yaml")
    if (place / "observe.yaml").exists():
        data["observe"] = _observed(_mapping(place / "observe.yaml"))
    data["templates"] = {file.stem: _mapping(file) for file in (place / "templates").glob("*.yaml")}
    try:
        return _PLATFORM.validate_python(data)
    except pydantic.ValidationError as wrong:
        raise ConfigurationError(f"{place}: {_words(wrong)}") from wrong


def _observed(own: dict[str, Any]) -> dict[str, Any]:
    """A platform's readings with the standard ones that it names."""
    names = own.pop("standard", [])
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise ConfigurationError("observe.yaml: `standard` must be a list of names in readings/")
    shared = [_mapping(SHIPPED / "readings" / f"{name}.yaml") for name in names]
    return {kind: reading for each in (*shared, own) for kind, reading in each.items()}


def _mapping(file: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as wrong:
        raise ConfigurationError(f"{file} cannot be read: {wrong}") from wrong
    if not isinstance(data, dict):
        raise ConfigurationError(f"{file} must hold a mapping")
    return data


def _words(wrong: pydantic.ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, one['loc']))}: "
        + refused_values.said(one["type"], one.get("ctx", {}), one["msg"], "a mapping")
        for one in wrong.errors()
    )
