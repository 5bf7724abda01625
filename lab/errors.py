"""Decides how a lab says no: by what the caller can do next.

LabError
    LabUnavailable    this machine cannot run it now (skip, or mend the machine)
    TopologyRefused   the file asks for something this runner does not do (change the file)
    LabBusy           a lab of this name is already up (take it down, or use another name)
    CommandFailed     a tool the lab runs said no (read its words)
"""

from __future__ import annotations

from collections.abc import Sequence


class LabError(Exception):
    """Anything the lab cannot do; the text is one sentence for a person."""


class LabUnavailable(LabError):
    """This machine cannot run the lab; `reason` says why."""

    def __init__(self, reason: str) -> None:
        """Keep the reason as a field: skips and doctor print it."""
        super().__init__(reason)
        self.reason = reason


class TopologyRefused(LabError):
    """The topology file asks for something this runner does not do."""


class LabBusy(LabError):
    """A lab of this name is already up, or being brought up by someone else."""


class CommandFailed(LabError):
    """A command ended badly; the text is its last words."""

    def __init__(self, argv: Sequence[str], code: int, words: str) -> None:
        """Name the tool and keep its words."""
        super().__init__(f"{argv[0]} ended with {code}: {words.strip()[-600:] or 'no words'}")
        self.argv = tuple(argv)
        self.code = code
        self.words = words
