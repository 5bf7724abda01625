"""Decides what a reply's rpc-errors mean to the caller (RFC 6241 4.3 and appendix A).

Every entry is read: success needs ``<ok/>`` or data and no entry of severity error, because
devices are known to send a warning first and the error behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drivers import text
from drivers.netconf import document
from oss_agent.errors import ChangeRejected, DeviceBusy, DeviceError, DeviceRefused

_BUSY = frozenset({"lock-denied", "in-use", "resource-denied"})
_MOST = 20


@dataclass(frozen=True, slots=True)
class RpcError:
    """One rpc-error, its texts printable and bounded; ``holder`` is the session-id of a lock."""

    tag: str
    severity: str
    path: str
    message: str
    holder: str | None

    def __str__(self) -> str:
        """Tag, words and place in one line."""
        words = f"{self.tag}: {self.message}" if self.message else self.tag
        return f"{words} at {self.path}" if self.path else words


def errors_of(reply: document.Element) -> tuple[RpcError, ...]:
    """The entries of severity error; what is not plainly a warning counts as one.

    The name alone decides: an rpc-error in a wrong namespace must not look like success.
    """
    entries = [_read(e) for e in reply if document.local(e) == "rpc-error"]
    return tuple(e for e in entries if e.severity != "warning")[:_MOST]


def of(device: str, errors: Sequence[RpcError]) -> DeviceError:
    """The error to raise for at least one rpc-error: busy only when all of them say so."""
    words = "; ".join(str(error) for error in errors[:3])
    first = next((e for e in errors if e.tag not in _BUSY), None)
    if first is None:
        holder = next((e.holder for e in errors if e.holder), None)
        return DeviceBusy(device, _held(words, holder), holder=holder)
    if first.tag == "access-denied":
        return DeviceRefused(device, f"the login may not do this: {words}")
    return ChangeRejected(device, words, tag=first.tag, path=first.path)


def _held(words: str, holder: str | None) -> str:
    return f"{words} (held by session {holder})" if holder else words


def _read(entry: document.Element) -> RpcError:
    fields = {document.local(e): text.line(document.content(e)) for e in entry}
    sessions = (e for e in entry.iter() if document.local(e) == "session-id")
    holder = next((text.line(document.content(e), 40) for e in sessions), None)
    return RpcError(
        tag=fields.get("error-tag") or "operation-failed",
        severity=fields.get("error-severity", ""),
        path=fields.get("error-path", ""),
        message=fields.get("error-message", ""),
        holder=holder,
    )
