"""What YANG modules say of a device, and whose word counts beside SNMP's."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.facts import entity_facts, facts, hearing, model_facts, neighbour_ids, testimony
from oss_agent.spi.proof import Observation

_AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def _told(kind: str, rows: object, *, cut: bool = False) -> Mapping[str, Observation]:
    return {kind: Observation(kind, "pe1", _AT, {"rows": json.dumps(rows), "cut": cut})}


def _read(kind: str, *rows: Mapping[str, object]) -> facts.DeviceFacts:
    return model_facts.read("pe1", _told(kind, rows))


def test_ports_have_the_words_that_snmp_has_and_what_is_only_configured_is_none() -> None:
    seen = _read(
        model_facts.PORTS,
        {"name": "et1", "if-index": "7", "oper-status": "lower-layer-down", "admin-status": "up"}
        | {"speed": "10000000000", "phys-address": "AA:BB:CC:00:00:01", "description": "to pe2"},
        {"name": "et2", "description": "planned"},
    )

    assert seen.interfaces == (
        facts.InterfaceFact(
            "et1", 7, "up", "lowerLayerDown", 10**10, "aa:bb:cc:00:00:01", "to pe2"
        ),
    )


def test_hardware_is_told_as_the_entity_mib_tells_it() -> None:
    rows = [
        {"name": "box", "class": "ianahw:chassis", "serial-num": "SN-1", "mfg-name": "Acme"},
        {"name": "slot 1", "class": "ianahw:container", "parent": "box", "parent-rel-pos": "1"},
        {"name": "card", "class": "hw:module", "parent": "slot 1", "parent-rel-pos": "0"},
        {"name": "et1", "class": "ianahw:port", "parent": "card", "parent-rel-pos": "3"},
    ]
    ports = [{"name": "et1", "oper-status": "up"}]
    seen = model_facts.read(
        "pe1", {**_told(model_facts.PARTS, rows), **_told(model_facts.PORTS, ports)}
    )

    assert seen.serials == ("SN-1",)
    assert [part.place for part in seen.components or ()] == [
        "chassis",
        "chassis.container-1",
        "chassis.container-1.module-0",
        "chassis.container-1.module-0.port-3",
    ]
    assert [(p.name, p.place) for p in seen.interfaces or ()] == [
        ("et1", "chassis.container-1.module-0.port-3")
    ]


@pytest.mark.parametrize(
    ("chassis", "kind", "port", "port_kind", "expected"),
    [
        ("aa-bb-cc-00-00-01", "MAC_ADDRESS", "et1", "INTERFACE_NAME", ("4:aabbcc000001", 5, "et1")),
        ("aa:bb:cc:00:00:01", "mac-address", "7", "local", ("4:aabbcc000001", 7, "7")),
        ("192.0.2.7", "network-address", "x", "interface-alias", ("5:01c0000207", 1, "x")),
        ("core", "oc-lldp:LOCAL", "y", "nobody knows", ("7:636f7265", 7, "y")),
    ],
)
def test_a_neighbour_has_the_identity_that_snmp_would_give_it(
    chassis: str, kind: str, port: str, port_kind: str, expected: tuple[str, int, str]
) -> None:
    row = {"port": "et9", "chassis-id": chassis, "chassis-id-type": kind, "port-id": port}
    seen = _read(model_facts.NEIGHBOURS, row | {"port-id-type": port_kind, "system-name": "p1"})

    assert seen.neighbours is not None
    (heard,) = seen.neighbours
    assert (heard.chassis, heard.port_subtype, heard.port_id) == expected
    assert neighbour_ids.chassis_text(heard.chassis)


@pytest.mark.parametrize(
    ("said", "expected"),
    [("192.0.2.7", "192.0.2.7"), ("127.0.0.1", ""), ("fe80::1", ""), ("no", "")],
)
def test_a_neighbour_says_what_it_is_and_where_it_is_managed(said: str, expected: str) -> None:
    row = {"port": "et9", "chassis-id": "core", "chassis-id-type": "local", "port-id": "x"}
    words = {"system-description": "Arista \x00EOS", "address": said}
    seen = _read(model_facts.NEIGHBOURS, row | words)

    assert seen.neighbours is not None
    (heard,) = seen.neighbours
    assert (heard.address, heard.description) == (expected, "Arista EOS")


def test_that_nobody_is_heard_is_told_only_by_who_has_the_module() -> None:
    silent = Observation(model_facts.NEIGHBOURS, "pe1", _AT, unobservable="not announced")

    assert _read(model_facts.NEIGHBOURS).neighbours == ()
    assert model_facts.read("pe1", {model_facts.NEIGHBOURS: silent}).neighbours is None
    assert _read(model_facts.PORTS).neighbours is None


def test_neighbours_that_are_more_than_are_read_are_said_to_be_cut() -> None:
    row = {"chassis-id-type": "local", "port-id": "x"}
    rows = [row | {"port": f"et{n % 64}", "chassis-id": f"box{n}"} for n in range(5_000)]
    seen = _read(model_facts.NEIGHBOURS, *rows)

    assert len(seen.neighbours or ()) == hearing.MOST_READ
    assert (seen.complete, seen.cut) == (False, (facts.NEIGHBOURS,))


def test_addresses_that_every_device_has_are_left_out() -> None:
    texts = ["192.0.2.1", "127.0.0.1", "fe80::1", "::", "no", "2001:db8::1%eth0", "2001:db8::1"]
    rows = [{"port": "et1", "ip": text, "prefix-length": "64"} for text in texts]
    seen = _read(model_facts.ADDRESSES, *rows)

    assert [(a.address, a.prefix) for a in seen.addresses or ()] == [
        ("192.0.2.1", None),
        ("2001:db8::1", 64),
    ]


_CELLS = st.one_of(st.text(max_size=40), st.none(), st.integers(), st.lists(st.text(max_size=3)))
_ROWS = st.lists(
    st.dictionaries(
        st.sampled_from(
            [
                "name",
                "port",
                "parent",
                "class",
                "oper-status",
                "chassis-id",
                "chassis-id-type",
                "port-id",
                "if-index",
                "parent-rel-pos",
                "ip",
                "speed",
                "phys-address",
            ]
        ),
        _CELLS | st.sampled_from(["up", "ianahw:port", "a", "b", "mac-address", "9" * 30]),
    ),
    max_size=6,
)


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(model_facts.KINDS), _ROWS))
def test_no_rows_break_it_and_nothing_unprintable_comes_through(
    told: dict[str, list[dict[str, object]]],
) -> None:
    answers = {kind: obs for kind, rows in told.items() for obs in _told(kind, rows).values()}
    seen = model_facts.read("pe1", answers)

    names = [port.name for port in seen.interfaces or ()]
    assert len(set(names)) == len(names)
    assert all(name.isprintable() and len(name) <= 100 for name in names)
    places = [part.place for part in seen.components or ()]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize("said", ["", "{", "[" * 100_000, '{"a": 1}', "[1, null]", "7"])
def test_an_answer_that_is_no_list_of_rows_says_nothing(said: str) -> None:
    told = {model_facts.PORTS: Observation(model_facts.PORTS, "pe1", _AT, {"rows": said})}

    assert model_facts.read("pe1", told).interfaces is None


def _snmp(**learned: object) -> facts.DeviceFacts:
    return dataclasses.replace(facts.DeviceFacts("pe1"), **learned)  # type: ignore[arg-type]  # by name


_PORT = facts.InterfaceFact("et1", 1, "up", "up")
_OTHER = facts.InterfaceFact("et1", None, "up", "down", place="chassis.port-1")
_PART = facts.ComponentFact("chassis.port-1", entity_facts.PORT, "et1", interface="et1")


def test_the_modules_tell_the_tables_that_snmp_has_nothing_of() -> None:
    snmp = _snmp(interfaces=(_PORT,), neighbours=(), description="Acme OS 1")
    models = _snmp(interfaces=(_OTHER,), components=(_PART,), description="Linux")

    told = testimony.merged([snmp, models])

    assert told is not None
    assert told.interfaces == (dataclasses.replace(_PORT, place="chassis.port-1"),)
    assert told.components == (_PART,)
    assert told.description == "Acme OS 1"
    assert told.neighbours == ()


@pytest.mark.parametrize("lost", [(facts.PARTS,), (facts.PARTS, facts.NEIGHBOURS)])
def test_a_table_that_snmp_read_half_is_not_completed_by_another(lost: Sequence[str]) -> None:
    snmp = _snmp(interfaces=(_PORT,), complete=False, cut=tuple(lost))
    told = testimony.merged([snmp, _snmp(components=(_PART,))])

    assert told is not None
    assert told.components is None
    assert not told.whole(facts.PARTS)
    assert told.whole(facts.PORTS)


def test_what_was_cut_of_a_table_that_is_told_in_full_is_no_loss() -> None:
    models = _snmp(interfaces=(_OTHER,), complete=False, cut=(facts.PORTS,))

    whole = testimony.merged([_snmp(interfaces=(_PORT,)), models])
    lost = testimony.merged([_snmp(offers=("snmp",)), models])

    assert whole is not None
    assert (whole.complete, whole.cut) == (True, ())
    assert lost is not None
    assert not lost.whole(facts.PORTS)


def test_a_hosts_own_word_on_its_addresses_stands_before_snmps() -> None:
    mine = (facts.AddressFact("eth0", "192.0.2.1", 24),)
    theirs = (facts.AddressFact("eth0", "192.0.2.9", 24),)
    kinds = {"vlan": (facts.LogicalFact("vlan", "7", {}),)}
    snmp = _snmp(addresses=theirs, logical=kinds, complete=False, cut=("vrf",))

    told = testimony.merged([_snmp(addresses=mine), snmp])

    assert told is not None
    assert (told.addresses, told.logical, told.cut) == (mine, kinds, ("vrf",))
