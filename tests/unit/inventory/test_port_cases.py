"""Ports that may have moved are told card by card, and what is left of them until it is decided about."""

from __future__ import annotations

from inventory.looks import port_cases
from inventory.looks.interface_identity import Port
from inventory.looks.port_cases import Moved


def _moved(number: int, was: str | None = None, now: str | None = None) -> Moved:
    mac = f"02:00:00:00:{number // 256:02x}:{number % 256:02x}"
    return Moved(
        Port(f"ge-1/0/{number:04}", mac=mac, place=was and f"{was}.port-{number}"),
        Port(f"ge-2/0/{number:04}", mac=mac, place=now and f"{now}.port-{number}"),
    )


def _seen(*pairs: Moved) -> tuple[frozenset[str], frozenset[str]]:
    ports = [pair.seen for pair in pairs]
    there = frozenset(port_cases.card(port.name, port.mac) for port in ports)
    return frozenset(port.name for port in ports), there


def test_a_card_of_many_ports_is_one_case_that_names_them_all() -> None:
    pairs = [_moved(number) for number in range(48)]
    (case,) = port_cases.moved("pe1", pairs)

    assert (case.subject, case.kind) == ("pe1", "port-moved")
    assert case.text.startswith("48 ports are gone")
    assert case.text.endswith("and 40 more, all in its evidence")
    assert all(one.known.name in case.evidence and one.line in case.evidence for one in pairs)


def test_each_card_is_a_case_of_its_own_where_places_tell_it() -> None:
    one = [_moved(number, "chassis-1.slot-1", "chassis-1.slot-2") for number in range(3)]
    two = [_moved(number, "chassis-1.slot-3", "chassis-1.slot-4") for number in range(3, 5)]
    first, second = port_cases.moved("pe1", [*two, *one])

    assert first.cause.startswith("the card of chassis-1.slot-1 is now in chassis-1.slot-2")
    assert second.text == (
        "2 ports are gone, and new ones have their MAC addresses: ge-1/0/0003 (now ge-2/0/0003), "
        "ge-1/0/0004 (now ge-2/0/0004)"
    )


def test_ports_in_cages_of_their_own_move_with_their_card() -> None:
    """As ENTITY-MIB tells the cages of pluggable optics: each port has a container around it."""
    pairs = [
        _moved(
            number,
            f"chassis-1.module-1.container-{number}",
            f"chassis-1.module-2.container-{number}",
        )
        for number in range(48)
    ]
    (case,) = port_cases.moved("pe1", pairs)

    assert case.text.startswith("48 ports are gone")
    assert case.cause.startswith("the card of chassis-1.module-1 is now in chassis-1.module-2")


def test_cages_that_were_numbered_anew_are_one_case() -> None:
    pairs = [
        _moved(
            number, f"chassis-1.module-1.container-{number}", f"chassis-1.module-1.cage-{number}"
        )
        for number in range(48)
    ]
    other = _moved(48, "chassis-1.module-2.container-1", "chassis-1.module-3.container-1")
    several, card = port_cases.moved("pe1", [*pairs, other])

    assert several.cause.startswith("parts of chassis-1.module-1 changed places")
    assert card.cause.startswith("the card of chassis-1.module-2 is now in chassis-1.module-3")


def test_where_a_side_tells_no_place_all_of_a_look_is_one_case() -> None:
    pairs = [_moved(number, f"chassis-1.slot-{number}") for number in range(3)]
    (case,) = port_cases.moved("pe1", pairs)

    assert case.cause.startswith("a card was moved to another slot")


def test_what_is_back_leaves_the_words_of_the_case_and_the_last_one_ends_it() -> None:
    pairs = [_moved(number, "chassis-1.slot-1", "chassis-1.slot-2") for number in range(3)]
    (case,) = port_cases.moved("pe1", pairs)
    assert port_cases.still_moved(case, *_seen(*pairs)) == case

    left = port_cases.still_moved(case, *_seen(pairs[2]))
    assert left is not None
    assert (left.id, left.cause) == (case.id, case.cause), "it is what was decided about"
    assert left.text == (
        "1 of 3 ports are gone still, and new ones have their MAC addresses: "
        "ge-1/0/0002 (now ge-2/0/0002)"
    )
    assert port_cases.still_moved(left, *_seen(*pairs)) == case, "they are gone again"
    assert port_cases.still_moved(left, *_seen()) is None


def test_a_case_of_one_port_is_so_or_is_over() -> None:
    pair = _moved(0)
    (case,) = port_cases.moved("pe1", [pair])

    assert case.subject == "pe1:ge-1/0/0000"
    assert port_cases.still_moved(case, *_seen(pair)) is case
    assert port_cases.still_moved(case, *_seen()) is None


def test_no_case_has_more_ports_than_a_person_or_a_row_bears() -> None:
    pairs = [_moved(number) for number in range(port_cases.MOST + 1)]
    large, small = port_cases.moved("pe1", pairs)

    assert large.evidence.count("\n") + 1 == port_cases.MOST
    assert small.subject == f"pe1:{pairs[-1].known.name}"
