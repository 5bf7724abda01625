"""The catalogue as it is shown: its files become views. Implements ``spi.specifications.Shelf``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from oss_agent.catalog import collection, forms, resource, specification, values
from oss_agent.spi import specifications as spi
from oss_agent.spi import views

_KINDS: Mapping[str, str] = {
    "integer": "integer",
    "uint": "integer",
    "sites": "array",
}
"""JSON types; what is not here is text."""
_REGEX: Mapping[str, str] = {
    "port": values.PORT.pattern,
    "name": values.NAME.pattern,
    "route": values.ROUTE.pattern,
}


class Shelf:
    """Views of a loaded collection, made once."""

    def __init__(self, of: collection.Collection) -> None:
        names = {(one.id, one.version): one.name for one in of.resources}
        self._services = tuple(view for one in of.services for view in _services(one, names))
        ordered = {(one.id, one.version): one for one in of.ordered}
        self._resources = tuple(
            _resource(one, ordered.get((one.id, one.version))) for one in of.resources
        )

    def services(self) -> tuple[spi.SpecificationView, ...]:
        """Customer-facing specifications, each before the resource-facing ones it relies on."""
        return self._services

    def resources(self) -> tuple[spi.SpecificationView, ...]:
        """Resource specifications."""
        return self._resources


def differing(
    before: Sequence[spi.SpecificationView], after: Sequence[spi.SpecificationView]
) -> Iterator[tuple[str, spi.SpecificationView]]:
    """What is shown otherwise: Create, Change or Delete, each with how it is now, or was last."""
    old = {(one.id, one.version): one for one in before}
    new = {(one.id, one.version): one for one in after}
    for key in sorted({*old, *new}):
        if key not in new:
            yield "Delete", old[key]
        elif key not in old:
            yield "Create", new[key]
        elif old[key] != new[key]:
            yield "Change", new[key]


def _services(
    one: specification.Specification, names: Mapping[tuple[str, str], str]
) -> Iterator[spi.SpecificationView]:
    parts = [
        views.SpecificationRef(part.id, one.version, part.name) for part in one.resource_facing
    ]
    said = tuple(_said(name, form) for name, form in one.characteristics.items())
    whole = _view(one, spi.Facing.CUSTOMER, said, services=tuple(parts))
    yield dataclasses.replace(whole, predicates=tuple(map(_predicate, one.predicates)))
    for part, ref in zip(one.resource_facing, parts, strict=True):
        yield spi.SpecificationView(
            id=ref.id,
            version=ref.version,
            name=ref.name,
            text=part.text,
            facing=spi.Facing.RESOURCE,
            active=one.status == "active",
            updated=one.updated,
            characteristics=(),
            resources=tuple(dict.fromkeys(_made_of(part, names))),
        )


def _predicate(form: forms.PredicateForm) -> spi.PredicateView:
    return spi.PredicateView(form.kind, form.per, form.need == "must", dict(form.expect))


def _made_of(
    part: forms.ResourceFacing, names: Mapping[tuple[str, str], str]
) -> Iterator[views.SpecificationRef]:
    for rule in part.resources:
        key = (rule.specification, rule.version)
        yield views.SpecificationRef(*key, names.get(key, rule.specification))


def _resource(
    one: resource.Resource, ordered: specification.Specification | None
) -> spi.SpecificationView:
    """Its characteristics as a sender says them, where it can be ordered by itself."""
    if ordered is not None:
        said = tuple(_said(name, form) for name, form in ordered.characteristics.items())
    else:
        said = tuple(_filled(name, form) for name, form in one.characteristics.items())
    return _view(one, spi.Facing.NONE, said)


def _view(
    one: forms.Entry,
    facing: spi.Facing,
    said: tuple[spi.CharacteristicView, ...],
    services: tuple[views.SpecificationRef, ...] = (),
) -> spi.SpecificationView:
    return spi.SpecificationView(
        id=one.id,
        version=one.version,
        name=one.name,
        text=one.text,
        facing=facing,
        active=one.status == "active",
        updated=one.updated,
        characteristics=said,
        services=services,
    )


def _said(name: str, form: forms.Characteristic) -> spi.CharacteristicView:
    return spi.CharacteristicView(
        name=name,
        kind=_KINDS.get(form.type, "string"),
        text=form.text,
        required=form.required,
        minimum=form.minimum,
        maximum=form.maximum,
        regex=_REGEX.get(form.type),
        fields=tuple(_said(inner, of) for inner, of in form.fields.items()),
    )


def _filled(name: str, form: resource.Characteristic) -> spi.CharacteristicView:
    """A slot: the design fills it, nobody says it."""
    return spi.CharacteristicView(
        name=name,
        kind=_KINDS.get(form.type, "string"),
        text=form.text,
        required=form.required,
        minimum=form.minimum,
        maximum=form.maximum,
        configurable=False,
    )
