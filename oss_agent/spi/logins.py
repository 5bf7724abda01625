"""Logins to devices: which of several one takes, and who may send one again that was refused.

Neither locks anybody out.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias

from oss_agent.spi.device import Endpoint


class Asker(StrEnum):
    """For what a device's stored login is sent."""

    AUDITS = "audits"
    BACKUPS = "backups"
    DISCOVERY = "discovery"
    ORDERS = "orders"
    LAWS = "laws"

    @property
    def is_waited_for(self) -> bool:
        """Does a person wait for it? Then it is sent where the others spare it already."""
        return self in {Asker.ORDERS, Asker.LAWS}


Sending: TypeAlias = Callable[[Endpoint, Asker], AbstractAsyncContextManager[None]]
"""Around whatever sends a device's stored login: what the body raises says what became of it.

DeviceRefused before the body, where the login was refused so often that it is spared now; one from the
body with ``login`` is counted, and comes out with what to do about it.
"""


@contextlib.asynccontextmanager
async def unspared(endpoint: Endpoint, by: Asker) -> AsyncIterator[None]:
    """Nobody counts (tests and tools of one device)."""
    del endpoint, by
    yield


@dataclass(frozen=True, slots=True)
class Candidate:
    """A login to try; ``name`` is what it is called in answers and in the audit, never its secret."""

    name: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a device: ``outcome`` is found, refused or stopped; ``login`` the one it takes.

    ``tried`` are the names of those that were sent. Stopped is whatever is no refusal of a login: it
    does not answer, its key is not pinned, or too many were refused lately.
    """

    device: str
    outcome: str
    login: str = ""
    tried: tuple[str, ...] = ()
    reason: str = ""


class Logins(Protocol):
    """Tries logins."""

    async def find(
        self, tenant: str, devices: Sequence[str], candidates: Sequence[Candidate], *, by: str
    ) -> tuple[Tried, ...]:
        """Try the candidates in turn on each trusted device, up to the first that it takes, and keep it.

        OrderRejected, before anything is sent, where a name or secret cannot be.
        """
        ...
