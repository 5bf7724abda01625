"""``oss-agent case list | show | accept | ignore | revert | adopt``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from oss_agent.cli import client, context, show
from oss_agent.spi.cases import CaseState, Decision

cases = typer.Typer(
    no_args_is_help=True, help="Cases: what of the network a person should look at."
)

Key = Annotated[str, typer.Argument(help="id, as the list shows it")]
Reason = Annotated[str, typer.Option(help="why; it stays with the case and in the audit")]
At = Annotated[str | None, typer.Option(help="as it was then: 03:12, 2h ago, 2026-11-22T03:12:00Z")]
Known = Annotated[
    str | None, typer.Option(help="by what was believed then; that of --at if absent")
]
_SHOWN = (CaseState.OPEN, CaseState.BEGUN)
_COLUMNS = [
    ("CASE", "id"),
    ("SUBJECT", "subject"),
    ("KIND", "kind"),
    ("SINCE", "since"),
    ("OWNER", "owner"),
    ("STATE", "state"),
    ("WHAT", "text"),
    ("SAFE", "actions"),
    ("DO", "action"),
]


def times(at: str | None, known: str | None) -> dict[str, str]:
    """The moments as parameters of a question, where any were named."""
    return {name: text for name, text in (("at", at), ("known", known)) if text is not None}


@cases.command("list")
def case_list(
    ctx: typer.Context,
    device: Annotated[str | None, typer.Option(help="of one device alone")] = None,
    *,
    all_: Annotated[bool, typer.Option("--all", help="accepted and ignored ones, too")] = False,
    at: At = None,
    known: Known = None,
) -> None:
    """Cases that wait for a person; -o json has their causes, evidence and decisions."""
    here, when = context.of(ctx), times(at, known)
    asked: dict[str, Any] = {"device": device} if device else {}
    asked |= {} if all_ else {"state": [one.value for one in _SHOWN]}
    found = told(here, here.api.rows(f"{client.OPERATOR}/cases", **asked, **when))
    here.screen.table(found, _COLUMNS, "no case waits: what is seen is what was known")
    if not all_ and not device and not here.screen.as_json:
        _tell_hidden(here, here.api.get(f"{client.OPERATOR}/cases/count", **when))


def told(here: context.Here, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Cases as people read them: with what was tried about an open one, and why it came to nothing."""
    if here.screen.as_json:
        return rows
    return [
        one | {"text": f"{one['text']}; {one['reason']}"}
        if one.get("state") == CaseState.OPEN and one.get("begun")
        else one
        for one in rows
    ]


def _tell_hidden(here: context.Here, counts: dict[str, int]) -> None:
    hidden = {state: number for state, number in counts.items() if state not in set(_SHOWN)}
    if hidden:
        words = ", ".join(f"{number} {state}" for state, number in sorted(hidden.items()))
        here.screen.text(f"not shown: {words} (--all shows them)")


@cases.command("show")
def case_show(ctx: typer.Context, key: Key, at: At = None, known: Known = None) -> None:
    """One case: what, since when, why probably, whose it is, what may be done, what was decided."""
    here = context.of(ctx)
    view = here.api.get(f"{client.OPERATOR}/cases/{key}", **times(at, known))
    if here.screen.as_json:
        here.screen.json(view)
    else:
        here.screen.facts((name, show.short(value)) for name, value in view.items())


@cases.command("accept")
def case_accept(
    ctx: typer.Context,
    keys: Annotated[list[str], typer.Argument(help="ids, as the list shows them")],
    reason: Reason = "",
) -> None:
    """Say that what was seen is right: it is listed no more, and where a look can act on it, it does."""
    here = context.of(ctx)
    for key in keys:
        _decide(here, key, Decision.ACCEPT, "accepted", reason)


@cases.command("ignore")
def case_ignore(
    ctx: typer.Context,
    keys: Annotated[list[str], typer.Argument(help="ids, as the list shows them")],
    until: Annotated[str, typer.Option(help="'in 2d', 2026-12-01, 18:00: then it is back")],
    reason: Reason = "",
) -> None:
    """Not now: it leaves the list and comes back by itself."""
    here = context.of(ctx)
    for key in keys:
        _decide(here, key, Decision.IGNORE, "ignored", reason, until=until)


@cases.command("revert")
def case_revert(ctx: typer.Context, key: Key, reason: Reason = "") -> None:
    """Make the network as it was ordered, where the case says that this is safe."""
    _decide(context.of(ctx), key, Decision.REVERT, "is being reverted", reason)


@cases.command("adopt")
def case_adopt(ctx: typer.Context, key: Key, reason: Reason = "") -> None:
    """Make what was found what is ordered, where the case says that this is safe."""
    _decide(context.of(ctx), key, Decision.ADOPT, "is being adopted", reason)


def _decide(
    here: context.Here,
    key: str,
    decision: Decision,
    words: str,
    reason: str,
    until: str | None = None,
) -> None:
    body = {"decision": decision.value, "reason": reason} | ({"until": until} if until else {})
    view = here.api.post(f"{client.OPERATOR}/cases/{key}/decision", body)
    if here.screen.as_json:
        here.screen.json(view)
        return
    begun = f": {view['begun']}" if view.get("begun") else ""
    back = f" until {show.short(view['until'])}" if view.get("until") else ""
    evidence = f" ({view['evidence']})"
    here.screen.text(f"{view['subject']}: {view['kind']} {words}{back}{begun}{evidence}")
