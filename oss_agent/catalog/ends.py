"""Decides which ends an item names, and where each stands in the sender's body. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oss_agent import errors
from oss_agent.catalog import specification
from oss_agent.spi import orders


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in the characteristics of an item: ``sites``, or ``sites`` with ``[1].port``."""

    item: orders.ItemRequest
    name: str
    below: str = ""

    @property
    def field(self) -> str:
        """Where it stands in the sender's body."""
        return f"{self.item.field('characteristic')}[{self.name}]{self.below}"

    def element(self, number: int) -> Spot:
        """The element of a list, from 0 as programs count."""
        return Spot(self.item, self.name, f"{self.below}[{number}]")

    def member(self, name: str) -> Spot:
        """The member of an object."""
        return Spot(self.item, self.name, f"{self.below}.{name}")

    def wrong(self, why: str) -> errors.OrderRejected:
        """The refusal (400) of what can be judged without state."""
        return errors.OrderRejected(
            f"characteristic {self.name}{self.below}: {why}", field=self.field, code="invalidValue"
        )

    def impossible(self, why: str, code: str = "notPossible") -> errors.OrderRejected:
        """The refusal (422) of what the state of the network does not allow."""
        return errors.OrderRejected(
            f"{self.name}{self.below}: {why}", field=self.field, status=422, code=code
        )


@dataclass(frozen=True, slots=True)
class Named:
    """An end as it was ordered: ``device`` and ``port``, and what was said of the site."""

    spot: Spot
    device: str
    port: str
    said: Mapping[str, Any]

    @property
    def text(self) -> str:
        """``pe1:eth3``."""
        return f"{self.device}:{self.port}"

    def at(self, field: str) -> Spot:
        """Where a field of the site stands."""
        return self.spot.member(field)

    @property
    def port_spot(self) -> Spot:
        """Where its port stands."""
        return self.at("port") if self.said else self.spot


def missing(item: orders.ItemRequest, spec: specification.Specification) -> tuple[str, ...]:
    """The required characteristics that may come later and are not said yet."""
    return tuple(
        name
        for name, form in spec.characteristics.items()
        if form.later and name not in item.characteristics
    )


def named(item: orders.ItemRequest, spec: specification.Specification) -> tuple[Named, ...]:
    """The ends of an item whose characteristics fit, in the order they were said.

    Those that are still missing are left out.
    """
    if spec.site_fields:
        whole = Spot(item, spec.ends[0])
        sites = item.characteristics.get(whole.name, ())
        return tuple(_of(whole.element(n), one["port"], one) for n, one in enumerate(sites))
    said = (name for name in spec.ends if name in item.characteristics)
    return tuple(_of(Spot(item, name), item.characteristics[name], {}) for name in said)


def _of(spot: Spot, text: str, said: Mapping[str, Any]) -> Named:
    device, _, port = text.partition(":")
    return Named(spot, device, port, said)
