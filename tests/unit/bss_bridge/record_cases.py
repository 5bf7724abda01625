"""Every kind of connector with every kind of fact, and the requests they made when last recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from bss_bridge.connectors import (
    cgrates,
    killbill,
    lago,
    openmeter,
    record,
    talk,
    tmf635_push,
    tmf637_push,
    webhook,
)
from oss_agent.spi import events, views
from oss_agent.spi.events import Attempt, Delivery, EventKind
from tests.unit.bss_bridge import world

CASES: Final = Path(__file__).parent / "connector_cases"
ASKED: Final = talk.Asked(tuple(record.Meter), frozenset(record.Change))
SUBSCRIPTION: Final = "7b5c1e9a-4d1f-4e6b-9f5e-0a1b2c3d4e5f"
_FORM: Final = cgrates.CdrForm(ASKED, "cgrates.org")
_KEYS: Final = killbill.Keys("admin:password", "bob", "lazar")
KINDS: Final[Mapping[str, talk.Connector]] = {
    "webhook": webhook.Webhook("http://b/in", ASKED, world.LINKS, "s3cret"),
    "tmf635": tmf635_push.UsageManagement("http://b/tmf-api/usageManagement/v4", "s3cret"),
    "tmf637": tmf637_push.ProductInventory("http://b/tmf", ASKED, world.LINKS, "s3cret"),
    "lago": lago.Lago("http://b", ASKED, {"e-line": "eline-monthly"}, "s3cret"),
    "openmeter": openmeter.OpenMeter("http://b", ASKED, "urn:oss-agent", "s3cret"),
    "killbill": killbill.KillBill("http://b", ASKED, _KEYS),
    "cgrates": cgrates.CgratesRpc("http://b/jsonrpc", _FORM),
    "cgrates-csv": cgrates.CgratesCsv("/spool", _FORM),
}


def event(kind: EventKind, view: Any, key: str = "e-1") -> events.Event:
    """An outbox row as it is read back: its payload is plain JSON."""
    payload = json.loads(json.dumps(views.as_json(view)))
    return events.Event(key, kind, "default", "service:s1", world.NOW, payload)


def usage(view: views.UsageView) -> record.Fact:
    return fact(event(EventKind.USAGE_CREATE, view, "usage-u-1"))


def fact(row: events.Event) -> record.Fact:
    found = record.fact(row)
    assert found is not None
    return found


def _status(state: views.ServiceState) -> record.Fact:
    return fact(event(EventKind.SERVICE_STATE, world.service(state=state)))


def _runs(status: views.OperatingStatus) -> record.Fact:
    view = world.service(operating_status=status)
    return fact(event(EventKind.SERVICE_OPERATING_STATUS, view))


_PERIOD: Final = world.usage(period_end=world.NOW + timedelta(minutes=5))
_DAY: Final = record.DayView(
    "billing:kb", "default", "s1", "acme-hq-branch", "acme", "2026-11-21", 1, 2**62, 12
)
FACTS: Final[Mapping[str, record.Fact]] = {
    "usage": usage(_PERIOD),
    "day": fact(event(EventKind.USAGE_DAY, _DAY, "usage-day-1")),
    "started": _status(views.ServiceState.ACTIVE),
    "suspended": _status(views.ServiceState.INACTIVE),
    "resumed": fact(
        event(EventKind.SERVICE_STATE, world.service(start_date=world.NOW - timedelta(days=1)))
    ),
    "terminated": _status(views.ServiceState.TERMINATED),
    "changed": fact(event(EventKind.SERVICE_CHANGE, world.service())),
    "failed": _runs(views.OperatingStatus.FAILED),
    "degraded": _runs(views.OperatingStatus.DEGRADED),
    "running": _runs(views.OperatingStatus.RUNNING),
}


def requests(connector: talk.Connector, told: record.Fact) -> list[dict[str, Any]]:
    """All requests of a talk whose every answer is good."""
    said = connector.tell(told)
    asked: list[dict[str, Any]] = []
    good = json.dumps({"subscriptionId": SUBSCRIPTION, "result": "OK", "error": None}).encode()
    try:
        request = next(said)
        while True:
            asked.append(_shown(request))
            request = said.send(talk.Answer(200, world.NOW, {}, good))
    except StopIteration as end:
        ended: Attempt = end.value
    assert ended.delivery is Delivery.DONE
    return asked


def _shown(request: talk.Request) -> dict[str, Any]:
    if isinstance(request, talk.File):
        text = request.content.decode()
        return {"directory": request.directory, "name": request.name, "content": text}
    assert request.content == b"" or json.loads(request.content) == request.body
    shown = {"method": request.method, "url": request.url, "headers": dict(request.headers)}
    return shown | ({} if request.body is None else {"media": request.media, "body": request.body})


def case(kind: str) -> dict[str, Any]:
    """What a kind sends for each fact that it wants."""
    connector = KINDS[kind]
    return {name: requests(connector, one) for name, one in FACTS.items() if connector.wants(one)}


def place(kind: str) -> Path:
    """The file of a kind's recorded requests."""
    return CASES / f"{kind}.json"


RECORDED: Final = sorted(KINDS.keys() - {"webhook", "tmf635"})
"""Those two are sent as other surfaces show the same: their own tests and schemas judge that."""

if __name__ == "__main__":
    for one in RECORDED:
        place(one).write_text(json.dumps(case(one), indent=2, sort_keys=True) + "\n")
