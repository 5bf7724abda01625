"""Decides what another version of a catalogue file changes, and what that means for what lives. Pure.

A living service keeps its version, so a new version means something to it only when a modify moves
it there. A file that changed under its old number means something to all of them at their next
modify: that is said as a warning.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from oss_agent.catalog import collection, forms
from oss_agent.spi.specifications import Change, Moved

Flat: TypeAlias = Mapping[str, Any]
_NAMED = ("id", "specification", "kind")
"""By which member an element of a list is known again."""
_WHOLE = frozenset({"slots", "params", "expect", "fixed", "values", "sets", "after"})
"""Below these, values are compared as a whole: a reference is one value."""
_QUIET = frozenset({"id", "version", "name", "text", "updated"})
_EFFECTS = {
    "status": "new orders only; what lives keeps its version",
    "pools": "values are claimed or given back when it moves",
    "ends": "its ports and its configuration change when it moves",
    "apart": "it is refused to move where it does not fit",
    "out_of_band": "holds for edits by hand from its move on",
    "network": "other packets prove it from its move on",
    "resource_facing": "its configuration changes when it moves: see the plan before",
    "predicates": "it is proven and watched by this from its move on",
    "monitoring": "it is watched and metered so from its move on",
    "services": "its services change when it moves",
    "reversible": "decides where an offering may have it",
    "characteristics": "a value that no longer fits must be told anew when it moves",
}


def between(before: forms.Entry, after: forms.Entry) -> tuple[Change, ...]:
    """What a service or product of ``before`` meets when a modify moves it to ``after``."""
    old, new = _flat(before), _flat(after)
    whole = set(before.model_dump().get("characteristics", {}))
    places = [*old, *(place for place in new if place not in old)]
    return tuple(
        Change(place, old.get(place), new.get(place), _effect(place, new, whole))
        for place in places
        if old.get(place) != new.get(place)
    )


def catalogues(before: collection.Collection, after: collection.Collection) -> tuple[Moved, ...]:
    """What becomes of everything that lives when ``after`` is put in the place of ``before``."""
    kinds = (
        ("service", before.services, after.services),
        ("resource", before.resources, after.resources),
        ("offering", before.offerings, after.offerings),
    )
    return tuple(one for kind, old, new in kinds for one in _kind(kind, old, new))


def unorderable(lacking: Mapping[str, Sequence[str]]) -> tuple[Moved, ...]:
    """What takes no orders, by id and version, for want of these pools."""
    named = ((*one.rpartition(" ")[::2], pools) for one, pools in lacking.items())
    return tuple(
        Moved(
            "service",
            key,
            version,
            "not to be ordered",
            f"the settings do not have its pools {', '.join(pools)}: add them there",
        )
        for key, version, pools in named
    )


def _kind(
    kind: str, before: Sequence[forms.Entry], after: Sequence[forms.Entry]
) -> Iterator[Moved]:
    old = {(one.id, one.version): one for one in before}
    new = {(one.id, one.version): one for one in after}
    for key in sorted({*old, *new}):
        if key not in new:
            yield Moved(kind, *key, "gone", _gone(kind))
        elif key not in old:
            yield Moved(kind, *key, "new", "for new orders; what lives keeps its version")
        elif found := between(old[key], new[key]):
            yield Moved(kind, *key, "changed", _changed(kind, found), found)


def _gone(kind: str) -> str:
    if kind == "resource":
        return "services that name it are refused: keep the file as long as one does"
    return f"a living {kind} of it can no longer be changed or ended: retire it, keep the file"


def _changed(kind: str, found: Sequence[Change]) -> str:
    if all(one.place == "status" for one in found):
        return _EFFECTS["status"]
    if kind == "resource":
        return "every service that is made of it: give the change a number of its own"
    return f"every living {kind} of it at its next modify: give the change a number of its own"


def _effect(place: str, new: Flat, whole: set[str]) -> str:
    first, _, rest = place.partition(".")
    top = first.partition("[")[0]
    if top == "characteristics":
        name, _, member = rest.partition(".")
        if name not in whole:
            required = new.get(f"characteristics.{name}.required")
            return "it must be told when it moves" if required else "it may be told when it moves"
        if not any(one.startswith(f"characteristics.{name}.") for one in new):
            return "one that was told must be taken back (null) when it moves"
        if member == "required":
            return "it must be told when it moves" if new.get(place) else "it may be taken back"
    return _EFFECTS[top]


def _flat(of: forms.Entry) -> Flat:
    said = of.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return dict(_leaves((), {name: one for name, one in said.items() if name not in _QUIET}))


def _leaves(place: tuple[str, ...], value: Any) -> Iterator[tuple[str, Any]]:
    inside = len(place) > 1 and place[-2] in _WHOLE
    if isinstance(value, dict) and not inside:
        for name, one in value.items():
            if not (name == "text" and len(place) > 1):
                yield from _leaves((*place, str(name)), one)
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value) and not inside:
        for name, one in _elements(value):
            yield from _leaves((*place[:-1], f"{''.join(place[-1:])}[{name}]"), one)
    else:
        yield ".".join(place), value


def _elements(several: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Each element under the name it is known by; the second of a name is ``ping 2``."""
    seen: dict[str, int] = {}
    for number, one in enumerate(several):
        known = next((one[key] for key in _NAMED if isinstance(one, dict) and key in one), number)
        seen[str(known)] = seen.get(str(known), 0) + 1
        yield f"{known} {seen[str(known)]}" if seen[str(known)] > 1 else str(known), one


def shown(value: Any) -> str:
    """A value in one line; nothing for what is not there."""
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)
