"""``oss-agent device | discover | why | alarm``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

import typer

from oss_agent.cli import client, context, logins, show, strangers
from oss_agent.cli.cases import At, Known, times

devices = typer.Typer(no_args_is_help=True, help="Devices: what is managed, and trusted.")
alarms = typer.Typer(no_args_is_help=True, help="Alarms (TMF642).")

_NONE = "no devices: oss-agent import clab-<lab>/, or oss-agent onboard ADDRESS"
_MINUTES = 1800.0
"""Seconds that all laws of a slow device may take."""
Name = Annotated[str, typer.Argument(help="device name")]


def discover(
    ctx: typer.Context,
    device: Annotated[str | None, typer.Argument(help="one device; all if left out")] = None,
) -> None:
    """Ask the devices what they are: SNMP, LLDP, NETCONF hello."""
    here = context.of(ctx)
    found = here.api.post(f"{client.OPERATOR}/discover", {"device": device})
    columns = [
        ("DEVICE", "device"),
        ("INTERFACES", "interfaces"),
        ("NEIGHBOURS", "neighbours"),
        ("REASON", "reason"),
    ]
    here.screen.table(found, columns, _NONE)


devices.command("login")(logins.login)


@devices.command("list")
def device_list(ctx: typer.Context, at: At = None, known: Known = None) -> None:
    """Every device, its platform, whether it is trusted and may be written to, and when it was seen."""
    columns = [
        ("DEVICE", "name"),
        ("PLATFORM", "platform"),
        ("ADDRESS", "address"),
        ("ROLE", "role"),
        ("TRUSTED", "trusted"),
        ("STANDING", "standing"),
        ("SEEN", "last_seen"),
        ("TROUBLE SINCE", "unreachable_since"),
        ("REASON", "reason"),
    ]
    _list(ctx, "/devices", columns, _NONE, times(at, known))


@devices.command("show")
def device_show(ctx: typer.Context, device: Name, at: At = None, known: Known = None) -> None:
    """One device with its ports, the VLANs, VRFs and routing sessions it tells of, and whom it hears."""
    here = context.of(ctx)
    view = here.api.get(f"{client.OPERATOR}/devices/{device}", **times(at, known))
    if here.screen.as_json:
        here.screen.json(view)
        return
    tables = {"interfaces", "logical", "neighbours"}
    here.screen.facts((key, value) for key, value in view.items() if key not in tables)
    if since := view.get("unreachable_since"):
        here.screen.text(
            f"it does not answer, or not well, since {show.short(since)}: what follows is as it was told last"
        )
    columns = [
        ("PORT", "name"),
        ("INDEX", "index"),
        ("ADMIN", "admin_status"),
        ("OPER", "oper_status"),
        ("SPEED", "speed"),
        ("SERVICES", "services"),
    ]
    here.screen.table(view["interfaces"], columns, "no interfaces known: oss-agent discover")
    if view.get("logical"):
        columns = [("KIND", "kind"), ("NAME", "name"), ("WHAT", "attributes"), ("SINCE", "since")]
        here.screen.table(view["logical"], columns, "")
    if view.get("neighbours"):
        here.screen.table(strangers.heard(view["neighbours"]), strangers.COLUMNS, "")
        if hidden := view.get("neighbours_heard", 0) - len(view["neighbours"]):
            here.screen.text(f"not shown: {hidden} more neighbours")


@devices.command("trust")
def device_trust(
    ctx: typer.Context,
    device: Name,
    fingerprint: Annotated[str, typer.Argument(help="SHA256:… as the device's console shows it")],
) -> None:
    """Pin a device's host key after comparing its fingerprint with what the device shows."""
    here = context.of(ctx)
    path = f"{client.OPERATOR}/devices/{device}/trust"
    view = here.api.post(path, {"fingerprint": fingerprint})
    if here.screen.as_json:
        here.screen.json(view)
    else:
        here.screen.text(f"{view['name']} trusted: {', '.join(view['fingerprints'])}")


@devices.command("prove")
def device_prove(
    ctx: typer.Context,
    device: Name,
    *,
    yes: Annotated[
        bool, typer.Option("--yes", help="it commits on the device, on a scratch subtree")
    ] = False,
) -> None:
    """Run its driver's laws on a read-only device; if all are kept it may be written to.

    Some minutes. Exit code 1 when one was broken: the device stays read-only.
    """
    here = context.of(ctx)
    if not yes and not typer.confirm(
        f"This commits to {device} and takes it back, some dozens of times, on a scratch subtree. Go on?"
    ):
        raise typer.Exit(1)
    patient = dataclasses.replace(here.api, timeout=_MINUTES)
    path = f"{client.OPERATOR}/devices/{device}/prove"
    report = patient.post(path, {"confirm": device})
    if here.screen.as_json:
        here.screen.json(report)
    else:
        columns = [(name.upper(), name) for name in ("store", "law", "outcome", "reason")]
        here.screen.table(report["laws"], columns, "its driver has no laws")
        here.screen.text(f"{device} is {'proven' if report['proven'] else 'read-only still'}")
        if report["left"]:
            here.screen.text(report["left"])
    if not report["proven"]:
        raise typer.Exit(1)


def why(
    ctx: typer.Context,
    device: Name,
    path: Annotated[
        str | None, typer.Argument(help="e.g. /services/eline[name=acme]/vni; absent: all of them")
    ] = None,
) -> None:
    """Why is this line on the device? Who owns it, by which order; several own a shared one."""
    here = context.of(ctx)
    asked = {"device": device} | ({"path": path} if path else {})
    owners = here.api.get(f"{client.OPERATOR}/why", **asked)
    columns = [
        ("STORE", "store"),
        ("PATH", "path"),
        ("SERVICE", "service_name"),
        ("ORDER", "order"),
        ("SINCE", "since"),
    ]
    nobody = f"{device} {path}: no service of ours owns it: it is foreign, or not there"
    here.screen.table(owners, columns, nobody if path else f"no service owns a node on {device}")


@alarms.command("list")
def alarm_list(ctx: typer.Context) -> None:
    """Alarms, open ones first; -o json has ids, evidence and the services they affect."""
    columns = [
        ("STATE", "state"),
        ("SEVERITY", "severity"),
        ("OBJECT", "alarmed_object"),
        ("RAISED", "raised_at"),
        ("TEXT", "text"),
    ]
    _list(ctx, "/alarms", columns, "no alarms")


def _list(
    ctx: typer.Context,
    path: str,
    columns: list[tuple[str, str]],
    nothing: str,
    asked: Mapping[str, str] = MappingProxyType({}),
) -> None:
    here = context.of(ctx)
    here.screen.table(here.api.rows(f"{client.OPERATOR}{path}", **asked), columns, nothing)
