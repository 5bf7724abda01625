"""Decides, without any state, whether an item of an order can be accepted: 4xx with the field."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from oss_agent import errors
from oss_agent.catalog import ends, forms, specification, values
from oss_agent.spi import orders


def check(item: orders.ItemRequest, spec: specification.Specification) -> None:
    """Judge name, characteristics and ends. OrderRejected names the first field that is wrong."""
    _check_name(item)
    for name in item.characteristics:
        if name not in spec.characteristics:
            known = ", ".join(spec.characteristics)
            unknown = ends.Spot(item, values.shown(name))
            raise unknown.wrong(f"{spec.id} has no such one; it has {known}")
    for name, form in spec.characteristics.items():
        _check_one(ends.Spot(item, name), item.characteristics, name, form)
    _refuse_other_length(item, spec)
    found = ends.named(item, spec)
    _refuse_same_place(found, spec)
    _refuse_overlap(found, spec)


def _check_name(item: orders.ItemRequest) -> None:
    field = item.field("name")
    if item.service_name is None:
        raise errors.OrderRejected(f"{field} is missing: name the {item.about}", field=field)
    if not values.NAME.fullmatch(item.service_name):
        raise errors.OrderRejected(
            f"{field} is {values.shown(item.service_name)}: use 1 to 63 letters, digits, '_', '.', "
            "'-', beginning with a letter or digit",
            field=field,
            code="invalidValue",
        )


def _check_one(
    spot: ends.Spot, said: Mapping[str, Any], name: str, form: forms.Characteristic
) -> None:
    if name not in said:
        if form.required and not form.later:
            raise spot.wrong(f"it is missing: {form.text}")
        return
    why = values.wrong(said[name], form)
    if why is not None:
        raise spot.wrong(why)
    for number, site in enumerate(said[name] if form.type == "sites" else ()):
        _check_site(spot.element(number), site, form)


def _check_site(spot: ends.Spot, site: Any, form: forms.Characteristic) -> None:
    if not isinstance(site, Mapping):
        raise spot.wrong(f"{values.shown(site)} is not an object with {', '.join(form.fields)}")
    for name in site:
        if name not in form.fields:
            known = ", ".join(form.fields)
            raise spot.wrong(f"a site has no {values.shown(name)}; it has {known}")
    for name, field in form.fields.items():
        _check_one(spot.member(name), site, name, field)


def _refuse_other_length(item: orders.ItemRequest, spec: specification.Specification) -> None:
    """A prefix that is named has the length that is asked for beside it."""
    for pool in spec.pools.values():
        wish, length = (
            item.characteristics.get(n) if n else None for n in (pool.wish, pool.length)
        )
        if wish is not None and length is not None and not str(wish).endswith(f"/{length}"):
            why = f"{wish} is not a /{length}, as {pool.length} says: name one of that length, or none"
            raise ends.Spot(item, pool.wish or "").wrong(why)


def _refuse_same_place(found: tuple[ends.Named, ...], spec: specification.Specification) -> None:
    for one, two in itertools.combinations(found, 2):
        if one.text == two.text:
            raise two.port_spot.wrong(f"{two.text} is there twice")
        if spec.apart and one.device == two.device:
            # The template's list is keyed by service name: two ends there would be one entry.
            raise two.port_spot.wrong(f"both ends are on {two.device}: use two devices")


def _refuse_overlap(found: tuple[ends.Named, ...], spec: specification.Specification) -> None:
    fields = [name for name, form in spec.site_fields.items() if form.type == "address"]
    for name in fields:
        told = [end for end in found if name in end.said]
        for one, two in itertools.combinations(told, 2):
            first, second = (values.interface(end.said[name]).network for end in (one, two))
            if first.overlaps(second):
                raise two.at(name).wrong(
                    f"{second} overlaps {first} of {one.text}: routes within a VPN must differ"
                )
