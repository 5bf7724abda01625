"""``oss-agent import | device | discover | why | alarm``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from oss_agent.cli import client, context

FILES = (
    "topology-data.json",
    "ansible-inventory.yml",
    "nornir-simple-inventory.yml",
    "known_hosts",
)
devices = typer.Typer(no_args_is_help=True, help="Devices: what is managed, and trusted.")
alarms = typer.Typer(no_args_is_help=True, help="Alarms (TMF642).")

Name = Annotated[str, typer.Argument(help="device name")]


def import_(
    ctx: typer.Context,
    directory: Annotated[Path, typer.Argument(help="containerlab lab directory: clab-<lab>/")],
) -> None:
    """Take in a lab's devices and links from containerlab's own inventory files.

    Exit code 1 when a device in them was refused.
    """
    here = context.of(ctx)
    present = {name: directory / name for name in FILES if (directory / name).is_file()}
    if FILES[0] not in present:
        raise client.Refused(
            f"{directory} holds no {FILES[0]}: name the clab-<lab> directory that deploying the "
            "topology made",
            exit_code=2,
        )
    files = {name: _text(file) for name, file in present.items()}
    report = here.api.post(f"{client.OPERATOR}/import", {"files": files})
    _show_import(here, report)
    if any(row["outcome"] == "refused" for row in report["devices"]):
        raise typer.Exit(1)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as bad:
        raise client.Refused(
            f"{file} cannot be read: {bad}; deploy the lab again, or mend the file", exit_code=2
        ) from bad


def _show_import(here: context.Here, report: Any) -> None:
    if here.screen.as_json:
        here.screen.json(report)
        return
    columns = [("DEVICE", "device"), ("OUTCOME", "outcome"), ("REASON", "reason")]
    here.screen.table(report["devices"], columns, "no devices in the file")
    here.screen.text(f"{report['links']} links declared")


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
    here.screen.table(found, columns, "no devices: import some first")


@devices.command("list")
def device_list(ctx: typer.Context) -> None:
    """Every device, its platform, and whether it is trusted and reachable."""
    columns = [
        ("DEVICE", "name"),
        ("PLATFORM", "platform"),
        ("ADDRESS", "address"),
        ("ROLE", "role"),
        ("TRUSTED", "trusted"),
        ("MANAGED", "managed"),
        ("SEEN", "last_seen"),
        ("REASON", "reason"),
    ]
    _list(ctx, "/devices", columns, "no devices: oss-agent import clab-<lab>/")


@devices.command("show")
def device_show(ctx: typer.Context, device: Name) -> None:
    """One device with its interfaces."""
    here = context.of(ctx)
    view = here.api.get(f"{client.OPERATOR}/devices/{device}")
    if here.screen.as_json:
        here.screen.json(view)
        return
    tables = {"interfaces", "logical"}
    here.screen.facts((key, value) for key, value in view.items() if key not in tables)
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
) -> None:
    here = context.of(ctx)
    answer: Any = here.api.get(f"{client.OPERATOR}{path}")
    here.screen.table(answer, columns, nothing)
