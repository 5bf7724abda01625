"""The command line against a real HTTP listener that plays the daemon."""

from __future__ import annotations

import http.server
import io
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from oss_agent.cli import client, main, orders

Answer = tuple[int, Any]


class Daemon(http.server.BaseHTTPRequestHandler):
    answers: ClassVar[dict[str, Answer]] = {}
    seen: ClassVar[list[tuple[str, Any]]] = []
    chosen: ClassVar[list[str | None]] = []

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.seen.append((f"{self.command} {self.path}", body))
        self.chosen.append(self.headers.get("Out-Of-Band"))
        status, data = self.answers.get(f"{self.command} {self.path}", (404, {"reason": "no"}))
        if not status:
            return  # hangs up
        payload = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST = do_PATCH = _answer  # noqa: N815  (the base class's names)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (same)
        pass


@pytest.fixture
def daemon() -> Iterator[type[Daemon]]:
    Daemon.answers.clear()
    Daemon.seen.clear()
    Daemon.chosen.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Daemon) as server:
        Daemon.url = f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]  # test
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Daemon
        server.shutdown()
        thread.join()


@pytest.fixture
def run(daemon: type[Daemon]) -> Callable[..., int]:
    return lambda *words: main.run(main.tree(), ["--api", vars(daemon)["url"], *words])


PLAN = {
    "service_name": "acme",
    "hash": "7c1ea9" * 10,
    "changes": True,
    "devices": [
        {
            "device": "pe1",
            "platform": "frr_linux",
            "store": "netconf",
            "reversibility": "confirmed",
            "diff": "+ eline acme",
            "reverse": "- eline acme",
            "by_hand": ["/eline[name=acme]/vni is put as ordered"],
        },
        {
            "device": "pe2",
            "platform": "frr_linux",
            "store": "vtysh",
            "reversibility": "reversible by us",
            "diff": "",
            "reverse": "",
            "by_hand": ["/line[.=x] stays as it is, as nobody's"],
        },
    ],
    "claims": [["core-vni", "10100", "likely"]],
    "ports": ["pe1:eth4"],
    "touches": ["s2-1"],
    "predicates": ["config-equal on pe1", "ping on a1 target=10.0.0.1"],
    "neighbours": [
        {
            "device": "pe1",
            "service": "s2-1",
            "service_name": "bravo",
            "customer": "bravo-inc",
            "paths": ["/profiles/rate-profile[name=gold]"],
        },
        {"device": "pe1", "service": "", "service_name": "a service", "customer": "", "paths": []},
    ],
    "expected_seconds": 3.2,
}


def test_plan_exits_1_when_something_would_change(
    run: Callable[..., int],
    daemon: type[Daemon],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "eline.yaml"
    file.write_text("serviceOrderItem: []\n")
    daemon.answers["POST /api/v1/plan"] = (200, [PLAN])

    assert run("plan", str(file)) == 1
    shown = capsys.readouterr().out
    assert "+ eline acme" in shown
    assert "pe2 vtysh (frr_linux, reversible by us): nothing to change" in shown
    assert "beside bravo of bravo-inc on pe1: shares /profiles/rate-profile[name=gold]" in shown
    assert "beside a service on pe1: same device" in shown
    assert "takes about 3 s" in shown
    assert "\n    ping on a1 target=10.0.0.1\n" in shown
    assert daemon.seen == [("POST /api/v1/plan", {"serviceOrderItem": []})]

    assert "    by hand /eline[name=acme]/vni is put as ordered" in shown
    assert "    by hand /line[.=x] stays as it is, as nobody's" in shown

    daemon.answers["POST /api/v1/plan"] = (200, [PLAN | {"changes": False}])
    assert run("plan", str(file), "--by-hand", "revert") == 0
    assert daemon.chosen == [None, "revert"]


def test_json_may_be_asked_for_anywhere(
    run: Callable[..., int], daemon: type[Daemon], capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answers["GET /api/v1/alarms"] = (200, [{"id": "1"}])

    assert run("alarm", "list", "-o", "json") == 0
    assert json.loads(capsys.readouterr().out) == [{"id": "1"}]


def test_a_refusal_is_one_sentence_and_exit_3(
    run: Callable[..., int],
    daemon: type[Daemon],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "order.json"
    file.write_text("{}")
    path = "/tmf-api/serviceOrdering/v4/serviceOrder"
    refusal = {"reason": "unknown specification", "message": "At serviceOrderItem[0]: mend it"}
    daemon.answers[f"POST {path}"] = (400, refusal)

    assert run("order", "submit", str(file)) == 3
    assert "400 unknown specification. At serviceOrderItem[0]: mend it" in capsys.readouterr().err


def test_waiting_for_a_failed_order_exits_1(
    run: Callable[..., int],
    daemon: type[Daemon],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "order.json"
    file.write_text("{}")
    path = "/tmf-api/serviceOrdering/v4/serviceOrder"
    daemon.answers[f"POST {path}"] = (201, {"id": "7", "state": "acknowledged"})
    failed = {"id": "7", "state": "failed", "errorMessage": [{"message": "pe3 said no"}]}
    daemon.answers[f"GET {path}/7"] = (200, failed)

    assert run("order", "submit", str(file), "--wait") == 1
    assert "order 7 failed · pe3 said no" in capsys.readouterr().out


def test_a_held_order_says_by_its_items_why() -> None:
    item = {"id": "1", "errorMessage": [{"message": "pe3 said no"}]}
    order = {"state": "held", "serviceOrderItem": [{"id": "2"}, item]}
    assert orders.reason(order) == " · pe3 said no"
    assert orders.reason(order | {"state": "inProgress"}) == ""


def test_no_daemon_says_how_to_get_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(main.tree(), ["--api", "http://127.0.0.1:9", "alarm", "list"]) == 4
    assert "oss-agent run" in capsys.readouterr().err


def test_terminal_escapes_from_outside_do_not_reach_the_terminal(
    run: Callable[..., int], daemon: type[Daemon], capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answers["GET /api/v1/alarms"] = (200, [{"id": "1", "text": "\x1b]0;pwned\x07[red]x"}])

    assert run("alarm", "list") == 0
    out = capsys.readouterr().out
    assert "\x1b]" not in out
    assert "[red]x" in out


def test_an_unreadable_order_and_a_wrong_word_are_usage_errors(
    run: Callable[..., int], tmp_path: Path
) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("- just\n- a list\n")

    assert run("plan", str(file)) == 2
    assert run("plan", str(tmp_path / "absent.yaml")) == 2
    assert run("nonsense") == 2


@pytest.mark.parametrize(
    ("text", "line"),
    [("externalId: a\nrelatedParty: [\n  }\n", 3), ('{"externalId": "a",\n "relatedParty": }', 2)],
)
def test_a_mistake_in_an_orders_file_is_named_with_its_line(
    run: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    line: int,
) -> None:
    file = tmp_path / "order.yaml"
    file.write_text(text)
    assert run("order", "submit", str(file)) == 2
    assert f"{file}:{line}: it cannot be read as an order" in capsys.readouterr().err


def test_import_sends_the_lab_directory_and_refuses_another(
    run: Callable[..., int], daemon: type[Daemon], tmp_path: Path
) -> None:
    assert run("import", str(tmp_path)) == 2

    (tmp_path / "topology-data.json").write_text("{}")
    daemon.answers["POST /api/v1/import"] = (200, {"devices": [], "links": 7})
    assert run("import", str(tmp_path)) == 0
    assert daemon.seen[-1][1] == {"files": {"topology-data.json": "{}"}}


def test_import_takes_files_and_standard_input_and_says_what_they_were(
    run: Callable[..., int],
    daemon: type[Daemon],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    labdir = tmp_path / "clab-demo"
    labdir.mkdir()
    (labdir / "ansible-inventory.yml").write_text("all: {}")
    monkeypatch.setattr("sys.stdin", io.StringIO("{}"))
    file = {"file": "standard input", "form": "containerlab inspect", "found": "3 nodes"}
    daemon.answers["POST /api/v1/import"] = (200, {"devices": [], "links": 0, "files": [file]})

    assert run("import", str(labdir), "-") == 0
    assert daemon.seen[-1][1] == {
        "files": {"ansible-inventory.yml": "all: {}", "standard input": "{}"},
        "lab": "demo",
    }
    assert "standard input: containerlab inspect, 3 nodes" in capsys.readouterr().out
    assert run("import", str(labdir), str(labdir / "ansible-inventory.yml")) == 2
    assert run("import", str(labdir / "absent.yml")) == 2


def test_global_options_after_double_dash_stay() -> None:
    assert main.hoist(["x", "-o", "json", "--", "-o", "y"]) == ["-o", "json", "x", "--", "-o", "y"]


def test_a_lab_file_that_is_no_text_is_one_sentence(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "topology-data.json").write_bytes(b"\xe2\x28")

    assert run("import", str(tmp_path)) == 2
    assert "topology-data.json cannot be read" in capsys.readouterr().err


def test_a_refused_device_makes_the_import_exit_1(
    run: Callable[..., int],
    daemon: type[Daemon],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "topology-data.json").write_text("{}")
    row = {"device": "pe1", "outcome": "refused", "reason": "'x' is no IP address"}
    daemon.answers["POST /api/v1/import"] = (200, {"devices": [row], "links": 0})

    assert run("import", str(tmp_path)) == 1
    assert "no IP address" in capsys.readouterr().out


_LINK = {
    "a_device": "p1",
    "a_port": "eth9",
    "z_device": "p2",
    "z_port": "eth1",
    "confidence": "one-sided",
    "evidence": "LLDP",
    "reason": "",
    "last_seen": "2026-11-21T23:27:09Z",
    "members": [],
}


def test_through_a_pipe_a_row_is_a_line_and_its_times_are_whole(
    run: Callable[..., int], daemon: type[Daemon], capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"a_device": "p1", "evidence": "LLDP " * 60, "last_seen": "2026-11-21T23:27:09.397Z"}
    daemon.answers["GET /api/v1/topology"] = (200, [row])

    assert run("topology") == 0
    heading, line = capsys.readouterr().out.splitlines()
    assert heading.startswith("DEVICE")
    assert line.split()[-2:] == ["LLDP", "2026-11-21T23:27:09Z"]


def test_topology_says_how_sure_a_link_is_and_shows_members_and_strangers(
    run: Callable[..., int], daemon: type[Daemon], capsys: pytest.CaptureFixture[str]
) -> None:
    member = _LINK | {"a_port": "eth1", "members": []}
    strange = _LINK | {"z_device": "4:00238989ec39", "neighbour": 'sw "1"\x1b[2J', "reason": "why"}
    what = {"vendor": "Arista", "os": "EOS", "version": "4.19.5M", "model": ""}
    bundle = _LINK | {"members": [member], "confidence": "agreed"}
    told = [bundle, strange | {"stranger": what}]
    daemon.answers["GET /api/v1/topology?at=2026-11-22T03%3A12%3A00Z"] = (200, told)

    assert run("topology", "--at", "2026-11-22T03:12:00Z") == 0
    out = capsys.readouterr().out
    assert "- p1" in out
    assert ", Arista EOS 4.19.5M " in out
    assert "LLDP: why" in out
    assert "\x1b" not in out


def test_topology_is_a_graph_for_graphviz_whatever_devices_call_themselves(
    run: Callable[..., int], daemon: type[Daemon], capsys: pytest.CaptureFixture[str]
) -> None:
    strange = _LINK | {"z_device": "4:00238989ec39", "neighbour": 'a"]; x [label="\\'}
    daemon.answers["GET /api/v1/topology"] = (200, [_LINK, strange])

    assert run("topology", "--format", "dot") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "graph topology {"
    assert lines[-1] == "}"
    assert '  "p1" [shape=box, label="p1", style=solid];' in lines
    assert '  "p1" -- "p2" [taillabel="eth9", headlabel="eth1", style=dashed];' in lines
    (node,) = (line for line in lines if line.startswith('  "4:00238989ec39"'))
    assert node.endswith(r'label="a\"]; x [label=\"\\, unknown system", style=dashed];')
    assert run("topology", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out) == [_LINK, strange]


def test_a_device_is_shown_with_whom_it_hears_and_what_that_says_it_is(
    run: Callable[..., int], daemon: type[Daemon], capsys: pytest.CaptureFixture[str]
) -> None:
    leaf = {"name": "leaf\x1b[2J1", "chassis": "00:11:22:33:44:55", "address": "192.0.2.7"}
    known = leaf | {"vendor": "Arista", "os": "EOS", "version": "4.19.5M"}
    heard = {"port": "eth1", "protocol": "LLDP", "port_id": "Et1", "since": None}
    nobody = heard | {"it": {"chassis": "x", "model": "AP-7"}, "missed": True, "protocol": "CDP"}
    neighbours = [heard | {"it": known, "missed": False}, nobody]
    view = {"name": "pe1", "interfaces": [], "neighbours": neighbours}
    daemon.answers["GET /api/v1/devices/pe1"] = (200, view)

    assert run("device", "show", "pe1") == 0
    out = capsys.readouterr().out
    assert "Arista EOS 4.19.5M" in out
    assert "unknown system (AP-7) (missed since)" in out
    assert "\x1b" not in out


def test_a_device_that_does_not_answer_is_shown_with_since_when(
    run: Callable[..., int], daemon: type[Daemon], capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"name": "pe1", "unreachable_since": "2026-11-22T03:12:07.000Z", "reason": "no answer"}
    up = {"name": "eth1", "oper_status": "up"}
    daemon.answers["GET /api/v1/devices"] = (200, [row])
    daemon.answers["GET /api/v1/devices/pe1"] = (200, row | {"interfaces": [up]})

    assert run("device", "list") == 0
    assert "2026-11-22T03:12:07Z" in capsys.readouterr().out
    assert run("device", "show", "pe1") == 0
    out = capsys.readouterr().out
    told = "it does not answer, or not well, since 2026-11-22T03:12:07Z: what follows is as it was told"
    assert out.index(told) < out.index("eth1")


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (("case", "list", "--all", "--device", "pe1"), "cases?device=pe1"),
        (("device", "list", "--at", "03:12"), "devices?at=03%3A12"),
        (("alarm", "list"), "alarms"),
    ],
)
def test_a_list_is_read_to_its_end(
    words: tuple[str, ...],
    path: str,
    run: Callable[..., int],
    daemon: type[Daemon],
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [{"id": f"row{n}", "name": f"row{n}"} for n in range(client.PAGE + 1)]
    between = "&" if "?" in path else "?"
    daemon.answers[f"GET /api/v1/{path}"] = (200, rows[: client.PAGE])
    daemon.answers[f"GET /api/v1/{path}{between}offset={client.PAGE}"] = (200, rows[client.PAGE :])

    assert run("-o", "json", *words) == 0
    assert len(json.loads(capsys.readouterr().out)) == len(rows)


def test_cases_are_listed_and_decided_about(
    run: Callable[..., int], daemon: type[Daemon], capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"id": "c1", "subject": "pe1", "kind": "chassis-swapped", "evidence": "serial FOC2"}
    waiting = "state=open&state=begun"
    daemon.answers[f"GET /api/v1/cases?device=pe1&{waiting}"] = (200, [row])
    daemon.answers[f"GET /api/v1/cases?{waiting}&at=03%3A12"] = (200, [])
    daemon.answers["GET /api/v1/cases/count?at=03%3A12"] = (200, {"ignored": 2, "open": 1})
    daemon.answers["GET /api/v1/cases/c1"] = (200, row | {"owner": "service acme"})
    daemon.answers["POST /api/v1/cases/c1/decision"] = (200, row)

    assert run("case", "list", "--device", "pe1") == 0
    assert "chassis-swapped" in capsys.readouterr().out
    assert run("case", "list", "--at", "03:12") == 0
    assert "not shown: 2 ignored (--all shows them)" in capsys.readouterr().out
    assert run("case", "show", "c1") == 0
    assert "service acme" in capsys.readouterr().out
    assert run("case", "accept", "c1") == 0
    assert "pe1: chassis-swapped accepted (serial FOC2)" in capsys.readouterr().out
    daemon.answers["POST /api/v1/cases/c2/decision"] = (
        200,
        row | {"subject": "pe2", "until": "2026-11-24T10:00:00.000Z", "begun": ""},
    )
    assert run("case", "ignore", "c1", "c2", "--until", "in 2d") == 0
    assert "pe2: chassis-swapped ignored until 2026-11-24T10:00:00Z" in capsys.readouterr().out
    daemon.answers["POST /api/v1/cases/c1/decision"] = (200, row | {"begun": "order 17"})
    assert run("case", "revert", "c1") == 0
    assert "pe1: chassis-swapped is being reverted: order 17" in capsys.readouterr().out
    tried = {"state": "open", "begun": "17", "reason": "order 17 is failed: no", "text": "a is b"}
    daemon.answers[f"GET /api/v1/cases?device=pe1&{waiting}"] = (200, [row | tried])
    assert run("case", "list", "--device", "pe1") == 0
    assert "a is b; order 17 is failed: no" in capsys.readouterr().out
    kinds = "kind=drift-changed&kind=drift-missing&kind=drift-extra"
    daemon.answers[f"GET /api/v1/cases?{kinds}"] = (200, [row | tried])
    assert run("drift", "list") == 0
    assert "a is b; order 17 is failed: no" in capsys.readouterr().out


def test_the_three_ledgers_are_shown_side_by_side_with_what_differs(
    run: Callable[..., int], daemon: type[Daemon], capsys: pytest.CaptureFixture[str]
) -> None:
    since = {"since": "2026-11-22T10:00:00.000Z", "known": "2026-11-22T10:00:00.000Z"}
    late = since | {"known": "2026-11-22T10:05:00.000Z"}
    line = {
        "about": "pe1:ge-0/0/3",
        "planned": since | {"text": "held by acme", "by": "order 17"},
        "configured": None,
        "observed": late | {"text": "up, admin up", "by": ""},
    }
    view: dict[str, Any] = {"kind": "port", "id": "pe1:ge-0/0/3", "name": "pe1:ge-0/0/3"}
    view |= {"lines": [line]}
    view |= {"differences": [], "busy": False, "valid": None, "known": None}
    daemon.answers["GET /api/v1/ledger/pe1:ge-0/0/3"] = (200, view)
    told = {
        "kind": "port-down",
        "text": "it is down",
        "cause": "the cable",
        "owner": "service acme",
    }
    told |= {"case": "c1", "since": "2026-11-22T10:00:00.000Z", "subject": "pe1:ge-0/0/3"}
    past = view | {"differences": [told], "valid": "2026-11-22T03:12:00.000Z"}
    daemon.answers["GET /api/v1/ledger/pe1:ge-0/0/3?at=03%3A12"] = (200, past)

    assert run("ledger", "show", "pe1:ge-0/0/3") == 0
    shown = capsys.readouterr().out
    assert "held by acme (since 2026-11-22T10:00:00Z, order 17)" in shown
    assert "(since 2026-11-22T10:00:00Z, known 2026-11-22T10:05:00Z)" in shown
    assert "the three agree" in shown
    assert run("ledger", "show", "pe1:ge-0/0/3", "--at", "03:12") == 1
    shown = capsys.readouterr().out
    assert "as of 2026-11-22T03:12:00Z" in shown
    assert "it is down [case c1, since 2026-11-22T10:00:00Z]" in shown
    assert "probably the cable; whose: service acme" in shown


def test_why_names_every_owner_and_says_when_nobody_is(
    run: Callable[..., int], daemon: type[Daemon], capsys: pytest.CaptureFixture[str]
) -> None:
    owners = [
        {"store": "netconf", "path": "/a", "service_name": name, "order": order, "since": ""}
        for name, order in (("acme", "17"), ("bravo", "18"))
    ]
    asked = "GET /api/v1/why?device=pe1"
    daemon.answers[f"{asked}&path=%2Fa"] = (200, owners)
    daemon.answers[f"{asked}&path=%2Fb"] = (200, [])
    daemon.answers[asked] = (200, owners)

    assert run("why", "pe1", "/a") == 0
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("netconf", "acme", "17", "bravo", "18"))
    assert run("why", "pe1", "/b") == 0
    assert "it is foreign, or not there" in capsys.readouterr().out
    assert run("why", "pe1") == 0
    assert "bravo" in capsys.readouterr().out


def test_a_list_of_services_is_of_the_living_ones_that_customers_have(
    daemon: type[Daemon], run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    one = {"id": "s1", "name": "acme", "category": "CFS", "state": "active"}
    of_all = {**one, "id": "s0", "category": "RFS", "state": "terminated"}
    states = ["feasibilityChecked", "designed", "reserved", "inactive", "active"]
    living = "&".join(f"state={state}" for state in states)
    daemon.answers[f"GET /api/v1/services?category=CFS&{living}"] = (200, [one])
    daemon.answers["GET /api/v1/services"] = (200, [one, of_all])
    assert run("service", "list") == 0
    assert "acme" in (shown := capsys.readouterr().out)
    assert "RFS" not in shown
    assert run("service", "list", "--all") == 0
    assert "RFS" in capsys.readouterr().out
    daemon.answers["GET /api/v1/services?at=2h+ago"] = (200, [])
    assert run("service", "list", "--all", "--at", "2h ago") == 0
    assert "no services" in capsys.readouterr().out


def test_a_service_is_suspended_and_resumed_by_an_order_and_listed_as_suspended(
    daemon: type[Daemon], run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    one = {"id": "s1", "name": "acme", "category": "CFS", "state": "inactive"}
    path = "/tmf-api/serviceOrdering/v4/serviceOrder"
    daemon.answers["GET /api/v1/services/acme"] = (200, one)
    daemon.answers["GET /api/v1/services"] = (200, [one])
    daemon.answers[f"POST {path}"] = (201, {"id": "7", "state": "acknowledged"})
    daemon.answers[f"GET {path}/7"] = (200, {"id": "7", "state": "failed"})

    assert run("service", "suspend", "acme", "--reason", "non-payment") == 0
    assert "order 7 acknowledged" in capsys.readouterr().out
    assert run("service", "resume", "acme", "--wait") == 1
    sent = [body for asked, body in daemon.seen if asked == f"POST {path}"]
    item = {"id": "1", "action": "modify", "service": {"id": "s1", "state": "inactive"}}
    assert sent[0] == {"serviceOrderItem": [item], "description": "non-payment"}
    assert sent[1]["serviceOrderItem"][0]["service"]["state"] == "active"
    capsys.readouterr()

    for words in (("list", "--all"), ("show", "acme")):
        assert run("service", *words) == 0
        assert "suspended" in capsys.readouterr().out
        assert run("-o", "json", "service", *words) == 0
        assert '"inactive"' in capsys.readouterr().out


def test_a_cancellation_is_sent_and_its_end_is_said_in_words(
    run: Callable[..., int], daemon: type[Daemon], capsys: pytest.CaptureFixture[str]
) -> None:
    path = "/tmf-api/serviceOrdering/v4/cancelServiceOrder"
    daemon.answers[f"POST {path}"] = (201, {"id": "3", "state": "accepted"})
    ended = {"id": "3", "state": "terminatedWithError", "completionMessage": "item 1 is completed"}
    daemon.answers[f"GET {path}/3"] = (200, ended)

    assert run("order", "cancel", "17", "--reason", "moved") == 0
    assert daemon.seen == [
        (f"POST {path}", {"serviceOrder": {"id": "17"}, "cancellationReason": "moved"})
    ]
    assert run("order", "cancel", "17", "--at", "2026-12-01T00:00:00Z", "--wait") == 1
    assert daemon.seen[1][1]["requestedCancellationDate"] == "2026-12-01T00:00:00Z"
    assert capsys.readouterr().out.splitlines() == [
        "order 17 cancellation 3 accepted",
        "order 17 cancellation 3 terminatedWithError · item 1 is completed",
    ]


def test_one_characteristic_is_amended_and_the_others_sent_as_they_are(
    run: Callable[..., int], daemon: type[Daemon], capsys: pytest.CaptureFixture[str]
) -> None:
    path = "/tmf-api/serviceOrdering/v4/serviceOrder/17"
    service = {"serviceCharacteristic": [{"name": "a", "value": "x"}, {"name": "b", "value": 1}]}
    items = [{"id": "1", "service": service}, {"id": "2", "service": {}}]
    daemon.answers[f"GET {path}"] = (200, {"serviceOrderItem": items})
    daemon.answers[f"PATCH {path}"] = (200, {"id": "17", "state": "inProgress"})

    assert run("order", "amend", "17", "--item", "1", "--set", "b=50", "--set", "a=") == 0
    asked = {"service": {"serviceCharacteristic": [{"name": "b", "value": 50}]}}
    assert daemon.seen[1] == (
        f"PATCH {path}",
        {"serviceOrderItem": [{"id": "1"} | asked, {"id": "2"}]},
    )
    assert capsys.readouterr().out == "order 17 inProgress\n"
    assert run("order", "amend", "17", "--set", "b=50") == 2
    assert run("order", "amend", "17", "--item", "1", "--set", "b") == 2
    assert run("order", "amend", "17") == 2


def test_an_order_is_held_with_a_reason_and_released(
    run: Callable[..., int], daemon: type[Daemon], capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answers["POST /api/v1/orders/17/hold"] = (200, {"id": "17", "state": "held"})
    daemon.answers["POST /api/v1/orders/17/release"] = (200, {"id": "17", "state": "inProgress"})
    assert run("order", "hold", "17", "--reason", "moving house") == 0
    assert run("order", "release", "17") == 0
    assert daemon.seen[0][1] == {"reason": "moving house"}
    assert capsys.readouterr().out == "order 17 held\norder 17 inProgress\n"


DELIVERY = {
    "receiver": "hub:1",
    "event_id": "e1",
    "kind": "ServiceStateChangeEvent",
    "entity": "service:1",
    "state": "parked",
    "attempts": 3,
    "next_at": "2026-11-21T10:02:00.000Z",
    "changed_at": "2026-11-21T10:02:00.000Z",
    "reason": "422",
}


def test_the_outbox_is_listed_shown_and_told_again(
    daemon: type[Daemon], run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    again = {"receiver": "hub:1", "deliveries": 2}
    waits = {"receiver": "hub:1", "pending": 1, "parked": 1, "stopped": "401"}
    event = {"id": "usage-a/b", "payload": {"octets": "\x1b[2J"}}
    daemon.answers |= {
        "GET /api/v1/outbox?receiver=hub%3A1&state=parked&limit=500": (200, [DELIVERY]),
        "GET /api/v1/outbox/receivers": (200, [waits]),
        "GET /api/v1/outbox/events/usage-a%2Fb": (200, {"event": event, "deliveries": [DELIVERY]}),
        "POST /api/v1/outbox/redeliver": (200, again),
    }
    assert run("outbox", "list", "--receiver", "hub:1", "--state", "parked") == 0
    assert run("outbox", "receivers") == 0
    assert run("outbox", "show", "usage-a/b") == 0
    assert run("outbox", "redeliver", "hub:1") == 0
    assert run("outbox", "redeliver", "hub:1", "e1") == 0
    said = capsys.readouterr().out
    assert "422" in said
    assert "401" in said
    assert "2 deliveries: to hub:1 again" in said
    assert "e1: to hub:1 again" in said
    assert "\x1b" not in said
    bodies = [body for _, body in daemon.seen if body is not None]
    assert bodies == [{"receiver": "hub:1"}, {"receiver": "hub:1", "event": "e1"}]


FALLOUT = {
    "order": "17",
    "item": "1",
    "kind": "failed",
    "cause": "changeRejected",
    "reason": "pe2: no room",
    "service": "s17-1",
    "service_name": "acme",
    "action": "add",
    "since": "2026-11-21T10:02:00.000Z",
    "until": "2026-11-28T10:02:00.000Z",
    "actions": ["retry", "skip"],
}


def test_the_fallout_is_listed_shown_and_decided(
    daemon: type[Daemon], run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    shown = {
        "fallout": FALLOUT,
        "characteristics": {"bandwidth": 20},
        "evidence": [],
        "devices": [],
        "rollback": ["item 2: service s17-2 (line) is deleted"],
        "obstacles": ["item 3 is being worked on"],
    }
    daemon.answers |= {
        "GET /api/v1/fallout": (200, [FALLOUT]),
        "GET /api/v1/fallout/17": (200, [shown]),
    }
    for action in ("retry", "repair", "skip", "rollback"):
        done = {"item": "1", "message": f"ines: {action}"}
        daemon.answers[f"POST /api/v1/fallout/17/{action}"] = (200, done)
    assert run("fallout", "list") == 0
    assert run("fallout", "show", "17") == 0
    assert run("fallout", "retry", "17") == 0
    assert run("fallout", "repair", "17", "--set", "bandwidth=30", "--set", "zEnd=pe2:eth5") == 0
    assert run("fallout", "repair", "17", "--set", "bandwidth") == 2
    assert run("fallout", "skip", "17", "--item", "1") == 0
    assert run("fallout", "rollback", "17") == 0
    said = capsys.readouterr().out
    for words in ("changeRejected", "no room", "s17-2 (line) is deleted", "being worked on"):
        assert words in said
    assert "order 17 item 1: ines: rollback" in said
    bodies = [body for _, body in daemon.seen if body is not None]
    repaired = {"characteristics": {"bandwidth": 30, "zEnd": "pe2:eth5"}}
    assert bodies == [{}, repaired, {"item": "1"}, {}]


PRODUCT_ORDERS = "/tmf-api/productOrderingManagement/v4/productOrder"
PRODUCT_ORDER = {
    "id": "po1",
    "state": "completed",
    "orderDate": "2026-11-21T10:02:00.000Z",
    "serviceOrder": {"id": "7"},
    "note": [{"text": "call before noon"}],
    "productOrderItem": [
        {
            "id": "1",
            "action": "add",
            "state": "completed",
            "productOffering": {"name": "Business bundle", "version": "1.0"},
            "product": {"id": "p1-1", "name": "acme"},
        }
    ],
}


def test_a_product_order_is_sent_and_followed_where_product_orders_are(
    daemon: type[Daemon], run: Callable[..., int], tmp_path: Path
) -> None:
    file = tmp_path / "order.yaml"
    file.write_text("productOrderItem: [{id: '1', action: add}]")
    daemon.answers[f"POST {PRODUCT_ORDERS}"] = (201, PRODUCT_ORDER)
    daemon.answers[f"GET {PRODUCT_ORDERS}/po1"] = (200, PRODUCT_ORDER)
    assert run("order", "submit", str(file), "--wait") == 0
    assert run("order", "watch", "po1") == 0


def test_a_product_order_is_shown_with_its_products(
    daemon: type[Daemon], run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    product = {
        "id": "p1-1",
        "status": "active",
        "realizingService": [{"id": "s7-1", "name": "vpn"}],
    }
    daemon.answers[f"GET {PRODUCT_ORDERS}/po1"] = (200, PRODUCT_ORDER)
    daemon.answers["GET /tmf-api/productInventory/v4/product/p1-1"] = (200, product)
    assert run("order", "show", "po1") == 0
    shown = capsys.readouterr().out
    for words in ("po1", "call before noon", "Business bundle 1.0", "p1-1 · active", "s7-1"):
        assert words in shown


def test_what_is_explained_and_cancelled_of_a_product_order(
    daemon: type[Daemon], run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    said = {"sentence": "order 7 is completed.", "participants": [], "history": []}
    cancel = "/tmf-api/productOrderingManagement/v4/cancelProductOrder"
    daemon.answers[f"GET {PRODUCT_ORDERS}/po1"] = (200, PRODUCT_ORDER)
    daemon.answers["GET /api/v1/orders/7/explain"] = (200, said)
    daemon.answers[f"POST {cancel}"] = (201, {"id": "3", "state": "acknowledged"})
    daemon.answers[f"GET {cancel}/3"] = (200, {"id": "3", "state": "done"})
    assert run("order", "explain", "po1") == 0
    assert "order 7 is completed." in capsys.readouterr().out
    assert run("order", "cancel", "po1", "--wait") == 0
    assert (f"POST {cancel}", {"productOrder": {"id": "po1"}}) in daemon.seen


RESOURCE_ORDERS = "/tmf-api/resourceOrdering/v4/resourceOrder"


def test_a_resource_order_is_sent_followed_amended_and_cancelled_where_those_are(
    daemon: type[Daemon],
    run: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "order.yaml"
    file.write_text("orderItem: [{id: '1', action: add}]")
    said = [{"name": "port", "value": "pe1:eth5"}]
    item = {"id": "1", "resource": {"resourceCharacteristic": said}}
    notes = [
        {"author": "noc", "text": "for the fair"},
        {"author": "oss-agent", "text": "item 1 portOwned: port pe1:eth5 belongs to service s1-1"},
    ]
    order = {"id": "ro3", "state": "rejected", "orderItem": [item], "note": notes}
    cancel = "/tmf-api/resourceOrdering/v4/cancelResourceOrder"
    daemon.answers[f"POST {RESOURCE_ORDERS}"] = (201, order)
    daemon.answers[f"GET {RESOURCE_ORDERS}/ro3"] = (200, order)
    daemon.answers[f"PATCH {RESOURCE_ORDERS}/ro3"] = (200, order)
    daemon.answers[f"POST {cancel}"] = (201, {"id": "3", "state": "acknowledged"})
    assert run("order", "submit", str(file), "--wait") == 1
    told = capsys.readouterr().out
    assert "order ro3 rejected · item 1 portOwned" in told
    assert "for the fair" not in told
    assert run("order", "amend", "ro3", "--set", "description=spare") == 0
    words = [*said, {"name": "description", "value": "spare"}]
    patch: Any = {"orderItem": [{"id": "1", "resource": {"resourceCharacteristic": words}}]}
    assert daemon.seen[-1] == (f"PATCH {RESOURCE_ORDERS}/ro3", patch)
    assert run("order", "cancel", "ro3") == 0
    assert daemon.seen[-1] == (f"POST {cancel}", {"resourceOrder": {"id": "ro3"}})


def test_resource_orders_are_listed_and_shown_with_what_went_wrong(
    daemon: type[Daemon], run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    listed = f"GET {RESOURCE_ORDERS}?sort=-orderDate&limit=50"
    daemon.answers[listed] = (
        200,
        [{"id": "ro3", "state": "completed"}, {"id": "1", "state": "held"}],
    )
    item = {
        "id": "1",
        "action": "add",
        "state": "failed",
        "service_id": "r3-1",
        "service_name": "spare",
        "characteristics": {"port": "pe1:eth5"},
        "resource_orders": [],
        "evidence": [],
        "error": {"message": "pe1 refused it"},
    }
    dates = dict.fromkeys(("order_date", "expected_completion", "completion_date"))
    view = {"id": "ro3", "state": "failed", "items": [item], **dates}
    daemon.answers["GET /api/v1/orders/ro3"] = (200, view)
    assert run("order", "list", "--resources") == 0
    assert run("order", "show", "ro3") == 0
    shown = capsys.readouterr().out
    for words in ("ro3    completed", "r3-1", "add spare · failed", "pe1 refused it"):
        assert words in shown, shown


def test_a_service_is_tested_and_what_does_not_hold_exits_1(
    daemon: type[Daemon], run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    tests = "/tmf-api/serviceTestManagement/v4/serviceTest"
    service = {"id": "s1-1", "name": "acme-lan", "specification": {"id": "eline"}}
    measure = {
        "metricName": "ping on h1",
        "metricDescription": "10 of 10 lost",
        "value": {"value": {"outcome": "failed"}},
    }
    begun = {"id": "t7", "state": "acknowledged", "testMeasure": []}
    ended = {"id": "t7", "state": "failed", "testMeasure": [measure], "reason": "ping on h1: lost"}
    daemon.answers["GET /api/v1/services/acme-lan"] = (200, service)
    daemon.answers[f"POST {tests}"] = (201, begun)
    daemon.answers[f"GET {tests}/t7"] = (200, ended)
    assert run("service", "test", "acme-lan") == 1
    shown = capsys.readouterr().out
    for words in ("service test t7 failed · ping on h1: lost", "ping on h1", "10 of 10 lost"):
        assert words in shown, shown
    wish = {
        "name": "test of acme-lan",
        "relatedService": {"id": "s1-1"},
        "testSpecification": {"id": "eline"},
    }
    assert (f"POST {tests}", wish) in daemon.seen
    assert run("service", "test", "acme-lan", "--no-wait") == 0
    assert "t7 acknowledged" in capsys.readouterr().out


@pytest.mark.parametrize("order", ["../devices", "", "..", "17?x", "17#x", "1\n7"])
def test_an_id_that_leads_elsewhere_is_refused_before_anything_is_asked(
    order: str,
    run: Callable[..., int],
    daemon: type[Daemon],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("order", "show", order) == 2

    assert "an id is not empty" in capsys.readouterr().err
    assert daemon.seen == []


@pytest.mark.parametrize(
    "words",
    [["--api", "http://[::1"], ["--api", "http://127.0.0.1:1/\x01"], ["--token", "tökén"]],
)
def test_an_address_or_token_that_cannot_be_sent_is_a_sentence(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(main.tree(), [*words, "alarm", "list"]) == 2
    assert capsys.readouterr().err.endswith("; correct it\n")


def test_a_stranger_at_the_address_is_no_daemon(
    run: Callable[..., int], daemon: type[Daemon], capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answers["GET /api/v1/alarms"] = (200, b"<html>")

    assert run("alarm", "list") == 4
    assert "is no oss-agent daemon" in capsys.readouterr().err


def test_a_daemon_that_hangs_up_may_have_done_what_was_asked(
    run: Callable[..., int], daemon: type[Daemon], capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answers["POST /api/v1/discover"] = (0, None)

    assert run("discover") == 4
    assert "what was asked may be done; look, then ask again" in capsys.readouterr().err


def test_moments_in_an_order_are_sent_as_they_are_written(
    run: Callable[..., int], daemon: type[Daemon], tmp_path: Path
) -> None:
    file = tmp_path / "order.yaml"
    file.write_text("requestedStartDate: 2026-12-01T06:00:00Z\nday: 2026-12-01\n")
    daemon.answers["POST /api/v1/plan"] = (200, [])

    run("plan", str(file))

    sent = {"requestedStartDate": "2026-12-01T06:00:00Z", "day": "2026-12-01"}
    assert daemon.seen == [("POST /api/v1/plan", sent)]


@pytest.mark.parametrize("text", ["a: !!set {b}", "a: .nan", "a: &a [*a]", "a: " + "[" * 5_000])
def test_yaml_that_json_cannot_carry_is_refused(
    text: str, run: Callable[..., int], tmp_path: Path
) -> None:
    file = tmp_path / "order.yaml"
    file.write_text(text)

    assert run("plan", str(file)) == 2


@pytest.mark.parametrize("form", [[], ["-o", "json"]])
def test_an_answer_that_cannot_be_written_is_a_sentence(
    form: list[str],
    run: Callable[..., int],
    daemon: type[Daemon],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    daemon.answers["GET /api/v1/alarms"] = (200, [{"id": "1"}])
    with Path("/dev/full").open("w", encoding="utf-8", buffering=1) as full:
        monkeypatch.setattr("sys.stdout", full)
        assert run("alarm", "list", *form) == 1
        monkeypatch.undo()

    assert "No space left on device; make room" in capsys.readouterr().err


def test_an_address_without_a_scheme_is_told_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(main.tree(), ["--api", "127.0.0.1:8642", "order", "list"]) == 2
    assert "write it as http://HOST:PORT" in capsys.readouterr().err
