"""Service moves, secrets, host addresses, names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.facts import facts, host_addresses, naming
from inventory.services import service_states
from inventory.words import grammar, secrets
from oss_agent.spi import ledger
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
    ports = [naming.Row(*one) for one in [("eth0", 3), ("eth0", 4), ("eth1", 5), ("", 6)]]

    assert naming.stable_names(ports) == ["eth0#3", "eth0#4", "eth1", "port#6"]
    assert naming.stable_names(ports[::-1]) == ["port#6", "eth1", "eth0#4", "eth0#3"]


@pytest.mark.parametrize(
    ("mac", "off", "names"),
    [
        ("0a", (True, False), ["eth4#6", "eth4"]),
        ("0a", (True, True), ["eth4#6", "eth4"]),
        ("0a", (False, True), ["eth4", "eth4#10"]),
        ("0a", (False, False), ["eth4#6", "eth4#10"]),
        (None, (True, False), ["eth4#6", "eth4#10"]),
    ],
)
def test_a_port_that_was_made_anew_keeps_its_name(
    mac: str | None, off: tuple[bool, bool], names: list[str]
) -> None:
    """net-snmp shows an interface that was taken away beside the one made under its name."""
    rows = [naming.Row("eth4", 6, mac, off[0]), naming.Row("eth4", 10, mac, off[1])]
    assert naming.stable_names(rows) == names


def test_two_ports_of_one_name_and_other_addresses_stay_two() -> None:
    rows = [naming.Row("eth4", 6, "0a", off=True), naming.Row("eth4", 10, "0b")]
    assert naming.stable_names(rows) == ["eth4#6", "eth4#10"]


def test_a_poll_calls_ports_as_the_last_look_did() -> None:
    known = [_known("eth4#6", 6), _known("eth4", 10), _known("port#11", 11), _known("eth9", 12)]
    rows = [naming.Row("eth4", 6), naming.Row("eth4", 10), naming.Row("", 11), naming.Row("b", 12)]

    assert naming.as_known(rows, known) == _named(
        "eth4#6", "eth4", "port#11", "b", doubted=["eth9"]
    )
    assert naming.as_known(rows[:1], known) == _named("eth4#6")


def _known(name: str, index: int, mac: str | None = None) -> naming.Known:
    return naming.Known(name, index, mac)


def _named(*names: str, doubted: Sequence[str] = ()) -> ledger.NamedPorts:
    return ledger.NamedPorts(names, frozenset(doubted))


@pytest.mark.parametrize(
    ("polled", "named"),
    [
        # another number is no other port; a card that was swapped has other addresses
        ([("eth4", 40, "0a"), ("eth5", 50, "0b")], _named("eth4", "eth5")),
        ([("eth4", 4, "99"), ("eth5", 5, "98")], _named("eth4", "eth5")),
        # what is gone beside what is known, with nothing that it could be, is gone
        ([("eth4", 4, "0a")], _named("eth4")),
        ([("eth4", 4, "0a"), ("lan5", 5, "0b")], _named("eth4", "lan5", doubted=["eth5"])),
        # names that are on each other's addresses
        ([("eth5", 4, "0a"), ("eth4", 5, "0b")], _named("eth5", "eth4", doubted=["eth4", "eth5"])),
        # a bridge that was made anew has the address of a port that joined it
        ([("eth4", 4, "0a"), ("eth5", 50, "0a")], _named("eth4", "eth5")),
        # made anew: with its address at once, without only after a look
        (
            [("eth4", 4, "0a", True), ("eth5", 5, "0b"), ("eth4", 9, "0a")],
            _named("eth4#4", "eth5", "eth4"),
        ),
        (
            [("eth4", 4, None, True), ("eth5", 5, "0b"), ("eth4", 9, None)],
            _named("eth4", "eth5", "eth4#9", doubted=["eth4"]),
        ),
        (
            [("eth4", 4, "0a", True), ("eth5", 5, "0b"), ("eth4", 9, "0c")],
            _named("eth4", "eth5", "eth4#9", doubted=["eth4"]),
        ),
        # without a name the address tells, and is not contradicted by one that is not told
        ([("", 4, "0a"), ("", 5, None)], _named("eth4", "eth5")),
        ([("", 4, "0b"), ("", 5, None)], _named("port#4", "eth5", doubted=["eth4"])),
    ],
)
def test_a_poll_doubts_what_only_a_look_can_tell(
    polled: Sequence[tuple[Any, ...]], named: ledger.NamedPorts
) -> None:
    known = [_known("eth4", 4, "0a"), _known("eth5", 5, "0b")]

    assert naming.as_known([naming.Row(*row) for row in polled], known) == named


_MACS = st.sampled_from([None, "0a", "0b"])
_ROWS = st.lists(
    st.tuples(st.sampled_from(["", "a", "b", "a#1"]), st.integers(1, 6), _MACS, st.booleans()),
    max_size=6,
    unique_by=lambda row: row[1],
)


@given(_ROWS, _ROWS)
def test_ports_of_a_poll_have_each_a_name_and_none_is_in_doubt_after_a_look(
    before: list[tuple[Any, ...]], now: list[tuple[Any, ...]]
) -> None:
    then, rows = ([naming.Row(*row) for row in some] for some in (before, now))
    called = naming.stable_names(then)
    known = [_known(name, row.index, row.mac) for name, row in zip(called, then, strict=True)]

    assert naming.as_known(then, known) == _named(*called)
    named = naming.as_known(rows, known)
    assert len(set(named.names)) == len(rows)
    assert named.doubted <= set(called)


@pytest.mark.parametrize(
    ("admin", "oper", "off"),
    [
        ("down", "down", True),
        ("down", "notPresent", True),
        ("up", "down", False),
        ("down", "up", False),
        ("unknown", "down", False),
    ],
)
def test_what_is_neither_wanted_nor_there_is_off(admin: str, oper: str, off: bool) -> None:  # noqa: FBT001 - a case's value
    assert naming.switched_off(admin, oper) is off


@pytest.mark.parametrize("text", ["fe80::1%eth0", "::1%\n", "1.2.3.4\n", "01.2.3.4", " ::1", "a"])
def test_an_address_with_anything_else_in_it_is_none(text: str) -> None:
    assert grammar.address(text) is None
