"""What a device is, judged by recordings of real ones; unknown is said, hostile text is harmless.

``detected.txt`` says what each recording is, read by a person: path, maker, system, version, model.
"""

from __future__ import annotations

import bz2
import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from device_models import detect
from oss_agent import errors
from oss_agent.spi import detection
from tests import recorded_agents

_EXPECTED = Path(__file__).with_name("detected.txt")
_DESCRIPTION, _OBJECT = "1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.2.0"
_BEHIND = "1.3.6.1.2.1.1.3"
_LINES = 50_000
"""Tables of IEEE 802.1AB come before the system group; one recording has no order."""


@functools.cache
def _evidence(file: Path) -> detection.Evidence:
    found: dict[str, str] = {}
    with bz2.open(file) if file.suffix == ".bz2" else file.open("rb") as lines:
        for _, line in zip(range(_LINES), lines, strict=False):
            name, _, rest = line.decode("latin-1").rstrip("\r\n").partition("|")
            kind, _, text = rest.partition("|")
            if name in {_DESCRIPTION, _OBJECT}:
                found[name] = _text(kind, text)
            if name.startswith(_BEHIND):
                break
    arcs = found.get(_OBJECT, "").split(".")
    object_id = tuple(int(arc) for arc in arcs) if arcs != [""] else ()
    return detection.Evidence(object_id, found.get(_DESCRIPTION, ""))


def _text(kind: str, text: str) -> str:
    try:
        return bytes.fromhex(text).decode("latin-1") if kind.endswith("x") else text
    except ValueError:  # one recording calls plain text hexadecimal
        return text


def _rows() -> Iterator[tuple[str, ...]]:
    for line in _EXPECTED.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield tuple(part.strip() for part in line.split("|"))


def _places() -> list[Path]:
    beside = os.environ.get("OSS_AGENT_REFERENCE")
    places = (recorded_agents.package(), Path(beside) / "snmp" if beside else None)
    return [place for place in places if place is not None]


def test_real_devices_are_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    wrong: list[str] = []
    right = with_system = 0
    for path, *expected in _rows():
        file = next((place / path for place in _places() if (place / path).exists()), None)
        if file is None:
            continue
        seen = detect.detect(_evidence(file))
        got = [seen.vendor, seen.os, seen.version, seen.model]
        if got != expected:
            wrong.append(f"{path}: {got}, not {expected}")
            continue
        right += 1
        with_system += bool(seen.os)
        assert seen.os or seen.doubts, f"{path}: unknown, and not said why"
    assert wrong == []
    with capsys.disabled():
        print(f"\n{right} recordings of real devices right, the system of {with_system} known")
    assert right > 100


def test_every_recording_of_the_package_is_judged() -> None:
    place = recorded_agents.package()
    assert place is not None
    there = {str(file.relative_to(place)) for file in place.rglob("*snmprec*")}
    silent = {file for file in there if not _evidence(place / file).object_id}
    assert there - {path for path, *_ in _rows()} <= silent


_MX = (1, 3, 6, 1, 4, 1, 2636, 1, 1, 1, 2, 21)
_CISCO = (1, 3, 6, 1, 4, 1, 9, 1, 222)


@pytest.mark.parametrize(
    ("evidence", "vendor", "system"),
    [
        (detection.Evidence(banner=b"SSH-2.0-Cisco-1.25"), "Cisco", "IOS"),
        (detection.Evidence(banner="SSH-2.0-ROSSSH"), "MikroTik", "RouterOS"),
        (detection.Evidence(banner="SSH-2.0-OpenSSH_9.2p1 Debian-2"), "", ""),
        (
            detection.Evidence(hello=["http://xml.juniper.net/netconf/junos/1.0"]),
            "Juniper Networks",
            "Junos OS",
        ),
        (
            detection.Evidence(hello=["http://cisco.com/ns/yang/Cisco-IOS-XR-ifmgr-cfg"]),
            "Cisco",
            "IOS XR",
        ),
        (detection.Evidence(hello=["urn:nokia.com:sros:ns:yang:sr:conf"]), "Nokia", "SR OS"),
        (detection.Evidence(hello=["urn:ietf:params:netconf:base:1.1"]), "", ""),
        (detection.Evidence(_CISCO), "Cisco", ""),
        (detection.Evidence(_MX), "Juniper Networks", "Junos OS"),
        (detection.Evidence((1, 3, 6, 1, 4, 1, 999_999, 1), "Linux x 6.1.0"), "", "Linux"),
        (detection.Evidence((1, 3, 6, 1, 4, 1)), "", ""),
        (detection.Evidence(), "", ""),
    ],
)
def test_every_kind_of_evidence_tells(
    evidence: detection.Evidence, vendor: str, system: str
) -> None:
    seen = detect.detect(evidence)
    assert (seen.vendor, seen.os) == (vendor, system)
    assert bool(seen.because) is bool(vendor or system)


_HELLOS: Final[list[dict[str, Any]]] = yaml.safe_load(
    Path(__file__).with_name("hellos.yaml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("said", _HELLOS, ids=lambda one: one["announced"][-1].partition("?")[0])
def test_a_hello_proves_the_system_that_alone_announces_it(said: dict[str, Any]) -> None:
    seen = detect.detect(detection.Evidence(hello=said["announced"]))
    assert (seen.vendor, seen.os) == (said["vendor"], said["os"])
    assert seen.platform == said.get("platform", "")
    assert bool(seen.because) is bool(seen.os)


def _hello(system: str) -> list[str]:
    return next(one["announced"] for one in _HELLOS if one["os"] == system)


def test_the_hello_outweighs_the_banner_and_the_description_the_hello() -> None:
    banner = "SSH-2.0-Cisco-1.25"
    assert detect.detect(detection.Evidence(_CISCO, "", banner)).os == "IOS"
    seen = detect.detect(detection.Evidence(_CISCO, "", banner, _hello("IOS XE")))
    assert (seen.os, seen.doubts) == ("IOS XE", ("no driver for IOS XE",))

    said = "Cisco IOS XR Software (ASR9K), Version 6.1.4"
    seen = detect.detect(detection.Evidence(_CISCO, said, "", _hello("IOS XE")))
    assert (seen.os, seen.version) == ("IOS XR", "6.1.4")
    assert seen.doubts[0] == "its NETCONF hello is that of IOS XE: ask a person"


def test_a_hello_of_another_maker_than_the_number_is_believed_by_nobody() -> None:
    for other in (
        detection.Evidence(_MX, hello=_hello("EOS")),
        detection.Evidence(hello=[*_hello("EOS"), *_hello("SR OS")]),
    ):
        seen = detect.detect(other)
        assert (seen.os, seen.platform) == ("", "")
        assert "ask a person" in seen.doubts[0]


def test_what_speaks_against_a_platform_is_another_system_of_a_known_maker() -> None:
    junos = detection.Evidence(hello=_hello("Junos OS"))
    assert detect.against("frr_linux", junos).startswith("it is run as frr_linux and is Juniper")
    assert detect.against("arista_eos", detection.Evidence(hello=_hello("EOS"))) == ""
    netconfd = detection.Evidence((), "Linux pe1 6.1.0", hello=_hello("netconfd (Yuma)"))
    assert detect.against("frr_linux", netconfd) == "", "netconfd runs on anybody's system"
    assert detect.against("from_elsewhere", junos) == "", "its driver may be for Junos OS"


def test_a_hello_that_two_systems_send_says_so_and_contradicts_neither() -> None:
    (why,) = detect.detect(detection.Evidence(hello=_hello("Junos OS"))).because
    assert why.endswith("what only Junos OS and Junos OS Evolved announce")
    said = "Juniper Networks, Inc. ptx10001-36mr internet router, kernel JUNOS 21.4R1.12-EVO"
    seen = detect.detect(detection.Evidence((), said, hello=_hello("Junos OS")))
    assert (seen.os, seen.doubts) == ("Junos OS Evolved", ("no driver for Junos OS Evolved",))


def test_where_two_makers_are_named_nobody_is_believed() -> None:
    said = "Arista Networks EOS version 4.20.5F running on an Arista Networks vEOS"
    for evidence in (
        detection.Evidence(_MX, said),
        detection.Evidence((), said, "SSH-2.0-Cisco-1.25"),
        detection.Evidence(_MX, "", "SSH-2.0-Cisco-1.25"),
    ):
        seen = detect.detect(evidence)
        assert (seen.vendor, seen.os, seen.platform) == ("", "", "")
        assert "ask a person" in seen.doubts[0]


@pytest.mark.parametrize(
    ("said", "platform", "version", "doubt"),
    [
        ("FRRouting 8.4.4 on Linux", "frr_linux", "8.4.4", ""),
        ("FRRouting", "frr_linux", "", ""),
        ("Arista Networks EOS version 4.31.1F running", "arista_eos", "4.31.1F", ""),
        ("RouterOS CHR", "", "", "no driver for RouterOS"),
    ],
)
def test_it_tells_our_platform_and_that_there_is_none(
    said: str, platform: str, version: str, doubt: str
) -> None:
    seen = detect.detect(detection.Evidence(description=said))
    assert (seen.platform, seen.version, " ".join(seen.doubts)) == (platform, version, doubt)


@pytest.mark.parametrize(
    "said",
    [
        b"\x00" * 65_536,
        b"Cisco IOS Software, " + b"A" * 65_536,
        b"<script>alert(1)</script>\x1b[2J\x00\r\n" * 500,
        "Cisco IOS Software, \u202e\x07 Version 12.2(55)SE3\x00evil, RELEASE".encode(),
        b"Palo Alto Networks " * 10_000,
        b"\xff\xfe" * 20_000,
    ],
)
def test_hostile_descriptions_are_harmless(said: bytes) -> None:
    _harmless(detect.detect(detection.Evidence(_CISCO, said, said, ["x" * 65_536] * 5_000)))


@given(
    st.lists(st.integers(0, 2**32 - 1), max_size=12),
    st.binary(max_size=200) | st.text(max_size=200),
    st.binary(max_size=80),
    st.lists(st.text(max_size=80), max_size=5),
)
def test_whatever_a_device_says_there_is_an_answer(
    arcs: list[int], said: bytes | str, banner: bytes, hello: list[str]
) -> None:
    for before in ((), (1, 3, 6, 1, 4, 1)):
        _harmless(detect.detect(detection.Evidence((*before, *arcs), said, banner, hello)))


def _harmless(seen: detection.Detected) -> None:
    words = (seen.vendor, seen.os, seen.version, seen.model, *seen.because, *seen.doubts)
    assert all(word.isprintable() for word in words)
    assert all(len(word) < 300 for word in words)
    assert bool(seen.os) or bool(seen.doubts)


def test_data_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "vendors.yaml").write_text("[1, 2]")
    with pytest.raises(errors.ConfigurationError, match=str(tmp_path)):
        detect.load(tmp_path)


def test_every_platform_of_the_data_is_one_of_ours() -> None:
    ours = {file.parent.name for file in detect.SHIPPED.parent.glob("*/platform.yaml")}
    assert {one.platform for one in detect.load().systems if one.platform} <= ours
