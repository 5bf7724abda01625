"""What becomes of a port, one story each; and which box answers."""

from __future__ import annotations

import pytest

from inventory import chassis_identity
from inventory.chassis_identity import Chassis
from inventory.interface_identity import Change, Port, match

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


def test_a_moved_card_is_told_as_a_doubt() -> None:
    known, seen = Port("xe-1/0/3", 1, _A, place="1/0/3"), Port("xe-3/0/3", 2, _A, place="3/0/3")
    new = next(one for one in match([known], [seen]) if one.change is Change.NEW)

    assert new.doubt == "xe-1/0/3"


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
