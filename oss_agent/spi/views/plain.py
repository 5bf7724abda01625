"""A view as plain JSON types, the form that event rows store."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from types import NoneType
from typing import Any, Final

from oss_agent.spi.clock import rfc3339

_AS_THEY_ARE: Final = frozenset({str, int, float, bool, NoneType})


def as_json(view: Any) -> Any:
    """A view as plain JSON types: tuples become lists, times RFC 3339 with Z, enums their value."""
    if type(view) in _AS_THEY_ARE:  # nine of ten; an enum is of a type of its own
        return view
    if dataclasses.is_dataclass(view) and not isinstance(view, type):
        return {f.name: as_json(getattr(view, f.name)) for f in dataclasses.fields(view)}
    if isinstance(view, Mapping):
        return {str(k): as_json(v) for k, v in view.items()}
    if isinstance(view, list | tuple):
        return [as_json(v) for v in view]
    if isinstance(view, date):
        return rfc3339(view) if isinstance(view, datetime) else view.isoformat()
    return view.value if isinstance(view, StrEnum) else view
