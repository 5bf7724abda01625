"""Decides how a line of a command-line configuration is a step of a tree, and back.

A line that a service may own is ``line[text=neighbor 192.0.2.1 remote-as 65001]``, with what is in
its section below it; a section that nobody owns is a container named for its line.
"""

from __future__ import annotations

from oss_agent.spi.tree import Step

_OWNED = "line"


def owned(line: str) -> Step:
    """The step of a line that may be owned."""
    return Step(_OWNED, (("text", line),))


def is_owned(step: Step) -> bool:
    """Is it such a line, and no container?"""
    return bool(step.keys)


def text(step: Step) -> str:
    """The line of a step, owned or container."""
    return step.keys[0][1] if step.keys else step.name
