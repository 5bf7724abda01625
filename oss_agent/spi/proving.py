"""Running a driver's laws on a device, so that it may be written to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Law:
    """One law on one store: ``outcome`` is kept, broken or not run; ``reason`` what was found."""

    store: str
    law: str
    outcome: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ProofReport:
    """What became of a device: ``left`` says what of the trial is still on it, "" when nothing is."""

    device: str
    platform: str
    version: str
    model: str
    driver: str
    proven: bool
    laws: tuple[Law, ...]
    left: str = ""


class Proving(Protocol):
    """Decides by trying whether a read-only device may be written to."""

    async def prove(self, tenant: str, device: str, *, confirmed: str, by: str) -> ProofReport:
        """Run every law of its driver on a scratch subtree of each store, and keep what came of it.

        It commits on the device, so ``confirmed`` must be the device's name. OrderRejected before
        anything is sent, where the device is not read-only, is being changed, or its driver brings
        no trial.
        """
        ...
