"""Decides whether a device may be written to: only what its driver was proven on. Pure.

A driver may write to the versions and models that its own data name, and to those on which its laws
were run and passed since, with the driver as it is now. All else is read and not written to: another
version may understand the same words otherwise.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from inventory.rows import cases
from oss_agent.spi.standing import Identity, Proven

KIND: Final = "unproven-version"


@dataclass(frozen=True, slots=True)
class Run:
    """Laws that passed on one device: what it was, and the version of the driver."""

    identity: Identity
    driver: str


def doubt(
    identity: Identity, proven: Collection[Proven], runs: Collection[Run], driver: str
) -> str:
    """Why it is not proven, in words; "" where it is."""
    if any(_covers(one, identity) for one in proven):
        return ""
    mine = [run for run in runs if run.identity == identity]
    if any(run.driver == driver for run in mine):
        return ""
    what = f"{identity.platform} is not proven on {words(identity)}"
    if mine:
        return f"{what} since its driver is {driver or 'another'}: it was with {mine[-1].driver}"
    return what


def words(identity: Identity) -> str:
    """What it is, for a person."""
    if not identity.version:
        return "a version that the device does not tell, or nobody looked at yet"
    model = f" ({identity.model})" if identity.model else ""
    return f"{identity.os or 'version'} {identity.version}{model}"


def case(device: str, doubt: str, identity: Identity, before: Identity | None) -> cases.Case:
    """What a person is told: since when probably, and the way out."""
    cause = "its driver was never proven on this"
    if before is not None and before.version and before.version != identity.version:
        cause = f"it was {words(before)}: it was upgraded, or replaced by another"
    return cases.Case(
        device=device,
        subject=device,
        kind=KIND,
        evidence=f"{identity.platform} {identity.os} {identity.version} {identity.model}",
        text=doubt,
        cause=cause,
        action=f"oss-agent device prove {device} runs the driver's laws on it, on a scratch "
        "subtree; or go back to the version before",
    )


def _covers(one: Proven, identity: Identity) -> bool:
    fits_version = one.version.fullmatch(identity.version) is not None
    return fits_version and one.model.fullmatch(identity.model) is not None
