"""Decides what a driver must bring to be judged: a device to talk to and configurations to try."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Self, TypeVar

from oss_agent.errors import DeviceError
from oss_agent.fulfilment.trees import tree as trees
from oss_agent.spi import device
from oss_agent.spi.device import Rung
from oss_agent.spi.tree import EMPTY, Edit, Path, Tree
from oss_agent.testing.relay import Relay

_Error = TypeVar("_Error", bound=DeviceError)


class BrokenContract(AssertionError):
    """A driver, or its peer, does not keep what spi.device promises."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One device behind a driver, and what may be tried on it.

    * ``scope`` is the subtree that the suite may fill and empty; ``samples`` are three different
      valid contents of it (whole trees from the root); ``refused`` fits the platform's model but the
      device refuses it, at edit or at commit.
    * ``store`` is the configuration store ("" the main one); ``stands_on`` the rung that this device
      offers where that is another one than declared.
    * ``protocol`` is the endpoint's port that configures.
    * ``patience`` is the quiet, in seconds, after which an expired confirm timeout must have shown;
      ``shortest_timer`` the shortest one that the device can set.
    * ``freed_within``: seconds after which the lock of a session that died keeps nobody away.
    * ``logins`` counts authentications begun, where the peer can tell.
    * ``excludes``: its lock keeps other sessions out; ``names_holder``: and says whose it is.
    * ``predicts``: the device itself tells what a commit would leave.
    * ``answers_before_commit``: how many answers a commit waits for before it changes anything.
    """

    driver: device.Driver
    endpoint: device.Endpoint
    scope: Path
    samples: tuple[Tree, Tree, Tree]
    refused: Tree
    store: str = ""
    stands_on: Rung | None = None
    protocol: str = "netconf"
    patience: float = 1.0
    shortest_timer: float = 2.0
    freed_within: float = 60.0
    logins: Callable[[], int] | None = None
    excludes: bool = True
    names_holder: bool = True
    predicts: bool = False
    answers_before_commit: int = 0

    @property
    def rung(self) -> Rung:
        """Where it stands, or should. BrokenContract when nothing safe is declared."""
        found = self.stands_on or device.rung(self.driver.declared(self.store))
        if found is None:
            raise BrokenContract(f"{self.driver.platform} declares no rung for {self.store!r}")
        return found

    def session(self) -> AbstractAsyncContextManager[device.Session]:
        """A new session with its store."""
        return self.driver.session(self.endpoint, self.store)

    def at(self, host: str, port: int) -> Peer:
        """The same device reached another way."""
        ports = {**self.endpoint.ports, self.protocol: port}
        return dataclasses.replace(
            self, endpoint=dataclasses.replace(self.endpoint, address=host, ports=ports)
        )

    @asynccontextmanager
    async def through_relay(self) -> AsyncIterator[tuple[Peer, Relay]]:
        """The same device behind a relay that can lose replies."""
        port = self.endpoint.ports[self.protocol]
        async with Relay(self.endpoint.address, port) as relay:
            yield self.at(relay.host, relay.port), relay

    async def content(self, session: device.Session) -> Tree:
        """What ``scope`` holds in running, without empty containers."""
        return trees.normal(await session.read(self.scope))

    async def stage(self, session: device.Session, target: Tree) -> tuple[Edit, ...]:
        """Stage what makes ``scope`` hold ``target``; the edits."""
        edits = trees.diff(await self.content(session), target)
        await session.edit(edits)
        return edits

    async def put(self, session: device.Session, target: Tree) -> None:
        """Make ``target`` live, locked, in one commit."""
        await session.lock()
        try:
            if await self.stage(session, target):
                await session.commit()
        finally:
            await session.unlock()

    async def holds(self, target: Tree) -> bool:
        """Whether a new session reads ``target``."""
        async with self.session() as session:
            return await self.content(session) == trees.normal(target)


async def clean(peer: Peer, target: Tree = EMPTY) -> None:
    """Begin: ``scope`` holds ``target``."""
    async with peer.session() as session:
        await peer.put(session, target)
        expect(await peer.content(session) == trees.normal(target), "a commit is read back")


def expect(truth: object, words: str) -> None:
    """BrokenContract with ``words`` (what should be so) unless it is."""
    if not truth:
        raise BrokenContract(f"expected: {words}")


def expect_equal(found: object, wanted: object, words: str) -> None:
    """BrokenContract showing both unless they are equal."""
    if found != wanted:
        raise BrokenContract(f"expected: {words}\nfound:  {found!r}\nwanted: {wanted!r}")


class refused(Generic[_Error]):  # noqa: N801 - reads as a statement: with refused(DeviceBusy) as no
    """``with refused(DeviceBusy) as no:`` demands exactly this kind of error; it is ``no.error``."""

    def __init__(self, kind: type[_Error]) -> None:
        self._kind = kind
        self._error: _Error | None = None

    @property
    def error(self) -> _Error:
        """The error that came."""
        if self._error is None:
            raise BrokenContract(f"expected {self._kind.__name__}, nothing was raised")
        return self._error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if error is None:
            raise BrokenContract(f"expected {self._kind.__name__}, nothing was raised")
        if type(error) is not self._kind:
            return False
        self._error = error
        return True


def values(tree: Tree) -> Sequence[str]:
    """Every leaf value of a tree."""
    own = [] if tree.value is None else [tree.value]
    return [*own, *(value for child in tree.children for value in values(child))]
