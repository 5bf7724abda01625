"""What real devices say they are built of, and what hostile ones may say."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from inventory.facts import entity_facts, facts, snmp_facts
from oss_agent.spi import snmp
from tests import recorded_agents

_AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
PLANS = (snmp_facts.SYSTEM, snmp_facts.ADDRESSES, entity_facts.PHYSICAL, entity_facts.ALIASES)
BEHIND: snmp.Oid = (1, 3, 6, 1, 2, 1, 48)


def _recorded(name: str) -> facts.DeviceFacts:
    place = recorded_agents.package()
    if place is None:
        pytest.skip("snmpsim-data is not installed: recordings of real devices")
    agent = recorded_agents.read("box", place / "network" / Path(name), PLANS, BEHIND)
    seen = facts_of(agent)
    return entity_facts.read(
        seen, agent.poll(entity_facts.PHYSICAL), agent.poll(entity_facts.ALIASES)
    )


def facts_of(agent: recorded_agents.Agent) -> facts.DeviceFacts:
    answers = snmp_facts.Answers(agent.poll(snmp_facts.SYSTEM), agent.poll(snmp_facts.ADDRESSES))
    return snmp_facts.read("box", answers)


def reference(name: str) -> Path:
    place = os.environ.get("OSS_AGENT_REFERENCE")
    if place is None:
        pytest.skip("OSS_AGENT_REFERENCE names no folder: recordings of real devices")
    return Path(place) / "snmp" / "devices" / name / "public.snmprec"


def _parts(seen: facts.DeviceFacts) -> dict[str, facts.ComponentFact]:
    return {part.place: part for part in seen.components or ()}


@pytest.mark.parametrize(
    ("name", "serials", "parts", "placed"),
    [
        ("switch/cisco-c3750.snmprec.bz2", ("FDO1622Y10H",), 35, 8),
        ("router/huawei-s5720.snmprec.bz2", ("210235956210F7000410",), 63, 33),
        ("switch/h3c-comware-7-1-075.snmprec.bz2", ("210235A0YVX18A00000B", "210235A0YVX18A00000K"), 281, 80),
        ("switch/cisco-n5000.snmprec.bz2", ("SSI183706KP",), 52, 0),
        ("router/juniper-mx960-12-3r6-6.snmprec.bz2", None, 0, 0),
    ],
)  # fmt: skip
def test_chassis_serials_parts_and_places_of_real_devices(
    name: str, serials: tuple[str, ...] | None, parts: int, placed: int
) -> None:
    seen = _recorded(name)

    assert seen.serials == serials
    assert len(_parts(seen)) == len(seen.components or ()) == parts
    assert sum(port.place is not None for port in seen.interfaces or ()) == placed
    assert seen.complete


def test_an_optic_sits_in_its_port_in_its_switch_of_the_stack() -> None:
    seen = _recorded("switch/cisco-c3750.snmprec.bz2")
    port = next(one for one in seen.interfaces or () if one.name == "Gi1/0/12")

    assert port.place == "stack.chassis-0.module-1.container-12.port-1"
    part = _parts(seen)[port.place]
    assert (part.interface, part.serial) == ("Gi1/0/12", "SF130122898")
    assert part.parent is not None
    assert _parts(seen)[part.parent].kind == "container"


_COLUMNS = ("ContainedIn", "Class", "ParentRelPos", "Name", "SerialNum", "ModelName")


def _entity(*rows: tuple[int, Sequence[snmp.Value]], partial: bool = False) -> snmp.Columns:
    columns = {
        f"entPhysical{name}": [row[place] for _, row in rows] for place, name in enumerate(_COLUMNS)
    }
    return snmp.Columns("pe1", _AT, 0.0, 1, [(i,) for i, _ in rows], columns, partial=partial)


def _read(
    *rows: tuple[int, Sequence[snmp.Value]], aliases: snmp.Columns | None = None
) -> facts.DeviceFacts:
    port = facts.InterfaceFact("eth4", 5, "up", "up")
    seen = facts.DeviceFacts("pe1", interfaces=(port, facts.InterfaceFact("eth5", 6, "up", "up")))
    return entity_facts.read(seen, _entity(*rows), aliases)


def test_a_box_with_more_chassis_than_a_stack_can_have_is_bounded() -> None:
    """Each serial number stands in a case's text, and is asked of all other devices."""
    rows = [(i, (0, 3, i, b"", f"FOC{i:05}".encode(), b"")) for i in range(1, 500)]

    assert len(_read(*rows).serials or ()) == 64


def test_an_agent_without_entities_leaves_everything_as_it_was() -> None:
    seen = facts.DeviceFacts("pe1", serials=("FOC1",))

    assert entity_facts.read(seen, None, None) is seen
    assert entity_facts.read(seen, _entity(), None) is seen


def test_a_restart_that_renumbers_the_entities_changes_no_place() -> None:
    first = _read((1, (0, 3, -1, b"pe1", b"F1", b"")), (7, (1, 9, 2, b"card", b"C1", b"")))
    second = _read((40, (0, 3, -1, b"pe1", b"F1", b"")), (3, (40, 9, 2, b"card", b"C1", b"")))

    assert set(_parts(first)) == set(_parts(second)) == {"chassis", "chassis.module-2"}


def test_circles_strangers_and_twins_become_places_of_their_own() -> None:
    seen = _read(
        (1, (0, 3, -1, b"box", b"\x00" * 9, b"")),
        (2, (3, 9, 1, b"a", b"", b"")),
        (3, (2, 9, 1, b"b", b"", b"")),
        (4, (4, 9, 1, b"c" * 65_536, b"", b"")),
        (5, (999, 9, b"x", b"<script>\x00\x1b[31m", b"N/A", b"")),
        (6, (1, 7, 1, b"fan", b"", b"")),
        (7, (1, 7, 1, b"fan", b"", b"")),
        (8, (1, 99, 1, None, None, None)),
    )
    parts = _parts(seen)

    assert len(parts) == 8
    assert parts["chassis"].serial == ""
    assert seen.serials is None
    assert {"chassis.fan@6", "chassis.fan@7", "chassis.unknown-1"} <= set(parts)
    assert all(len(part.name) <= 64 and part.name.isprintable() for part in parts.values())
    assert all(part.parent is None or part.parent in parts for part in parts.values())


def test_a_box_deeper_than_any_is_cut_not_followed() -> None:
    seen = _read(*((n, (n - 1, 5, n, b"", b"", b"")) for n in range(1, 3_000)))

    assert len(_parts(seen)) == 2_999
    assert max(place.count(".") for place in _parts(seen)) < 16


def _alias(*mapped: tuple[int, int]) -> snmp.Columns:
    target = (1, 3, 6, 1, 2, 1, 2, 2, 1, 1)
    cells: list[snmp.Value] = [(*target, index) for _, index in mapped]
    index = [(part, 0) for part, _ in mapped]
    return snmp.Columns("pe1", _AT, 0.0, 1, index, {"entAliasMappingIdentifier": cells})


@pytest.mark.parametrize(
    ("aliases", "placed"),
    [
        (_alias((2, 5), (3, 6)), {"eth4": "chassis.port-1", "eth5": "chassis.port-2"}),
        # Two parts for one port, one part for two: nobody's word.
        (_alias((2, 5), (3, 5)), {}),
        (_alias((2, 5), (2, 6)), {}),
        (_alias((99, 5), (2, 77)), {"eth4": "chassis.port-1"}),
        (None, {"eth4": "chassis.port-1"}),
    ],
)
def test_a_port_is_the_part_that_the_agent_maps_or_that_has_its_name(
    aliases: snmp.Columns | None, placed: dict[str, str]
) -> None:
    seen = _read(
        (1, (0, 3, -1, b"box", b"", b"")),
        (2, (1, 10, 1, b"eth4", b"", b"")),
        (3, (1, 10, 2, b"other", b"", b"")),
        aliases=aliases,
    )

    assert {p.name: p.place for p in seen.interfaces or () if p.place} == placed


def test_a_walk_that_was_cut_short_says_so() -> None:
    seen = facts.DeviceFacts("pe1")
    cut = entity_facts.read(seen, _entity((1, (0, 3, 0, b"", b"", b"")), partial=True), None)

    assert not cut.complete


def test_an_optic_is_told_from_a_card_by_what_it_is_called() -> None:
    seen = _read(
        (1, (0, 9, 1, b"card", b"", b"MPC-3D-16XGE-SFPP")),
        (2, (1, 9, 1, b"optic", b"", b"QSFP28 100GBASE-LR4")),
    )

    assert [part.kind for part in seen.components or ()] == ["module", "transceiver"]
