"""Decides which of containerlab's forms a file has, by what is in it; its usual name goes before. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from inventory.containerlab import (
    containerlab_exported,
    containerlab_inspected,
    containerlab_inventories,
    containerlab_topology,
)
from inventory.containerlab.containerlab_kinds import Kinds
from inventory.containerlab.containerlab_said import Said
from inventory.words import documents

_Reader: TypeAlias = Callable[[str, Mapping[str, Any], Kinds], Said]

TOPOLOGY: Final = "topology-data.json"
ANSIBLE: Final = "ansible-inventory.yml"
NORNIR: Final = "nornir-simple-inventory.yml"
_NAMED: Final[Mapping[str, _Reader]] = {
    TOPOLOGY: containerlab_exported.read,
    ANSIBLE: containerlab_inventories.ansible,
    NORNIR: containerlab_inventories.nornir,
}
_INVENTORIES: Final = frozenset({ANSIBLE, NORNIR})
_YAML: Final = (".yml", ".yaml", ".gotmpl")
_READ: Final = (
    "topology-data.json, ansible-inventory.yml, nornir-simple-inventory.yml, what containerlab "
    "inspect --format json says, and topology files (*.clab.yml)"
)


def read(file: str, text: str, kinds: Kinds) -> Said | None:
    """What the file says; None of an inventory without a word in it. OrderRejected says why not."""
    if not text.strip():
        if file in _INVENTORIES:
            return None
        raise documents.refusal(file, "is empty: name what deploying the lab wrote")
    data = _parsed(file, text)
    if isinstance(data, list):
        return _listed(file, data, kinds)
    return _reader(file, data)(file, data, kinds)


def _parsed(file: str, text: str) -> dict[str, Any] | list[Any]:
    if file.endswith(".json") or (not file.endswith(_YAML) and text.lstrip()[:1] in {"{", "["}):
        return documents.read_any_json(file, text)
    if file not in _INVENTORIES:
        containerlab_topology.refuse_template(file, text)
    return documents.read_yaml(file, text)


def _reader(file: str, data: Mapping[str, Any]) -> _Reader:
    if file in _NAMED:
        return _NAMED[file]
    shapes: tuple[tuple[bool, _Reader], ...] = (
        (containerlab_topology.is_one(data), containerlab_topology.read),
        (isinstance(data.get("nodes"), dict), containerlab_exported.read),
        (containerlab_inventories.is_ansible(data), containerlab_inventories.ansible),
        (containerlab_inspected.is_one(data), containerlab_inspected.read),
        (containerlab_inventories.is_nornir(data), containerlab_inventories.nornir),
    )
    for fits, reader in shapes:
        if fits:
            return reader
    raise _unknown(file, f"has {', '.join(sorted(data)[:5])[:200] or 'nothing'} at its top")


def _listed(file: str, data: list[Any], kinds: Kinds) -> Said:
    if not containerlab_inspected.is_one(data):
        raise _unknown(file, "holds a list of something else than a lab's containers")
    return containerlab_inspected.read(file, data, kinds)


def _unknown(file: str, what: str) -> Exception:
    return documents.refusal(file, f"{what}, which is no form that is read here: {_READ}")
