"""What every section is made of: frozen, and values that say what they may be."""

from __future__ import annotations

import re
from typing import Annotated

import pydantic

_REFERENCE = re.compile(r"file:.+|env:[A-Za-z_][A-Za-z0-9_]*")
_HTTP_URL = re.compile(r"https?://[^/\s]+", re.ASCII)
Seconds = Annotated[float, pydantic.Field(gt=0, le=86_400)]
Port = Annotated[int, pydantic.Field(ge=0, le=65_535)]


def _reference(text: str) -> str:
    if not _REFERENCE.fullmatch(text):  # the value itself is not repeated: it may be the secret
        raise ValueError("a secret is never a value here: write file:PATH or env:NAME")
    return text


def _http_url(text: str) -> str:
    if text and not _HTTP_URL.match(text):
        raise ValueError("must be an http:// or https:// URL with a host")
    return text


SecretRef = Annotated[str, pydantic.AfterValidator(_reference)]
HttpUrl = Annotated[str, pydantic.AfterValidator(_http_url)]


class Section(pydantic.BaseModel):
    """A part of the tree: frozen, and a misspelt name is an error, not a silence."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
