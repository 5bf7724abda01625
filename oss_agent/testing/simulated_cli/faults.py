"""Decides which ways of being broken a simulated command line knows; every one was seen on boxes.

``..._at`` is the n-th line that arrives in configuration mode, counted from when the faults were
set, over all sessions; each shows once.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Echo(StrEnum):
    """What comes back of what is typed."""

    PROPER = "proper"
    OFF = "off"
    GARBLED = "garbled"
    """the second character of every line is lost, as on a slow console that is pasted into"""


@dataclass(frozen=True, slots=True)
class Faults:
    """The knobs. A device takes another value at any time; counting starts again then."""

    error_at: int | None = None
    """this line is not applied and answered with ``error``"""
    error: str = "% Invalid input detected at '^' marker."
    warning_at: int | None = None
    """this line is applied and answered with ``warning``"""
    warning: str = "% Warning: the change takes effect for new sessions only"
    ask_at: int | None = None
    """this line waits for an answer to ``question``; anything but ``y`` drops the line"""
    question: str = "Are you sure? [y/n] "
    ignore_at: int | None = None
    """this line is accepted in silence and not applied"""
    rename_at: int | None = None
    """once this line is applied the prompt carries another name"""
    drop_at: int | None = None
    """the connection is cut when this line arrives"""
    drop_applies: bool = False
    """the line at which the connection is cut is applied before"""
    hang_at: int | None = None
    """this line is applied and never answered"""
    refuse_undo: bool = False
    """every line that begins with ``no`` is refused"""
    busy: str | None = None
    """configuration mode is refused in the name of this user"""
    echo: Echo = Echo.PROPER
    ansi: bool = False
    """prompts and echoes carry terminal escape sequences and carriage returns"""
    pager: int | None = None
    """output stops after so many lines with ``--More--``, whatever was asked of the terminal"""
    byte_delay: float = 0.0
    """seconds between the bytes of every answer"""
    cut_after: int | None = None
    """the running configuration is shown to this many lines, as if that were all"""
    padding: int = 0
    """so many further lines in every running configuration shown"""


NONE = Faults()
