"""Recorded answers of real devices, ``recordings/<platform>/<release>/<case>.yaml``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from device_models import loader, model
from drivers import extraction, slots
from drivers.execution import Output

HERE = Path(__file__).parent / "recordings"
CASES = sorted(HERE.glob("*/*/*.yaml"))


def recorded(case: Path) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load(case.read_text())
    return data


@pytest.mark.parametrize("case", CASES, ids=lambda c: str(c.relative_to(HERE).with_suffix("")))
def test_a_recorded_answer_gives_its_values(case: Path) -> None:
    data = recorded(case)
    reading = loader.load(case.parts[-3]).observe[data["kind"]]
    params = slots.fill(reading.slots, data["params"])
    output = Output(data["status"], data["out"], data["err"], cut=False)

    assert " ".join(extraction.word(w, params) for w in reading.command) == data["command"]
    assert extraction.values(reading, params, output) == data["values"]


@pytest.mark.parametrize("platform", ["frr_linux", "linux_host"])
def test_every_question_was_recorded(platform: str) -> None:
    asked = {recorded(case)["kind"] for case in CASES if case.parts[-3] == platform}

    readings = loader.load(platform).observe
    assert asked == {k for k, one in readings.items() if one.channel is model.Channel.SSH_EXEC}


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.stem)
@pytest.mark.parametrize(
    "out",
    ["", "null", "[]", "1", "{", '{"eth4": [], "numRemoteVteps": {"a": [{}]}, "peers": 1e999}',
     "[" * 100_000, "x" * 200_000, "\x1b]0;x\a", "NaN", '{"eth4": {"operationalStatus": {}}}'],
    ids=lambda o: o[:12],
)  # fmt: skip
def test_hostile_output_is_missing_or_false_never_a_crash(case: Path, out: str) -> None:
    data = recorded(case)
    reading = loader.load(case.parts[-3]).observe[data["kind"]]
    params = slots.fill(reading.slots, data["params"])
    try:
        values = extraction.values(reading, params, Output(0, out, "", cut=False))
    except extraction.NotThere:
        return
    assert values.get("oper_status", "absent") != "up"
    assert values.get("present", False) is False


@pytest.mark.parametrize(
    ("output", "why"),
    [
        (Output(1, "% Unknown command: show x", "", cut=False), "exit status 1: % Unknown command"),
        (Output(None, "", "", cut=False), "exit status None"),
        (Output(0, "{}", "", cut=True), "more output than is read"),
    ],
)
def test_a_refused_killed_or_cut_command_is_no_answer(output: Output, why: str) -> None:
    reading = loader.load("frr_linux").observe["bgp-evpn-peers"]

    with pytest.raises(extraction.NotThere, match=why):
        extraction.values(reading, {}, output)


def test_busybox_speaks_another_ping() -> None:
    reading = loader.load("linux_host").observe["ping"]
    out = (
        "PING 10.0.0.1 (10.0.0.1): 56 data bytes\n\n--- 10.0.0.1 ping statistics ---\n"
        "4 packets transmitted, 3 packets received, 25% packet loss\n"
        "round-trip min/avg/max = 0.055/0.066/0.077 ms\n"
    )

    values = extraction.values(reading, {}, Output(0, out, "", cut=False))

    assert values == {"sent": 4, "received": 3, "loss": 25.0, "rtt_ms": 0.066}
