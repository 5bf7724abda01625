"""Decides what a refused commit may have touched, and which edits would bring that back. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from device_models import model
from drivers.netconf import configuration
from oss_agent.spi.tree import Edit, Operation, Path, Tree


def touched(edits: Sequence[Edit], schema: model.Schema) -> tuple[Path, ...]:
    """Where running may differ afterwards: no path lies below another one.

    Of entries with a place it is the whole list's parent, because the order there counts.
    """
    found = {where for edit in edits for where in _where(edit, schema)}
    return tuple(
        path for path in sorted(found) if not any(path[:n] in found for n in range(len(path)))
    )


def restoration(before: Tree, now: Tree, paths: Sequence[Path]) -> tuple[Edit, ...]:
    """The edits that put back what was at ``paths``; the order of entries they cannot mend."""
    return tuple(edit for path in paths for edit in _back(before.at(path), now.at(path), path))


def _where(edit: Edit, schema: model.Schema) -> Iterator[Path]:
    for _, path, _ in configuration.on_nodes(edit, schema):
        placed = edit.place is not None or edit.left is not None
        in_leaf_list = any(name == "." for name, _ in path[-1].keys)
        yield path[:-1] if placed or in_leaf_list else path


def _back(before: Tree | None, now: Tree | None, path: Path) -> Iterator[Edit]:
    if before == now:
        return
    if before is None:
        yield Edit(Operation.DELETE, path, was=now)
    elif now is None:
        yield Edit(Operation.CREATE, path, node=before)
    elif before.value is not None or before.step.keys:
        yield Edit(Operation.REPLACE, path, node=before, was=now)
    else:
        for step in sorted({child.step for child in (*before.children, *now.children)}):
            yield from _back(before.child(step), now.child(step), (*path, step))
