"""Decides where a store stands between what it held and what it should hold. Pure.

The three-way comparison of everything in doubt: as before, as wanted, a mixture of the two that only
we can have made, or something third. Only the third is for people, or for the service's policy.
"""

from __future__ import annotations

from enum import StrEnum

from oss_agent.fulfilment.trees import mixture, tree
from oss_agent.spi.tree import Edit, Tree, path_text


class Standing(StrEnum):
    """What a read-back shows."""

    TARGET = "as wanted"
    BEFORE = "as before"
    MIXED = "half as before and half as wanted"
    THIRD = "something else"


def of(current: Tree, before: Tree, target: Tree) -> Standing:
    """Where ``current`` stands. A change that changes nothing is as wanted."""
    if tree.same(current, target):
        return Standing.TARGET
    if tree.same(current, before):
        return Standing.BEFORE
    return Standing.MIXED if mixture.is_ours(current, before, target) else Standing.THIRD


def difference(name: str, wanted: Tree, current: Tree) -> str:
    """What is not as ``wanted``, in words: ``it differs from the target: delete /eline[name=a]``."""
    return f"it differs from the {name}: {edits(wanted, current)}"


def otherwise(wanted: Tree, told: Tree) -> str:
    """As ``edits``, with the values that a device makes of ours."""
    found = tree.diff(wanted, told)
    return ", ".join(f"{one.operation} {path_text(one.path)}{_value(one)}" for one in found)


def _value(edit: Edit) -> str:
    value = edit.node.value if edit.node is not None else None
    return "" if value is None else f" {value!r}"


def edits(wanted: Tree, current: Tree) -> str:
    """The difference alone: ``delete /eline[name=a], create /eline[name=b]``."""
    found = (f"{one.operation} {path_text(one.path)}" for one in tree.diff(wanted, current))
    return ", ".join(found)
