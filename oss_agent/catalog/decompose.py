"""Decides what an item becomes: CFS -> RFS ends -> resource intents and predicates. Pure.

The same (specification, item, snapshot, pool values) gives the same design for ever. What depends
on state is refused here, so that an order is first acknowledged, then rejected with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from oss_agent import errors
from oss_agent.catalog import check, specification
from oss_agent.spi import catalogue, ledger, orders, proof, views

Words: TypeAlias = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class _End:
    """One end, found in the inventory. ``characteristic`` is the name it was ordered by."""

    characteristic: str
    device: ledger.DeviceFact
    port: ledger.PortFact

    @property
    def text(self) -> str:
        return f"{self.device.name}:{self.port.name}"


def decompose(
    spec: specification.Specification,
    item: orders.ItemRequest,
    snapshot: ledger.Snapshot,
    pools: Mapping[str, str],
) -> catalogue.Design:
    """The design of an item that passed ``check``. OrderRejected for what depends on state."""
    _refuse_taken_name(item, snapshot)
    ends = [_find(item, name, snapshot) for name in spec.ends]
    _refuse_same_place(item, ends)
    for end in ends:
        _refuse_taken_port(item, end)
    pairs = [(ends[0], ends[1]), (ends[1], ends[0])]
    words = [_words(item, pools, end, other) for end, other in pairs]
    return catalogue.Design(
        specification=reference(spec),
        name=item.service_name or "",
        characteristics={**item.characteristics, **{name: int(v) for name, v in pools.items()}},
        pools=dict(pools),
        resources=tuple(_intent(spec, pair[0], w) for pair, w in zip(pairs, words, strict=True)),
        predicates=tuple(
            _predicate(form, pair, w)
            for form in spec.predicates
            for pair, w in zip(pairs, words, strict=True)
        ),
        meters=tuple(catalogue.MeterPoint(end.device.name, end.port.name) for end in ends),
    )


def reference(spec: specification.Specification) -> views.SpecificationRef:
    """A specification as orders and services refer to it."""
    return views.SpecificationRef(id=spec.id, version=spec.version, name=spec.name)


def _find(item: orders.ItemRequest, name: str, snapshot: ledger.Snapshot) -> _End:
    device_name, _, port_name = str(item.characteristics[name]).partition(":")
    device = snapshot.devices.get(device_name)
    if device is None:
        raise _refusal(item, name, f"there is no device {device_name}: import it first")
    if not device.managed:
        raise _refusal(item, name, f"device {device_name} is not managed: it takes no changes")
    if not device.trusted:
        raise _refusal(
            item, name, f"device {device_name} is not trusted yet: pin its host key first"
        )
    port = device.ports.get(port_name)
    if port is None:
        raise _refusal(item, name, f"device {device_name} has no port {port_name}")
    if port.use:
        why = f"port {device_name}:{port_name} is not a customer's: {port.use}"
        raise _refusal(item, name, why, code="portInUse")
    return _End(name, device, port)


def _refuse_same_place(item: orders.ItemRequest, ends: list[_End]) -> None:
    one, two = ends
    if one.text == two.text:
        raise _refusal(item, two.characteristic, f"both ends are {one.text}")
    if one.device.name == two.device.name:
        # The template's list is keyed by service name: two ends there would be one entry.
        raise _refusal(
            item, two.characteristic, f"both ends are on {one.device.name}: use two devices"
        )


def _refuse_taken_port(item: orders.ItemRequest, end: _End) -> None:
    owner = end.port.owner
    if owner is None or owner == item.service_id:
        return
    order = f" (order {end.port.owner_order})" if end.port.owner_order else ""
    raise _refusal(
        item,
        end.characteristic,
        f"port {end.text} belongs to service {owner}{order}",
        code="portOwned",
    )


def _refuse_taken_name(item: orders.ItemRequest, snapshot: ledger.Snapshot) -> None:
    for service in snapshot.services.values():
        same = service.category == "CFS" and service.name == item.service_name
        live = service.state is not views.ServiceState.TERMINATED
        if same and live and service.id != item.service_id:
            order = f" (order {service.order})" if service.order else ""
            raise errors.OrderRejected(
                f"the name {service.name} belongs to service {service.id}{order}",
                field=f"{item.path}.service.name",
                code="nameTaken",
            )


def _refusal(
    item: orders.ItemRequest, name: str, why: str, code: str = "notPossible"
) -> errors.OrderRejected:
    return errors.OrderRejected(
        f"{name}: {why}", field=check.field_of(item, name), status=422, code=code
    )


def _words(
    item: orders.ItemRequest, pools: Mapping[str, str], end: _End, other: _End
) -> dict[str, str | None]:
    words: dict[str, str | None] = {"name": item.service_name}
    words |= {f"pool.{name}": value for name, value in pools.items()}
    words |= {f"characteristic.{n}": str(v) for n, v in item.characteristics.items()}
    for side, place in (("end", end), ("other", other)):
        point = place.port.test_point
        words[f"{side}.device"] = place.device.name
        words[f"{side}.port"] = place.port.name
        words[f"{side}.router_id"] = place.device.router_id
        words[f"{side}.test_point.device"] = point.device if point else None
        words[f"{side}.test_point.address"] = point.address if point else None
    return words


def _value(reference: specification.Reference, words: Words) -> str | None:
    if isinstance(reference, specification.Text):
        return reference.text
    if isinstance(reference, specification.Join):
        return "".join(words.get(part) or part for part in reference.join)
    value = words.get(reference.word)
    if value is None or reference.times is None:
        return value
    return str(int(value) * reference.times)


def _intent(spec: specification.Specification, end: _End, words: Words) -> catalogue.ResourceIntent:
    filled = {name: _value(reference, words) for name, reference in spec.slots.items()}
    return catalogue.ResourceIntent(
        rfs=spec.resource_facing,
        device=end.device.name,
        template=spec.template,
        slots={name: value for name, value in filled.items() if value is not None},
        ports=(end.port.name,),
    )


def _predicate(
    form: specification.PredicateForm, pair: tuple[_End, _End], words: Words
) -> proof.Predicate:
    filled = {name: _value(reference, words) for name, reference in form.params.items()}
    asked = words[form.at]
    return proof.Predicate(
        kind=form.kind,
        device=asked or pair[0].device.name,
        params={name: value for name, value in filled.items() if value is not None},
        expect=form.expect,
        phase=proof.Phase(form.phase),
        need=proof.Need(form.need),
        unobservable=_missing(form, asked, filled, pair),
    )


def _missing(
    form: specification.PredicateForm,
    asked: str | None,
    filled: Mapping[str, str | None],
    pair: tuple[_End, _End],
) -> str | None:
    if asked is None:
        return f"no test point at {pair[0].text}"
    for name, value in filled.items():
        reference = form.params[name]
        if value is None and isinstance(reference, specification.From):
            return _absence(reference.word, pair)
    return None


def _absence(word: str, pair: tuple[_End, _End]) -> str:
    side, _, what = word.partition(".")
    place = pair[0] if side == "end" else pair[1]
    if what.startswith("test_point"):
        return f"no test point at {place.text}"
    return f"the {what.replace('_', ' ')} of {place.device.name} is not known"
