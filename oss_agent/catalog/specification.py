"""Decides whether a specification hangs together, and loads them; a wrong file is refused at start.

A specification names what a sender may say (characteristics), what the service needs from pools,
its ends, the configuration intents and the predicates. An end is a port that a characteristic
names, or each site of a characteristic of type ``sites``. Intents and predicates are made ``per``
end, pair of ends, device, or pair of devices; values are references, one of

* ``{from: WORD}``; with ``times: N`` the integer is multiplied (Mbit/s to kbit/s), with
  ``as: [network]`` an address is turned (see ``forms.From``);
* ``{text: "10"}``: as it stands;
* ``{join: [name, " to ", other.device]}``: items that are words are replaced, others stand;
* ``{first: [{from: WORD}, ...]}``: the first that is known.

The words: ``name``, ``pool.NAME``, ``characteristic.NAME``, ``setting.NAME``; of this ``end`` or, in
a pair, the ``other``: ``device``, ``router_id``, ``pool.NAME`` (a pool per device); and where it is
made per end or pair of ends also ``port``, ``network``, ``test_point.device``,
``test_point.address`` and each field of a site. A reference to something unknown leaves its slot
out; a predicate that needs it is unobservable.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Annotated, Literal

import pydantic
import yaml

from oss_agent import errors
from oss_agent.catalog import forms
from oss_agent.proof import judge

SETTINGS = ("as_number", "internet_community", "internet_reference")
"""What ``setting.NAME`` may name: the settings of ``[catalogue]``."""
_DEVICE = ("device", "router_id")
_END = ("port", "network", "test_point.device", "test_point.address")


class Specification(forms.Form):
    """A customer-facing service specification with its resource-facing parts.

    ``resource_facing`` names the service's part on one device. ``apart``: each end needs a device of
    its own. ``network`` is the network that an end's customer side lies in, where it has one.
    ``out_of_band`` is what to do when somebody else changed the service's own configuration.
    """

    id: str
    version: Annotated[str, pydantic.Field(pattern=r"^\d+\.\d+$")]
    name: str
    resource_facing: str
    characteristics: dict[str, forms.Characteristic]
    pools: dict[str, forms.Pool] = pydantic.Field(default_factory=dict)
    ends: Annotated[list[str], pydantic.Field(min_length=1)]
    apart: bool = False
    out_of_band: Literal["abort", "revert", "adopt", "accept"] = "abort"
    network: forms.From | None = None
    intents: Annotated[list[forms.IntentForm], pydantic.Field(min_length=1)]
    predicates: list[forms.PredicateForm]

    @pydantic.model_validator(mode="after")
    def _hangs_together(self) -> Specification:
        wrong = [
            *self._unknown_characteristics(),
            *self._wrong_ends(),
            *self._unknown_words(),
            *self._unknown_kinds(),
        ]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @property
    def site_fields(self) -> dict[str, forms.Characteristic]:
        """What is said of each site; nothing where the ends are plain ports."""
        return self.characteristics[self.ends[0]].fields

    def _unknown_characteristics(self) -> Iterator[str]:
        wishes = [pool.wish for pool in self.pools.values() if pool.wish is not None]
        for name in (*self.ends, *wishes):
            if name not in self.characteristics:
                yield f"{name} is not among the characteristics"

    def _wrong_ends(self) -> Iterator[str]:
        found = [(n, self.characteristics[n]) for n in self.ends if n in self.characteristics]
        if [form.type for _, form in found] == ["sites"]:
            found = []
        for name, form in found:
            if not forms.is_required_port(form):
                yield f"the end {name} must be a required port, or the only one and sites"
        if sum(intent.per in {"end", "pair"} for intent in self.intents) != 1:
            yield "exactly one intent is made per end or pair of ends: it takes the port"

    def _unknown_words(self) -> Iterator[str]:
        if any(name not in self.characteristics for name in self.ends):
            return
        if self.network is not None and not self.knows(self.network.word, "end"):
            yield f"nothing is called {self.network.word}"
        for scope, word in self._uses():
            if not self.knows(word, scope):
                yield f"nothing is called {word} per {scope}"

    def _uses(self) -> Iterator[tuple[forms.Scope, str]]:
        for intent in self.intents:
            for reference in intent.slots.values():
                for word in _words(reference):
                    yield intent.per, word
        for predicate in self.predicates:
            yield predicate.per, predicate.at
            for reference in predicate.params.values():
                for word in _words(reference):
                    yield predicate.per, word

    def _unknown_kinds(self) -> Iterator[str]:
        for predicate in self.predicates:
            if predicate.kind not in judge.RULES:
                yield f"nothing judges {predicate.kind}; known: {', '.join(sorted(judge.RULES))}"

    def knows(self, word: str, scope: forms.Scope) -> bool:
        """Is this a word that a reference may use in what is made per ``scope``?"""
        family, _, name = word.partition(".")
        match family:
            case "pool":
                return name in self.pools and self.pools[name].per == "service"
            case "characteristic":
                return name in self.characteristics
            case "setting":
                return name in SETTINGS
            case "end":
                return self._knows_of_end(name, scope)
            case "other":
                return scope in {"pair", "device-pair"} and self._knows_of_end(name, scope)
            case _:
                return word == "name"

    def _knows_of_end(self, name: str, scope: forms.Scope) -> bool:
        family, _, pool = name.partition(".")
        if family == "pool":
            return pool in self.pools and self.pools[pool].per == "device"
        if scope in {"end", "pair"} and (name in _END or name in self.site_fields):
            return True
        return name in _DEVICE


def _words(reference: forms.Reference) -> tuple[str, ...]:
    """The words a reference cannot do without. In a join, what is no word is plain text."""
    match reference:
        case forms.From(word=word):
            return (word,)
        case forms.First(first=several):
            return tuple(one.word for one in several)
        case _:
            return ()


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
