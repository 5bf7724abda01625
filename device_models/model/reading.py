"""How a question about a device is asked, and how typed facts are found in its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from pydantic.dataclasses import dataclass

from device_models.model.templates import Slot, Word
from device_models.model.written import STRICT
from oss_agent.spi.proof import Scalar


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


@dataclass(frozen=True, slots=True, config=STRICT)
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


@dataclass(frozen=True, slots=True, config=STRICT)
class Alternative:
    """What the answer is when the output says ``regex`` instead of the usual."""

    regex: str
    values: Mapping[str, Scalar]


class Channel(StrEnum):
    """By which way a question is asked."""

    SSH_EXEC = "ssh-exec"
    """one command over SSH; the login shell decides what understands it"""
    NETCONF = "netconf"
    """state read by <get> (RFC 6241 7.7), in the session of a NETCONF store"""
    NETCONF_HELLO = "netconf-hello"
    """what the server announced when it was greeted; nothing is asked"""
    NETCONF_REPLAY = "netconf-replay"
    """what the server's log of notifications says of its configuration (RFC 5277, RFC 6470)"""
    SIMULATED = "simulated"
    """there is no such state: the observation says it is simulated"""


@dataclass(frozen=True, slots=True, config=STRICT)
class Rows:
    """Rows of a YANG module's state: where they are, and which leaf each column is.

    ``namespace`` is what the server must have announced, in its hello or its YANG library, else it is
    not asked. Each of ``paths`` leads from the top to nodes that are rows; a column is the way from
    there to a leaf, ``..`` one node up. Names without a prefix are of ``namespace``; the others are
    told by ``prefixes``.
    """

    namespace: str
    paths: tuple[str, ...]
    columns: Mapping[str, str]
    prefixes: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        """Refuse a prefix that nothing explains."""
        names = "/".join((*self.paths, *self.columns.values())).split("/")
        for prefix in {name.partition(":")[0] for name in names if ":" in name}:
            if prefix not in self.prefixes:
                raise ValueError(f"no namespace is given for the prefix {prefix!r}")


@dataclass(frozen=True, slots=True, config=STRICT)
class Reading:
    """How one kind of question is read on this platform.

    ``statuses`` are the exit statuses under which the output is an answer; ``within`` is the
    command's own deadline in seconds, ``limit`` the bytes of output that are kept. ``rows`` are of the
    netconf channel: the value ``rows`` is JSON text of the first of them that the server has any of.
    """

    channel: Channel
    slots: Mapping[str, Slot] = field(default_factory=dict[str, Slot])
    command: tuple[Word, ...] = ()
    statuses: frozenset[int] = frozenset({0})
    within: float = 15.0
    limit: int = 256 * 1024
    values: Mapping[str, Value] = field(default_factory=dict[str, Value])
    alternatives: tuple[Alternative, ...] = ()
    rows: tuple[Rows, ...] = ()
