"""What every section is made of: frozen, and values that say what they may be."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from collections.abc import Set as AbstractSet
from typing import Annotated, Any, Self, TypeAlias

import pydantic
import pydantic_core

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


Clash: TypeAlias = tuple[Collection[str], str]
"""Settings of one section that cannot stand together, and the sentence that says why."""


class Section(pydantic.BaseModel):
    """A part of the tree: frozen, and a misspelt name is an error, not a silence."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    def clashes(self) -> Iterator[Clash]:
        """What does not hang together. By default each setting stands alone."""
        return iter(())

    @pydantic.model_validator(mode="wrap")
    @classmethod
    def _every_mistake(cls, said: Any, handler: pydantic.ModelWrapValidatorHandler[Self]) -> Self:
        """Clashes are told beside wrong values, not only once those are mended."""
        try:
            made = handler(said)
        except pydantic.ValidationError as bad:
            found = bad.errors(include_url=False)
            wrong = {one["loc"][0] for one in found if one["loc"]}
            details = [
                _detail(one["type"], one["loc"], one["msg"], one.get("ctx")) for one in found
            ]
            raise _invalid(cls, [*details, *cls._clashes_beside(wrong, said, handler)]) from None
        words = [words for _, words in made.clashes()]
        if words:
            raise _invalid(cls, [_detail("clash", (), one) for one in words])
        return made

    @classmethod
    def _clashes_beside(
        cls, wrong: AbstractSet[Any], said: Any, handler: pydantic.ModelWrapValidatorHandler[Self]
    ) -> list[pydantic_core.InitErrorDetails]:
        """Of settings that are right themselves: the wrong ones are left out to find them."""
        if not isinstance(said, dict):
            return []
        try:
            made = handler({name: value for name, value in said.items() if name not in wrong})
        except pydantic.ValidationError:  # one that must be there is among the wrong ones
            return []
        return [
            _detail("clash", (), one) for names, one in made.clashes() if not wrong & set(names)
        ]


def _detail(
    kind: str, place: tuple[int | str, ...], words: str, context: Any = None
) -> pydantic_core.InitErrorDetails:
    told = pydantic_core.PydanticCustomError(
        kind,  # pyright: ignore[reportArgumentType] - lest a stranger's text be a template; it is a name
        "{said}",
        {**(context or {}), "said": words},
    )
    return {"type": told, "loc": place, "input": None}


def _invalid(
    section: type[Section], details: list[pydantic_core.InitErrorDetails]
) -> pydantic_core.ValidationError:
    return pydantic_core.ValidationError.from_exception_data(section.__name__, details)
