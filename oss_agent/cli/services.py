"""``oss-agent service …``: look at customers' services, test, suspend and resume them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from oss_agent.cli import client, context, orders
from oss_agent.cli.cases import At, Known, times
from oss_agent.spi.views import ServiceState

services = typer.Typer(no_args_is_help=True, help="Services (TMF638).")

_ENDED = {"completed", "failed"}
Service = Annotated[str, typer.Argument(help="id or name")]
Reason = Annotated[str | None, typer.Option(help="why; it stays with the order")]
Wait = Annotated[bool, typer.Option("--wait", help="until the order is final")]


@services.command("list")
def list_(
    ctx: typer.Context,
    all_: Annotated[
        bool, typer.Option("--all", help="what they stand on (RFS) and terminated ones, too")
    ] = False,
    at: At = None,
    known: Known = None,
) -> None:
    """Customers' services that are not terminated, with state and operating status."""
    here = context.of(ctx)
    columns = [
        ("ID", "id"),
        ("SERVICE", "name"),
        ("KIND", "category"),
        ("STATE", "state"),
        ("STATUS", "operating_status"),
        ("CUSTOMER", "customer"),
        ("ORDER", "order"),
        ("CAUSE", "cause"),
    ]
    living = [state.value for state in ServiceState if state is not ServiceState.TERMINATED]
    wanted: dict[str, list[str]] = {} if all_ else {"category": ["CFS"], "state": living}
    rows: Any = here.api.get(f"{client.OPERATOR}/services", **wanted, **times(at, known))
    shown = rows if here.screen.as_json else [_in_words(row) for row in rows]
    here.screen.table(shown, columns, "no services" if all_ else "no living services")


@services.command("show")
def show(ctx: typer.Context, service: Service, at: At = None, known: Known = None) -> None:
    """One service: what it is, what it stands on, how it is, now or as of a moment."""
    here = context.of(ctx)
    view = here.api.get(f"{client.OPERATOR}/services/{service}", **times(at, known))
    if here.screen.as_json:
        here.screen.json(view)
    else:
        here.screen.facts(_in_words(view).items())


@services.command("test")
def ask(
    ctx: typer.Context,
    service: Service,
    wait: Annotated[bool, typer.Option(help="until it has ended")] = True,
) -> None:
    """Ask what proved a service again, now: changes nothing. Exit code 1: something does not hold."""
    here = context.of(ctx)
    view = here.api.get(f"{client.OPERATOR}/services/{service}")
    body = {
        "name": f"test of {view['name']}",
        "relatedService": {"id": view["id"]},
        "testSpecification": {"id": view["specification"]["id"]},
    }
    found = here.api.post(client.SERVICE_TESTS, body)
    while wait and found["state"] not in _ENDED:
        time.sleep(0.2)
        found = here.api.get(f"{client.SERVICE_TESTS}/{found['id']}")
    if here.screen.as_json:
        here.screen.json(found)
    else:
        _show_test(here, found)
    if found["state"] == "failed":
        raise typer.Exit(1)


def _show_test(here: context.Here, found: Mapping[str, Any]) -> None:
    reason = f" · {found['reason']}" if found.get("reason") else ""
    here.screen.text(f"service test {found['id']} {found['state']}{reason}")
    rows = [one | {"outcome": one["value"]["value"]["outcome"]} for one in found["testMeasure"]]
    if found["state"] in _ENDED:
        columns = [
            ("PREDICATE", "metricName"),
            ("VERDICT", "outcome"),
            ("REASON", "metricDescription"),
        ]
        here.screen.table(rows, columns, "nothing was asked")


@services.command("suspend")
def suspend(
    ctx: typer.Context, service: Service, reason: Reason = None, wait: Wait = False
) -> None:
    """Take a service off its devices; it keeps its ports and values until it is resumed."""
    _order(ctx, service, ServiceState.INACTIVE, reason, wait=wait)


@services.command("resume")
def resume(ctx: typer.Context, service: Service, reason: Reason = None, wait: Wait = False) -> None:
    """Bring a suspended service back as it was, and prove it."""
    _order(ctx, service, ServiceState.ACTIVE, reason, wait=wait)


def _order(
    ctx: typer.Context, service: str, state: ServiceState, reason: str | None, *, wait: bool
) -> None:
    """A modify with one item that says the state alone."""
    here = context.of(ctx)
    key = here.api.get(f"{client.OPERATOR}/services/{service}")["id"]
    item = {"id": "1", "action": "modify", "service": {"id": key, "state": state.value}}
    body: dict[str, Any] = {"serviceOrderItem": [item]}
    body |= {"description": reason} if reason else {}
    orders.sent(here, here.api.post(client.SERVICE_ORDERS, body), wait=wait)


def _in_words(view: Mapping[str, Any]) -> dict[str, Any]:
    """A service as operators speak of it: TMF638 v4 has no word of its own for a suspended one."""
    suspended = view["state"] == ServiceState.INACTIVE
    return {**view, "state": "suspended"} if suspended else dict(view)
