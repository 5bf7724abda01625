"""Decides what tree a platform's template becomes with its slots filled."""

from __future__ import annotations

from collections.abc import Mapping

from device_models import model
from drivers import slots, steps
from oss_agent.errors import ConfigurationError
from oss_agent.spi import tree


def instantiate(
    platform: model.Platform, template: str, given: Mapping[str, str], main: str
) -> Mapping[str, tree.Tree]:
    """The configuration trees of ``template`` by store; ``main`` names that of keyed nodes.

    A store for which the filled template says nothing is not there: it takes no part. OrderRejected
    naming the slot when a value does not fit; ConfigurationError naming the known templates when
    there is no such one.
    """
    data = platform.templates.get(template)
    if data is None:
        known = ", ".join(sorted(platform.templates)) or "none"
        raise ConfigurationError(
            f"{platform.platform} has no template {template!r}; there are: {known}"
        )
    values = slots.fill(data.slots, given)
    stores = {main: _children(data.tree, values)}
    stores |= {store: _lines(lines, values) for store, lines in data.stores.items()}
    return {store: tree.Tree(tree.ROOT, children=found) for store, found in stores.items() if found}


def _children(nodes: tuple[model.Node, ...], values: Mapping[str, str]) -> tuple[tree.Tree, ...]:
    built = (_node(node, values) for node in nodes)
    return tuple(one for one in built if one is not None)


def _node(node: model.Node, values: Mapping[str, str]) -> tree.Tree | None:
    keys = tuple((name, _word(word, values) or "") for name, word in node.keys.items())
    step = tree.Step(node.name, keys)
    if node.value is None:
        return tree.Tree(step, children=_children(node.children, values))
    value = _word(node.value, values)
    return None if value is None else tree.Tree(step, value)


def _lines(lines: tuple[model.Line, ...], values: Mapping[str, str]) -> tuple[tree.Tree, ...]:
    built = (_line(line, values) for line in lines)
    return tuple(one for one in built if one is not None)


def _line(line: model.Line, values: Mapping[str, str]) -> tree.Tree | None:
    words = [_word(word, values) for word in line.words]
    present = [word for word in words if word is not None]
    if len(present) < len(words):
        return None
    text = " ".join(present)
    step = steps.owned(text) if line.line else tree.Step(text)
    return tree.Tree(step, children=_lines(line.children, values))


def _word(word: model.Word, values: Mapping[str, str]) -> str | None:
    return word.text if word.slot is None else values.get(word.slot)
