"""Decides whether a service specification hangs together in itself.

A specification names what a sender may say (characteristics), what the service needs from pools,
its ends, its resource-facing services with their resources, and the predicates. An end is a port
that a characteristic names, or each site of a characteristic of type ``sites``. Resources and
predicates are made ``per`` end, pair of ends, device, or pair of devices; values are references,
one of

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
from typing import Annotated, Literal, TypeAlias

import pydantic

from oss_agent.catalog import files, forms, reading
from oss_agent.proof import judge

SETTINGS = ("as_number", "internet_community", "internet_reference")
"""What ``setting.NAME`` may name: the settings of ``[catalogue]``."""
_DEVICE = ("device", "router_id")
_END = ("port", "network", "test_point.device", "test_point.address")
Complaint: TypeAlias = tuple[reading.Place, str]


class Specification(forms.Entry):
    """A customer-facing service specification with its resource-facing ones.

    ``apart``: each end needs a device of its own. ``network`` is the network that an end's customer
    side lies in, where it has one. ``out_of_band`` is what to do when somebody else changed the
    service's own configuration.
    """

    characteristics: dict[str, forms.Characteristic]
    pools: dict[str, forms.Pool] = pydantic.Field(default_factory=dict)
    ends: Annotated[list[str], pydantic.Field(min_length=1)]
    apart: bool = False
    out_of_band: Literal["abort", "revert", "adopt", "accept"] = "abort"
    network: forms.From | None = None
    resource_facing: Annotated[list[forms.ResourceFacing], pydantic.Field(min_length=1)]
    predicates: list[forms.PredicateForm]
    monitoring: forms.Monitoring = pydantic.Field(default_factory=forms.Monitoring)

    @pydantic.model_validator(mode="after")
    def _hangs_together(self) -> Specification:
        wrong = [
            *self._unknown_characteristics(),
            *self._wrong_lengths(),
            *self._wrong_ends(),
            *self._wrong_resources(),
            *self._unknown_words(),
            *self._unknown_kinds(),
        ]
        if wrong:
            raise reading.Wrong(wrong)
        return self

    @property
    def site_fields(self) -> dict[str, forms.Characteristic]:
        """What is said of each site; nothing where the ends are plain ports."""
        return self.characteristics[self.ends[0]].fields

    @property
    def rules(self) -> Iterator[tuple[reading.Place, str, forms.ResourceForm]]:
        """Every decomposition rule: where it stands, its resource-facing service, the rule."""
        for number, facing in enumerate(self.resource_facing):
            for position, rule in enumerate(facing.resources):
                yield ("resource_facing", number, "resources", position), facing.id, rule

    def _unknown_characteristics(self) -> Iterator[Complaint]:
        known = ", ".join(self.characteristics)
        wishes = [(("pools", name, "wish"), one.wish) for name, one in self.pools.items()]
        wishes += [(("pools", name, "length"), one.length) for name, one in self.pools.items()]
        places = [(("ends", number), name) for number, name in enumerate(self.ends)]
        for place, name in (*places, *wishes):
            if name is not None and name not in self.characteristics:
                yield place, f"{name} is not among the characteristics; there are {known}"

    def _wrong_lengths(self) -> Iterator[Complaint]:
        for pool, one in self.pools.items():
            form = self.characteristics.get(one.length or "")
            if form is not None and (form.type != "integer" or one.per != "service"):
                where = ("pools", pool, "length")
                yield where, f"{one.length} must be an integer, of a pool that is not per device"

    def _wrong_ends(self) -> Iterator[Complaint]:
        found = [(n, self.characteristics[n]) for n in self.ends if n in self.characteristics]
        if [form.type for _, form in found] == ["sites"]:
            found = []
        for name, form in found:
            if not forms.is_required_port(form):
                where = ("characteristics", name)
                yield where, f"the end {name} must be a required port, or the only one and sites"

    def _wrong_resources(self) -> Iterator[Complaint]:
        if sum(rule.per in {"end", "pair"} for _, _, rule in self.rules) != 1:
            what = "exactly one resource is made per end or pair of ends: it takes the port"
            yield ("resource_facing",), what
        ids = [facing.id for facing in self.resource_facing]
        for number, one in enumerate(ids):
            if one in ids[:number]:
                yield ("resource_facing", number, "id"), f"{one} is there twice: name it otherwise"

    def _unknown_words(self) -> Iterator[Complaint]:
        if any(name not in self.characteristics for name in self.ends):
            return
        if self.network is not None and not self.knows(self.network.word, "end"):
            yield ("network",), f"nothing is called {self.network.word} per end"
        for place, scope, word in self._uses():
            if not self.knows(word, scope):
                known = ", ".join(self.words(scope))
                yield place, f"nothing is called {word} per {scope}; there are {known}"

    def _uses(self) -> Iterator[tuple[reading.Place, forms.Scope, str]]:
        for place, _, rule in self.rules:
            for name, reference in rule.slots.items():
                for word in _words(reference):
                    yield (*place, "slots", name), rule.per, word
        for number, predicate in enumerate(self.predicates):
            place = ("predicates", number)
            yield (*place, "at"), predicate.per, predicate.at
            for name, reference in predicate.params.items():
                for word in _words(reference):
                    yield (*place, "params", name), predicate.per, word

    def _unknown_kinds(self) -> Iterator[Complaint]:
        for number, predicate in enumerate(self.predicates):
            if predicate.kind not in judge.RULES:
                known = ", ".join(sorted(judge.RULES))
                place = ("predicates", number, "kind")
                yield place, f"nothing judges {predicate.kind}; known: {known}"

    def knows(self, word: str, scope: forms.Scope) -> bool:
        """Is this a word that a reference may use in what is made per ``scope``?"""
        return word in self.words(scope)

    def words(self, scope: forms.Scope) -> tuple[str, ...]:
        """Every word that a reference may use in what is made per ``scope``."""
        here = [*_DEVICE, *(f"pool.{n}" for n, pool in self.pools.items() if pool.per == "device")]
        if scope in {"end", "pair"}:
            here += [*_END, *self.site_fields]
        sides = ("end", "other") if scope in {"pair", "device-pair"} else ("end",)
        return (
            "name",
            *(f"characteristic.{name}" for name in self.characteristics),
            *(f"pool.{name}" for name, pool in self.pools.items() if pool.per == "service"),
            *(f"setting.{name}" for name in SETTINGS),
            *(f"{side}.{name}" for side in sides for name in here),
        )


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
    """Every service specification of a folder (default: those shipped), by id and version.

    ConfigurationError names each file, line and place that is wrong, also two files of one id and
    version.
    """
    shipped = resources.files("oss_agent.catalog") / "shipped" / "services"
    return files.load(folder or shipped, Specification)
