"""What must be true of a service, what was seen, and the verdict: shared by turn-up and watch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None

CONFIG_EQUAL = "config-equal"
"""The one kind that is about configuration alone: a simulated device can prove it too."""


class Phase(StrEnum):
    """When a predicate is judged."""

    HELD = "held"
    """Inside the unconfirmed window; votes on confirm or cancel."""
    AFTER = "after"
    """After the confirm; soaks, and watches for life."""


class Need(StrEnum):
    """How much a predicate's truth matters."""

    MUST = "must"
    """False or unobservable fails the proof."""
    IF_OBSERVABLE = "if-observable"
    """False fails; unobservable (no test point, simulated device) reads 'not proven'."""


@dataclass(frozen=True, slots=True)
class Predicate:
    """One thing that must be true of a service.

    ``kind`` is a word of the catalogue (``config-equal``, ``interface-up``, ``evpn-remote-vtep``,
    ``ping``); ``device`` is where it is read; ``params`` fill the platform's observe.yaml entry of
    that kind (values are already validated text); ``expect`` are the bounds ``judge`` applies,
    e.g. {"loss_max": 0.0}. ``unobservable`` is the reason, known when the service was designed,
    why nobody can be asked (no test point at pe1:eth4), else None.
    """

    kind: str
    device: str
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    expect: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
    phase: Phase = Phase.HELD
    need: Need = Need.MUST
    unobservable: str | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """What a device said when asked about one ``kind``.

    ``values`` are the typed facts the platform's observe.yaml extracts (ping: ``sent``,
    ``received``, ``rtt_ms``); ``transcript`` is the raw exchange, bounded and stripped of control
    characters. ``simulated`` is true when no packet could move: packet predicates then read
    'not proven (simulated)'. ``unobservable`` is the reason why nothing could be read, else None.
    """

    kind: str
    device: str
    at: datetime
    values: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
    transcript: str = ""
    simulated: bool = False
    unobservable: str | None = None


class Outcome(StrEnum):
    """The three honest answers."""

    PROVEN = "proven"
    FAILED = "failed"
    NOT_PROVEN = "not proven"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A predicate, judged. ``passes`` says whether it lets the transaction go on."""

    predicate: Predicate
    outcome: Outcome
    reason: str
    observation: Observation | None = None

    @property
    def passes(self) -> bool:
        """PROVEN passes; NOT_PROVEN passes only where the predicate is if-observable.

        One exception: on a simulated device nothing but configuration is real, so there any
        other kind passes as 'not proven (simulated)', a ``must`` one too. The evidence says so;
        a real device never gets this leniency, because its observations are not ``simulated``.
        """
        if self.outcome is not Outcome.NOT_PROVEN:
            return self.outcome is Outcome.PROVEN
        simulated = self.observation is not None and self.observation.simulated
        lenient = simulated and self.predicate.kind != CONFIG_EQUAL
        return lenient or self.predicate.need is Need.IF_OBSERVABLE


@dataclass(frozen=True, slots=True)
class Question:
    """A question a session can answer: a kind of observe.yaml and its parameters."""

    kind: str
    params: Mapping[str, str] = field(default_factory=dict[str, str])
