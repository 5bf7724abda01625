"""Decides what of a configuration is a platform's template, and with which values: ``templates`` backwards.

A template is unified with the tree node by node: a constant has to be there, a slot takes what stands
in its place if its grammar lets it, and the same slot means the same everywhere, in every store. It is
looked for once for each **anchor**: the first node of the template that a service owns by itself (a
shared one says nothing of whose it is). Where an anchor is there and the rest does not fit, the node
that does not is told. Pure.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from device_models import model
from drivers import slots, steps
from oss_agent.spi import device, tree
from oss_agent.spi.tree import EMPTY, Path, Tree

Shareable: TypeAlias = Callable[[Path, str], bool]
"""May several services own the node at a path of a store?"""
Values: TypeAlias = Mapping[str, str | None]
"""What slots hold so far; None: it is empty, which only an optional one may be."""
MANY = 1_000
"""Ways in which one anchor may be read; more are no answer."""
EACH = 20_000
"""Nodes that are tried for one anchor: one that fits everywhere takes no time from the others."""
TRIES = 1_000_000
"""And for one template on one device: no configuration is searched for ever."""
_BY_HAND = "if it is a service, order it with --by-hand as-is"


class _EndlessError(Exception):
    """The search has cost too much."""


def recognise(
    platform: model.Platform,
    main: str,
    configuration: Mapping[str, Tree],
    names: Collection[str],
    shareable: Shareable,
) -> tuple[device.Recognised, ...]:
    """Each template of ``names`` that ``configuration`` (by store) has, as often as it has it.

    ``main`` names the store of keyed nodes. Templates that the platform has not are not found.
    """
    found: list[device.Recognised] = []
    for name in sorted(set(names) & platform.templates.keys()):
        search = _Search(name, platform.templates[name], main, configuration, shareable)
        found.extend(search.run())
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A node of a template in either form. ``keyed``: a service owns it; ``words`` are its line."""

    name: str
    keyed: bool
    keys: tuple[tuple[str, model.Word], ...] = ()
    value: model.Word | None = None
    words: tuple[model.Word, ...] = ()
    children: tuple[_Pattern, ...] = ()

    @property
    def slots(self) -> frozenset[str]:
        """Of the node itself."""
        own = (*(word for _, word in self.keys), *self.words, *([self.value] if self.value else []))
        return frozenset(word.slot for word in own if word.slot is not None)

    def text(self, values: Values) -> str:
        """As a refusal names it: ``vni <vni>``, or ``vni 7`` where that is known."""
        if self.words:
            return " ".join(_shown(word, values) for word in self.words)
        keys = "".join(f"[{key}={_shown(word, values)}]" for key, word in self.keys)
        return f"{self.name}{keys}" + (f" {_shown(self.value, values)}" if self.value else "")


def _shown(word: model.Word, values: Values) -> str:
    if word.slot is None:
        return word.text or ""
    return values.get(word.slot) or f"<{word.slot}>"


def _of_node(node: model.Node) -> _Pattern:
    return _Pattern(
        name=node.name,
        keyed=bool(node.keys),
        keys=tuple(node.keys.items()),
        value=node.value,
        children=tuple(_of_node(child) for child in node.children),
    )


def _of_line(line: model.Line) -> _Pattern:
    below = tuple(_of_line(child) for child in line.children)
    return _Pattern(name="", keyed=bool(line.line), words=line.words, children=below)


@dataclass
class _Search:
    """One template in one device's configuration."""

    template: str
    data: model.Template
    main: str
    configuration: Mapping[str, Tree]
    shareable: Shareable
    furthest: int = -1
    unfit: str = ""
    tries: int = 0
    until: int = 0
    wanted: list[tuple[str, _Pattern]] = field(default_factory=list[tuple[str, _Pattern]])
    index: dict[int, dict[tree.Step, Tree]] = field(
        default_factory=dict[int, dict[tree.Step, Tree]]
    )
    """children by step, of nodes by identity: the configuration outlives the search"""

    def run(self) -> Iterator[device.Recognised]:
        """Each reading of each anchor, or why there is none."""
        stores = {self.main: tuple(_of_node(node) for node in self.data.tree)}
        stores |= {
            store: tuple(_of_line(line) for line in lines)
            for store, lines in self.data.stores.items()
        }
        self.wanted = [(store, one) for store, every in stores.items() for one in every]
        for store, top in self.wanted:
            line = self._anchor(top, store, ())
            if line is not None:
                # What hangs on the anchor binds most: it is read first.
                self.wanted.sort(key=lambda one: one != (store, top))
                yield from self._anchored(store, line)
                return

    def _anchor(
        self, pattern: _Pattern, store: str, above: tuple[_Pattern, ...]
    ) -> tuple[_Pattern, ...] | None:
        """The way down to the first node that one service owns alone."""
        here = (*above, pattern)
        if pattern.keyed and not self.shareable(_example(here), store):
            return here
        below = (self._anchor(child, store, here) for child in pattern.children)
        return next((one for one in below if one is not None), None)

    def _anchored(self, store: str, line: Sequence[_Pattern]) -> Iterator[device.Recognised]:
        root = self.configuration.get(store, EMPTY)
        for path, values in self._ways(line, root, (), {}):
            self.furthest, self.unfit = -1, ""
            self.until = min(self.tries + EACH, TRIES)
            try:
                readings = self._readings(values)
            except _EndlessError:
                readings, self.unfit = [], self._endless()
            told = {name: text for name, text in values.items() if text is not None}
            at = functools.partial(device.Recognised, self.template, store=store, at=path)
            if not readings:
                yield at(slots=told, unfit=self.unfit)
            elif len(readings) > MANY:
                yield at(slots=told, unfit=f"it can be read in more than {MANY} ways")
            else:
                yield from (at(slots=dict(one)) for one in readings)

    def _endless(self) -> str:
        """Why an anchor was given up, and what to do."""
        if self.tries > TRIES:
            return f"the {TRIES} tries for {self.template} on this device are spent: {_BY_HAND}"
        return f"it is not read within {EACH} tries, so much there is alike: {_BY_HAND}"

    def _ways(
        self, line: Sequence[_Pattern], node: Tree, path: Path, values: Values
    ) -> Iterator[tuple[Path, Values]]:
        """Every node that the anchor may be."""
        if not line:
            yield path, values
            return
        for child in node.children:
            bound = self._unified(line[0], child, values)
            if bound is not None:
                yield from self._ways(line[1:], child, (*path, child.step), bound)

    def _readings(self, values: Values) -> list[tuple[tuple[str, str], ...]]:
        found: dict[tuple[tuple[str, str], ...], None] = {}
        for one in self._all(self.wanted, values, 0):
            reading = {name: text for name, text in one.items() if text is not None}
            found[tuple(sorted(reading.items()))] = None
            if len(found) > MANY:
                break
        return list(found)

    def _all(
        self, wanted: Sequence[tuple[str, _Pattern]], values: Values, depth: int
    ) -> Iterator[Values]:
        """The top nodes of every store, one after another."""
        if not wanted:
            yield values
            return
        store, first = wanted[0]
        root = self.configuration.get(store, EMPTY)
        for bound in self._node(first, root, (), values, depth):
            yield from self._all(wanted[1:], bound, depth + 100)

    def _node(
        self, pattern: _Pattern, parent: Tree, path: Path, values: Values, depth: int
    ) -> Iterator[Values]:
        """Each way in which one of the parent's children is this node, with all below it."""
        known = _step(pattern, values)
        exact = None if known is None else self._child(parent, known)
        may = parent.children if known is None else () if exact is None else (exact,)
        self.tries += 1 + len(may)
        if self.tries > self.until:
            raise _EndlessError
        bound = [(child, self._unified(pattern, child, values)) for child in may]
        fits = [(child, one) for child, one in bound if one is not None]
        for child, one in fits:
            yield from self._below(pattern.children, child, (*path, child.step), one, depth + 1)
        if fits:
            return
        near = [child for child in parent.children if _near(pattern, child)]
        empty = self._left_out(pattern, values)
        if empty is not None and not near:
            yield empty
        elif depth > self.furthest:
            self.furthest, self.unfit = depth, _why(pattern, values, near, path)

    def _child(self, parent: Tree, step: tree.Step) -> Tree | None:
        """By an index: a list of thousands is asked once for each of its entries."""
        if id(parent) not in self.index:
            self.index[id(parent)] = {child.step: child for child in parent.children}
        return self.index[id(parent)].get(step)

    def _below(
        self,
        patterns: Sequence[_Pattern],
        node: Tree,
        path: Path,
        values: Values,
        depth: int,
    ) -> Iterator[Values]:
        if not patterns:
            yield values
            return
        for bound in self._node(patterns[0], node, path, values, depth):
            yield from self._below(patterns[1:], node, path, bound, depth + 1)

    def _left_out(self, pattern: _Pattern, values: Values) -> Values | None:
        """What slots hold where the node is not there: its optional slot is empty, as ``templates`` has it."""
        empty = [
            name
            for name in pattern.slots
            if self.data.slots[name].optional and values.get(name) is None
        ]
        return {**values, **dict.fromkeys(empty)} if empty else None

    def _unified(self, pattern: _Pattern, node: Tree, values: Values) -> Values | None:
        """What slots hold when this node is the pattern's; None: it is not."""
        if pattern.words:
            text = steps.text(node.step)
            return (
                self._line(pattern.words, text, values)
                if steps.is_owned(node.step) is pattern.keyed
                else None
            )
        has = dict(node.step.keys)
        if node.step.name != pattern.name or has.keys() != dict(pattern.keys).keys():
            return None
        pairs = [(word, has[key]) for key, word in pattern.keys]
        if pattern.value is not None:
            if node.value is None:
                return None
            pairs.append((pattern.value, node.value))
        for word, text in pairs:
            bound = self._line((word,), text, values)
            if bound is None:
                return None
            values = bound
        return values

    def _line(self, words: Sequence[model.Word], text: str, values: Values) -> Values | None:
        named: set[str] = set()
        expected = " ".join(self._expression(word, values, named) for word in words)
        match = re.fullmatch(expected, text)
        if match is None:
            return None
        found = {name: said for name, said in match.groupdict().items() if said is not None}
        if any(slots.wrong(self.data.slots[name], said) for name, said in found.items()):
            return None
        if any(name in values and values[name] is None for name in found):
            return None
        return {**values, **found}

    def _expression(self, word: model.Word, values: Values, named: set[str]) -> str:
        """What matches a word; ``named`` are the slots of words before it in the same line."""
        if word.slot is None:
            return re.escape(word.text or "")
        known = values.get(word.slot)
        if known is not None:
            return re.escape(known)
        if word.slot in named:
            return f"(?P={word.slot})"
        named.add(word.slot)
        free = self.data.slots[word.slot].type is model.SlotType.DESCRIPTION
        return f"(?P<{word.slot}>{'.+' if free else r'[^ ]+'})"


def _step(pattern: _Pattern, values: Values) -> tree.Step | None:
    """The very step that the node has, when all of its slots are known.

    Not of a list with several keys: which comes first is the schema's word.
    """
    if len(pattern.keys) > 1:
        return None
    words = (*pattern.words, *(word for _, word in pattern.keys))
    texts = [word.text if word.slot is None else values.get(word.slot) for word in words]
    known = [text for text in texts if text is not None]
    if len(known) < len(texts):
        return None
    if pattern.words:
        line = " ".join(known)
        return steps.owned(line) if pattern.keyed else tree.Step(line)
    keys = (key for key, _ in pattern.keys)
    return tree.Step(pattern.name, tuple(zip(keys, known, strict=True)))


def _near(pattern: _Pattern, node: Tree) -> bool:
    """Could it be the node, but for its values?"""
    if not pattern.words:
        return node.step.name == pattern.name
    first = pattern.words[0].text or ""
    same = steps.is_owned(node.step) is pattern.keyed
    return same and f"{steps.text(node.step)} ".startswith(f"{first} ")


def _why(pattern: _Pattern, values: Values, near: Sequence[Tree], path: Path) -> str:
    where, wanted = tree.path_text(path), pattern.text(values)
    if len(near) != 1:
        return f"{where} has no {wanted}"
    (one,) = near
    has = steps.text(one.step) if pattern.words else str(one.step)
    value = "" if one.value is None else f" {one.value!r}"
    return f"{where} has {has}{value}, which is no {wanted}"


def _example(patterns: Sequence[_Pattern]) -> Path:
    """A path that the nodes may have, to ask of the platform's data what it may share."""
    return tuple(
        steps.owned(one.text({}))
        if one.words and one.keyed
        else tree.Step(one.text({}) if one.words else one.name)
        for one in patterns
    )
