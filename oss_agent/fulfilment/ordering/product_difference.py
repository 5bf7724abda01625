"""Decides what becomes of a service order when its product order item asks for other services. Pure.

A part that both ask for, in the same way, stays and may be told something else; one that only the
item as it was had goes; one that only the new one has is begun. What goes goes first: it may free a
port that another part takes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from oss_agent.fulfilment.record import product_rows
from oss_agent.spi import catalogue


@dataclass(frozen=True, slots=True)
class Part:
    """A part as it is carried out: the item of the service order and its position there."""

    name: str
    position: int
    item: product_rows.ServiceItem


@dataclass(frozen=True, slots=True)
class Difference:
    """What stays beside what it asks for now, what goes, what is new."""

    stays: tuple[tuple[catalogue.ServicePart, Part], ...]
    goes: tuple[Part, ...]
    new: tuple[catalogue.ServicePart, ...]

    @property
    def same_services(self) -> bool:
        """Is nothing new, and does nothing go?"""
        return not self.goes and not self.new


def difference(wanted: Sequence[catalogue.ServicePart], has: Sequence[Part]) -> Difference:
    """``has`` are the parts that were not taken out of the order before."""
    known = {(one.name, one.item.action): one for one in has}
    asked = {(one.part, one.item.action): one for one in wanted}
    return Difference(
        stays=tuple((one, known[key]) for key, one in asked.items() if key in known),
        goes=tuple(one for key, one in known.items() if key not in asked),
        new=tuple(one for key, one in asked.items() if key not in known),
    )


def sequence(
    wanted: Sequence[catalogue.ServicePart],
    places: Mapping[str, int],
    before: Collection[int],
    there: Collection[tuple[int, int]],
) -> frozenset[tuple[int, int]]:
    """Pairs of positions (later, earlier) that the service order lacks now.

    ``places``: the positions of ``wanted`` by their parts; ``before``: those of everything that the
    product's item ever was, also of what goes; ``there``: the pairs that the order has. What other
    items come after all of this product comes after what is last of it now, and what this product
    came after its first parts come after.
    """
    by_id = {one.item.id: places[one.part] for one in wanted}
    inner = {(places[one.part], by_id[other]) for one in wanted for other in one.after}
    mine = {*before, *places.values()}
    behind = {late for late, early in there if early in mine and late not in mine}
    ahead = {early for late, early in there if late in mine and early not in mine}
    now = set(places.values())
    firsts = now - {late for late, _ in inner}
    lasts = now - {early for _, early in inner}
    pairs = {
        *inner,
        *((late, early) for late in behind for early in lasts),
        *((late, early) for late in firsts for early in ahead),
        *((late, early) for late in now for early in {*before} - now),
    }
    return frozenset(pairs - {*there})
