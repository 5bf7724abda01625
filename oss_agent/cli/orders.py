"""``oss-agent order …`` and ``oss-agent plan``: send, look, watch, explain."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from oss_agent.cli import client, context, plain_yaml, product_orders
from oss_agent.spi.orders import of_resources

TASK_ENDED = {"done", "terminatedWithError"}
FINAL = {"completed", "failed", "rejected", "cancelled", "partial"}
orders = typer.Typer()

OrderFile = Annotated[
    Path, typer.Argument(help="TMF641, TMF622 or TMF652 order, YAML or JSON; - is stdin")
]
ByHand = Annotated[
    str | None,
    typer.Option(
        help="edits by hand in it: revert, adopt, accept or abort; as-is: adopt what is there, send "
        "nothing"
    ),
]
OrderId = Annotated[str, typer.Argument(help="order id")]


def read_order(file: Path) -> Any:
    """The order in a file. Refused (usage) with the parser's own words when it is none."""
    try:
        text = (
            typer.get_text_stream("stdin").read()
            if str(file) == "-"
            else file.read_text(encoding="utf-8")
        )
        body = json.loads(text) if text.lstrip().startswith("{") else plain_yaml.load(text)
    except yaml.MarkedYAMLError as bad:
        mark, why = bad.problem_mark, " ".join(str(bad.problem or bad).split())
        place = f"{file}:{mark.line + 1}" if mark is not None else str(file)
        raise client.Refused(f"{place}: it cannot be read as an order: {why}", exit_code=2) from bad
    except json.JSONDecodeError as bad:
        why = f"{file}:{bad.lineno}: it cannot be read as an order: {bad.msg}"
        raise client.Refused(why, exit_code=2) from bad
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as bad:
        raise client.Refused(f"{file} cannot be read as an order: {bad}", exit_code=2) from bad
    if not isinstance(body, dict):
        raise client.Refused(f"{file} holds no order: a mapping is expected", exit_code=2)
    return body


@orders.command("submit")
def submit(
    ctx: typer.Context,
    file: OrderFile,
    wait: Annotated[bool, typer.Option("--wait", help="until the order is final")] = False,
    key: Annotated[str | None, typer.Option(help="Idempotency-Key of this request")] = None,
    plan: Annotated[
        str | None, typer.Option("--plan", help="only as planned: the whole hash of a dry-run")
    ] = None,
    by_hand: ByHand = None,
    fallout: Annotated[
        str | None,
        typer.Option(
            help="an item that fails for good: fail, hold for a person, or rollback (all or nothing)"
        ),
    ] = None,
) -> None:
    """Send an order; the answer means it is stored and will be carried out."""
    here = context.of(ctx)
    headers = ({} if key is None else {"Idempotency-Key": key}) | (
        {} if plan is None else {"Plan-Hash": plan}
    )
    headers |= _chosen(by_hand)
    headers |= {} if fallout is None else {"Fallout": fallout}
    body = read_order(file)
    sent(here, here.api.post(product_orders.collection_of(body), body, headers), wait=wait)


def sent(here: context.Here, order: Any, *, wait: bool) -> None:
    """Show an order that was taken; with ``wait`` until it is final, and exit 1 unless completed."""
    if wait:
        order = follow(here, order["id"])
    if here.screen.as_json:
        here.screen.json(order)
    elif not wait:
        here.screen.text(f"order {order['id']} {order['state']}")
    if wait and order["state"] != "completed":
        raise typer.Exit(1)


def _chosen(by_hand: str | None) -> dict[str, str]:
    """The header by which an operator says what becomes of edits by hand."""
    return {} if by_hand is None else {"Out-Of-Band": by_hand}


def follow(here: context.Here, key: str) -> Any:
    """Print each change of the order until it is final; returns the final order."""
    seen = ""
    while True:
        order = here.api.get(f"{product_orders.collection(key)}/{key}")
        if not here.screen.as_json and order["state"] != seen:
            here.screen.text(f"order {key} {order['state']}{reason(order)}")
        seen = order["state"]
        if seen in FINAL:
            return order
        time.sleep(0.2)


def reason(order: Mapping[str, Any]) -> str:
    """The order's own error message, if it has one; of a held one those of its items.

    A resource order has no such attribute: its notes say it.
    """
    if "orderItem" in order and order["state"] not in {"acknowledged", "inProgress", "completed"}:
        notes: list[Mapping[str, Any]] = order.get("note") or []
        return "".join(f" · {n.get('text')}" for n in notes if n.get("author") == "oss-agent")
    messages: list[Mapping[str, Any]] = order.get("errorMessage") or []
    if order["state"] == "held":
        items: list[Mapping[str, Any]] = order.get("serviceOrderItem") or []
        messages = [one for item in items for one in item.get("errorMessage") or []]
    return "".join(f" · {m.get('message') or m.get('reason')}" for m in messages)


@orders.command("list")
def list_(
    ctx: typer.Context,
    state: Annotated[str | None, typer.Option(help="only this state")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="orders at most")] = 50,
    resources: Annotated[
        bool, typer.Option("--resources", help="resource orders, those of service orders too")
    ] = False,
) -> None:
    """Orders, newest first."""
    here = context.of(ctx)
    params = {"sort": "-orderDate", "limit": str(limit)} | ({"state": state} if state else {})
    rows = here.api.get(client.RESOURCE_ORDERS if resources else client.SERVICE_ORDERS, **params)
    columns = [
        ("ORDER", "id"),
        ("STATE", "state"),
        ("DATE", "orderDate"),
        ("EXTERNAL", "externalId"),
        ("DESCRIPTION", "description"),
    ]
    here.screen.table(rows, columns, "no orders")


@orders.command("show")
def show(ctx: typer.Context, order: OrderId) -> None:
    """One order: items, resource orders, milestones, evidence."""
    here = context.of(ctx)
    if product_orders.is_one(order):
        product_orders.show(here, order)
        return
    view = here.api.get(f"{client.OPERATOR}/orders/{order}")
    if here.screen.as_json:
        here.screen.json(view)
        return
    here.screen.facts(
        [("order", view["id"]), ("state", view["state"]), ("accepted", view["order_date"])]
        + [("promised", view["expected_completion"]), ("completed", view["completion_date"])]
        + [(f"jeopardy {one['level']}", one["message"]) for one in view.get("jeopardy", [])]
        + ([("error", view["error"]["message"])] if view.get("error") else [])
    )
    about = "resource" if of_resources(order) else "service"
    for item in view["items"]:
        _show_item(here, item, about)


def _show_item(here: context.Here, item: Mapping[str, Any], about: str) -> None:
    here.screen.text("")
    here.screen.facts(
        [
            (f"item {item['id']}", f"{item['action']} {item['service_name']} · {item['state']}"),
            (about, item["service_id"]),
            ("wants", item["characteristics"] | _state(item)),
        ]
        + ([("resources", item["resource_orders"])] if item["resource_orders"] else [])
        + ([("error", item["error"]["message"])] if item.get("error") else [])
    )
    columns = [
        ("PREDICATE", "kind"),
        ("DEVICE", "device"),
        ("VERDICT", "outcome"),
        ("REASON", "reason"),
        ("AT", "at"),
    ]
    here.screen.table(item["evidence"], columns, "no evidence yet")


def _state(item: Mapping[str, Any]) -> dict[str, Any]:
    """The state that it wants its service to be in, if it says one."""
    state = item.get("service_state")
    return {"state": state} if state else {}


@orders.command("watch")
def watch(ctx: typer.Context, order: OrderId) -> None:
    """Follow an order until it is final; exit code 1 unless it completed."""
    final = follow(context.of(ctx), order)
    if final["state"] != "completed":
        raise typer.Exit(1)


@orders.command("explain")
def explain(ctx: typer.Context, order: OrderId) -> None:
    """What the order waits for, since when, who can help."""
    here = context.of(ctx)
    answer = here.api.get(f"{client.OPERATOR}/orders/{product_orders.below(here, order)}/explain")
    if here.screen.as_json:
        here.screen.json(answer)
        return
    here.screen.text(answer["sentence"])
    if answer.get("promise"):
        here.screen.text(answer["promise"])
    for part in answer["participants"]:
        here.screen.text(f"  {part['device']:<10} {part['state']:<12} since {part['since']}")
    for when, what in answer["history"]:
        here.screen.text(f"  {when}  {what}")


@orders.command("cancel")
def cancel(
    ctx: typer.Context,
    order: OrderId,
    reason: Annotated[str | None, typer.Option(help="why; it stays with the order")] = None,
    at: Annotated[
        str | None, typer.Option(help="not before this moment, such as 2026-11-21T10:00:00Z")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="until it is cancelled or refused")] = False,
) -> None:
    """Cancel an order: what it began is undone, unless it is past its point of no return."""
    here = context.of(ctx)
    tasks, body = product_orders.cancellation(order)
    body |= {"cancellationReason": reason} if reason else {}
    body |= {"requestedCancellationDate": at} if at else {}
    task = here.api.post(tasks, body)
    while wait and task["state"] not in TASK_ENDED:
        time.sleep(0.2)
        task = here.api.get(f"{tasks}/{task['id']}")
    if here.screen.as_json:
        here.screen.json(task)
    else:
        said = task.get("completionMessage")
        here.screen.text(
            f"order {order} cancellation {task['id']} {task['state']}"
            + (f" · {said}" if said else "")
        )
    if wait and task["state"] != "done":
        raise typer.Exit(1)


@orders.command("plans")
def plans(ctx: typer.Context, order: OrderId) -> None:
    """What the order's items send; beside what was approved, when that was something else."""
    here = context.of(ctx)
    found = here.api.get(f"{client.OPERATOR}/orders/{product_orders.below(here, order)}/plans")
    if here.screen.as_json:
        here.screen.json(found)
        return
    for one in found:
        here.screen.text(
            f"item {one['item']}  plan {one['hash'] or 'not made yet'}{_approval(one)}"
        )
        for name, native in one["natives"].items():
            here.screen.text(f"  {name}")
            here.screen.block(native)
        here.screen.block(one["difference"])


def _approval(one: Mapping[str, Any]) -> str:
    if one["waits"]:
        return "  waits for approval"
    return f"  approved {one['approved']}" if one["approved"] else ""


@orders.command("approve")
def approve(
    ctx: typer.Context,
    order: OrderId,
    plan: Annotated[str, typer.Option("--hash", help="of the plan you looked at")],
) -> None:
    """Approve the plan an order waits with; it runs only if it still comes to that plan."""
    here = context.of(ctx)
    order = product_orders.below(here, order)
    answer = here.api.post(f"{client.OPERATOR}/orders/{order}/approve", {"hash": plan})
    if here.screen.as_json:
        here.screen.json(answer)
    else:
        here.screen.text(f"order {order} item {answer['item']}: plan {plan[:12]} is approved")


@orders.command("policy")
def policy(
    ctx: typer.Context,
    order: OrderId,
    by_hand: Annotated[str, typer.Option(help="revert, adopt, accept or abort")],
) -> None:
    """Choose what becomes of edits by hand in the service's own part, while the order waits."""
    here = context.of(ctx)
    order = product_orders.below(here, order)
    answer = here.api.post(f"{client.OPERATOR}/orders/{order}/policy", {"policy": by_hand})
    if here.screen.as_json:
        here.screen.json(answer)
    else:
        items = ", ".join(answer["items"])
        here.screen.text(f"order {order} item {items}: edits by hand: {answer['policy']}")


def plan(ctx: typer.Context, file: OrderFile, by_hand: ByHand = None) -> None:
    """What an order would do; claims nothing. Exit code 0: nothing, 1: there is a difference."""
    here = context.of(ctx)
    plans = here.api.post(f"{client.OPERATOR}/plan", read_order(file), _chosen(by_hand))
    if here.screen.as_json:
        here.screen.json(plans)
    else:
        for one in plans:
            show_plan(here, one)
    if any(one["changes"] or one.get("differences") for one in plans):
        raise typer.Exit(1)


def show_plan(here: context.Here, one: Mapping[str, Any]) -> None:
    """One item's dry-run, store by store, with its reverse and what is around."""
    here.screen.text(f"service {one['service_name']}  hash {one['hash']}")
    for difference in one.get("differences", ()):
        here.screen.text(f"  not as it is: {difference}")
    for part in one["devices"]:
        _show_part(here, part)
    claims = ", ".join(f"{pool} {value} ({note})" for pool, value, note in one["claims"])
    here.screen.text(f"  claims {claims or 'nothing'} · ports {', '.join(one['ports'])}")
    here.screen.text("  proves" if one["predicates"] else "  proves nothing")
    for predicate in one["predicates"]:
        here.screen.text(f"    {predicate}")
    for other in one["neighbours"]:
        shares = f"shares {', '.join(other['paths'])}" if other["paths"] else "same device"
        customer = f" of {other['customer']}" if other["customer"] else ""
        here.screen.text(
            f"  beside {other['service_name']}{customer} on {other['device']}: {shares}"
        )
    if one["expected_seconds"] is not None:
        here.screen.text(f"  takes about {one['expected_seconds']:.0f} s, as the last changes did")


def _show_part(here: context.Here, part: Mapping[str, Any]) -> None:
    where = f"{part['device']} {part['store']} ({part['platform']}, {part['reversibility']})"
    edits = [f"    by hand {edit}" for edit in part["by_hand"]]
    if not part["diff"]:
        here.screen.text("\n".join([f"  {where}: nothing to change", *edits]))
        return
    here.screen.text("\n".join([f"  {where}", *edits]))
    here.screen.block(part["diff"])
    here.screen.text("  reverse")
    here.screen.block(part["reverse"])
