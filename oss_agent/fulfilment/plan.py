"""Decides what every device must change for a design, and how to take it back. Pure.

Values in (design, drivers' templates, what the devices have now), values out: per participant the
edits, their reverse, the owned paths and both native texts. Claims, leases and sessions are
others' business, so that the dry-run and the transaction are one and the same computation.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from oss_agent import errors
from oss_agent.fulfilment import tree
from oss_agent.spi import catalogue, device, views
from oss_agent.spi.tree import EMPTY, Edit, Path, Tree, path_text


@dataclass(frozen=True, slots=True)
class Intent:
    """What one device should hold for the design; ``roots`` is where that begins."""

    device: str
    platform: str
    tree: Tree
    roots: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What one device changes. ``before`` and ``target`` are its own part only."""

    intent: Intent
    before: Tree
    target: Tree
    edits: tuple[Edit, ...]
    reverse: tuple[Edit, ...]
    native: str
    native_reverse: str

    @property
    def paths(self) -> tuple[str, ...]:
        """The nodes the service owns there, as people read them."""
        return tuple(path_text(path) for path in tree.nodes(self.intent.tree))


def intents(design: catalogue.Design, drivers: Mapping[str, device.Driver]) -> tuple[Intent, ...]:
    """The design's resource intents as trees, one per device, by device name.

    ``drivers`` maps device to driver. OrderRejected when a slot does not fit its type, when two
    intents want different things of one node, or when a platform has no such template.
    """
    names = sorted({resource.device for resource in design.resources})
    return tuple(_intent(name, design, drivers[name]) for name in names)


def _intent(name: str, design: catalogue.Design, driver: device.Driver) -> Intent:
    wanted = [one for one in design.resources if one.device == name]
    try:
        merged = tree.merge(_tree(driver, one) for one in wanted)
    except errors.Conflict as two_minds:
        raise errors.OrderRejected(f"device {name}: {two_minds.reason}", status=422) from two_minds
    except errors.ConfigurationError as lacking:
        raise errors.OrderRejected(
            f"device {name} cannot carry it: {lacking}", status=422, code="notPossible"
        ) from lacking
    return Intent(name, driver.platform, merged, tree.roots(merged))


def _tree(driver: device.Driver, wanted: catalogue.ResourceIntent) -> Tree:
    return driver.instantiate(wanted.template, wanted.slots)[driver.stores[0]]


def change(intent: Intent, action: views.ItemAction, before: Tree, driver: device.Driver) -> Change:
    """The difference between what is and what should be, both ways."""
    target = intent.tree if action is views.ItemAction.ADD else EMPTY
    edits = tree.diff(before, target)
    reverse = tree.invert(edits)
    return Change(
        intent=intent,
        before=tree.normal(before),
        target=target,
        edits=edits,
        reverse=reverse,
        native=driver.render(edits) if edits else "",
        native_reverse=driver.render(reverse) if reverse else "",
    )


def digest(changes: tuple[Change, ...]) -> str:
    """SHA-256 hex over the native edits, by device: no message id, token or time is in it."""
    return hashlib.sha256(json.dumps(natives(changes), sort_keys=True).encode()).hexdigest()


def natives(changes: tuple[Change, ...]) -> dict[str, str]:
    """What would be sent, by participant, as people read it."""
    return {one.intent.device: one.native for one in changes}


def reversibility(capabilities: frozenset[device.Capability], confirm_within: float) -> str:
    """What undoes a change there, for people."""
    if device.Capability.PERSIST in capabilities:
        return f"reversible, device confirms within {confirm_within:g} s"
    return "not offered: the device has no confirmed commit with persist"


def promise(design: catalogue.Design) -> tuple[str, ...]:
    """What will be proven, one line each; what nobody can observe says why."""
    lines: list[str] = []
    for one in design.predicates:
        params = " ".join(f"{name}={value}" for name, value in sorted(one.params.items()))
        line = f"{one.kind} on {one.device} {params}".rstrip()
        lines.append(f"{line} (not provable: {one.unobservable})" if one.unobservable else line)
    return tuple(lines)
