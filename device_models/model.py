"""Decides what may be said about a platform: the shape of its data files, as frozen values.

Validated where the bytes enter (pydantic), so a typing error in a data file is refused with its
place. Schema paths are the names of nodes joined by ``/`` (``services/eline``), without keys.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass

from oss_agent.spi import device
from oss_agent.spi.proof import Scalar

_STRICT = ConfigDict(extra="forbid")


def _compiles(expression: str) -> str:
    try:
        re.compile(expression)
    except re.error as wrong:
        raise ValueError(f"{expression!r} is not a regular expression: {wrong}") from wrong
    return expression


class SlotType(StrEnum):
    """The grammars a value may have to follow before it can reach a device."""

    NAME = "name"
    """a letter or digit, then up to 62 of letters, digits, ``_``, ``.``, ``-``"""
    DESCRIPTION = "description"
    """printable text of at most 255 characters, no ``%``"""
    UINT = "uint"
    """a decimal number without sign or leading zeros, within the slot's bounds"""
    IFNAME = "ifname"
    """an interface name: a letter, then letters, digits and ``/ . : _ -``, at most 63"""
    ADDRESS = "address"
    """an IPv4 or IPv6 address without scope, rendered from ``ipaddress``"""
    INTERFACE = "interface"
    """an address with its prefix length, ``172.16.1.1/24``, in canonical form"""
    PREFIX = "prefix"
    """a prefix, ``172.16.1.0/24``, in canonical form"""
    COMMUNITY = "community"
    """a BGP community, ``65000:100`` (RFC 1997)"""


@dataclass(frozen=True, slots=True, config=_STRICT)
class Slot:
    """One typed hole. ``minimum`` and ``maximum`` bound a uint; an optional slot may stay empty."""

    type: SlotType
    minimum: int = 0
    maximum: int = 2**32 - 1
    optional: bool = False


@dataclass(frozen=True, slots=True, config=_STRICT)
class Word:
    """A constant (``text``) or the value of a slot (``slot``)."""

    text: str | None = None
    slot: str | None = None

    def __post_init__(self) -> None:
        """Refuse a word that is both or neither."""
        if (self.text is None) == (self.slot is None):
            raise ValueError("a word has either `text` or `slot`")


@dataclass(frozen=True, slots=True, config=_STRICT)
class Node:
    """A node of a template: a leaf has ``value``, a list entry ``keys``, a container neither.

    A leaf whose optional slot is empty is left out.
    """

    name: str
    keys: Mapping[str, Word] = field(default_factory=dict[str, Word])
    value: Word | None = None
    children: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True, config=_STRICT)
class Line:
    """A node of a command-line template: its words are joined by one blank.

    ``line`` is one that a service owns, with all below it; ``section`` a container that nobody owns
    (``router bgp 65000``). One whose optional slot is empty is left out, with all below it. Write a
    line as the device shows it in its running configuration: that is how it is recognised again.
    """

    line: tuple[Word, ...] = ()
    section: tuple[Word, ...] = ()
    children: tuple[Line, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a node that is both or neither."""
        if bool(self.line) == bool(self.section):
            raise ValueError("a command-line node has either `line` or `section`")

    @property
    def words(self) -> tuple[Word, ...]:
        """The words of either."""
        return self.line or self.section


@dataclass(frozen=True, slots=True, config=_STRICT)
class Template:
    """Configuration trees with typed slots: what a resource intent becomes on this platform.

    ``tree`` is for a store of keyed nodes (NETCONF), ``stores`` for command-line stores, by name.
    A store that is not mentioned takes no part.
    """

    slots: Mapping[str, Slot]
    tree: tuple[Node, ...] = ()
    stores: Mapping[str, tuple[Line, ...]] = field(default_factory=dict[str, tuple[Line, ...]])


@dataclass(frozen=True, slots=True, config=_STRICT)
class Schema:
    """The part of the platform's configuration that we write, as far as trees need to know it.

    ``namespaces`` gives each top node its XML namespace (its descendants share it), ``lists`` the
    keys of each list, ``containers`` the non-presence containers (RFC 7950 7.5.1: an empty one
    means the same as none). ``shared`` are nodes that several services may own alike (a rate
    profile), with all below them. ``volatile`` are paths that change by themselves and stay out of
    snapshots; ``*`` stands for any one name.
    """

    namespaces: Mapping[str, str] = field(default_factory=dict[str, str])
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    containers: frozenset[str] = frozenset()
    ordered_by_user: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()
    volatile: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, config=_STRICT)
class Netconf:
    """How to speak NETCONF to this platform; times in seconds, sizes in bytes.

    ``transport`` ncclient is for a device that needs one of that library's handlers, named by
    ``handler``: slower, threads, no pipelining. ``locks`` are the datastores that a transaction
    locks, in this order. ``lock_tells``: a lock of running is refused while a commit is pending and
    given when none is, so that a moment of it tells. ``validate_harmless`` is false where ``<validate>`` does damage;
    ``test_option`` goes into
    every edit-config where it is set and the device offers :validate:1.1. ``pause`` is the quiet
    between the hellos and the first RPC. ``pipeline`` is how many requests may be unanswered at once
    on one session: 1 for a server that must be asked one thing at a time. ``predict`` is false where
    a filtered read of the candidate costs much or does damage: by it a change that the device
    understood otherwise is stopped before its commit.
    """

    transport: Literal["own", "ncclient"] = "own"
    handler: str = "default"
    locks: tuple[Literal["running", "candidate"], ...] = ("running", "candidate")
    lock_tells: bool = True
    validate_harmless: bool = False
    test_option: Literal["test-then-set", "set", "test-only"] | None = None
    pause: float = 0.06
    pipeline: Annotated[int, Field(ge=1, le=16)] = 16
    predict: bool = True
    message_limit: int = 64 * 1024 * 1024
    hello_within: float = 15.0
    rpc_within: float = 30.0
    commit_within: float = 120.0


Expression: TypeAlias = Annotated[str, AfterValidator(_compiles)]
"""A regular expression, searched for; anchor it where it must match from the start."""


@dataclass(frozen=True, slots=True, config=_STRICT)
class Negation:
    """How a line that matches is taken back when ``no `` before it would not do.

    ``undo`` may name groups of the expression by a backslash and number (``re.Match.expand``).
    """

    line: Expression
    undo: str


@dataclass(frozen=True, slots=True, config=_STRICT)
class Grammar:
    """What the text of a running configuration means, and how lines change it.

    All expressions see one line without its indentation.

    * ``containers``: sections that nobody owns; they are entered, never created or taken back.
    * ``sections``: other lines that lead into a section of their own even when nothing is in it,
      wherever they stand.
    * ``ends``: lines that close a section or mean nothing (``!``, ``exit-address-family``).
    * ``leave``: what leads one section up.
    * ``negations``: first match wins; else ``no LINE``, and ``LINE`` for ``no LINE``.
    * ``replaces``: two lines of one section that match the same expression with equal groups are
      one setting: the new one is sent, the old one goes by itself.
    * ``first`` and ``last``: lines are sent in this order, what neither names in between; they are
      taken back in reverse.
    * ``shared``: lines that several services may want alike, with all below them.
    * ``volatile``: lines that change by themselves and stay out of snapshots and trees.
    * ``sendable``: what a whole line must match to be sent. By default words of plain ASCII with one
      blank between, so that it is read back as it was sent, and no ``?``, which asks for help at
      once wherever it stands; command lines have no quoting that would change that.
    """

    containers: tuple[Expression, ...] = ()
    sections: tuple[Expression, ...] = ()
    ends: tuple[Expression, ...] = (r"^!",)
    leave: str = "exit"
    negations: tuple[Negation, ...] = ()
    replaces: tuple[Expression, ...] = ()
    first: tuple[Expression, ...] = ()
    last: tuple[Expression, ...] = ()
    shared: tuple[Expression, ...] = ()
    volatile: tuple[Expression, ...] = ()
    sendable: Expression = r"[!->@-~]+( [!->@-~]+)*"


@dataclass(frozen=True, slots=True, config=_STRICT)
class Shell:
    """How to hold a conversation with a command line; times in seconds, sizes in bytes.

    * ``protocol``: the port it is reached by.
    * ``prompt``: the whole prompt, matched from the start of a line and not anchored at its end;
      its first group is the device's own name, which must stay.
    * ``prepare``: sent after the login (pager off).
    * ``echoes``: the device repeats every line it is sent; one that it does not repeat, or repeats
      otherwise, was not received as it was sent.
    * ``errors``: an answer that is a refusal, of whatever command. A line of configuration is
      refused by any answer at all that is not ``harmless``.
    * ``questions``: an unfinished answer that waits for a person: a confirmation, a pager.
    * ``busy``: answers to ``enter`` that mean that somebody else configures; ``others`` asks for
      them beforehand, and what it finds by ``others_found`` does.
    * ``saved``: what the answer to ``save`` must hold for it to have been done.
    * ``window``: how many lines may be sent before the first answer; 1 is line by line.
    """

    prompt: Expression
    show: str
    enter: str
    end: str
    protocol: str = "ssh"
    save: str | None = None
    saved: Expression = ""
    prepare: tuple[str, ...] = ()
    echoes: bool = True
    errors: tuple[Expression, ...] = ()
    harmless: tuple[Expression, ...] = ()
    questions: tuple[Expression, ...] = ()
    busy: tuple[Expression, ...] = ()
    others: str | None = None
    others_found: Expression = "."
    window: int = 1
    line_within: float = 15.0
    show_within: float = 60.0
    block_within: float = 300.0
    output_limit: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, config=_STRICT)
class CommandLine:
    """A configuration store behind a command line: its name, grammar and shell.

    ``capabilities`` are what this store can do.
    """

    store: str
    grammar: Grammar
    shell: Shell
    capabilities: frozenset[device.Capability] = frozenset(
        {device.Capability.CONFIGURE, device.Capability.LINES}
    )


@dataclass(frozen=True, slots=True, config=_STRICT)
class Netmiko:
    """How netmiko talks to the platform's ``command_line``: its name for such devices."""

    device_type: str


@dataclass(frozen=True, slots=True, config=_STRICT)
class Napalm:
    """A configuration store reached through NAPALM; times in seconds.

    * ``driver``: NAPALM's own name of the platform; ``options`` are its optional arguments.
    * ``protocol``: the port it is reached by.
    * ``grammar``: what the text of the running configuration means, and how lines change it.
    * ``timer_step``: the device takes a commit timer in multiples of this (IOS: 60).
    * ``lock_for``: how long a lock of a holder that died keeps others away.
    * ``plain_http``: the operator vouches for the way to the device; else only loopback may be
      reached without TLS.
    """

    driver: str
    store: str
    protocol: str
    grammar: Grammar
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    timer_step: int = 1
    lock_for: float = 300.0
    plain_http: bool = False
    connect_within: float = 20.0
    call_within: float = 60.0
    commit_within: float = 120.0


class Extract(StrEnum):
    """How a value is made of what was found."""

    TEXT = "text"
    INT = "int"
    FLOAT = "float"
    COUNT = "count"
    """how many entries a JSON array or object has; a number counts as itself"""
    CONTAINS = "contains"
    """whether a JSON array has ``wanted``, itself or as the value of any member of an entry"""
    JSON = "json"
    """the JSON found, as compact text"""


@dataclass(frozen=True, slots=True, config=_STRICT)
class Value:
    """One typed fact in a command's output.

    It is found by ``regex`` (multi-line, anchored, one group) or by ``path`` into the output read
    as JSON. ``map`` translates a text (what it does not name becomes ``otherwise``), ``where``
    keeps the entries whose members have these values before ``count``. ``otherwise`` stands for
    what is not there; without it a missing value makes the question unobservable, unless the value
    is ``optional``.
    """

    extract: Extract = Extract.TEXT
    regex: str | None = None
    path: tuple[Word, ...] | None = None
    map: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
    where: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
    wanted: Word | None = None
    otherwise: Scalar = None
    optional: bool = False

    def __post_init__(self) -> None:
        """Refuse a value that is found in two ways or in none."""
        if (self.regex is None) == (self.path is None):
            raise ValueError("a value has either `regex` or `path`")


@dataclass(frozen=True, slots=True, config=_STRICT)
class Alternative:
    """What the answer is when the output says ``regex`` instead of the usual."""

    regex: str
    values: Mapping[str, Scalar]


class Channel(StrEnum):
    """By which way a question is asked."""

    SSH_EXEC = "ssh-exec"
    """one command over SSH; the login shell decides what understands it"""
    SIMULATED = "simulated"
    """there is no such state: the observation says it is simulated"""


@dataclass(frozen=True, slots=True, config=_STRICT)
class Reading:
    """How one kind of question is read on this platform.

    ``statuses`` are the exit statuses under which the output is an answer; ``within`` is the
    command's own deadline in seconds, ``limit`` the bytes of output that are kept.
    """

    channel: Channel
    slots: Mapping[str, Slot] = field(default_factory=dict[str, Slot])
    command: tuple[Word, ...] = ()
    statuses: frozenset[int] = frozenset({0})
    within: float = 15.0
    limit: int = 256 * 1024
    values: Mapping[str, Value] = field(default_factory=dict[str, Value])
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True, config=_STRICT)
class Platform:
    """Everything declared about one platform.

    ``ports`` are the default ports by protocol; an endpoint may name others.
    """

    platform: str
    title: str
    capabilities: frozenset[device.Capability]
    ports: Mapping[str, int] = field(default_factory=dict[str, int])
    configuration: Schema = field(default_factory=Schema)
    netconf: Netconf = field(default_factory=Netconf)
    command_line: CommandLine | None = None
    netmiko: Netmiko | None = None
    napalm: Napalm | None = None
    templates: Mapping[str, Template] = field(default_factory=dict[str, Template])
    observe: Mapping[str, Reading] = field(default_factory=dict[str, Reading])

    def port(self, protocol: str, given: Mapping[str, int]) -> int | None:
        """The port of a protocol: what the endpoint gives, else the platform's own."""
        return given.get(protocol, self.ports.get(protocol))
