"""Named places where a test may stop the process, so that 'crash at any instant' can be shown.

Armed only by ``OSS_AGENT_FAILPOINT=name:kill`` (SIGKILL to ourselves), ``name:stop`` (SIGSTOP: a
test acts on the network meanwhile and lets us go on) or ``name:raise``; ``name@3:kill`` waits for
the third passing; several are separated by commas. Every journal write and every device call
passes through one, by construction: ``Journal.write`` and ``Talk.call`` are the only ways to either.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from types import MappingProxyType

from oss_agent import errors

VARIABLE = "OSS_AGENT_FAILPOINT"
_ACTIONS = ("kill", "raise", "stop")


class Crash(BaseException):
    """A pretended death: no handler of ours may catch it, so nothing is tidied up by hand."""


class Failpoints:
    """Which names are armed, and which were passed (a test lists them before it kills at each)."""

    def __init__(self, armed: Mapping[str, str] = MappingProxyType({})) -> None:
        for name, action in armed.items():
            if action not in _ACTIONS:
                raise errors.ConfigurationError(
                    f"failpoint {name}: {action!r} is no action; use one of {', '.join(_ACTIONS)}"
                )
        self._armed = {_place(name): action for name, action in armed.items()}
        self.passed: dict[str, int] = {}

    def hit(self, name: str) -> None:
        """Pass the place called ``name``; does not return when it is armed with kill."""
        self.passed[name] = self.passed.get(name, 0) + 1
        action = self._armed.get((name, self.passed[name]))
        if action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if action == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        if action == "raise":
            raise Crash(name)


def from_environment(environment: Mapping[str, str]) -> Failpoints:
    """The failpoints a test armed; none in production. ConfigurationError on a wrong form."""
    entries = [part for part in environment.get(VARIABLE, "").split(",") if part]
    return Failpoints(dict(_entry(part) for part in entries))


def _entry(text: str) -> tuple[str, str]:
    name, _, action = text.rpartition(":")
    return name, action


def _place(text: str) -> tuple[str, int]:
    name, _, number = text.partition("@")
    if number and not (number.isdecimal() and int(number) > 0):
        raise errors.ConfigurationError(
            f"failpoint {text}: {number!r} is no passing; write name@3 for the third"
        )
    return name, int(number or 1)
