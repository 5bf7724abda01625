"""Whatever neighbours say, topology says something bounded and printable, and says it once."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from inventory.facts import cdp_facts, facts, lldp_facts, neighbour_ids, port_words
from inventory.topology import topology
from inventory.topology.neighbour_identity import Known, Seen
from oss_agent.spi import snmp

_AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_HOSTILE = st.builds(
    bytes.__mul__,
    st.sampled_from([b"\0", b"x", b"(", b"a:", b"1-", "\u202e".encode(), b"\xff", b"\x1b[2J"]),
    st.sampled_from([1, 6, 99]),
) | st.sampled_from([b"", b"<script>alert(1)</script>", b"pe1", b"eth1(x)"])
_BYTES = st.one_of(_HOSTILE, st.binary(max_size=20))
_VALUES: st.SearchStrategy[snmp.Value] = st.one_of(
    st.none(), st.integers(-1, 8), _BYTES, st.just((1, 3, 6))
)
_INDEXES: st.SearchStrategy[snmp.Oid] = st.one_of(
    st.lists(st.integers(0, 3), max_size=4).map(tuple),
    st.tuples(
        st.just((0, 1, 1)),
        st.sampled_from([(), (1,), (2,), (1, 4), (2, 16), (6, 6)]),
        st.lists(st.one_of(st.integers(0, 2**32 - 1), st.sampled_from([127, 0])), max_size=17),
    ).map(lambda parts: (*parts[0], *parts[1], *parts[2])),
)
_PORTS = (facts.InterfaceFact("eth1", 1, "up", "up"), facts.InterfaceFact("eth2", 2, "up", "up"))
_KNOWN = [
    Known("pe1", "4:00000000aa01", (port_words.Port("eth1", index=1),)),
    Known("p1", "4:00000000aa02", (port_words.Port("eth2", index=2),)),
]


def _table(plan: snmp.PollPlan, indexes: list[snmp.Oid], values: list[snmp.Value]) -> snmp.Columns:
    cells = {
        name: [values[(place + row) % len(values)] for row in range(len(indexes))]
        for place, name in enumerate(plan.columns)
    }
    return snmp.Columns("pe1", _AT, 0.0, 1, indexes, cells, {})


def test_a_port_subtype_that_no_database_holds_is_no_neighbour() -> None:
    cells: dict[str, list[snmp.Value]] = {
        "lldpRemChassisIdSubtype": [4, 4],
        "lldpRemChassisId": [b"\x02\0\0\0\0\1"] * 2,
        "lldpRemPortIdSubtype": [2**64 - 1, 5],
        "lldpRemPortId": [b"eth1", b"eth2"],
    }
    table = snmp.Columns("pe1", _AT, 0.0, 1, [(0, 1, 1), (0, 1, 2)], cells)

    (fact,) = lldp_facts.neighbours(table, {1: "eth1"})
    assert fact.port_id == "eth2"


@given(
    st.lists(_INDEXES, max_size=6, unique=True),
    st.lists(_VALUES, min_size=1, max_size=9),
)
def test_tables_of_anything_become_bounded_facts(
    indexes: list[snmp.Oid], values: list[snmp.Value]
) -> None:
    local = lldp_facts.announced(_table(lldp_facts.LOCAL, indexes, values))
    numbers = lldp_facts.local_ports(local, [port_words.Port("eth1", index=1)])
    found = [
        *lldp_facts.neighbours(_table(lldp_facts.REMOTE, indexes, values), numbers),
        *cdp_facts.neighbours(_table(cdp_facts.PLAN, indexes, values), _PORTS),
    ]

    for fact in found:
        words = (fact.port_id, fact.port_description, fact.system_name, fact.address)
        more = (fact.description, fact.model, fact.capabilities)
        assert all(word.isprintable() and len(word) <= 255 for word in words + more)
        assert not fact.address or not ipaddress.ip_address(fact.address).is_loopback
        assert neighbour_ids.chassis_text(fact.chassis).isprintable()
        assert len(fact.chassis) <= 2 * 255 + 4


@given(
    st.lists(
        st.tuples(
            st.sampled_from([("pe1", "eth1"), ("p1", "eth2"), ("p1", "eth9")]),
            st.one_of(st.integers(-1, 8), st.none()),
            st.one_of(_BYTES, st.just(bytes.fromhex("00000000aa02"))),
            _BYTES,
            st.booleans(),
        ),
        max_size=8,
    )
)
def test_any_sightings_make_each_link_once(
    said: list[tuple[tuple[str, str], int | None, bytes, bytes, bool]],
) -> None:
    seen = [
        Seen(
            at,
            chassis,
            neighbour_ids.port(5, word),
            neighbour_ids.port(5, word),
            neighbour_ids.port(5, raw),
            _AT,
            missed=missed,
        )
        for at, subtype, raw, word, missed in said
        for chassis in (
            neighbour_ids.cdp_chassis(raw)
            if subtype is None
            else neighbour_ids.chassis(subtype, raw),
        )
        if chassis is not None
    ]
    found = topology.links([], seen, _KNOWN)

    ends = [(one.a_device, one.a_port, one.z_device, one.z_port) for one in found]
    assert len(ends) == len(set(ends))
    assert found == topology.links([], seen[::-1], _KNOWN)
    assert all(one.reason.isprintable() and len(one.reason) < 500 for one in found)
