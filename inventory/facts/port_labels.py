"""Decides all that a device's ports are called, by itself and by its neighbours. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from inventory.facts import facts, lldp_facts, port_words
from oss_agent.spi import snmp


def read(
    interfaces: Sequence[facts.InterfaceFact],
    local: snmp.Columns | None,
    bundles: Mapping[str, str],
) -> tuple[facts.LabelFact, ...]:
    """One label a port that announces itself by LLDP, or is a member of a bundle."""
    told = lldp_facts.announced(local)
    announced = {
        name: f"{told[number][0]}:{told[number][1]}"
        for number, name in lldp_facts.local_ports(told, ports(interfaces, ())).items()
        if number in told and told[number][1]
    }
    return tuple(
        facts.LabelFact(fact.name, announced.get(fact.name), bundles.get(fact.name))
        for fact in interfaces
        if fact.name in announced or fact.name in bundles
    )


def ports(
    interfaces: Sequence[facts.InterfaceFact],
    labels: Sequence[facts.LabelFact],
    addresses: Sequence[facts.AddressFact] = (),
) -> tuple[port_words.Port, ...]:
    """The ports by all their words."""
    announced = {label.port: label.lldp_id for label in labels}
    by_port: defaultdict[str, list[str]] = defaultdict(list)
    for one in addresses:
        by_port[one.interface].append(one.address)
    return tuple(
        port_words.Port(
            name=fact.name,
            index=fact.index,
            mac=fact.mac,
            long_name=fact.descr,
            alias=fact.description,
            lldp_id=announced.get(fact.name),
            addresses=tuple(by_port.get(fact.name, ())),
        )
        for fact in interfaces
    )
