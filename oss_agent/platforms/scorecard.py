"""Decides what the scorecard of a platform shows: declared, answered, and proven where a run is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from oss_agent import registry
from oss_agent.errors import ConfigurationError
from oss_agent.platforms import quality, results
from oss_agent.platforms.quality import Answer, Status
from oss_agent.spi import device


@dataclass(frozen=True, slots=True)
class Card:
    """One platform. ``stores`` are (name, rung); ``reached_by`` its protocols and standard ports."""

    platform: str
    package: str
    capabilities: tuple[str, ...]
    reached_by: Mapping[str, int]
    stores: tuple[tuple[str, str], ...]
    answers: Mapping[str, Answer]
    problem: str = ""

    def counted(self, status: Status) -> int:
        """How many rules stand so."""
        return sum(answer.status is status for answer in self.answers.values())


def cards() -> tuple[Card, ...]:
    """All installed platforms, by name. ConfigurationError when one cannot be loaded."""
    installed = registry.installed()
    entries = sorted(metadata.entry_points(group=registry.GROUP), key=lambda entry: entry.name)
    return tuple(card(entry.module, installed.driver(entry.name)) for entry in entries)


def card(module: str, driver: device.Driver) -> Card:
    """The card of one driver; ``module`` is where its value lies. A bad file is told, not raised."""
    package = module.rpartition(".")[0]
    answers, problem = _answers(package)
    return Card(
        driver.platform,
        package,
        tuple(sorted(driver.capabilities)),
        dict(sorted(_ports(driver))),
        tuple((store, _rung(driver, store)) for store in driver.stores),
        answers,
        problem,
    )


def as_json(one: Card, cases: tuple[results.Case, ...] | None) -> dict[str, Any]:
    """A card for programs; with ``cases`` each rule that is done says what the run proved."""
    return {
        "platform": one.platform,
        "package": one.package,
        "capabilities": list(one.capabilities),
        "reachedBy": dict(one.reached_by),
        "stores": [{"store": store, "rung": rung} for store, rung in one.stores],
        "rules": [_rule(one.platform, name, said, cases) for name, said in one.answers.items()],
        "counts": {status.value: one.counted(status) for status in Status},
        "problem": one.problem,
    }


def summary(shown: Mapping[str, Any]) -> dict[str, Any]:
    """A line of the table, of what ``as_json`` gave."""
    stores = [f"{one['store']}: {one['rung']}" for one in shown["stores"]]
    counts: Mapping[str, int] = shown["counts"]
    proven = Counter(rule["proof"].partition(" (")[0] for rule in shown["rules"] if "proof" in rule)
    return {
        "platform": shown["platform"],
        "reached": sorted(shown["reachedBy"]),
        "stores": stores,
        **counts,
        "proof": shown["problem"]
        or [f"{word} {number}" for word, number in sorted(proven.items())],
    }


def _rule(
    platform: str, name: str, said: Answer, cases: tuple[results.Case, ...] | None
) -> dict[str, Any]:
    shown = {
        "rule": name,
        "status": said.status.value,
        "reason": said.reason,
        "shownBy": list(said.shown_by),
    }
    if cases is not None and said.status is Status.DONE:
        shown["proof"] = results.verdict(platform, said.shown_by, cases)
    return shown


def _answers(package: str) -> tuple[Mapping[str, Answer], str]:
    try:
        return quality.answers(package), ""
    except ConfigurationError as wrong:
        return {}, str(wrong)


def _ports(driver: device.Driver) -> Iterable[tuple[str, int]]:
    # A driver made of our kits has its platform's data, itself or in its parts; others need not.
    for part in getattr(driver, "parts", (driver,)):
        yield from getattr(getattr(part, "model", None), "ports", {}).items()


def _rung(driver: device.Driver, store: str) -> str:
    found = device.rung(driver.declared(store))
    return found.value if found is not None else "none: no safe change is possible"
