"""Decides which service order items a product order item becomes, and what comes after what. Pure.

What the product is now and what is asked are both laid out over its parts; a part that only the
first has is deleted, one that only the second has is added, one that differs is modified. What goes
goes first, in reverse order: it may free a port that another part takes. A product is suspended and
resumed by its services, each of them, also one that an order of its own suspended before.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from oss_agent import errors
from oss_agent.catalog import offering, values
from oss_agent.spi import catalogue, orders, products, views

_NAME = 63
_ACTIVE, _SUSPENDED = products.ProductStatus.ACTIVE, products.ProductStatus.SUSPENDED
_STATES = {_ACTIVE: views.ServiceState.ACTIVE, _SUSPENDED: views.ServiceState.INACTIVE}


class Judge(Protocol):
    """Judges a service order item without state; OrderRejected names the field of the service."""

    def __call__(self, item: orders.ItemRequest, /, *, kept: bool = False) -> object:
        """``kept`` as in ``spi.catalogue.Catalogue.check``."""
        ...


@dataclass(frozen=True, slots=True)
class Wish:
    """A product order item beside the offerings it is about: the one it had and the one it gets.

    ``kept``: it was accepted before, with versions that may have retired since.
    """

    item: catalogue.ProductItem
    of: offering.Offering
    now: catalogue.ProductNow | None = None
    had: offering.Offering | None = None
    kept: bool = False

    def wrong(self, why: str, name: str = "", code: str = "invalidValue") -> errors.OrderRejected:
        """The refusal (400) of a characteristic, or of the offering as it was told."""
        of = f"product.productCharacteristic[{name}]" if name else "productOffering"
        what = f"characteristic {name}: {why}" if name else why
        return errors.OrderRejected(what, field=f"{self.item.path}.{of}", code=code)


def decompose(wish: Wish, judge: Judge) -> catalogue.ProductDesign:
    """The service order items. OrderRejected names the field of the product."""
    if wish.item.action is views.ItemAction.NO_CHANGE and wish.now is not None:
        return _mentioned(wish, wish.now)
    name = _name(wish)
    ordered = _ordered(wish)
    before = _parts(wish.had, wish.now.ordered) if wish.now is not None and wish.had else {}
    after = {} if wish.item.action is views.ItemAction.DELETE else _parts(wish.of, ordered)
    made = dict(_items(wish, name, _as_they_are(wish, before, after), after, judge))
    return catalogue.ProductDesign(
        offering=shown(wish.of),
        name=name,
        ordered=ordered,
        parts=tuple(_dependent(wish, made)),
    )


def _mentioned(wish: Wish, now: catalogue.ProductNow) -> catalogue.ProductDesign:
    """To mention a product is to mention each service that lives of it; nothing else is judged."""
    services = tuple(
        catalogue.ServicePart(part, _item(wish, part, wish.item.action, service_id=service))
        for part, service in now.services.items()
    )
    return catalogue.ProductDesign(shown(wish.of), now.name, now.ordered, services)


def shown(of: offering.Offering) -> catalogue.Offering:
    """An offering as others see it."""
    return catalogue.Offering(
        id=of.id,
        version=of.version,
        name=of.name,
        active=of.status == "active",
        parts=tuple(of.services),
        characteristics={name: one.text for name, one in of.characteristics.items()},
    )


def _name(wish: Wish) -> str:
    told = wish.item.name or (wish.now.name if wish.now is not None else None)
    field = f"{wish.item.path}.product.name"
    if told is None:
        raise errors.OrderRejected(f"{field} is missing: name the product", field=field)
    room = _NAME - 1 - max(map(len, wish.of.services))
    if not values.NAME.fullmatch(told) or len(told) > room:
        raise errors.OrderRejected(
            f"{field} is {values.shown(told)}: use 1 to {room} letters, digits, '_', '.', '-', "
            "beginning with a letter or digit",
            field=field,
            code="invalidValue",
        )
    if wish.now is not None and told != wish.now.name:
        raise errors.OrderRejected(
            f"the product is named {wish.now.name} and keeps its name",
            field=field,
            code="invalidValue",
        )
    return told


def _ordered(wish: Wish) -> dict[str, Any]:
    """What the product comes to in all; what is None is taken back."""
    if wish.item.action is views.ItemAction.DELETE:
        return {}
    before = wish.now.ordered if wish.now is not None else {}
    whole = {**before, **wish.item.characteristics}
    said = {name: value for name, value in whole.items() if value is not None}
    for name, value in said.items():
        _judge_one(wish, name, value)
    there = _present(wish.of, said)
    for name in said:
        needed = {part for part, _ in wish.of.characteristics[name].targets}
        if not needed & there:
            gates = sorted(str(wish.of.services[part].when) for part in needed)
            raise wish.wrong(f"it means nothing without {' or '.join(gates)}", name)
    return said


def _judge_one(wish: Wish, name: str, value: Any) -> None:
    if name not in wish.of.characteristics:
        known = ", ".join(wish.of.characteristics)
        raise wish.wrong(f"{wish.of.id} has no such one; it has {known}", values.shown(name))
    form = wish.of.characteristics[name]
    # By type too: to Python True is 1, and 1.0 as well.
    offered = form.values is None or any(
        type(value) is type(one) and value == one for one in form.values
    )
    if not offered:
        there = ", ".join(map(values.shown, form.values or ()))
        raise wish.wrong(f"{values.shown(value)} is not offered; there are {there}", name)


def _present(of: offering.Offering, said: Mapping[str, Any]) -> set[str]:
    return {name for name, part in of.services.items() if part.when is None or part.when in said}


def _parts(of: offering.Offering, said: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Each part that is there, with the characteristics of its service."""
    told = {
        target: said[name]
        for name, one in of.characteristics.items()
        if name in said
        for target in one.targets
    }
    present = _present(of, said)
    return {
        name: {**of.services[name].fixed, **{n: v for (p, n), v in told.items() if p == name}}
        for name in of.order
        if name in present
    }


def _as_they_are(
    wish: Wish, before: Mapping[str, dict[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Mapping[str, Any]]:
    """The parts as they were ordered, but where the item says otherwise than a service has by now.

    A service may have been changed by an order of its own: what the item does not speak of stays so.
    """
    actual = wish.now.actual if wish.now is not None else {}
    found = {part: dict(said) for part, said in before.items()}
    spoken = (wish.of.characteristics.get(name) for name in wish.item.characteristics)
    for part, target in (pair for one in spoken if one is not None for pair in one.targets):
        if not {part} <= found.keys() & after.keys() & actual.keys():
            continue
        if actual[part].get(target) != after[part].get(target):
            found[part][target] = actual[part].get(target)
    return found


def _items(
    wish: Wish,
    name: str,
    before: Mapping[str, Mapping[str, Any]],
    after: Mapping[str, Mapping[str, Any]],
    judge: Judge,
) -> Iterator[tuple[str, orders.ItemRequest]]:
    for part, service in _gone(wish, after).items():
        yield part, _item(wish, part, views.ItemAction.DELETE, service_id=service)
    living = wish.now.services if wish.now is not None else {}
    for part, said in after.items():
        whole = _whole(wish, part, living.get(part), f"{name}-{part}", said)
        _judge_part(wish, part, whole, judge)
        if part not in living:
            _refuse_beside_suspended(wish, part)
            yield part, whole
        elif wish.item.status or _moves(wish, part) or said != before.get(part):
            yield part, _changed(wish, part, whole, before.get(part, {}))


def _refuse_beside_suspended(wish: Wish, part: str) -> None:
    """Nothing begins to work in a product that does not: neither now nor by the same order."""
    stays = wish.now is not None and wish.now.suspended and wish.item.status is not _ACTIVE
    if stays or wish.item.status is _SUSPENDED:
        raise errors.OrderRejected(
            f"it would bring {part} into a suspended product: resume it first, or with it "
            "(status active)",
            field=f"{wish.item.path}.product.status",
            status=409,
            code="illegalState",
        )


def _whole(
    wish: Wish, part: str, service: str | None, name: str, said: Mapping[str, Any]
) -> orders.ItemRequest:
    """A part as if it were new, which is how it is judged."""
    return _item(
        wish,
        part,
        views.ItemAction.ADD if service is None else views.ItemAction.MODIFY,
        service_id=service,
        service_name=name,
        specification=wish.of.services[part].specification,
        specification_version=wish.of.services[part].version,
        characteristics=said,
    )


def _changed(
    wish: Wish, part: str, whole: orders.ItemRequest, before: Mapping[str, Any]
) -> orders.ItemRequest:
    """What a living part is told: only what is new to it."""
    # The service may have been moved to another version by an order of its own: it stays there.
    version = whole.specification_version if _moves(wish, part) else None
    return dataclasses.replace(
        whole,
        service_name=None,
        specification_version=version,
        characteristics=_changes(before, whole.characteristics),
        service_state=_STATES.get(wish.item.status) if wish.item.status else None,
    )


def _moves(wish: Wish, part: str) -> bool:
    """Does the living part get another version of its specification?"""
    had = wish.had.services.get(part) if wish.had is not None else None
    return had is not None and had.version != wish.of.services[part].version


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What is told anew; None takes a characteristic back."""
    new = {name: value for name, value in after.items() if before.get(name) != value}
    return {**new, **dict.fromkeys(before.keys() - after.keys())}


def _gone(wish: Wish, after: Mapping[str, Any]) -> dict[str, str]:
    """Parts that the product has and will not have, the last built first."""
    if wish.now is None:
        return {}
    has = wish.now.services
    known = [name for name in (wish.had or wish.of).order if name in has]
    unknown = [name for name in has if name not in known]
    return {name: has[name] for name in reversed([*unknown, *known]) if name not in after}


def _item(wish: Wish, part: str, action: views.ItemAction, **more: Any) -> orders.ItemRequest:
    bare = orders.ItemRequest(
        id=f"{wish.item.id}.{part}",
        action=action,
        specification="",
        specification_version=None,
        service_id=None,
        service_name=None,
        characteristics={},
        path=wish.item.path,
    )
    return dataclasses.replace(bare, **more)


def _judge_part(wish: Wish, part: str, whole: orders.ItemRequest, judge: Judge) -> None:
    """What a service refuses, said in the words of the product."""
    try:
        judge(whole, kept=wish.kept)
    except errors.OrderRejected as bad:
        raise _in_words_of_product(wish, part, bad) from bad


def _in_words_of_product(wish: Wish, part: str, bad: errors.OrderRejected) -> errors.OrderRejected:
    prefix = f"{wish.item.path}.service.serviceCharacteristic["
    target, _, below = bad.field.removeprefix(prefix).partition("]")
    for name, one in wish.of.characteristics.items():
        if bad.field.startswith(prefix) and (part, target) in one.targets:
            why = bad.reason.removeprefix(f"characteristic {target}")
            return errors.OrderRejected(
                f"characteristic {name}{why}",
                field=f"{wish.item.path}.product.productCharacteristic[{name}]{below}",
                code=bad.code,
            )
    return wish.wrong(f"its service {part}: {bad.reason}", code=bad.code)


def _dependent(
    wish: Wish, made: Mapping[str, orders.ItemRequest]
) -> Iterator[catalogue.ServicePart]:
    """Each part with what it comes after: what goes, or is suspended, in the reverse order."""
    gone = {part for part, item in made.items() if item.action is views.ItemAction.DELETE}
    stay = [part for part in made if part not in gone]
    down = wish.item.status is _SUSPENDED
    for part in (*(one for one in made if one in gone), *(reversed(stay) if down else stay)):
        if part in gone:
            first = _built_upon(wish.had or wish.of, part, gone)
        elif down:
            first = {*gone, *_built_upon(wish.of, part, stay)}
        else:
            first = {*gone, *(one for one in wish.of.services[part].after if one in stay)}
        after = tuple(made[one].id for one in made if one in first)
        yield catalogue.ServicePart(part, made[part], after, _words(wish.of, part))


def _words(of: offering.Offering, part: str) -> dict[str, str]:
    """What the product calls the characteristics of a part's service."""
    return {
        target: name
        for name, one in of.characteristics.items()
        for owner, target in one.targets
        if owner == part
    }


def _built_upon(of: offering.Offering, part: str, among: Iterable[str]) -> set[str]:
    """The parts that the offering puts after this one."""
    return {one for one in among if one in of.services and part in of.services[one].after}
