"""The form of a specification file, and the loader that refuses a wrong one at start.

A specification names what a sender may say (characteristics), what the service needs from pools,
its two ends, and per end: a template with slots, and predicates. Values are references, one of

* ``{from: WORD}``; with ``times: N`` the integer is multiplied (Mbit/s to kbit/s);
* ``{text: "10"}``: as it stands;
* ``{join: [name, " to ", other.device]}``: items that are words are replaced, others stand.

The words: ``name``, ``pool.NAME``, ``characteristic.NAME``, and of this ``end`` or the ``other``:
``device``, ``port``, ``router_id``, ``test_point.device``, ``test_point.address``. A reference to
something unknown leaves its slot out; a predicate that needs it is unobservable.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Annotated, Literal, TypeAlias

import pydantic
import yaml

from oss_agent import errors
from oss_agent.proof import judge
from oss_agent.spi import proof

_END_WORDS = ("device", "port", "router_id", "test_point.device", "test_point.address")
_PLAIN_WORDS = frozenset(
    {"name", *(f"{side}.{word}" for side in ("end", "other") for word in _END_WORDS)}
)


class _Form(pydantic.BaseModel):
    """Frozen, strict, and a misspelt name is an error."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)


class Characteristic(_Form):
    """What a sender may say; ``port`` is text of the form device:port."""

    type: Literal["port", "integer"]
    required: bool = False
    minimum: int | None = None
    maximum: int | None = None
    text: str


class Pool(_Form):
    """A value from ``pool``; ``wish`` is the characteristic by which a sender may ask for one."""

    pool: str
    wish: str | None = None


class From(_Form):
    """The value of a word."""

    word: str = pydantic.Field(alias="from")
    times: int | None = None


class Text(_Form):
    """A value as it stands."""

    text: str


class Join(_Form):
    """Words and plain text, one after another."""

    join: list[str]


Reference: TypeAlias = From | Text | Join


class PredicateForm(_Form):
    """A predicate, made once per end; ``at`` is the word for the device that is asked."""

    kind: str
    at: Literal["end.device", "end.test_point.device"]
    need: Literal["must", "if-observable"] = "must"
    phase: Literal["held", "after"] = "held"
    params: dict[str, Reference] = pydantic.Field(default_factory=dict)
    expect: dict[str, proof.Scalar] = pydantic.Field(default_factory=dict)


class Specification(_Form):
    """A customer-facing service specification with its resource-facing ends."""

    id: str
    version: Annotated[str, pydantic.Field(pattern=r"^\d+\.\d+$")]
    name: str
    resource_facing: str
    characteristics: dict[str, Characteristic]
    pools: dict[str, Pool] = pydantic.Field(default_factory=dict)
    ends: Annotated[list[str], pydantic.Field(min_length=2, max_length=2)]
    template: str
    slots: dict[str, Reference]
    predicates: list[PredicateForm]

    @pydantic.model_validator(mode="after")
    def _hangs_together(self) -> Specification:
        wrong = [*self._unknown_words(), *self._unknown_kinds(), *self._unknown_characteristics()]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    def _unknown_words(self) -> Iterator[str]:
        references = [
            *self.slots.values(),
            *(ref for predicate in self.predicates for ref in predicate.params.values()),
        ]
        for reference in references:
            if isinstance(reference, From) and not self.knows(reference.word):
                yield f"nothing is called {reference.word}"

    def _unknown_kinds(self) -> Iterator[str]:
        for predicate in self.predicates:
            if predicate.kind not in judge.RULES:
                yield f"nothing judges {predicate.kind}; known: {', '.join(sorted(judge.RULES))}"

    def _unknown_characteristics(self) -> Iterator[str]:
        wishes = [pool.wish for pool in self.pools.values() if pool.wish is not None]
        for name in (*self.ends, *wishes):
            if name not in self.characteristics:
                yield f"{name} is not among the characteristics"
        for name in self.ends:
            end = self.characteristics.get(name)
            if end is not None and not (end.type == "port" and end.required):
                yield f"the end {name} must be a required port"

    def knows(self, word: str) -> bool:
        """Is this a word that a reference may use?"""
        family, _, name = word.partition(".")
        if family == "pool":
            return name in self.pools
        if family == "characteristic":
            return name in self.characteristics
        return word in _PLAIN_WORDS


def load(folder: Traversable | None = None) -> tuple[Specification, ...]:
    """Every specification of a folder (default: those shipped), sorted by id and version.

    ConfigurationError names the file and what is wrong in it, also for two files of one id and
    version.
    """
    shipped = resources.files("oss_agent.catalog") / "specifications"
    files = sorted((folder or shipped).iterdir(), key=lambda file: file.name)
    found = [_read(file) for file in files if file.name.endswith(".yaml")]
    keys = [(one.id, one.version) for one in found]
    for one in found:
        if keys.count((one.id, one.version)) > 1:
            raise errors.ConfigurationError(
                f"specification {one.id} {one.version} is there twice: remove one of the files"
            )
    return tuple(sorted(found, key=lambda one: (one.id, version_key(one.version))))


def version_key(version: str) -> tuple[int, ...]:
    """``1.10`` comes after ``1.9``."""
    return tuple(int(part) for part in version.split("."))


def _read(file: Traversable) -> Specification:
    try:
        return _parse(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as bad:
        raise errors.ConfigurationError(f"specification {file.name}: {bad}") from bad
    except pydantic.ValidationError as bad:
        lines = (f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in bad.errors())
        raise errors.ConfigurationError(f"specification {file.name}: " + "; ".join(lines)) from bad


def _parse(text: str) -> Specification:
    return Specification.model_validate(yaml.safe_load(text))
