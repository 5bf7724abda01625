"""What stands outside of the tree: the environment, and the secrets that references lead to."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from oss_agent import errors


def resolve(reference: str) -> str:
    """The secret behind ``file:PATH`` or ``env:NAME``. ConfigurationError when it is not there."""
    kind, _, where = reference.partition(":")
    if kind == "env":
        value = os.environ.get(where)
        if not value:
            raise errors.ConfigurationError(f"secret {reference}: the variable is not set")
        return value
    try:
        return Path(where).read_text(encoding="utf-8").strip()
    except OSError as bad:
        raise errors.ConfigurationError(f"secret {reference}: {bad.strerror}") from bad


def unresolved(references: Iterable[str]) -> Iterator[str]:
    """Of each secret that is not there, why."""
    for one in dict.fromkeys(references):
        try:
            resolve(one)
        except errors.ConfigurationError as bad:
            yield str(bad)


def environment() -> Mapping[str, str]:
    """The environment as it is now, for what resolves ``env:`` references and armed failpoints."""
    return dict(os.environ)
