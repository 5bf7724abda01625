"""Decides, without any state, whether an item of an order can be accepted: 4xx with the field.

Strict on types: ``true`` is not 1 and ``"20"`` is not 20, because a guess would become a
customer's bandwidth. Grammars are allow-lists: whatever passes may reach a device.
"""

from __future__ import annotations

import re
from typing import Any

from oss_agent import errors
from oss_agent.catalog import specification
from oss_agent.spi import orders

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
PORT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}:[A-Za-z0-9][A-Za-z0-9_./-]{0,62}")
_SHOWN = 60


def field_of(item: orders.ItemRequest, characteristic: str) -> str:
    """Where a characteristic stands in the sender's body."""
    return f"{item.path}.service.serviceCharacteristic[{characteristic}]"


def check(item: orders.ItemRequest, spec: specification.Specification) -> None:
    """Judge name and characteristics. OrderRejected names the first field that is wrong."""
    _check_name(item)
    for name in item.characteristics:
        if name not in spec.characteristics:
            known = ", ".join(spec.characteristics)
            raise _refusal(item, _shown(name), f"{spec.id} has no such one; it has {known}")
    for name, form in spec.characteristics.items():
        if name in item.characteristics:
            _check_value(item, name, form)
        elif form.required:
            raise _refusal(item, name, f"it is missing: {form.text}")


def _check_name(item: orders.ItemRequest) -> None:
    field = f"{item.path}.service.name"
    if item.service_name is None:
        raise errors.OrderRejected(f"{field} is missing: name the service", field=field)
    if not NAME.fullmatch(item.service_name):
        raise errors.OrderRejected(
            f"{field} is {_shown(item.service_name)}: use 1 to 63 letters, digits, '_', '.', '-', "
            "beginning with a letter or digit",
            field=field,
            code="invalidValue",
        )


def _check_value(item: orders.ItemRequest, name: str, form: specification.Characteristic) -> None:
    value = item.characteristics[name]
    if form.type == "port":
        if not isinstance(value, str) or not PORT.fullmatch(value):
            raise _refusal(item, name, f"{_shown(value)} is not of the form device:port")
        return
    # bool is a subclass of int: isinstance would take true for 1.
    if type(value) is not int:
        raise _refusal(item, name, f"{_shown(value)} is not a whole number")
    too_small = form.minimum is not None and value < form.minimum
    too_large = form.maximum is not None and value > form.maximum
    if too_small or too_large:
        raise _refusal(item, name, f"{_shown(value)} is not within {form.minimum}..{form.maximum}")


def _refusal(item: orders.ItemRequest, name: str, why: str) -> errors.OrderRejected:
    return errors.OrderRejected(
        f"characteristic {name}: {why}", field=field_of(item, name), code="invalidValue"
    )


def _shown(value: Any) -> str:
    """Hostile input, quoted, without control characters, cut to what a line can carry."""
    text = ascii(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
