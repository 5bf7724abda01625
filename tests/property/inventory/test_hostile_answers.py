"""Whatever a file or an agent says: a value, or a refusal with a sentence; never a crash."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.containerlab import containerlab
from inventory.facts import (
    entity_facts,
    facts,
    host_addresses,
    lldp_facts,
    neighbour_ids,
    port_words,
    snmp_facts,
)
from inventory.topology import topology
from inventory.topology.neighbour_identity import Known, Seen
from inventory.words import grammar, host_keys, hostile_text
from oss_agent import errors
from oss_agent.spi import snmp

_AT = datetime(2026, 11, 21, tzinfo=UTC)
_NAMES = st.sampled_from(["pe1", "p1", "eth1", "a b", "../x", "", "clab-demo-pe1", "::1%x\n"])
_LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=20) | _NAMES
_JSON: st.SearchStrategy[Any] = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)
_NODE = st.fixed_dictionaries(
    {},
    optional={
        "kind": _LEAVES,
        "longname": _LEAVES,
        "mgmt-ipv4-address": _LEAVES,
        "mgmt-ipv6-address": _LEAVES,
        "labels": _JSON
        | st.dictionaries(
            st.sampled_from(["platform", "site", "ssh-port", "router-id", "snmp-community"]),
            st.text(max_size=12),
        ),
    },
)
_TOPOLOGY = st.fixed_dictionaries(
    {"name": st.just("demo"), "nodes": st.dictionaries(_NAMES, _NODE | _JSON, max_size=3)},
    optional={"links": _JSON},
)
_CELLS = (
    st.none()
    | st.integers(-(2**63), 2**64)
    | st.binary(max_size=300)
    | st.lists(st.integers(0, 2**32 - 1), max_size=4).map(tuple)
)


@given(_TOPOLOGY | _JSON, _JSON, _JSON, st.text(max_size=60))
@settings(deadline=None)
def test_a_lab_directory_is_read_or_refused(
    topology_data: Any, ansible: Any, nornir: Any, known_hosts: str
) -> None:
    files = {
        "topology-data.json": json.dumps(topology_data),
        "ansible-inventory.yml": yaml.safe_dump({"all": ansible}),
        "nornir-simple-inventory.yml": yaml.safe_dump(nornir),
        "known_hosts": known_hosts,
    }
    with contextlib.suppress(errors.OrderRejected):
        for device in containerlab.read(files).devices:
            assert grammar.is_device(device.name)
            assert grammar.address(device.address) == device.address
            assert all(text.isprintable() for text in (device.site, device.login.username))


@given(st.dictionaries(st.sampled_from(["name", "topology", "nodes", "a"]), _JSON) | _JSON)
@settings(deadline=None)
def test_any_value_is_a_form_or_refused(value: Any) -> None:
    for name in ("x.json", "x.clab.yml", "standard input"):
        with contextlib.suppress(errors.OrderRejected):
            containerlab.read({name: json.dumps(value)}, lab="demo")
    deep = {"name": "a", "topology": {"nodes": value, "links": value, "groups": value}}
    with contextlib.suppress(errors.OrderRejected):
        containerlab.read({"x.clab.yml": json.dumps(deep)})
    with contextlib.suppress(errors.OrderRejected):
        containerlab.read(
            {"x.json": json.dumps({"a": [{"lab_name": "a", "name": "b", "k": value}]})}
        )


@given(st.text(max_size=200))
def test_any_text_is_yaml_or_refused(text: str) -> None:
    with contextlib.suppress(errors.OrderRejected):
        containerlab.read({"topology-data.json": '{"name": "x", "nodes": {}}', "known_hosts": text})
    host_keys.normalised(text)
    host_addresses.read(text)


@st.composite
def _columns(draw: st.DrawFn, plan: snmp.PollPlan) -> snmp.Columns:
    index = draw(st.lists(st.lists(st.integers(0, 2**32 - 1), max_size=5).map(tuple), max_size=4))
    columns = {name: draw(st.lists(_CELLS, max_size=4)) for name in plan.columns}
    scalars = {name: draw(_CELLS) for name in plan.scalars}
    return snmp.Columns("pe1", _AT, 0.0, 1, index, columns, scalars)


@given(
    _columns(snmp_facts.SYSTEM),
    _columns(snmp_facts.ADDRESSES),
    _columns(lldp_facts.LOCAL),
    _columns(lldp_facts.REMOTE),
)
@settings(deadline=None)
def test_any_agent_gives_printable_bounded_facts(
    system: snmp.Columns, addresses: snmp.Columns, local: snmp.Columns, remote: snmp.Columns
) -> None:
    found = snmp_facts.read("pe1", snmp_facts.Answers(system, addresses, local, remote))

    for port in found.interfaces or ():
        assert port.name
        assert (port.name + port.description).isprintable()
        assert len(port.description) <= hostile_text.DESCRIPTION
        assert port.speed is None or 0 < port.speed < 2**63
    for neighbour in found.neighbours or ():
        neighbour_ids.chassis_text(neighbour.chassis)
        assert (neighbour.system_name + neighbour.port_id).isprintable()


@given(_columns(entity_facts.PHYSICAL), _columns(entity_facts.ALIASES))
@settings(deadline=None)
def test_any_agent_gives_a_tree_of_parts(physical: snmp.Columns, aliases: snmp.Columns) -> None:
    ports = tuple(facts.InterfaceFact(f"eth{n}", n, "up", "up") for n in range(3))
    found = entity_facts.read(facts.DeviceFacts("pe1", interfaces=ports), physical, aliases)

    places = [part.place for part in found.components or ()]
    assert len(set(places)) == len(places)
    for part in found.components or ():
        assert part.parent is None or part.parent in places
        assert (part.name + part.serial + part.model).isprintable()
        assert len(part.place) < 2_048
    placed = [port.place for port in found.interfaces or () if port.place is not None]
    assert len(set(placed)) == len(placed)


_TWO_PORTS = (port_words.Port("e1"), port_words.Port("e2"))
_ENDS = st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from(["e1", "e2"]))


@given(st.lists(st.tuples(_ENDS, _ENDS), max_size=8))
def test_both_ends_agree_only_when_both_said_so(
    words: list[tuple[tuple[str, str], tuple[str, str]]],
) -> None:
    known = [Known(name, f"4:{ord(name):012x}", _TWO_PORTS) for name in "abc"]
    seen = [Seen(at, f"4:{ord(other[0]):012x}", other[1], "", other[0], _AT) for at, other in words]

    links = topology.links([], seen, known)

    said = {(at, other) for at, other in words}
    for link in links:
        a, z = (link.a_device, link.a_port), (link.z_device, link.z_port)
        both = (a, z) in said and (z, a) in said
        assert ("both ends agree" in link.evidence) == both
    count = Counter(topology.pair(at, other) for at, other in said if at != other)
    assert len(links) == len(count)
