"""Decides which of our errors a failure of NAPALM, its library or its transport is; pure.

What matters to the caller is whether the device may have acted: ``Answer.REFUSED`` means that it
answered no, ``LOST`` that nobody knows, ``UNREACHED`` that nothing was sent.
"""

from __future__ import annotations

from enum import StrEnum

from drivers import offload, text
from oss_agent.errors import DeviceBusy, DeviceError, DeviceRefused, DeviceUnreachable


class Taken(Exception):
    """Somebody else configures the device; the text names the holder."""


class NothingPending(Exception):
    """No timed commit of ours is pending."""


class NotTrusted(Exception):
    """The device's key is not the pinned one; nothing was sent."""


class LoginRefused(Exception):
    """The device does not take the login."""


class Unreached(Exception):
    """No connection; nothing was sent."""


class Answer(StrEnum):
    """What a failure says about the device."""

    REFUSED = "refused"
    LOST = "lost"
    UNREACHED = "unreached"


# NAPALM's names and its libraries', looked at by name: importing them here would import them all.
_LOGIN = {"ConnectAuthError", "LoginRefused", "NetmikoAuthenticationException"}
_NOT_TRUSTED = {"NotTrusted"}
_SAID_NO = {
    "MergeConfigException",
    "ReplaceConfigException",
    "CommitError",
    "CommandErrorException",
    "CommandError",
    "NothingPending",
}
_NOT_SENT = {"Unreached", "ConnectTimeoutError", "NetmikoTimeoutException"}


def answer(failure: Exception) -> Answer:
    """Whether the device said no, was not reached, or nobody knows."""
    if isinstance(failure, offload.Overdue):
        return Answer.LOST if failure.begun else Answer.UNREACHED
    names = {kind.__name__ for kind in type(failure).__mro__}
    if names & _SAID_NO:
        return Answer.REFUSED
    return Answer.UNREACHED if names & _NOT_SENT else Answer.LOST


def outside_a_change(device: str, failure: Exception) -> DeviceError:
    """The error of a call that changes nothing that is live."""
    words = text.reason(failure)
    if isinstance(failure, Taken):
        return DeviceBusy(device, f"somebody else configures it: {words}", holder=words)
    names = {kind.__name__ for kind in type(failure).__mro__}
    if names & (_LOGIN | _NOT_TRUSTED):
        return DeviceRefused(device, words, login=not names & _NOT_TRUSTED)
    return DeviceUnreachable(device, words)
