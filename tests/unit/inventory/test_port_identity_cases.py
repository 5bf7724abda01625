"""What becomes of a port, one story each; and which box answers."""

from __future__ import annotations

import pytest

from inventory.facts import chassis_identity
from inventory.facts.chassis_identity import Chassis
from inventory.looks.interface_identity import Change, Port, match

_A, _B = "00:11:22:00:00:0a", "00:11:22:00:00:0b"


@pytest.mark.parametrize(
    ("known", "seen", "restarted", "change", "proof"),
    [
        (Port("eth1", 3, _A), Port("eth1", 7, _A), True, Change.REINDEXED, "same name"),
        # A card swap: another card's address in the same port.
        (Port("eth1", 3, _A), Port("eth1", 3, _B), True, Change.KEPT, "same name"),
        (
            Port("xe-1/0/3", 513, _A, place="1/0/3"),
            Port("et-1/0/3", 790, _B, place="1/0/3"),
            True,
            Change.RENAMED,
            "same place 1/0/3",
        ),
        (Port("eth5", 6, _A), Port("wan0", 6, _A), False, Change.RENAMED, f"same MAC address {_A}"),
        (
            Port("eth5", 6, _A, alias="to acme"),
            Port("wan0", 9, _A, alias="to acme"),
            True,
            Change.RENAMED,
            f"same MAC address {_A}",
        ),
        (
            Port("port#3", 3, _A),
            Port("port#9", 9, _A),
            True,
            Change.RENAMED,
            f"same MAC address {_A}",
        ),
        (
            Port("t#3", 3, None, "t", "acme"),
            Port("t#4", 4, None, "t", "acme"),
            True,
            Change.RENAMED,
            "same description",
        ),
        (Port("t#3", 3), Port("t#3", 3), True, Change.KEPT, "same name and number"),
    ],
)
def test_a_port_stays_itself_by_proof(
    *, known: Port, seen: Port, restarted: bool, change: Change, proof: str
) -> None:
    (decision,) = match([known], [seen], restarted=restarted)

    assert (decision.change, decision.proof) == (change, proof)


@pytest.mark.parametrize(
    ("known", "seen"),
    [
        # Another name and another card: the same ifIndex proves nothing.
        (Port("eth5", 6, _A), Port("wan0", 6, _B)),
        # The card moved to another slot and took its address along.
        (
            Port("xe-1/0/3", 1, _A, "10G", place="1/0/3"),
            Port("xe-3/0/3", 2, _A, "10G", place="3/0/3"),
        ),
        # The address alone, after a restart.
        (Port("eth5", 6, _A, "eth5"), Port("wan0", 6, _A, "wan0")),
        (Port("port#3", 3, _A), Port("port#3", 3, _B)),
    ],
)
def test_without_proof_they_are_two(known: Port, seen: Port) -> None:
    changes = {one.change for one in match([known], [seen])}

    assert changes == {Change.MISSING, Change.NEW}


def test_a_renaming_by_a_restart_is_proven_by_the_numbers_of_all_others() -> None:
    """Linux: the agent learns the new name when it is started again, and finds the kernel's numbers."""
    known = [Port("lo", 1), Port("eth1", 3, _B), Port("eth4", 6, _A)]
    seen = [Port("lo", 1), Port("eth1", 3, _B), Port("lan8", 6, _A)]
    changes = [one.change for one in match(known, seen)]
    assert changes == [Change.KEPT, Change.KEPT, Change.RENAMED]


@pytest.mark.parametrize("seen", [[Port("eth1", 4, _B)], []], ids=["others moved", "no other"])
def test_numbers_that_were_given_anew_prove_nothing_after_a_restart(seen: list[Port]) -> None:
    known = [Port("eth1", 3, _B), Port("eth4", 6, _A)]
    changes = {one.change for one in match(known, [*seen, Port("lan8", 6, _A)])}
    assert {Change.MISSING, Change.NEW} <= changes
    assert Change.RENAMED not in changes


def test_a_moved_card_is_told_as_a_doubt() -> None:
    known, seen = Port("xe-1/0/3", 1, _A, place="1/0/3"), Port("xe-3/0/3", 2, _A, place="3/0/3")
    new = next(one for one in match([known], [seen]) if one.change is Change.NEW)

    assert new.doubt == "xe-1/0/3"


def test_a_bridge_that_takes_the_address_of_a_port_is_taken_for_none() -> None:
    """Linux gives a bridge the lowest MAC address of its ports, as they come and go."""
    eth1, eth2 = Port("eth1", 1, _A, "eth1"), Port("eth2", 2, _B, "eth2")
    empty = Port("br0", 3, "02:00:00:00:00:99", "br0")
    one, other = Port("br0", 3, _A, "br0"), Port("br0", 3, _B, "br0")
    for known, seen in ((empty, one), (one, other), (other, empty)):
        for restarted in (False, True):
            found = match([eth1, eth2, known], [eth1, eth2, seen], restarted=restarted)
            assert {one.change for one in found} == {Change.KEPT}
    named = [Port("wan0", 1, _A, "wan0"), eth2, one]
    renamed = match([eth1, eth2, empty], named, restarted=False)
    assert {(one.change, one.doubt, one.shared) for one in renamed if one.change is Change.NEW} == {
        (Change.NEW, "eth1", True)
    }


def test_subinterfaces_that_share_an_address_are_not_taken_for_each_other() -> None:
    known = [Port("eth0", 1, _A, "e"), Port("eth0.100", 2, _A, "e")]
    seen = [Port("eth0", 1, _A, "e"), Port("eth0.200", 2, _A, "e")]
    found = {one.change for one in match(known, seen, restarted=False)}

    assert found == {Change.KEPT, Change.MISSING, Change.NEW}


@pytest.mark.parametrize(
    ("known", "seen", "other"),
    [
        (Chassis(frozenset({"FOC1"})), Chassis(frozenset({"FOC1"})), False),
        (Chassis(frozenset({"FOC1"})), Chassis(frozenset({"FOC2"})), True),
        # A member of the stack was replaced.
        (Chassis(frozenset({"FOC1", "FOC2"})), Chassis(frozenset({"FOC1", "FOC3"})), False),
        # The serial decides, whatever the addresses say.
        (
            Chassis(frozenset({"FOC1"}), macs=frozenset({_A})),
            Chassis(frozenset({"FOC1"}), macs=frozenset({_B})),
            False,
        ),
        (Chassis(macs=frozenset({_A})), Chassis(macs=frozenset({_B})), True),
        (Chassis(macs=frozenset({_A, _B})), Chassis(macs=frozenset({_B})), False),
        (
            Chassis(lldp="4:aa", macs=frozenset({_A})),
            Chassis(lldp="4:aa", macs=frozenset({_B})),
            False,
        ),
        (Chassis(macs=frozenset({_A})), Chassis(), False),
        (Chassis(), Chassis(frozenset({"FOC2"}), macs=frozenset({_B})), False),
        # VRRP's address is on whoever is the master.
        (
            Chassis(macs=frozenset({_A, "00:00:5e:00:01:05"})),
            Chassis(macs=frozenset({_B, "00:00:5e:00:01:05"})),
            True,
        ),
    ],
)
def test_which_box_answers(*, known: Chassis, seen: Chassis, other: bool) -> None:
    assert bool(chassis_identity.swapped(known, seen)) is other


@pytest.mark.parametrize(
    "text", ["", "  ", "0", "00000000", "N/A", "To Be Filled By O.E.M.", "----"]
)
def test_what_makers_write_where_they_have_no_serial_is_none(text: str) -> None:
    assert chassis_identity.serial(text) == ""


def test_a_serial_is_a_serial() -> None:
    assert chassis_identity.serial(" JN1234ABC ") == "JN1234ABC"


def _exchanged(*places: str | None) -> list[tuple[str, str, str]]:
    """(known, seen, proof) after two ports exchanged names and numbers; ``places`` are both ports'."""
    one, two = places
    known = [Port("A", 1, _A, place=one), Port("B", 2, _B, place=two)]
    seen = [Port("B", 1, _A, place=one), Port("A", 2, _B, place=two)]
    found = match(known, seen)
    return [(d.known.name, d.seen.name, d.proof) for d in found if d.known and d.seen]


def test_two_ports_that_exchange_names_are_told_by_place_and_address() -> None:
    proof = "same place and MAC address"
    assert _exchanged("1/1", "1/2") == [("A", "B", proof), ("B", "A", proof)]


def test_two_cards_that_are_exchanged_leave_the_ports_where_they_are() -> None:
    assert [(k, s) for k, s, _ in _exchanged(None, None)] == [("B", "B"), ("A", "A")]
    known = [Port("A", 1, _A, place="1/1"), Port("B", 2, _B, place="1/2")]
    seen = [Port("A", 1, _B, place="1/1"), Port("B", 2, _A, place="1/2")]

    assert {one.change for one in match(known, seen)} == {Change.KEPT}


def test_twenty_thousand_ports_of_one_box_stay_themselves_through_a_restart() -> None:
    def port(number: int, index: int, name: str) -> Port:
        mac = f"02:00:00:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
        return Port(name, index, mac, place=f"c.{number // 48}.{number % 48}")

    many = range(20_000)
    known = [port(n, n + 1, f"et{n}") for n in many]
    swapped = {7: "et8", 8: "et7"}
    seen = [port(n, 20_000 - n, swapped.get(n, f"et{n}")) for n in reversed(many)]

    found = match(known, seen)

    assert len(found) == len(many)
    assert all(d.known and d.seen and d.known.mac == d.seen.mac for d in found)
    assert sum(d.change is Change.RENAMED for d in found) == 2
