"""Service moves, secrets, host addresses, names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inventory import facts, grammar, host_addresses, naming, secrets, service_states
from oss_agent.spi.views import ServiceState

S = ServiceState
_LEGAL = {
    (S.FEASIBILITY_CHECKED, S.DESIGNED),
    (S.FEASIBILITY_CHECKED, S.RESERVED),
    (S.FEASIBILITY_CHECKED, S.INACTIVE),
    (S.FEASIBILITY_CHECKED, S.ACTIVE),
    (S.DESIGNED, S.RESERVED),
    (S.RESERVED, S.DESIGNED),
    (S.DESIGNED, S.INACTIVE),
    (S.DESIGNED, S.ACTIVE),
    (S.RESERVED, S.INACTIVE),
    (S.RESERVED, S.ACTIVE),
    (S.INACTIVE, S.ACTIVE),
    (S.ACTIVE, S.INACTIVE),
    (S.ACTIVE, S.TERMINATED),
    (S.INACTIVE, S.TERMINATED),  # not drawn, but the end of a suspended one does not begin it first
}


@pytest.mark.parametrize("before", S)
@pytest.mark.parametrize("after", S)
def test_moves_are_those_of_tmf638(before: ServiceState, after: ServiceState) -> None:
    assert service_states.legal(before, after) == ((before, after) in _LEGAL or before is after)


def test_a_secret_is_written_for_us_alone_and_read_back(tmp_path: Path) -> None:
    place = tmp_path / "credentials" / "lab"
    for word in ("first", "gänse füße"):
        reference = secrets.write(place, "pe1.password", word)
        assert secrets.resolve(reference, {}) == word

    file = place / "pe1.password"
    assert reference == f"file:{file}"
    assert file.stat().st_mode & 0o777 == 0o600
    assert place.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in place.iterdir()] == ["pe1.password"]


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "word"
    file.write_text("secret")
    file.chmod(0o640)

    with pytest.raises(secrets.SecretMissing, match="chmod 600"):
        secrets.resolve(f"file:{file}", {})


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "one printable line"), (b"a\nb", "one printable line"), (b"\xff", "not UTF-8")],
)
def test_a_file_without_a_secret_says_so(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "word"
    file.write_bytes(content)
    file.chmod(0o600)

    with pytest.raises(secrets.SecretMissing, match=words):
        secrets.resolve(f"file:{file}", {})


@pytest.mark.parametrize("reference", ["env:NOT_SET", "file:/nowhere/at/all", "vault:x", ""])
def test_a_reference_that_leads_nowhere_says_so(reference: str) -> None:
    with pytest.raises(secrets.SecretMissing):
        secrets.resolve(reference, {"OTHER": "x"})


def test_an_environment_reference() -> None:
    assert secrets.resolve("env:WORD", {"WORD": "x"}) == "x"


def test_host_addresses_are_the_global_ones() -> None:
    ports = [
        {"ifname": "lo", "addr_info": [{"local": "127.0.0.1", "scope": "host", "prefixlen": 8}]},
        {
            "ifname": "eth1",
            "addr_info": [
                {"local": "192.168.50.1", "scope": "global", "prefixlen": 24},
                {"local": "fe80::1", "scope": "link", "prefixlen": 64},
                {"local": "fe80::1%eth1\n", "scope": "global"},
                {"local": 7, "scope": "global"},
                "x",
            ],
        },
        {"ifname": "eth1\nx", "addr_info": [{"local": "10.0.0.1", "scope": "global"}]},
        {},
        1,
    ]

    found = host_addresses.read(json.dumps(ports))

    assert found == (facts.AddressFact("eth1", "192.168.50.1", 24),)


@pytest.mark.parametrize("said", [None, 5, "{}", "[", "[" * 100_000])
def test_an_answer_that_is_no_address_list_is_nothing(said: object) -> None:
    assert host_addresses.read(said) is None


def test_names_that_collide_are_told_apart_and_stay_so() -> None:
    ports = [("eth0", 3), ("eth0", 4), ("eth1", 5), ("", 6)]

    assert naming.stable_names(ports) == ["eth0#3", "eth0#4", "eth1", "port#6"]
    assert naming.stable_names(ports[::-1]) == ["port#6", "eth1", "eth0#4", "eth0#3"]


@pytest.mark.parametrize("text", ["fe80::1%eth0", "::1%\n", "1.2.3.4\n", "01.2.3.4", " ::1", "a"])
def test_an_address_with_anything_else_in_it_is_none(text: str) -> None:
    assert grammar.address(text) is None
