"""Decides what a simulated device says it can do in its hello."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from xml.sax.saxutils import escape

from oss_agent.spi.device import Rung
from oss_agent.testing.simulated.namespaces import BASE
from oss_agent.testing.simulated.schema import Schema

_CAPABILITY = "urn:ietf:params:netconf:capability:"


@dataclass(frozen=True, slots=True)
class Offer:
    """The rung of the ladder this device stands on."""

    chunked: bool = True
    """base:1.1"""
    candidate: bool = True
    writable_running: bool = False
    rollback_on_error: bool = True
    confirmed_commit: bool = True
    persist: bool = True
    """confirmed-commit:1.1 beside 1.0"""
    startup: bool = False
    validate: bool = True
    more: tuple[str, ...] = ()
    """URIs beside these, as a device of some maker announces them"""

    def hello(self, schema: Schema, session: int | None) -> bytes:
        """The server's hello; without a session-id when ``session`` is None."""
        names = "".join(f"<capability>{escape(uri)}</capability>" for uri in self._uris(schema))
        number = "" if session is None else f"<session-id>{session}</session-id>"
        return (
            f'<?xml version="1.0" encoding="UTF-8"?><hello xmlns="{BASE}">'
            f"<capabilities>{names}</capabilities>{number}</hello>"
        ).encode()

    def _uris(self, schema: Schema) -> list[str]:
        words = ["candidate:1.0"] if self.candidate else []
        words += ["writable-running:1.0"] if self.writable_running else []
        words += ["rollback-on-error:1.0"] if self.rollback_on_error else []
        words += ["confirmed-commit:1.0"] if self.confirmed_commit else []
        words += ["confirmed-commit:1.1"] if self.confirmed_commit and self.persist else []
        words += ["startup:1.0"] if self.startup else []
        words += ["validate:1.0", "validate:1.1"] if self.validate else []
        bases = ["1.0", "1.1"] if self.chunked else ["1.0"]
        module = f"{schema.namespace}?module={schema.module}&revision={schema.revision}"
        return [
            *(f"urn:ietf:params:netconf:base:{base}" for base in bases),
            *(_CAPABILITY + word for word in words),
            module,
            *self.more,
        ]


_RUNNING_ONLY = Offer(candidate=False, writable_running=True, confirmed_commit=False, persist=False)
OFFERS: Mapping[Rung, Offer] = {
    Rung.PERSIST: Offer(),
    Rung.CONFIRMED: Offer(persist=False),
    Rung.CANDIDATE: Offer(confirmed_commit=False, persist=False),
    Rung.RUNNING: _RUNNING_ONLY,
}
"""An offer for every rung that NETCONF carries."""
UNSAFE = replace(_RUNNING_ONLY, rollback_on_error=False)
"""Running can be written and half of a refused edit stays: no rung carries that."""
