"""Decides what a resource specification may say: one piece of configuration on one device, as data.

Its characteristics are the slots of the template by which each platform configures it
(``device_models/PLATFORM/templates``), in the same types: a test holds the two together.
"""

from __future__ import annotations

from typing import Literal

from oss_agent.catalog import forms, reading


class Characteristic(forms.Form):
    """One value of the resource; ``minimum`` and ``maximum`` bound a number without sign."""

    type: Literal[
        "name", "description", "uint", "ifname", "address", "interface", "prefix", "community"
    ]
    required: bool = False
    minimum: int | None = None
    maximum: int | None = None
    text: str


class Resource(forms.Entry):
    """A logical resource specification.

    ``reversible``: taking it back leaves the device and the customer as they were before. What is
    not can only be the last thing of an offering (see ``offering``).
    """

    characteristics: dict[str, Characteristic]
    reversible: bool = True


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
