"""What neighbours repeat of a device is the weakest evidence: it fills gaps, it never contradicts."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_models import detect
from oss_agent.spi.detection import Detected, Evidence

_EOS = b"Arista Networks EOS version 4.19.5M running on an Arista Networks DCS-7150S-52-CL"
_JUNOS = b"Juniper Networks, Inc. mx960 internet router, kernel JUNOS 16.1R6.7, Build date: x"
_IOS = b"Cisco IOS Software, C2960 Software (C2960-LANBASEK9-M), Version 12.2(55)SE3"
_ARISTA = (1, 3, 6, 1, 4, 1, 30065, 1, 2759)
_CISCO_BANNER = b"SSH-2.0-Cisco-1.25"
_SAID = st.sampled_from([b"", _EOS, _JUNOS, _IOS, b"\x00" * 65_536, b"<script>", b"Linux pe1 6.1"])


def _system(one: Detected) -> tuple[str, str, str]:
    return (one.vendor, one.os, one.version)


def test_a_device_that_only_shows_ssh_is_what_its_neighbours_hear() -> None:
    seen = detect.detect(Evidence(banner=b"SSH-2.0-OpenSSH_9.2", announced=(_EOS,)))

    assert _system(seen) == ("Arista", "EOS", "4.19.5M")
    assert (seen.model, seen.platform) == ("DCS-7150S-52-CL", "arista_eos")
    assert seen.because[-1] == "its neighbours hear it announce Arista EOS"


def test_its_own_banner_names_the_system_and_the_announcement_fills_the_version() -> None:
    seen = detect.detect(Evidence(banner=_CISCO_BANNER, announced=(_IOS,)))

    assert _system(seen) == ("Cisco", "IOS", "12.2(55)SE3")
    assert seen.model == "C2960"


@pytest.mark.parametrize(
    ("own", "announced"),
    [
        (Evidence(banner=_CISCO_BANNER), _EOS),
        (Evidence(description=_JUNOS), _EOS),
        (Evidence(object_id=_ARISTA), _JUNOS),
        (Evidence(object_id=(1, 3, 6, 1, 4, 1, 9, 1, 1)), _JUNOS),
    ],
)
def test_what_its_own_words_contradict_is_told_and_not_believed(
    own: Evidence, announced: bytes
) -> None:
    alone = detect.detect(own)
    seen = detect.detect(dataclasses.replace(own, announced=(announced,)))

    assert dataclasses.replace(seen, doubts=alone.doubts) == alone
    assert seen.doubts[-1].endswith("not believed, ask a person")


def test_neighbours_that_hear_two_systems_are_both_not_believed() -> None:
    seen = detect.detect(Evidence(announced=(_EOS, _JUNOS)))

    assert (seen.os, seen.platform) == ("", "")
    assert seen.doubts[-1] == (
        "its neighbours hear it announce Arista EOS and Juniper Networks Junos OS: "
        "not believed, ask a person"
    )


def test_own_words_that_contradict_each_other_are_not_settled_by_neighbours() -> None:
    torn = Evidence(object_id=_ARISTA, banner=_CISCO_BANNER)

    assert detect.detect(dataclasses.replace(torn, announced=(_EOS,))) == detect.detect(torn)


def test_what_nobody_knows_stays_unknown_and_says_of_what() -> None:
    seen = detect.detect(Evidence(announced=(b"Emulex OneConnect 10Gb",)))

    assert (seen.vendor, seen.os) == ("", "")
    assert seen.doubts == ("nothing that is known of systems fits 'Emulex OneConnect 10Gb'",)


@given(
    st.sampled_from([(), _ARISTA]),
    _SAID,
    st.sampled_from([b"", _CISCO_BANNER]),
    st.lists(_SAID, max_size=12),
)
def test_no_announcement_changes_what_a_device_says_of_itself(
    number: tuple[int, ...], said: bytes, banner: bytes, announced: list[bytes]
) -> None:
    own = Evidence(number, said, banner)
    alone = detect.detect(own)
    seen = detect.detect(dataclasses.replace(own, announced=announced))

    for name in ("vendor", "os", "version", "model", "platform"):
        told = getattr(alone, name)
        if alone.os or name == "vendor":
            assert not told or getattr(seen, name) == told
    if alone.os:
        assert (seen.os, seen.platform) == (alone.os, alone.platform)
    assert all(one.isprintable() for one in (*seen.because, *seen.doubts))
