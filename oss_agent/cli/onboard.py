"""``oss-agent onboard``: take in devices by address, range, prefix or a file of those."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from oss_agent.cli import client, context, strangers

_MINUTES: Final = 900.0
"""Seconds that a whole range may take: silent addresses are waited for."""
_BYTES: Final = 100_000
_COLUMNS: Final = [
    ("ADDRESS", "address"),
    ("OUTCOME", "outcome"),
    ("DEVICE", "device"),
    ("VENDOR", "vendor"),
    ("SYSTEM", "os"),
    ("VERSION", "version"),
    ("PLATFORM", "platform"),
    ("MANAGED", "managed"),
    ("FINGERPRINTS", "fingerprints"),
    ("REASON", "reason"),
]

_PAGE: Final = 1_000
"""What the API gives at once."""
_CANDIDATES: Final = [
    ("ADDRESS", "addresses"),
    ("NAME", "name"),
    ("SAYS IT IS", "kind"),
    ("DOES", "capabilities"),
    ("HEARD BY", "heard"),
    ("LAST", "last_heard"),
    ("OURS", "device"),
    ("REASON", "reason"),
]


def onboard(
    ctx: typer.Context,
    targets: Annotated[
        list[str] | None,
        typer.Argument(help="addresses, ranges (a-b), prefixes, or a file of them"),
    ] = None,
    *,
    neighbours: Annotated[
        bool,
        typer.Option(
            "--neighbours",
            help="list what LLDP and CDP announce, asking nobody; with targets look at those of them",
        ),
    ] = False,
    user: Annotated[str, typer.Option(help="login, once a device is trusted")] = "",
    password: Annotated[
        str | None,
        typer.Option(envvar="OSS_AGENT_DEVICE_PASSWORD", help="better by the variable"),
    ] = None,
    community: Annotated[
        str | None,
        typer.Option(envvar="OSS_AGENT_DEVICE_COMMUNITY", help="SNMP v2c, asked with at once"),
    ] = None,
    platform: Annotated[str, typer.Option(help="what they are, if they do not say")] = "",
    ssh_port: Annotated[
        list[int] | None, typer.Option(help="where SSH may be, again for each; 22 if left out")
    ] = None,
    netconf_port: Annotated[
        list[int] | None, typer.Option(help="where NETCONF may be, again for each; 830")
    ] = None,
) -> None:
    """Ask who is there and what it is; then compare fingerprints and 'oss-agent device trust'.

    No password is sent before a device is trusted. Exit code 1 when nothing answered.
    """
    here = context.of(ctx)
    if not targets:
        _candidates(here, neighbours=neighbours)
        return
    asked = [line for target in targets for line in _lines(target)]
    body: dict[str, Any] = {
        "targets": [one.text for one in asked],
        "username": user,
        "password": password,
        "community": community,
        "platform": platform,
    }
    body |= {"ssh_ports": ssh_port} if ssh_port else {}
    body |= {"netconf_ports": netconf_port} if netconf_port else {}
    body |= {"neighbours": True} if neighbours else {}
    found = _found(here.api, body, asked)
    here.screen.table(found, _COLUMNS, "no address was asked")
    if all(row["outcome"] == "silent" for row in found):
        raise typer.Exit(1)


def _candidates(here: context.Here, *, neighbours: bool) -> None:
    """What neighbours announce; nobody is asked for it."""
    if not neighbours:
        raise client.Refused(
            "name addresses, ranges or prefixes, or list what neighbours announce: --neighbours",
            exit_code=2,
        )
    found: list[dict[str, Any]] = here.api.get(f"{client.OPERATOR}/onboard/neighbours")
    rows = found if here.screen.as_json else [_candidate(one) for one in found]
    here.screen.table(rows, _CANDIDATES, "no neighbour that is nobody of ours is heard")
    if len(found) >= _PAGE and not here.screen.as_json:
        here.screen.text(f"the first {_PAGE}; over HTTP the others by offset={_PAGE}")
    if found and not here.screen.as_json:
        here.screen.text(
            "nobody was asked: oss-agent onboard --neighbours PREFIX looks at those of them without a REASON"
        )


def _candidate(one: dict[str, Any]) -> dict[str, Any]:
    it: dict[str, Any] = one["it"]
    return one | {
        "name": it.get("name") or it.get("chassis"),
        "kind": strangers.kind(it),
        "capabilities": it.get("capabilities"),
    }


@dataclasses.dataclass(frozen=True, slots=True)
class _Line:
    """A target; ``place`` is the line of the file it stands in (``routers.txt:7``), "" of none."""

    text: str
    place: str = ""


def _found(api: client.Api, body: dict[str, Any], asked: list[_Line]) -> Any:
    """What answered where; a refusal is said of the line that it is about."""
    patient = dataclasses.replace(api, timeout=_MINUTES)
    try:
        return patient.post(f"{client.OPERATOR}/onboard", body)
    except client.Refused as bad:
        raise _placed(bad, asked) from bad


def _placed(bad: client.Refused, asked: list[_Line]) -> client.Refused:
    """The same refusal with the line of the file that it is about."""
    number = bad.field.removeprefix("targets[").removesuffix("]")
    about = asked[int(number)] if number.isdecimal() and int(number) < len(asked) else None
    if about is None or not about.place:
        return bad
    return client.Refused(f"{about.place}: {bad}", bad.exit_code, bad.field)


def _lines(target: str) -> list[_Line]:
    """The target itself, or the lines of the file that it names; # begins a comment."""
    file = Path(target)
    if not file.is_file():
        return [_Line(target)]
    try:
        with file.open(encoding="utf-8") as opened:
            text = opened.read(_BYTES)
    except (OSError, UnicodeDecodeError) as bad:
        raise client.Refused(f"{file} cannot be read: {bad}", exit_code=2) from bad
    numbered = enumerate(text.splitlines(), start=1)
    plain = ((number, line.partition("#")[0].strip()) for number, line in numbered)
    return [_Line(line, f"{file}:{number}") for number, line in plain if line]
