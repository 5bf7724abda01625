"""Reads the tree, and says of each mistake where it was written and what is wrong."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import pydantic
import pydantic_settings as ps
from pydantic_core import ErrorDetails

from oss_agent import errors
from oss_agent.settings import outside, places
from oss_agent.settings.section import Section
from oss_agent.settings.tree import PREFIX, SECTIONS, Settings
from oss_agent.spi import refused_values

_TABLE: Final = "a table"
_MANY: Final = frozenset({"must be a list", f"must be {_TABLE}"})


def load(file: Path | None = None) -> Settings:
    """Read the file (if any) and the environment. ConfigurationError names every wrong field."""
    if file is not None and not file.is_file():
        raise errors.ConfigurationError(f"{file} is not a file: name a TOML file or leave it out")

    class FromFile(Settings):
        model_config = ps.SettingsConfigDict(
            frozen=True,
            extra="forbid",
            env_prefix=PREFIX,
            env_nested_delimiter="__",
            toml_file=file,
        )

    found, tree = [*_unknown_sections(), *_half_parted()], None
    try:
        tree = FromFile()
    except pydantic.ValidationError as bad:
        text = "" if file is None else file.read_text(encoding="utf-8")
        found += [_said(one, str(file or ""), text) for one in bad.errors()]
    except (OSError, ValueError) as bad:
        found.append(_unreadable(str(file or "environment"), str(bad)))
    if found or tree is None:
        raise errors.ConfigurationError(f"settings: {'; '.join(found)}")
    return tree


def _said(found: ErrorDetails, file: str, text: str) -> str:
    """One mistake as ``file:line: section.field: what is wrong``, without the library's own words."""
    said = places.where(found["loc"], file, text, outside.environment().keys(), PREFIX)
    where = ": ".join(filter(None, (said, ".".join(map(str, found["loc"])) or "settings")))
    if found["type"] == "extra_forbidden":
        return f"{where}: there is no such setting, see docs/configuration.md"
    words = refused_values.said(found["type"], found.get("ctx", {}), found["msg"], _TABLE)
    as_json = said.startswith(places.ENVIRONMENT) and words in _MANY
    return f"{where}: {words}" + ("; it is written as JSON there" if as_json else "")


def _unknown_sections() -> Iterator[str]:
    """OSS_AGENT_HTPP__PORT would be ignored by the library, and the daemon run on the default."""
    for name in sorted(outside.environment()):
        section, parted, _ = name.upper().removeprefix(PREFIX).partition("__")
        if name.upper().startswith(PREFIX) and parted and section.lower() not in SECTIONS:
            known = ", ".join(SECTIONS)
            yield f"{places.ENVIRONMENT} {name}: there is no section {section.lower()}; there are {known}"


def _half_parted() -> Iterator[str]:
    """OSS_AGENT_HTTP_PORT would be ignored as well: it is no section's, and no program's of ours."""
    for name in sorted(outside.environment()):
        for section in SECTIONS:
            begins = f"{PREFIX}{section.upper()}_"
            rest = name.upper().removeprefix(begins)
            if name.upper().startswith(begins) and rest.lower() in _settings_of(section):
                yield (
                    f"{places.ENVIRONMENT} {name}: two underscores part a section from its setting: "
                    f"{PREFIX}{section.upper()}__{rest}"
                )


def _settings_of(section: str) -> Collection[str]:
    kind = Settings.model_fields[section].annotation
    return kind.model_fields if isinstance(kind, type) and issubclass(kind, Section) else ()


_PLACE: Final = re.compile(r" \(at line (\d+), column \d+\)$")


def _unreadable(file: str, said: str) -> str:
    """What is no TOML, with its line where the others have it."""
    line = _PLACE.search(said)
    if line is None:
        return f"{file}: {said}"
    return f"{file}:{line[1]}: it is no TOML: {said[: line.start()]}; mend the line"
