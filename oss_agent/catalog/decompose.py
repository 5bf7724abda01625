"""Decides what an item becomes: CFS -> its ends -> resource intents and predicates. Pure.

The same (specification, item, snapshot, pool values, settings) gives the same design for ever. What
depends on state is refused here, so that an order is first acknowledged, then rejected with the
reason.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from oss_agent import errors
from oss_agent.catalog import ends, forms, specification, values, words
from oss_agent.spi import catalogue, ledger, orders, proof, views


@dataclass(frozen=True, slots=True)
class _Frame:
    """What one intent or predicate is made for: a device, its port if any, the words there."""

    device: str
    ports: tuple[str, ...]
    words: words.Words


def decompose(
    spec: specification.Specification,
    item: orders.ItemRequest,
    snapshot: ledger.Snapshot,
    pools: Mapping[str, str],
    settings: Mapping[str, str],
) -> catalogue.Design:
    """The design of an item that passed ``check``. OrderRejected for what depends on state."""
    for name in ends.missing(item, spec):
        why = f"it has to be said first: {spec.characteristics[name].text}"
        raise ends.Spot(item, name).impossible(why, code="informationMissing")
    _refuse_taken_name(item, snapshot)
    common = words.of_item(item, spec, pools, settings)
    found = [_find(one, snapshot) for one in ends.named(item, spec)]
    for end in found:
        _refuse_taken_port(item, end)
        _refuse_inner_network(end, spec, pools)
    found = [_with_network(end, spec, common, pools) for end in found]
    frames = _frames(found, spec, common, pools)
    return catalogue.Design(
        specification=reference(spec),
        name=item.service_name or "",
        characteristics={**item.characteristics, **dict(_granted(spec, pools))},
        pools=dict(pools),
        resources=tuple(_intents(spec, frames)),
        predicates=tuple(
            _predicate(form, frame) for form in spec.predicates for frame in frames[form.per]
        ),
        meters=tuple(_meters(spec, found)),
        out_of_band=catalogue.OutOfBand(spec.out_of_band),
    )


def reference(spec: specification.Specification) -> views.SpecificationRef:
    """A specification as orders and services refer to it."""
    return views.SpecificationRef(id=spec.id, version=spec.version, name=spec.name)


def needs(
    spec: specification.Specification, item: orders.ItemRequest
) -> tuple[catalogue.PoolNeed, ...]:
    """Which pool values the design will need, with the sender's wishes."""
    return tuple(_needs(spec, item))


def _needs(
    spec: specification.Specification, item: orders.ItemRequest
) -> Iterator[catalogue.PoolNeed]:
    devices = dict.fromkeys(end.device for end in ends.named(item, spec))
    for name, pool in spec.pools.items():
        if pool.per == "service":
            said = _wished(pool, item.characteristics)
            yield catalogue.PoolNeed(name, pool.pool, item.claims.get(name, said))
        else:
            for device in devices:
                need = words.need_name(name, device)
                yield catalogue.PoolNeed(need, pool.pool, item.claims.get(need))


def _wished(pool: forms.Pool, said: Mapping[str, Any]) -> str | None:
    """A value, or ``/29``: any prefix so long."""
    wish, length = (said.get(name) if name else None for name in (pool.wish, pool.length))
    if wish is not None:
        return str(wish)
    return None if length is None else f"/{length}"


def _granted(
    spec: specification.Specification, pools: Mapping[str, str]
) -> Iterator[tuple[str, Any]]:
    """The pool values a sender could have wished for, as it would have written them."""
    for name, pool in spec.pools.items():
        if pool.wish is not None:
            integer = spec.characteristics[pool.wish].type == "integer"
            yield pool.wish, int(pools[name]) if integer else pools[name]


def _find(named: ends.Named, snapshot: ledger.Snapshot) -> words.End:
    spot, device = named.port_spot, snapshot.devices.get(named.device)
    if device is None:
        raise spot.impossible(f"there is no device {named.device}: import it first")
    if not device.managed:
        raise spot.impossible(f"device {device.name} is not managed: it takes no changes")
    if not device.trusted:
        raise spot.impossible(f"device {device.name} is not trusted yet: pin its host key first")
    port = device.ports.get(named.port)
    if port is None:
        raise spot.impossible(f"device {device.name} has no port {named.port}")
    if port.use:
        why = f"port {named.text} is not a customer's: {port.use}"
        raise spot.impossible(why, code="portInUse")
    return words.End(named, device, port)


def _refuse_taken_port(item: orders.ItemRequest, end: words.End) -> None:
    owner = end.port.owner
    if owner is None or owner == item.service_id:
        return
    order = f"order {end.port.owner_order}" if end.port.owner_order else ""
    known = ", ".join(word for word in (end.port.owner_name, order) if word)
    whose = f"{'resource' if orders.by_itself(owner) else 'service'} {owner}"
    why = f"port {end.named.text} belongs to {whose}" + (f" ({known})" if known else "")
    raise end.named.port_spot.impossible(why, code="portOwned")


def _refuse_inner_network(
    end: words.End, spec: specification.Specification, pools: Mapping[str, str]
) -> None:
    """A site's network must not hide the addresses by which the routers of its VPN talk."""
    addresses = [name for name, form in spec.site_fields.items() if form.type == "address"]
    inner = [name for name, pool in spec.pools.items() if pool.per == "device"]
    for field, pool in itertools.product(addresses, inner):
        if field not in end.named.said:
            continue
        network = values.interface(end.named.said[field]).network
        taken = values.network(pools[words.need_name(pool, end.device.name)])
        if taken is not None and network.overlaps(taken):
            why = f"{network} overlaps {taken}, by which the routers of the VPN talk to each other"
            raise end.named.at(field).impossible(why, code="overlap")


def _refuse_taken_name(item: orders.ItemRequest, snapshot: ledger.Snapshot) -> None:
    for service in snapshot.services.values():
        same = service.category == item.category and service.name == item.service_name
        live = service.state is not views.ServiceState.TERMINATED
        if same and live and service.id != item.service_id:
            order = f" (order {service.order})" if service.order else ""
            raise errors.OrderRejected(
                f"the name {service.name} belongs to {item.about} {service.id}{order}",
                field=item.field("name"),
                code="nameTaken",
            )


def _with_network(
    end: words.End,
    spec: specification.Specification,
    common: words.Words,
    pools: Mapping[str, str],
) -> words.End:
    if spec.network is None:
        return end
    there = {**common, **_single(end, spec, pools)}
    said = words.value(spec.network, there)
    if isinstance(said, words.Absent):
        return end
    return replace(end, network=values.interface(said).network)


def _single(
    end: words.End, spec: specification.Specification, pools: Mapping[str, str]
) -> words.Words:
    device = words.of_device("end", end.device, spec, pools)
    return {**device, **words.of_end("end", end, spec)}


def _pair(
    end: words.End, other: words.End, spec: specification.Specification, pools: Mapping[str, str]
) -> words.Words:
    devices = _devices(end.device, other.device, spec, pools)
    own = words.of_end("end", end, spec, other.port.test_point)
    return {**devices, **own, **words.of_end("other", other, spec, end.port.test_point)}


def _devices(
    one: ledger.DeviceFact,
    other: ledger.DeviceFact,
    spec: specification.Specification,
    pools: Mapping[str, str],
) -> words.Words:
    own = words.of_device("end", one, spec, pools)
    return {**own, **words.of_device("other", other, spec, pools)}


def _frames(
    found: Sequence[words.End],
    spec: specification.Specification,
    common: words.Words,
    pools: Mapping[str, str],
) -> Mapping[forms.Scope, Sequence[_Frame]]:
    """Everything that an intent or a predicate may be made for."""

    def frame(end: words.End, there: words.Words) -> _Frame:
        return _Frame(end.device.name, (end.port.name,), {**common, **there})

    def whole(device: ledger.DeviceFact, there: words.Words) -> _Frame:
        return _Frame(device.name, (), {**common, **there})

    devices = {end.device.name: end.device for end in found}.values()
    return {
        "end": [frame(end, _single(end, spec, pools)) for end in found],
        "pair": [
            frame(end, _pair(end, other, spec, pools))
            for end, other in itertools.permutations(found, 2)
        ],
        "device": [whole(one, words.of_device("end", one, spec, pools)) for one in devices],
        "device-pair": [
            whole(one, _devices(one, other, spec, pools))
            for one, other in itertools.permutations(devices, 2)
        ],
    }


def _intents(
    spec: specification.Specification, frames: Mapping[forms.Scope, Sequence[_Frame]]
) -> Iterator[catalogue.ResourceIntent]:
    for _, rfs, rule in spec.rules:
        for frame in frames[rule.per]:
            filled = {name: words.value(ref, frame.words) for name, ref in rule.slots.items()}
            yield catalogue.ResourceIntent(
                rfs=rfs,
                device=frame.device,
                template=rule.template,
                slots={name: said for name, said in filled.items() if isinstance(said, str)},
                ports=frame.ports,
            )


def _meters(
    spec: specification.Specification, found: Sequence[words.End]
) -> Iterator[catalogue.MeterPoint]:
    if spec.monitoring.ports == "each-end":
        yield from (catalogue.MeterPoint(end.device.name, end.port.name) for end in found)


def _predicate(form: forms.PredicateForm, frame: _Frame) -> proof.Predicate:
    asked = frame.words[form.at]
    filled = {name: words.value(ref, frame.words) for name, ref in form.params.items()}
    absent = [one for one in (asked, *filled.values()) if isinstance(one, words.Absent)]
    return proof.Predicate(
        kind=form.kind,
        device=asked if isinstance(asked, str) else frame.device,
        params={name: said for name, said in filled.items() if isinstance(said, str)},
        expect=form.expect,
        phase=proof.Phase(form.phase),
        need=proof.Need(form.need),
        unobservable=absent[0].reason if absent else None,
    )
