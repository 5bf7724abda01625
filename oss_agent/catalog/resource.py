"""Decides what a resource specification may say: one piece of configuration on one device, as data.

Its characteristics are the slots of the template by which each platform configures it
(``device_models/PLATFORM/templates``), in the same types: a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pydantic

from oss_agent.catalog import forms, reading

SAID = {"name": "name", "description": "text", "uint": "integer"}
"""What a sender may say for a slot of a type; a slot of another type is filled by services only."""


class Characteristic(forms.Form):
    """One value of the resource; ``minimum`` and ``maximum`` bound a number without sign."""

    type: Literal[
        "name",
        "description",
        "uint",
        "ifname",
        "address",
        "interface",
        "prefix",
        "community",
        "route",
    ]
    required: bool = False
    minimum: int | None = None
    maximum: int | None = None
    text: str


class Orderable(forms.Form):
    """An operator may order it by itself, on the port that the characteristic ``at`` names.

    ``template`` is what the platforms call its configuration.
    """

    template: str
    at: str


class Resource(forms.Entry):
    """A logical resource specification.

    ``reversible``: taking it back leaves the device and the customer as they were before. What is
    not can only be the last thing of an offering (see ``offering``).
    """

    characteristics: dict[str, Characteristic]
    reversible: bool = True
    orderable: Orderable | None = None

    @pydantic.model_validator(mode="after")
    def _can_be_ordered(self) -> Resource:
        wrong = [] if self.orderable is None else [*self._unsayable(self.orderable.at)]
        if wrong:
            raise reading.Wrong(wrong)
        return self

    def _unsayable(self, at: str) -> Iterator[tuple[reading.Place, str]]:
        port = self.characteristics.get(at)
        if port is None or port.type != "ifname" or not port.required:
            yield ("orderable", "at"), f"{at} is no required characteristic of type ifname"
        for name, form in self.characteristics.items():
            if name != at and form.type not in SAID:
                what = (
                    f"a sender cannot say {form.type}; of one by itself there are {', '.join(SAID)}"
                )
                yield ("characteristics", name), what


def misfits(
    rule: forms.ResourceForm, place: reading.Place, known: dict[tuple[str, str], Resource]
) -> list[tuple[reading.Place, str]]:
    """What is wrong about a decomposition rule beside the resource specification that it names."""
    of = known.get((rule.specification, rule.version))
    if of is None:
        there = ", ".join(" ".join(key) for key in known) or "none"
        what = f"there is no resource specification {rule.specification} {rule.version}; there are {there}"
        return [((*place, "specification"), what)]
    title = f"resource specification {of.id} {of.version}"
    unknown = [
        ((*place, "slots", name), f"{title} has no {name}; it has {', '.join(of.characteristics)}")
        for name in rule.slots
        if name not in of.characteristics
    ]
    missing = [
        ((*place, "slots"), f"{title} needs {name} ({form.text}): fill it")
        for name, form in of.characteristics.items()
        if form.required and name not in rule.slots
    ]
    return unknown + missing
