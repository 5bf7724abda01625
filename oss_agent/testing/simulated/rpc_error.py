"""Decides how a simulated device says no: RFC 6241 section 4.3 and appendix A."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape


@dataclass(slots=True)
class RpcError(Exception):
    """One rpc-error. ``path`` is an XPath with prefixes, ``info`` (name, text) pairs."""

    tag: str
    message: str
    type: str = "application"
    path: str = ""
    info: Sequence[tuple[str, str]] = ()
    severity: str = "error"
    app_tag: str = ""
    prefixes: Sequence[tuple[str, str]] = field(default=())

    def xml(self) -> str:
        """The element, in the base namespace that its parent declares."""
        return (
            f"<rpc-error><error-type>{self.type}</error-type><error-tag>{self.tag}</error-tag>"
            f"<error-severity>{self.severity}</error-severity>{self._app_tag()}{self._path()}"
            f'<error-message xml:lang="en">{escape(self.message)}</error-message>{self._info()}'
            "</rpc-error>"
        )

    def _app_tag(self) -> str:
        return f"<error-app-tag>{escape(self.app_tag)}</error-app-tag>" if self.app_tag else ""

    def _path(self) -> str:
        names = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in self.prefixes)
        return f"<error-path{names}>{escape(self.path)}</error-path>" if self.path else ""

    def _info(self) -> str:
        parts = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in self.info)
        return f"<error-info>{parts}</error-info>" if parts else ""


def lock_denied(holder: int, message: str) -> RpcError:
    """RFC 6241 7.5: ``holder`` is the session that has the lock, 0 when it is no session."""
    return RpcError("lock-denied", message, "protocol", info=[("session-id", str(holder))])
