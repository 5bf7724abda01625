"""Decides what a server's hello offers (RFC 6241 8.1); our own hello is here too."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.netconf import document
from oss_agent.spi.device import Capability

BASE_10 = "urn:ietf:params:netconf:base:1.0"
BASE_11 = "urn:ietf:params:netconf:base:1.1"
_CAPABILITY = "urn:ietf:params:netconf:capability:"
_MOST = 20_000  # a core router announces some 1500 modules

_OFFERS = {
    Capability.CANDIDATE: ("candidate:1.0",),
    Capability.CONFIRMED_COMMIT: ("confirmed-commit:1.0", "confirmed-commit:1.1"),
    Capability.PERSIST: ("confirmed-commit:1.1",),
    Capability.ROLLBACK_ON_ERROR: ("rollback-on-error:1.0",),
    Capability.WRITABLE_RUNNING: ("writable-running:1.0",),
    Capability.STARTUP: ("startup:1.0",),
}
SPOKEN = frozenset((*_OFFERS, Capability.CONFIGURE))
"""The capabilities that a hello decides; all others are as the platform declares."""


@dataclass(frozen=True, slots=True)
class Hello:
    """What the server said: capability URIs without their parameters, and our session's id.

    ``announced`` are the URIs as they came, with parameters (``?module=``), in the server's order.
    """

    capabilities: frozenset[str]
    session: str
    announced: tuple[str, ...] = ()

    @property
    def chunked(self) -> bool:
        """Whether both sides speak base:1.1, so chunked framing follows the hellos."""
        return BASE_11 in self.capabilities

    def has(self, capability: str) -> bool:
        """Whether the server announced a standard capability, e.g. ``validate:1.1``."""
        return _CAPABILITY + capability in self.capabilities

    def offers(self) -> frozenset[Capability]:
        """The capabilities of ours that this server has."""
        found = {ours for ours, names in _OFFERS.items() if any(map(self.has, names))}
        if not self.chunked:
            # Servers tie persist to base:1.1 (netconfd does); without it the token is refused.
            found.discard(Capability.PERSIST)
        if found & {Capability.CANDIDATE, Capability.WRITABLE_RUNNING}:
            found.add(Capability.CONFIGURE)
        return frozenset(found)


def ours() -> bytes:
    """The client's hello, unframed."""
    uris = [document.base("capability", text=uri) for uri in (BASE_10, BASE_11)]
    hello = document.base("hello", document.base("capabilities", *uris))
    return document.serialise(hello)


def read(message: bytes) -> Hello:
    """The server's hello, whatever prefix it uses and however its capabilities are scattered.

    Raises document.Unreadable when it is no hello or offers no base version that we speak.
    """
    root = document.parse(message)
    if root.tag != f"{{{document.BASE}}}hello":
        raise document.Unreadable(f"a hello was expected, not <{document.local(root)}>")
    listed = root.findall(f"{{{document.BASE}}}capabilities/{{{document.BASE}}}capability")
    announced = tuple(document.content(e).strip() for e in listed[:_MOST])
    uris = frozenset(uri.partition("?")[0] for uri in announced)
    if not uris & {BASE_10, BASE_11}:
        raise document.Unreadable("the hello offers neither base:1.0 nor base:1.1")
    session = document.child(root, "session-id")
    if session is None:
        # RFC 6241 8.1: without its id a lock's holder could not be told from ourselves.
        raise document.Unreadable("the hello names no session-id")
    return Hello(uris, document.content(session).strip(), announced)
