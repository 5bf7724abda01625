"""YAML that a person typed, as JSON can carry it: moments and ``65000:20`` stay the text they are."""

from __future__ import annotations

import json
from typing import Any

import yaml

_MOMENT = "tag:yaml.org,2002:timestamp"
_TEXT = "tag:yaml.org,2002:str"
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


class _Loader(yaml.SafeLoader):
    """Safe YAML 1.1 but for its moments: ``2026-12-01`` would become a date, which no JSON has."""

    yaml_implicit_resolvers = {  # noqa: RUF012  (the base class's attribute, shaped as it wants it)
        first: [(tag, form) for tag, form in forms if tag != _MOMENT]
        for first, forms in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        """The tag; what YAML 1.1 counts by sixty, ``65000:20``, is a route target to who types it here."""
        tag = super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]  # its stubs lack it
        return _TEXT if tag in _NUMBERS and ":" in value else tag


def load(text: str) -> Any:
    """The value. yaml.YAMLError: it is no YAML; ValueError: it holds what JSON cannot (a set, NaN)."""
    value = yaml.load(text, _Loader)  # noqa: S506  (a SafeLoader that makes fewer types)
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, RecursionError) as bad:
        raise ValueError(f"it holds what JSON cannot carry: {bad}") from bad
    return value
