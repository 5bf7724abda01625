"""Decides what a product offering may say, and whether it fits the service specifications it bundles.

An offering names its services (its parts), which come after which, and what a sender may say of the
product: each characteristic sets characteristics of the parts, in their types. A part with ``when``
is there only if that characteristic is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

import pydantic

from oss_agent.catalog import forms, reading, resource, specification, values

Services: TypeAlias = Mapping[tuple[str, str], specification.Specification]


class Part(forms.Form):
    """A bundled service. ``after`` are parts that are completed first, where they are ordered.

    ``fixed`` are characteristics of the service that the product decides, not its sender.
    """

    specification: forms.Id
    version: forms.Version
    when: str | None = None
    after: list[str] = pydantic.Field(default_factory=list)
    fixed: dict[str, Any] = pydantic.Field(default_factory=dict)


Target = Annotated[str, pydantic.Field(pattern=r"^[a-z][a-z0-9-]*\.[A-Za-z][A-Za-z0-9_]*$")]


class Characteristic(forms.Form):
    """What a sender may say of the product; it ``sets`` characteristics of parts (``vpn.sites``).

    ``values``: only these are offered; without it whatever the parts take.
    """

    sets: Annotated[list[Target], pydantic.Field(min_length=1)]
    values: list[Any] | None = None
    text: str

    @property
    def targets(self) -> tuple[tuple[str, str], ...]:
        """(part, characteristic of its service)."""
        pairs = (target.partition(".") for target in self.sets)
        return tuple((part, name) for part, _, name in pairs)


class Offering(forms.Entry):
    """A product as it is offered: its services and how it is told apart from others of its kind."""

    services: Annotated[dict[forms.Id, Part], pydantic.Field(min_length=1)]
    characteristics: dict[str, Characteristic]

    @pydantic.model_validator(mode="after")
    def _hangs_together(self) -> Offering:
        wrong = [*self._unknown_names(), *self._circle(), *self._set_twice()]
        if wrong:
            raise reading.Wrong(wrong)
        return self

    @property
    def order(self) -> tuple[str, ...]:
        """The parts, each behind those that it comes after, else as the file has them."""
        placed: list[str] = []
        waiting = list(self.services)
        while waiting:
            ready = [name for name in waiting if set(self.services[name].after) <= set(placed)]
            if not ready:
                return tuple(placed)
            placed.append(ready[0])
            waiting.remove(ready[0])
        return tuple(placed)

    def _unknown_names(self) -> Iterator[specification.Complaint]:
        parts, said = ", ".join(self.services), ", ".join(self.characteristics)
        for name, part in self.services.items():
            for number, other in enumerate(part.after):
                if other not in self.services:
                    where = ("services", name, "after", number)
                    yield where, f"there is no service {other} in it; there are {parts}"
            if part.when is not None and part.when not in self.characteristics:
                place = ("services", name, "when")
                yield place, f"there is no characteristic {part.when}; there are {said}"
        for name, one in self.characteristics.items():
            for number, (of, _) in enumerate(one.targets):
                if of not in self.services:
                    where = ("characteristics", name, "sets", number)
                    yield where, f"there is no service {of} in it; there are {parts}"

    def _circle(self) -> Iterator[specification.Complaint]:
        known = all(set(part.after) <= set(self.services) for part in self.services.values())
        left = [name for name in self.services if name not in self.order]
        if known and left:
            what = f"{', '.join(left)} come after each other: leave one out of after"
            yield ("services", left[0], "after"), what

    def _set_twice(self) -> Iterator[specification.Complaint]:
        set_by: dict[tuple[str, str], str] = {}
        for name, one in self.characteristics.items():
            for number, target in enumerate(one.targets):
                where = ("characteristics", name, "sets", number)
                part = self.services.get(target[0])
                if target in set_by:
                    yield where, f"{'.'.join(target)} is set by {set_by[target]} too"
                elif part is not None and target[1] in part.fixed:
                    yield where, f"{'.'.join(target)} is fixed: a sender cannot set it"
                set_by.setdefault(target, name)


@dataclass(frozen=True, slots=True)
class _Beside:
    """An offering beside the services that it names and the catalogue has."""

    of: Offering
    services: Mapping[str, specification.Specification]


def misfits(
    of: Offering, services: Services, parts: Mapping[tuple[str, str], resource.Resource]
) -> Iterator[specification.Complaint]:
    """What is wrong about an offering beside the specifications that the catalogue has."""
    found = {
        name: services[part.specification, part.version]
        for name, part in of.services.items()
        if (part.specification, part.version) in services
    }
    for name in of.services.keys() - found.keys():
        part = of.services[name]
        there = ", ".join(" ".join(key) for key in services)
        what = f"there is no service specification {part.specification} {part.version}; there are {there}"
        yield ("services", name, "specification"), what
    beside = _Beside(of, found)
    yield from _unknown(beside)
    yield from _unset(beside)
    yield from _wrong_values(beside)
    yield from _not_last(beside, parts)


def _unknown(beside: _Beside) -> Iterator[specification.Complaint]:
    for name, spec in beside.services.items():
        has = ", ".join(spec.characteristics)
        for fixed in beside.of.services[name].fixed.keys() - spec.characteristics.keys():
            where = ("services", name, "fixed", fixed)
            yield where, f"{spec.id} {spec.version} has no {fixed}; it has {has}"
    for name, one in beside.of.characteristics.items():
        for number, (part, target) in enumerate(one.targets):
            of = beside.services.get(part)
            if of is not None and target not in of.characteristics:
                has = ", ".join(of.characteristics)
                place = ("characteristics", name, "sets", number)
                yield place, f"{of.id} {of.version} has no {target}; it has {has}"


def _unset(beside: _Beside) -> Iterator[specification.Complaint]:
    told = {target for one in beside.of.characteristics.values() for target in one.targets}
    for name, spec in beside.services.items():
        for needed, form in spec.characteristics.items():
            given = (name, needed) in told or needed in beside.of.services[name].fixed
            if form.required and not given:
                what = f"{spec.id} {spec.version} needs {needed} ({form.text}): set or fix it"
                yield ("services", name), what


def _wrong_values(beside: _Beside) -> Iterator[specification.Complaint]:
    for place, part, name, value in _given(beside.of):
        spec = beside.services.get(part)
        form = spec.characteristics.get(name) if spec is not None else None
        why = values.wrong(value, form) if form is not None else None
        if why is not None:
            yield place, f"{part}.{name} does not take it: {why}"


def _given(of: Offering) -> Iterator[tuple[reading.Place, str, str, Any]]:
    """Every value that the file itself gives: where, for which part, which characteristic."""
    for part, service in of.services.items():
        for name, value in service.fixed.items():
            yield ("services", part, "fixed", name), part, name, value
    for said, one in of.characteristics.items():
        for number, value in enumerate(one.values or ()):
            for part, name in one.targets:
                yield ("characteristics", said, "values", number), part, name, value


def _not_last(
    beside: _Beside, parts: Mapping[tuple[str, str], resource.Resource]
) -> Iterator[specification.Complaint]:
    """What cannot be taken back must come last: nothing behind it may fail and leave it there."""
    for name, spec in beside.services.items():
        rules = (parts.get((rule.specification, rule.version)) for _, _, rule in spec.rules)
        if all(one is None or one.reversible for one in rules):
            continue
        others = set(beside.of.services) - {name}
        if not others <= set(beside.of.services[name].after):
            what = f"{spec.id} cannot be taken back: it must come after all others"
            yield ("services", name), what
