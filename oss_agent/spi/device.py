"""How to talk to a device: endpoint, driver, session. Drivers implement, fulfilment drives.

A session is one participant: one configuration store of one device. Every call has a deadline
set by the caller (``asyncio.timeout``); a session never waits for ever by itself either, because
each RPC has its own limit. Errors are those of ``oss_agent.errors`` (DeviceError and below).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from oss_agent.spi.proof import Observation, Question
from oss_agent.spi.tree import Edit, Path, Tree


class Capability(StrEnum):
    """What a platform can do; declared by its data, then confirmed by the hello or by trying."""

    CONFIGURE = "configure"
    """It has a configuration store that a transaction can take part in."""
    CANDIDATE = "candidate"
    """RFC 6241 8.3"""
    CONFIRMED_COMMIT = "confirmed-commit"
    """RFC 6241 8.4: a commit that undoes itself unless confirmed"""
    PERSIST = "persist"
    """confirmed-commit:1.1 with persist: the pending commit survives the session"""
    ROLLBACK_ON_ERROR = "rollback-on-error"
    WRITABLE_RUNNING = "writable-running"
    STARTUP = "startup"
    """a separate startup datastore that ``save`` copies to"""
    PROBE = "probe"
    """it can send test packets (ping): a test point"""
    SNMP = "snmp"
    SIMULATED = "simulated"
    """no packet can move: packet predicates honestly read 'not proven (simulated)'"""


@dataclass(frozen=True, slots=True)
class Credential:
    """A login, already resolved from its reference. Never printed, logged or stored."""

    username: str
    password: str | None = field(default=None, repr=False)
    private_key_file: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and as whom to reach one device.

    ``address`` is an IPv4 or IPv6 literal without scope. ``ports`` maps protocol (``netconf``,
    ``ssh``, ``snmp``) to a port. ``host_keys`` are pinned OpenSSH public keys ("ssh-ed25519 AAAA…");
    empty means not yet trusted: a session is then refused (DeviceRefused) before any credential
    is sent.
    """

    device: str
    platform: str
    address: str
    credential: Credential
    host_keys: tuple[str, ...] = ()
    ports: Mapping[str, int] = field(default_factory=dict[str, int])
    snmp_community: str | None = field(default=None, repr=False)


class Pending(StrEnum):
    """What a probe of a pending confirmed commit found."""

    HELD = "held"
    """still unconfirmed, by our persist token; its timer was re-armed"""
    GONE = "gone"
    """nothing pending: confirmed or reverted, read back to know"""
    OTHERS = "others"
    """somebody else's confirmed commit is pending"""


class Session(Protocol):
    """One configuration store of one device, for as long as the connection lives."""

    @property
    def offers(self) -> frozenset[Capability]:
        """What this very device offered in its hello: the rung of the ladder follows from it."""
        ...

    async def lock(self) -> None:
        """Take the configuration lock and start from a clean candidate. DeviceBusy if held."""
        ...

    async def unlock(self) -> None:
        """Give the lock back. Safe when not held."""
        ...

    async def edit(self, edits: Sequence[Edit]) -> None:
        """Stage the edits; nothing goes live. ChangeRejected leaves the candidate dirty."""
        ...

    async def validate(self) -> None:
        """Ask the device's own opinion, where the platform's data says that is harmless."""
        ...

    async def diff(self) -> str:
        """What a commit would change, as the device's native text ("" = nothing)."""
        ...

    async def commit(
        self, *, confirm_within: float | None = None, persist: str | None = None
    ) -> None:
        """Make the candidate live.

        With ``confirm_within`` (seconds) the device undoes it by itself unless ``confirm`` comes in
        time; with ``persist`` the pending commit survives this session. CommitUnknown when no
        answer came: read back.
        """
        ...

    async def confirm(self, *, persist: str | None = None) -> None:
        """Make a confirmed commit permanent. ChangeRejected when nothing is pending any more."""
        ...

    async def probe_pending(self, *, persist: str, confirm_within: float) -> Pending:
        """Is our confirmed commit still pending? Re-arms its timer if so; commits nothing else."""
        ...

    async def cancel(self, *, persist: str | None = None) -> None:
        """Undo a pending confirmed commit now. Safe when nothing is pending."""
        ...

    async def discard(self) -> None:
        """Reset the candidate to running. Safe twice."""
        ...

    async def save(self) -> None:
        """Copy running to startup where the device keeps them apart; else nothing."""
        ...

    async def read(self, path: Path) -> Tree:
        """Running configuration at ``path``, as a tree from the root holding only that subtree.

        An absent node gives a tree without it (``at(path) is None``).
        """
        ...

    async def snapshot(self) -> str:
        """The whole running configuration, canonical text, minus declared volatile patterns.

        Two equal snapshots are what 'byte for byte as before' means.
        """
        ...

    async def observe(self, question: Question) -> Observation:
        """Answer one question by the platform's observe.yaml. Unknown kind: unobservable."""
        ...


class Driver(Protocol):
    """One platform. Small: what the platform *is* lies in device_models/<platform>/."""

    @property
    def platform(self) -> str:
        """The platform's fixed word, e.g. ``frr_linux``."""
        ...

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Declared; a session's ``offers`` confirm."""
        ...

    def session(self, endpoint: Endpoint) -> AbstractAsyncContextManager[Session]:
        """Connect (pinned host key first, then credential) and close on exit."""
        ...

    def render(self, edits: Sequence[Edit]) -> str:
        """The native form that ``edit`` would send for these edits, for the dry-run and its hash.

        Pure; holds no message id, token or time.
        """
        ...

    def instantiate(self, template: str, slots: Mapping[str, str]) -> Tree:
        """A configuration tree from the platform's template data with its typed slots filled.

        Pure. Raises OrderRejected naming the slot when a value does not fit its type.
        """
        ...


class Drivers(Protocol):
    """The registry, as fulfilment and assurance see it."""

    def driver(self, platform: str) -> Driver:
        """The driver of a platform; ConfigurationError naming the known ones when unknown."""
        ...
