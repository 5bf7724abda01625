"""Decides how a resource is ordered by itself: by the rules of a service with one resource on one port. Pure.

Its port is said as ``device:port`` and is its own while it lives, as a service's is.
"""

from __future__ import annotations

from typing import Any

from oss_agent.catalog import resource, specification


def of(resources: tuple[resource.Resource, ...]) -> tuple[specification.Specification, ...]:
    """A specification for each of them that an operator may order."""
    return tuple(_one(each, each.orderable) for each in resources if each.orderable is not None)


def _one(of: resource.Resource, how: resource.Orderable) -> specification.Specification:
    rule = {
        "specification": of.id,
        "version": of.version,
        "template": how.template,
        "per": "end",
        "slots": {name: {"from": _word(name, how)} for name in of.characteristics},
    }
    facing = {"id": of.id, "name": of.name, "text": of.text, "resources": [rule]}
    form = {
        **of.model_dump(include={"id", "version", "name", "updated", "status", "text"}),
        "characteristics": {n: _said(n, one, how) for n, one in of.characteristics.items()},
        "ends": [how.at],
        "resource_facing": [facing],
        "predicates": [{"kind": "config-equal", "per": "device"}],
        "monitoring": {"ports": "none"},
    }
    return specification.Specification.model_validate(form)


def _word(name: str, how: resource.Orderable) -> str:
    return "end.port" if name == how.at else f"characteristic.{name}"


def _said(name: str, form: resource.Characteristic, how: resource.Orderable) -> dict[str, Any]:
    kind = "port" if name == how.at else resource.SAID[form.type]
    return {**form.model_dump(include={"required", "minimum", "maximum", "text"}), "type": kind}
