"""Decides what every configuration store must change for a design, and how to take it back. Pure.

Values in (design, drivers' templates, what services have and what the devices have now), values
out: per store the edits, their reverse, what the service owns then, and both native texts. Claims,
leases and sessions are others' business, so that the dry-run and the transaction are one and the
same computation.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from oss_agent import errors
from oss_agent.fulfilment.trees import owners, tree
from oss_agent.spi import catalogue, device
from oss_agent.spi.tree import EMPTY, Edit, Path, Tree, path_text

_NAMED = 50
"""How many edits by hand are told of one store."""

Place: TypeAlias = tuple[str, str]
"""A device and one of its configuration stores."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What one configuration store shall hold of a service.

    ``was`` is what it holds of it now, ``others`` what it holds of other services around there.
    """

    device: str
    store: str
    platform: str
    was: Tree
    wanted: Tree
    others: Mapping[str, Tree] = field(default_factory=dict[str, Tree])
    policy: catalogue.OutOfBand = catalogue.OutOfBand.ABORT

    @property
    def place(self) -> Place:
        """Device and store."""
        return (self.device, self.store)

    @property
    def roots(self) -> tuple[Path, ...]:
        """Where the service's part begins, before and after: what is read of the device."""
        return tree.outermost((*tree.roots(self.was), *tree.roots(self.wanted)))


@dataclass(frozen=True, slots=True)
class Change:
    """What one store changes. ``before`` and ``target`` are what stands at the intent's roots.

    ``own`` is the service's part of the target: shared nodes have other owners beside it. ``edited``
    is where somebody had changed the service's part by hand.
    """

    intent: Intent
    before: Tree
    target: Tree
    own: Tree
    edits: tuple[Edit, ...]
    reverse: tuple[Edit, ...]
    native: str
    native_reverse: str
    edited: tuple[Path, ...] = ()

    @property
    def by_hand(self) -> tuple[str, ...]:
        """Each edit by hand in the service's part, and what becomes of it, as people read it.

        Of an adoption it is a difference, which refuses it.
        """
        if self.intent.policy is catalogue.OutOfBand.AS_IS:
            return ()
        return tuple(f"{path_text(path)} {self._becomes(path)}" for path in self.edited[:_NAMED])

    def _becomes(self, path: Path) -> str:
        now, then = self.before.at(path), self.target.at(path)
        if then != now:
            return "goes" if then is None else "is put as ordered"
        mine = self.own.at(path) == now
        return "becomes the service's own" if mine else "stays as it is, as nobody's"

    @property
    def differences(self) -> tuple[str, ...]:
        """Where what is there is not what the design has, each in words: of an adoption none may be."""
        told = {edit.path: _differs(edit) for edit in self.edits}
        told |= {path: "is not in the design" for path in self.edited if path not in told}
        place = f"{self.intent.device} {self.intent.store}"
        return tuple(f"{place} {path_text(path)} {how}" for path, how in sorted(told.items()))

    @property
    def paths(self) -> tuple[str, ...]:
        """The nodes the service owns there then, as people read them."""
        return tuple(path_text(path) for path in tree.nodes(self.own))


def _differs(edit: Edit) -> str:
    if edit.was is None:
        wanted = edit.node.value if edit.node is not None else None
        return "is not there" + ("" if wanted is None else f": the design has {wanted!r}")
    if edit.node is None:
        return "is not in the design"
    return f"is {edit.was.value!r}: the design has {edit.node.value!r}"


def wanted(design: catalogue.Design, drivers: Mapping[str, device.Driver]) -> Mapping[Place, Tree]:
    """The design's resource intents as trees, one per device and store.

    ``drivers`` maps device to driver. OrderRejected when a slot does not fit its type, when two
    intents want different things of one node, or when a platform has no such template.
    """
    trees: dict[Place, Tree] = {}
    for resource in design.resources:
        try:
            _add(trees, resource, drivers[resource.device])
        except errors.Conflict as two_minds:
            raise errors.OrderRejected(
                f"device {resource.device}: {two_minds.reason}", status=422
            ) from two_minds
        except errors.ConfigurationError as lacking:
            raise errors.OrderRejected(
                f"device {resource.device} cannot carry it: {lacking}",
                status=422,
                code="notPossible",
            ) from lacking
    return trees


def _add(
    trees: dict[Place, Tree], resource: catalogue.ResourceIntent, driver: device.Driver
) -> None:
    for store, one in driver.instantiate(resource.template, resource.slots).items():
        place = (resource.device, store)
        trees[place] = tree.merge([trees.get(place, EMPTY), one])


def change(intent: Intent, now: Tree, driver: device.Driver) -> Change:
    """The difference between what is there and what should be, both ways.

    Conflict when somebody else's node, or an edit made by hand, stands in the way.
    """
    outcome = owners.decide(_ground(intent, driver), now)
    before = tree.normal(now)
    edits = tree.diff(before, outcome.target)
    reverse = tree.invert(edits)
    return Change(
        intent=intent,
        before=before,
        target=outcome.target,
        own=outcome.own,
        edits=edits,
        reverse=reverse,
        native=driver.render(edits, intent.store) if edits else "",
        native_reverse=driver.render(reverse, intent.store) if reverse else "",
        edited=outcome.edited,
    )


def sequence(
    intents: Sequence[tuple[str, Intent]], now: Tree, driver: device.Driver
) -> tuple[Change, ...]:
    """The changes of several services on one store, each upon what the one before leaves there.

    ``intents`` are (service, intent), one a service; ``now`` stands at the roots of all of them.
    """
    changes: list[Change] = []
    own: dict[str, Tree] = {}
    for service, intent in intents:
        others = {name: one for name, one in {**intent.others, **own}.items() if name != service}
        changes.append(change(dataclasses.replace(intent, others=others), now, driver))
        own[service], now = changes[-1].own, changes[-1].target
    return tuple(changes)


def whole(changes: Sequence[Change], driver: device.Driver) -> Change:
    """A sequence of changes on one store as the one change that is sent."""
    first, last = changes[0], changes[-1]
    if first is last:
        return first
    edits = tree.diff(first.before, last.target)
    reverse, store = tree.invert(edits), first.intent.store
    return dataclasses.replace(
        first,
        target=last.target,
        edits=edits,
        reverse=reverse,
        native=driver.render(edits, store) if edits else "",
        native_reverse=driver.render(reverse, store) if reverse else "",
    )


def _ground(intent: Intent, driver: device.Driver) -> owners.Ground:
    return owners.Ground(
        where=intent.device,
        was=intent.was,
        wanted=intent.wanted,
        others=intent.others,
        shareable=functools.partial(driver.shareable, store=intent.store),
        policy=intent.policy,
    )


def at_roots(intent: Intent) -> Tree:
    """What stands at the intent's roots as far as we know: the parts of all who own nodes there."""
    known = tree.merge([intent.was, *intent.others.values()])
    return tree.part(known, intent.roots)


def natives(changes: Sequence[Change]) -> Mapping[str, str]:
    """The native edits of each store that changes, by ``device/store``."""
    return {"/".join(one.intent.place): one.native for one in changes if one.edits}


def digest(changes: Sequence[Change]) -> str:
    """SHA-256 hex over ``natives``: no message id, token or time is in it."""
    form = json.dumps(natives(changes), sort_keys=True)
    return hashlib.sha256(form.encode()).hexdigest()


def devices(changes: Sequence[Change]) -> tuple[str, ...]:
    """The devices on which something changes."""
    return tuple(sorted({one.intent.device for one in changes if one.edits}))


def joined(natives_by_store: Mapping[str, str]) -> str:
    """The native text of one device's stores: one as it is, several each below its name."""
    if len(natives_by_store) == 1:
        return next(iter(natives_by_store.values()))
    return "\n".join(f"# {store}\n{text}" for store, text in sorted(natives_by_store.items()))


def reversibility(rung: device.Rung | None, confirm_within: float) -> str:
    """What undoes a change on this rung, for people."""
    if rung is None:
        return "not offered: nothing there can be taken back"
    if rung.timed:
        return f"reversible: {rung}, undoes itself unless confirmed within {confirm_within:g} s"
    return f"reversible by us: {rung}, live at once, taken back if the vote fails"


def promise(design: catalogue.Design) -> tuple[str, ...]:
    """What will be proven, one line each; what nobody can observe says why."""
    lines: list[str] = []
    for one in design.predicates:
        params = " ".join(f"{name}={value}" for name, value in sorted(one.params.items()))
        line = f"{one.kind} on {one.device} {params}".rstrip()
        lines.append(f"{line} (not provable: {one.unobservable})" if one.unobservable else line)
    return tuple(lines)
