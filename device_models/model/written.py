"""What data files are written in: strict values, and regular expressions that compile."""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, ConfigDict

STRICT = ConfigDict(extra="forbid")


def _compiles(expression: str) -> str:
    try:
        re.compile(expression)
    except re.error as wrong:
        raise ValueError(f"{expression!r} is not a regular expression: {wrong}") from wrong
    return expression


Expression: TypeAlias = Annotated[str, AfterValidator(_compiles)]
"""A regular expression, searched for; anchor it where it must match from the start."""
