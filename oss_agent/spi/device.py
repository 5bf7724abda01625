"""How to talk to a device: endpoint, driver, session. Drivers implement, fulfilment drives.

A session is one participant: one configuration store of one device. Every call has a deadline
set by the caller (``asyncio.timeout``); a session never waits for ever by itself either, because
each RPC has its own limit. Errors are those of ``oss_agent.errors`` (DeviceError and below).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
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
    COMMIT_TIMER = "commit-timer"
    """a commit with the device's own undo timer that outlives the session and has no token (EOS
    configuration sessions, ``configure revert`` of IOS)"""
    REPLACE = "config-replace"
    """the whole configuration, or a session of it, is swapped in one step and can be swapped back"""
    LINES = "reversible-lines"
    """command lines, one after another; every one has a line that takes it back"""
    STARTUP = "startup"
    """a separate startup datastore that ``save`` copies to"""
    PROBE = "probe"
    """it can send test packets (ping): a test point"""
    SNMP = "snmp"
    SIMULATED = "simulated"
    """no packet can move: packet predicates honestly read 'not proven (simulated)'"""


class Rung(StrEnum):
    """How a configuration store takes part in an all-or-nothing change, strongest first.

    On the first three a dead-man timer of the device undoes what nobody confirms: HELD means
    unconfirmed. On the others HELD means applied, and our own durable undo is the way back.
    """

    PERSIST = "confirmed commit with persist"
    """the pending commit survives our session; any session confirms or cancels it by its token"""
    CONFIRMED = "confirmed commit"
    """the pending commit dies with the session that sent it, which must stay open while HELD"""
    TIMED = "commit timer"
    """the pending commit survives our session; it has no token, the lease is the only fence"""
    CANDIDATE = "candidate"
    RUNNING = "writable running"
    REPLACE = "replace"
    LINES = "reversible lines"

    @property
    def timed(self) -> bool:
        """Does the device undo an unconfirmed commit by itself?"""
        return self in {Rung.PERSIST, Rung.CONFIRMED, Rung.TIMED}


def rung(offers: frozenset[Capability]) -> Rung | None:
    """The strongest rung these capabilities carry; None when no safe change is possible. Pure."""
    have = Capability
    ladder = (
        (Rung.PERSIST, {have.CANDIDATE, have.CONFIRMED_COMMIT, have.PERSIST}),
        (Rung.CONFIRMED, {have.CANDIDATE, have.CONFIRMED_COMMIT}),
        (Rung.TIMED, {have.COMMIT_TIMER}),
        (Rung.CANDIDATE, {have.CANDIDATE}),
        (Rung.RUNNING, {have.WRITABLE_RUNNING, have.ROLLBACK_ON_ERROR}),
        (Rung.REPLACE, {have.REPLACE}),
        (Rung.LINES, {have.LINES}),
    )
    return next((one for one, needed in ladder if needed <= offers), None)


class Datastore(StrEnum):
    """Which configuration of a store (RFC 8342): what is in force, or what a restart brings back."""

    RUNNING = "running"
    STARTUP = "startup"


@dataclass(frozen=True, slots=True)
class Whole:
    """One whole configuration, canonical text without what changes by itself.

    ``lacks`` says why it is no whole one and must not be believed; "" when nothing speaks against it.
    """

    text: str
    lacks: str = ""


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
    """still unconfirmed; its timer was re-armed. Certain with a token. Without one the device's
    ``<ok/>`` proves nothing, so our own clock vouches that its timer has not rung"""
    GONE = "gone"
    """nothing of ours is pending, for certain: confirmed or reverted, read back to know.

    A device with tokens refused ours as netconfd and others do when nothing is pending
    (operation-failed; RFC 6241 names no error for it) and let running be locked, which RFC 6241 7.5
    forbids while any commit is pending. One with sessions of configuration does not list it"""
    UNCLEAR = "unclear"
    """refused as if nothing were pending, and nothing proves it: a commit that failed for another
    reason looks the same"""
    OTHERS = "others"
    """a confirmed commit is pending by another token (invalid-value, RFC 6241's YANG)"""


class Session(Protocol):
    """One configuration store of one device, for as long as the connection lives.

    What each call means on each rung (``rung(offers)``):

    * ``edit`` stages; where there is no candidate the session keeps the edits and sends nothing.
    * ``commit``: with a timer the change is live and undoes itself; without one it is live for good
      and ``confirm_within`` and ``persist`` are ignored. There ChangeRejected means the device holds
      what it held before, looked at and not assumed; whatever else is CommitUnknown. With a timer
      it is the device's word, as ``<ok/>`` is: read back.
    * ``confirm``, ``probe_pending`` and ``cancel`` mean something with a timer only; without one
      they do nothing, and ``probe_pending`` answers GONE.
    """

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

    async def predict(self, path: Path) -> Tree | None:
        """As ``read``, of what a commit would leave there, by the device's own word.

        None where nothing is staged in the device itself, or its data say not to ask. Nothing goes
        live. Several may be asked for at once, and beside ``validate``.
        """
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

    async def probe_pending(self, *, persist: str | None, confirm_within: float) -> Pending:
        """Is our confirmed commit still pending? Re-arms its timer if so; commits nothing else.

        ``persist`` is None where the rung has no token. DeviceBusy when a lock hides the answer or
        something unknown is pending; ChangeRejected when the device refused for a reason that says
        nothing about it: what is pending is then not known.
        """
        ...

    async def cancel(self, *, persist: str | None = None) -> None:
        """Undo a pending confirmed commit now. Safe when nothing is pending.

        Where there is no operation for it (Rung.CONFIRMED of RFC 4741) the session itself is ended:
        it answers DeviceUnreachable from then on; read back in a new one.
        """
        ...

    async def discard(self) -> None:
        """Reset the candidate to running. Safe twice."""
        ...

    async def save(self) -> None:
        """Copy running to startup where the device keeps them apart; else nothing."""
        ...

    async def read(self, *paths: Path) -> Tree:
        """Running configuration at ``paths``, as a tree from the root holding only these subtrees.

        One request for all of them, where the protocol has one. None of them is below another.
        Several reads may be asked for at once (a TaskGroup): where the protocol pipelines, up to 16
        are in flight together. Never beside an edit or a commit.

        An absent node gives a tree without it (``at(path) is None``).
        """
        ...

    async def snapshot(self) -> str:
        """The whole running configuration, canonical text, minus declared volatile patterns.

        Two equal snapshots are what 'byte for byte as before' means.
        """
        ...

    async def whole(self, datastore: Datastore) -> Whole | None:
        """A whole configuration to keep, judged by what the platform's data say of a whole one.

        Of running the text is that of ``snapshot``. None where the platform keeps no such datastore
        apart, or has no way to show it. It changes nothing and takes no lock.
        """
        ...

    async def observe(self, question: Question) -> Observation:
        """Answer one question by the platform's observe.yaml. Unknown kind: unobservable."""
        ...


class Connection(Protocol):
    """One login to one device, shared by its sessions: a handshake costs more than a change."""

    @property
    def alive(self) -> bool:
        """False once it is known to be broken; opening a session on it may still fail."""
        ...

    def session(self, store: str = "") -> AbstractAsyncContextManager[Session]:
        """A session with one configuration store ("" is the platform's first); closed on exit.

        Closing it leaves the connection open. DeviceUnreachable when the connection is gone.
        """
        ...


@dataclass(frozen=True, slots=True)
class Recognised:
    """A template of the platform as a configuration has it: ``instantiate`` backwards.

    ``slots`` are those that the configuration tells, ``at`` the node by which it was found, in
    ``store``. ``unfit`` names the node that does not fit, "" when all do: ``slots`` are then no reading.
    """

    template: str
    slots: Mapping[str, str]
    store: str
    at: Path
    unfit: str = ""


class Driver(Protocol):
    """One platform. Small: what the platform *is* lies in device_models/<platform>/."""

    @property
    def platform(self) -> str:
        """The platform's fixed word, e.g. ``frr_linux``."""
        ...

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Declared of the platform and its main store; a session's ``offers`` confirm."""
        ...

    def declared(self, store: str = "") -> frozenset[Capability]:
        """What the data promise of one store ("" is the main one): its rung, before any session.

        Pure; ``capabilities`` tells of the main store and of what belongs to none (SNMP, a probe).
        """
        ...

    @property
    def stores(self) -> tuple[str, ...]:
        """Its configuration stores by name, the main one first; () when it takes no configuration.

        Each is a participant of its own (``netconf``, ``vtysh``).
        """
        ...

    def connect(self, endpoint: Endpoint) -> AbstractAsyncContextManager[Connection]:
        """Log in (pinned host key first, then credential); everything is closed on exit."""
        ...

    def session(self, endpoint: Endpoint, store: str = "") -> AbstractAsyncContextManager[Session]:
        """``connect`` and one session in one step, for those who need no more."""
        ...

    def render(self, edits: Sequence[Edit], store: str = "") -> str:
        """The native form that ``edit`` would send for these edits, for the dry-run and its hash.

        Pure; holds no message id, token or time.
        """
        ...

    def instantiate(self, template: str, slots: Mapping[str, str]) -> Mapping[str, Tree]:
        """The configuration trees, by store, of the platform's template with its slots filled.

        Pure. Raises OrderRejected naming the slot when a value does not fit its type.
        """
        ...

    def recognise(
        self, configuration: Mapping[str, Tree], templates: Collection[str]
    ) -> tuple[Recognised, ...]:
        """What of these templates whole configurations (by store) have, as often as they have it.

        Where a template can be read in several ways each is told. A value that no node tells is not
        in ``slots``. Pure.
        """
        ...

    def shareable(self, path: Path, store: str = "") -> bool:
        """May several services own the node at ``path``, as one they all want alike?

        The platform's data say so of the schema node (a rate profile, a route-map); nodes they do
        not name belong to one service alone. Pure.
        """
        ...

    def masked(self, text: str, name: Callable[[str], str], store: str = "") -> str:
        """A store's canonical text, each secret in it replaced by what ``name`` calls it. Pure.

        Line by line, so that the lines of a difference can be masked, too.
        """
        ...


class Drivers(Protocol):
    """The registry, as fulfilment and assurance see it."""

    def driver(self, platform: str) -> Driver:
        """The driver of a platform; ConfigurationError naming the known ones when unknown."""
        ...
