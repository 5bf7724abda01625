"""Designs, paths and trees as JSON for the journal, and back: a design can be replayed for ever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oss_agent.spi import catalogue, proof, views
from oss_agent.spi.tree import Path, Step


def design_to_json(design: catalogue.Design) -> dict[str, Any]:
    """``design_from_json`` is its inverse."""
    form: dict[str, Any] = views.as_json(design)
    return form


def design_from_json(form: Mapping[str, Any]) -> catalogue.Design:
    """A design as it was when it was made."""
    return catalogue.Design(
        specification=views.SpecificationRef(**form["specification"]),
        name=form["name"],
        characteristics=form["characteristics"],
        pools=form["pools"],
        resources=tuple(
            catalogue.ResourceIntent(**{**one, "ports": tuple(one["ports"])})
            for one in form["resources"]
        ),
        predicates=tuple(_predicate(one) for one in form["predicates"]),
        meters=tuple(catalogue.MeterPoint(**one) for one in form["meters"]),
    )


def _predicate(form: Mapping[str, Any]) -> proof.Predicate:
    phase, need = proof.Phase(form["phase"]), proof.Need(form["need"])
    return proof.Predicate(**{**form, "phase": phase, "need": need})


def path_to_json(path: Path) -> list[Any]:
    """``path_from_json`` is its inverse."""
    return [[step.name, [list(pair) for pair in step.keys]] for step in path]


def path_from_json(form: list[Any]) -> Path:
    """A path from its steps."""
    return tuple(Step(name, tuple((k, v) for k, v in keys)) for name, keys in form)
