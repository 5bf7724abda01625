"""The whole thread on the simulated network: a real daemon, real NETCONF and SNMP, real HTTP.

Runs once on SQLite and once on PostgreSQL: one setting differs.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lab.peers import guest
from oss_agent.testing import daemon

ORDERS = "/tmf-api/serviceOrdering/v4/serviceOrder"
FINAL = {"completed", "failed", "rejected", "cancelled", "partial"}


class Billing(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Intake)
        self.received: list[tuple[str | None, Any]] = []
        self.answers = 204

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/billing"

    def about(self, words: str) -> list[Any]:
        return [body for _key, body in self.received if words in json.dumps(body)]


class _Intake(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert isinstance(self.server, Billing)
        if self.server.answers == 204:
            self.server.received.append((self.headers.get("Idempotency-Key"), body))
        self.send_response(self.server.answers)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class's name)
        pass


@contextlib.contextmanager
def billed() -> Iterator[Billing]:
    with Billing() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@dataclass
class Simulator:
    """The simulated routers, a process that obeys lines."""

    process: subprocess.Popen[str]
    directory: Path

    def tell(self, words: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        answer: list[str] = []
        for line in self.process.stdout:
            assert not line.startswith("error"), f"{words}: {line}"
            if line == "ok\n":
                break
            answer.append(line)
        return "".join(answer)

    def files(self) -> dict[str, str]:
        return {f.name: f.read_text() for f in self.directory.iterdir() if f.is_file()}


@contextlib.contextmanager
def simulated(place: Path, trap_port: int) -> Iterator[Simulator]:
    argv = [sys.executable, "-m", "oss_agent.testing.simulated"]
    argv += ["--dir", str(place / "lab"), "--trap-port", str(trap_port)]
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ready")
        yield Simulator(process, place / "lab")
    finally:
        process.terminate()
        process.communicate(timeout=300)


def settings(database_url: str, billing: Billing, trap_port: int) -> dict[str, str]:
    where = {} if database_url.startswith("sqlite") else {"OSS_AGENT_STORE__URL": database_url}
    return where | {
        "OSS_AGENT_BILLING__URL": billing.url,
        "OSS_AGENT_SNMP__TRAP_PORT": str(trap_port),
        "OSS_AGENT_SNMP__POLL_INTERVAL": "1",
        "OSS_AGENT_ASSURANCE__USAGE_INTERVAL": "2",
        "OSS_AGENT_ASSURANCE__VERIFY_AFTER": "5",
    }


@dataclass
class World:
    """A daemon that knows the simulated network."""

    daemon: daemon.Daemon
    simulator: Simulator
    billing: Billing
    keys: set[str] = field(default_factory=set[str])

    def order(self, name: str, a_end: str, z_end: str) -> dict[str, Any]:
        answer = self.daemon.post(ORDERS, eline(name, a_end, z_end))
        return self.final(answer["id"])

    def final(self, key: str) -> dict[str, Any]:
        def look() -> Any:
            view = self.daemon.get(f"/api/v1/orders/{key}")
            return view if view["state"] in FINAL else None

        return self.daemon.until(look, within=300)  # type: ignore[no-any-return]  # JSON

    def end(self, service: str) -> None:
        """Terminate a service, so that its ports are free for the next test."""
        item = {"id": "1", "action": "delete", "service": {"id": service}}
        answer = self.daemon.post(ORDERS, {"serviceOrderItem": [item]})
        assert self.final(answer["id"])["state"] == "completed"

    def alarm(self, where: str, *, cleared: bool = False) -> Any:
        for alarm in self.daemon.get("/api/v1/alarms"):
            if alarm["alarmed_object"] == where and (alarm["state"] == "cleared") is cleared:
                return alarm
        return None


def eline(name: str, a_end: str, z_end: str) -> dict[str, Any]:
    values = {"aEnd": a_end, "zEnd": z_end, "bandwidth": 20}
    return {
        "externalId": name,
        "relatedParty": [{"id": "acme", "role": "customer", "@referredType": "Organization"}],
        "serviceOrderItem": [
            {
                "id": "1",
                "action": "add",
                "service": {
                    "name": name,
                    "serviceSpecification": {"id": "eline", "version": "1.0"},
                    "serviceCharacteristic": [
                        {"name": key, "value": value} for key, value in values.items()
                    ],
                },
            }
        ],
    }


@contextlib.contextmanager
def living(place: Path, database_url: str) -> Iterator[World]:
    port = guest.free_port(socket.SOCK_DGRAM)
    with (
        billed() as billing,
        simulated(place, port) as simulator,
        daemon.running(place, settings(database_url, billing, port)) as here,
    ):
        here.post("/api/v1/import", {"files": simulator.files()})
        here.until(lambda: _discovered(here), within=300)
        yield World(here, simulator, billing)


def _discovered(agent: daemon.Daemon) -> bool:
    """Every router read to the end: on a busy machine one may answer too late."""
    found = agent.post("/api/v1/discover", {"device": None})
    return not any(one["reason"] for one in found)


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)]
)
def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """One for tests that leave every port free again: a start costs 4 s of CPU."""
    place = tmp_path_factory.mktemp("shared")
    url = f"sqlite:///{place / 'agent.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("new_postgres")()
    with living(place, url) as made:
        yield made


def test_a_restart_keeps_everything_and_finishes_what_was_begun(
    tmp_path: Path, database_url: str
) -> None:
    port = guest.free_port(socket.SOCK_DGRAM)
    with billed() as billing, simulated(tmp_path, port) as simulator:
        ours = settings(database_url, billing, port)
        with daemon.running(tmp_path, ours) as first:
            first.post("/api/v1/import", {"files": simulator.files()})
            first.until(lambda: _discovered(first), within=300)
            accepted = first.post(ORDERS, eline("acme-crash", "pe1:eth4", "pe2:eth4"))
            first.kill()

        with daemon.running(tmp_path, ours) as second:
            order = World(second, simulator, billing).final(accepted["id"])

            assert order["state"] == "completed", order["error"]
            assert second.get("/api/v1/topology")


# From here on they share a world, and nothing else runs beside it.


def test_an_order_becomes_a_proven_watched_and_billed_service(shared: World) -> None:
    order = shared.order("acme-hq-branch", "pe1:eth4", "pe2:eth4")

    assert order["state"] == "completed", order["error"]
    item = order["items"][0]
    verdicts = {(e["kind"], e["device"]): e["outcome"] for e in item["evidence"]}
    assert verdicts["config-equal", "pe1"] == verdicts["config-equal", "pe2"] == "proven"
    assert "acme-hq-branch" in shared.simulator.tell("running pe1")
    service = shared.daemon.get(f"/api/v1/services/{item['service_id']}")
    assert (service["state"], service["operating_status"]) == ("active", "running")
    shared.daemon.until(lambda: shared.billing.about("ServiceStateChangeEvent"))
    usage = shared.daemon.until(lambda: shared.billing.about("usageCharacteristic"))
    assert "acme-hq-branch" in json.dumps(usage[0])

    shared.simulator.tell("pull pe1 eth4")
    alarm = shared.daemon.until(lambda: shared.alarm("pe1:eth4"))
    assert item["service_id"] in alarm["affected_services"]
    shared.daemon.until(lambda: shared.billing.about('"failed"'))

    shared.simulator.tell("heal pe1 eth4")
    shared.daemon.until(lambda: shared.alarm("pe1:eth4", cleared=True))
    shared.daemon.until(
        lambda: (
            shared.daemon.get(f"/api/v1/services/{item['service_id']}")["operating_status"]
            == "running"
        )
    )
    keys = [key for key, _body in shared.billing.received]
    assert None not in keys
    shared.end(item["service_id"])


def test_the_same_order_twice_is_one_order(shared: World) -> None:
    body = eline("acme-once", "pe1:eth4", "pe2:eth4")

    one = shared.daemon.post(ORDERS, body)
    two = shared.daemon.post(ORDERS, body)
    other = shared.daemon.request("POST", ORDERS, json=body | {"description": "changed"})

    assert one["id"] == two["id"]
    assert other.status_code == 409
    order = shared.final(one["id"])
    assert order["state"] == "completed"
    shared.end(order["items"][0]["service_id"])


def test_a_refusing_router_leaves_both_as_before(shared: World) -> None:
    before = {d: shared.simulator.tell(f"running {d}") for d in ("pe1", "pe3")}

    order = shared.order("acme-hq-depot", "pe1:eth3", "pe3:eth3")

    assert order["state"] == "failed", order
    assert "pe3" in order["error"]["message"]
    assert {d: shared.simulator.tell(f"running {d}") for d in ("pe1", "pe3")} == before


def test_an_owned_port_is_acknowledged_then_rejected_with_its_owner(shared: World) -> None:
    first = shared.order("acme-one", "pe1:eth4", "pe2:eth4")
    assert first["state"] == "completed"

    second = shared.order("acme-two", "pe1:eth4", "pe2:eth3")

    assert second["state"] == "rejected"
    assert first["id"] in second["error"]["message"]
    shared.end(first["items"][0]["service_id"])


def test_a_port_that_is_unknown_or_the_networks_own_is_refused_in_words(shared: World) -> None:
    for bad in ("pe9:eth4", "pe1:eth9", "pe1:eth1"):
        body = eline(f"acme-{bad.replace(':', '-')}", bad, "pe2:eth4")
        answer = shared.daemon.request("POST", ORDERS, json=body)
        if answer.status_code == 201:
            order = shared.final(answer.json()["id"])
            assert order["state"] == "rejected"
            assert order["error"]["message"].startswith("aEnd:")
        else:
            assert answer.status_code == 400
            assert "aEnd" in answer.text


def test_metrics_and_readiness_are_served(shared: World) -> None:
    shared.daemon.process.send_signal(
        signal.SIGHUP
    )  # has the catalogue read again, and ends nothing
    shared.daemon.until(lambda: "the catalogue was read again" in shared.daemon.log.read_text())
    assert shared.daemon.post("/api/v1/catalogue/reload", None) == []
    text = shared.daemon.request("GET", "/metrics").text

    assert "oss_transactions" in text
    for seconds in ("oss_discovery_look", "oss_audit", "oss_agent_backup_look"):
        assert f'{seconds}_seconds_bucket{{le="+Inf"}}' in text
    assert shared.daemon.get("/api/v1/audit", action="start")[0]["detail"]["changed"]
    assert shared.daemon.get("/readyz")
    assert shared.daemon.request("GET", "/healthz").status_code == 200


# Last: what billing refused stays with those who listen to it.


def test_what_billing_refused_is_told_after_a_person_mended_it(shared: World) -> None:
    shared.billing.answers = 422
    order = shared.order("acme-parked", "pe1:eth4", "pe2:eth4")
    assert order["state"] == "completed"

    def parked() -> Any:
        waiting = shared.daemon.get("/api/v1/outbox")
        return next((one for one in waiting if one["state"] == "parked"), None)

    one = shared.daemon.until(parked)
    assert shared.daemon.until(lambda: shared.alarm(f"receiver:{one['receiver']}:{one['entity']}"))
    shared.billing.answers = 204
    again = {"receiver": one["receiver"], "event": one["event_id"]}
    shared.daemon.post("/api/v1/outbox/redeliver", again)

    shared.daemon.until(lambda: one["event_id"] in {key for key, _body in shared.billing.received})
    shared.daemon.until(lambda: not shared.alarm(f"receiver:{one['receiver']}:{one['entity']}"))
    shared.end(order["items"][0]["service_id"])
