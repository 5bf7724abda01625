"""Decides what the words of a specification mean for an item: pure, from facts to text.

A word that has no value has a reason instead: it leaves a slot empty, and tells why a predicate
that needs it cannot be observed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from oss_agent.catalog import ends, forms, specification, values
from oss_agent.spi import ledger, orders


@dataclass(frozen=True, slots=True)
class Absent:
    """Why a word has no value."""

    reason: str


Meaning: TypeAlias = str | Absent
Words: TypeAlias = Mapping[str, Meaning]


@dataclass(frozen=True, slots=True)
class End:
    """An end, found in the inventory. ``network`` is where its customer's side lies, if said."""

    named: ends.Named
    device: ledger.DeviceFact
    port: ledger.PortFact
    network: values.Network | None = None


def of_item(
    item: orders.ItemRequest,
    spec: specification.Specification,
    pools: Mapping[str, str],
    settings: Mapping[str, str],
) -> Words:
    """The words that mean the same at every end."""
    words: dict[str, Meaning] = {"name": item.service_name or Absent("it has no name")}
    words |= {f"pool.{name}": value for name, value in pools.items() if name in spec.pools}
    for name in spec.characteristics:
        said = item.characteristics.get(name)
        words[f"characteristic.{name}"] = (
            Absent(f"no {name} was ordered") if said is None else str(said)
        )
    for name in specification.SETTINGS:
        unset = Absent(f"the setting catalogue.{name} is not set")
        words[f"setting.{name}"] = settings.get(name) or unset
    return words


def of_device(
    side: str,
    device: ledger.DeviceFact,
    spec: specification.Specification,
    pools: Mapping[str, str],
) -> Words:
    """The words of ``end`` or ``other`` that mean a whole device."""
    unknown = Absent(f"the router id of {device.name} is not known")
    words: dict[str, Meaning] = {
        f"{side}.device": device.name,
        f"{side}.router_id": device.router_id or unknown,
    }
    for name, pool in spec.pools.items():
        if pool.per == "device":
            words[f"{side}.pool.{name}"] = pools[need_name(name, device.name)]
    return words


def need_name(pool: str, device: str) -> str:
    """What the value of a pool per device is called: it stays the device's while others change."""
    return f"{pool}.{device}"


def of_end(
    side: str, end: End, spec: specification.Specification, facing: ledger.TestPoint | None = None
) -> Words:
    """The words of ``end`` or ``other`` that mean one port; ``facing`` is the other's test point."""
    words: dict[str, Meaning] = {}
    for name in spec.site_fields:
        said = end.named.said.get(name)
        words[f"{side}.{name}"] = _said(name, said)
    words[f"{side}.port"] = end.port.name
    nowhere = Absent(f"the network at {end.named.text} is not known")
    words[f"{side}.network"] = str(end.network) if end.network is not None else nowhere
    address = _test_address(end, facing)
    point = end.port.test_point
    words[f"{side}.test_point.address"] = address
    known = point is not None and not isinstance(address, Absent)
    words[f"{side}.test_point.device"] = point.device if point and known else address
    return words


def _said(name: str, said: Any) -> Meaning:
    return Absent(f"no {name} was ordered") if said is None else str(said)


def _test_address(end: End, facing: ledger.TestPoint | None) -> Meaning:
    """The address by which the end's test point takes part in the service."""
    point = end.port.test_point
    if point is None:
        return Absent(f"no test point at {end.named.text}")
    if end.network is not None:
        lacking = f"test point {point.device} at {end.named.text} has no address in {end.network}"
        return _within(point, [end.network]) or Absent(lacking)
    return point.address if facing is None else _on_one_ethernet(point, facing)


def _on_one_ethernet(point: ledger.TestPoint, facing: ledger.TestPoint) -> Meaning:
    """Two hosts on one cable reach each other where they share a network, and nowhere else."""
    told = [[text for text in one.addresses if "/" in text] for one in (point, facing)]
    if not all(told):
        return point.address
    shared = _within(point, [values.interface(text).network for text in told[1]])
    lacking = f"test points {point.device} and {facing.device} share no network"
    return shared or Absent(lacking)


def _within(point: ledger.TestPoint, networks: Iterable[values.Network]) -> str | None:
    inside = (
        str(address)
        for network in networks
        for address in (values.interface(text).ip for text in _addresses(point))
        if address in network
    )
    return next(inside, None)


def _addresses(point: ledger.TestPoint) -> tuple[str, ...]:
    return point.addresses or (point.address,)


def value(reference: forms.Reference, words: Words) -> Meaning:
    """What a reference stands for."""
    match reference:
        case forms.Text(text=text):
            return text
        case forms.Join(join=parts):
            return _joined(parts, words)
        case forms.First(first=several):
            return _first([value(one, words) for one in several])
        case forms.From(word=word, times=times, turned=turned):
            said = words[word]
            if isinstance(said, Absent):
                return said
            for turn in turned:
                said = _TURNS[turn](said)
            return said if times is None else str(int(said) * times)


def _joined(parts: Iterable[str], words: Words) -> Meaning:
    meanings = [words.get(part, part) for part in parts]
    absent = next((one for one in meanings if isinstance(one, Absent)), None)
    return absent or "".join(one for one in meanings if isinstance(one, str))


def _first(meanings: list[Meaning]) -> Meaning:
    return next((one for one in meanings if isinstance(one, str)), meanings[0])


def _address(text: str) -> str:
    return str(values.interface(text).ip)


def _network(text: str) -> str:
    return str(values.interface(text).network)


def _gateway(text: str) -> str:
    network = ipaddress.ip_network(text)
    return f"{next(iter(network.hosts()))}/{network.prefixlen}"


_TURNS = {"address": _address, "network": _network, "gateway": _gateway}
