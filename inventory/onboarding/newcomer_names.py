"""Decides what a device is called that was found at an address: by its own word where that is usable and free."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

import sqlalchemy as sa

from inventory.onboarding import address_look
from inventory.rows import history, tables
from inventory.words import grammar

_UNNAMED: Final = "at-"


def names(
    connection: sa.Connection, answers: Sequence[address_look.Answer], barred: Collection[str]
) -> Mapping[str, str]:
    """A name for each address: its own where that is usable and free, else one of its address."""
    c = tables.devices.c
    current = sa.select(c.name).where(history.current(tables.devices))
    taken = {*connection.execute(current).scalars(), *barred}
    found: dict[str, str] = {}
    for one in answers:
        found[one.address] = next(name for name in _wishes(one) if name not in taken)
        taken.add(found[one.address])
    return found


def _wishes(one: address_look.Answer) -> Iterator[str]:
    """What a device may be called, the best first."""
    plain = _UNNAMED + one.address.replace(":", "-")
    if grammar.is_device(one.name) and (one.name == plain or not _is_of_address(one.name)):
        yield one.name
    yield plain
    yield from (f"{plain}-{number}" for number in itertools.count(2))


def _is_of_address(name: str) -> bool:
    """A name as those without one get it: no device may call itself after another's address."""
    rest = name.removeprefix(_UNNAMED)
    texts = (rest, rest.replace("-", ":"))
    return rest != name and any(grammar.address(text) is not None for text in texts)
