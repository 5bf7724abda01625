"""Reads the tree, and says of each mistake where it was written and what is wrong."""

from __future__ import annotations

from pathlib import Path

import pydantic
import pydantic_settings as ps
from pydantic_core import ErrorDetails

from oss_agent import errors
from oss_agent.settings import outside, places
from oss_agent.settings.tree import PREFIX, SECTIONS, Settings


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

    _refuse_unknown_sections()
    try:
        return FromFile()
    except pydantic.ValidationError as bad:
        text = "" if file is None else file.read_text(encoding="utf-8")
        said = "; ".join(_said(one, str(file or ""), text) for one in bad.errors())
        raise errors.ConfigurationError(f"settings: {said}") from bad
    except ps.SettingsError as bad:  # only the environment is decoded field by field
        raise errors.ConfigurationError(
            f"environment: {bad}; lists and tables are written as JSON there"
        ) from bad
    except (OSError, ValueError) as bad:
        raise errors.ConfigurationError(f"{file}: {bad}") from bad


def _said(found: ErrorDetails, file: str, text: str) -> str:
    """One mistake as ``file:line: section.field: what is wrong``, without the library's own words."""
    said = places.where(found["loc"], file, text, outside.environment().keys(), PREFIX)
    where = ": ".join(filter(None, (said, ".".join(map(str, found["loc"])) or "settings")))
    if found["type"] == "extra_forbidden":
        return f"{where}: there is no such setting, see docs/configuration.md"
    return f"{where}: {found['msg'].removeprefix('Value error, ')}"


def _refuse_unknown_sections() -> None:
    """OSS_AGENT_HTPP__PORT would be ignored by the library, and the daemon run on the default."""
    for name in sorted(outside.environment()):
        section, parted, _ = name.upper().removeprefix(PREFIX).partition("__")
        if name.upper().startswith(PREFIX) and parted and section.lower() not in SECTIONS:
            raise errors.ConfigurationError(
                f"environment: {name}: there is no section {section.lower()}; there are "
                + ", ".join(SECTIONS)
            )
