"""What one of containerlab's files says, whichever it is: values between its reader and who joins them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Login:
    """A user and a password; "" and None where no file says."""

    username: str = ""
    password: str | None = field(default=None, repr=False)

    def or_else(self, other: Login) -> Login:
        """This, filled by ``other`` where it says nothing."""
        return Login(self.username or other.username, self.password or other.password)


@dataclass(frozen=True, slots=True)
class Link:
    """A link between two nodes of the lab."""

    a_node: str
    a_port: str
    z_node: str
    z_port: str


@dataclass(frozen=True, slots=True)
class Node:
    """What a file says of one node; empty is what it does not say.

    ``kinds`` are those that it may be of, one if the file knows; ``addresses`` its management
    addresses as written, the better one first; ``trouble`` why it cannot be a device.
    """

    long_name: str = ""
    kinds: frozenset[str] = frozenset()
    addresses: tuple[str, ...] = ()
    login: Login = Login()
    labels: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    state: str = ""
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A file: what it was taken for, and what it says.

    ``lab`` is "" and ``links`` None where such a file does not tell. The names of ``nodes`` are
    short or long ones, as such a file has them. ``complete``: a node that it lacks is not there.
    """

    file: str
    form: str
    nodes: Mapping[str, Node]
    lab: str = ""
    links: tuple[Link, ...] | None = None
    complete: bool = True

    def __str__(self) -> str:
        """What was found in it, for a person."""
        lab = f"lab {self.lab}, " if self.lab else ""
        links = f", {len(self.links)} links" if self.links is not None else ""
        return f"{lab}{len(self.nodes)} nodes{links}"
