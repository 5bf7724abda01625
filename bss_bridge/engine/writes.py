"""PATCH and DELETE of one instance, the same for every resource that allows them.

The engine reads the instance, applies the patch to what it shows, and hands the owning room a
``Change``: what was there, what is wished, which attributes differ. What the attributes may hold is
the owner's to judge, and so is the race: it compares ``Change.view`` with its row in its own unit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from fastapi import Request

from bss_bridge.engine import attributes, etags, intake, patching
from oss_agent import errors

View = TypeVar("View")
Json = dict[str, Any]

MERGE: Final = ("application/merge-patch+json", "application/json")
OPERATIONS: Final = ("application/json-patch+json",)
ACCEPTED: Final = ", ".join((*MERGE, *OPERATIONS))


@dataclass(frozen=True, slots=True)
class Accepted:
    """Work that goes on after the answer: 202, the body as it stands, and the monitor to ask."""

    body: Json
    monitor: str
    location: str


@dataclass(frozen=True, slots=True)
class Change(Generic[View]):
    """A patch, applied: ``names`` are the first-level attributes that differ, never none."""

    view: View
    before: Json
    after: Json
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Patch(Generic[View]):
    """What PATCH may change and who does it.

    ``apply`` stores the change, synced, and returns the instance as it is now; it raises Conflict
    (409) when its row is no longer ``Change.view``. ``must_match``: 428 without an If-Match.
    """

    attributes: frozenset[str]
    apply: Callable[[Change[View], Request], Awaitable[View | Accepted]]
    must_match: bool = False


Delete = Callable[[View, Request], Awaitable[Accepted | None]]
"""Takes an instance away: 204, or 202 with a monitor. OrderRejected or Conflict (409) refuses."""


async def change(request: Request, view: View, before: Json, patch: Patch[View]) -> Change[View]:
    """What the request wishes. OrderRejected: 400, 409, 412, 415, 422 or 428."""
    current = etags.tag(before)
    etags.require(current, request.headers.get("if-match"), must=patch.must_match)
    after = await _patched(request, before)
    intake.judge(after)
    names = patching.changed(before, after)
    fixed = next((name for name in names if name not in patch.attributes), None)
    if fixed is not None:
        raise errors.OrderRejected(
            f"cannot be patched: only {', '.join(sorted(patch.attributes))} can",
            field=fixed,
            code="notPatchable",
        )
    attributes.judge({name: after.get(name) for name in names})
    return Change(view, before, after, names)


async def _patched(request: Request, before: Json) -> Json:
    kind = intake.require_type(request.headers.get("content-type"), *MERGE, *OPERATIONS)
    found = intake.value(await request.body())
    if kind in OPERATIONS:
        if not isinstance(found, list):
            raise errors.OrderRejected("a JSON patch is a list of operations", code="invalidPatch")
        return patching.operate(before, found)
    if not isinstance(found, dict):
        raise errors.OrderRejected("a merge patch is an object", code="invalidPatch")
    return patching.merge(before, found)
