"""How to hold a conversation with a command line, and what its configuration's text means."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from device_models.model.keeping import Keeping
from device_models.model.written import STRICT, Expression
from oss_agent.spi import device


@dataclass(frozen=True, slots=True, config=STRICT)
class Negation:
    """How a line that matches is taken back when ``no `` before it would not do.

    ``undo`` may name groups of the expression by a backslash and number (``re.Match.expand``).
    """

    line: Expression
    undo: str


@dataclass(frozen=True, slots=True, config=STRICT)
class Need:
    """What must stand at the top of the configuration before anything is put into a line that matches.

    ``there`` is that line, and may name groups of the expression; ``why`` says why and what to do. Lines that
    match, too, are told as what is there instead.
    """

    line: Expression
    there: str
    why: str


@dataclass(frozen=True, slots=True, config=STRICT)
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
    * ``needs``: what must be there already, for entering it would make it; looked at before any line of a
      transaction is live (reversible lines only).
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
    needs: tuple[Need, ...] = ()
    shared: tuple[Expression, ...] = ()
    volatile: tuple[Expression, ...] = ()
    sendable: Expression = r"[!->@-~]+( [!->@-~]+)*"


@dataclass(frozen=True, slots=True, config=STRICT)
class Shell:
    """How to hold a conversation with a command line; times in seconds, sizes in bytes.

    * ``protocol``: the port it is reached by.
    * ``prompt``: the whole prompt, matched from the start of a line and not anchored at its end;
      its first group is the device's own name, which must stay.
    * ``prepare``: sent after the login (pager off).
    * ``show_startup``: shows what a restart brings back, where that is kept apart and can be shown.
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
    show_startup: str | None = None
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


@dataclass(frozen=True, slots=True, config=STRICT)
class CommandLine:
    """A configuration store behind a command line: its name, grammar and shell.

    ``capabilities`` are what this store can do.
    """

    store: str
    grammar: Grammar
    shell: Shell
    kept: Keeping = Keeping()
    capabilities: frozenset[device.Capability] = frozenset(
        {device.Capability.CONFIGURE, device.Capability.LINES}
    )
