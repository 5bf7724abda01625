"""Decides what a test run proved: its JUnit file, as pytest writes it, against what a rule is shown by."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

from oss_agent.errors import ConfigurationError

CONTRACT = "contract:"
_LONGEST = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Case:
    """One test that ran: ``file`` as a dotted path, ``name`` with its parameters."""

    file: str
    name: str
    outcome: str


def read(file: Path) -> tuple[Case, ...]:
    """The cases of a JUnit file. ConfigurationError when it is none."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        if file.stat().st_size > _LONGEST:
            raise ConfigurationError(f"{file} is longer than {_LONGEST} bytes")
        root = etree.parse(file, parser).getroot()
    except (OSError, etree.XMLSyntaxError) as wrong:
        raise ConfigurationError(f"{file} is no JUnit file: {wrong}") from wrong
    return tuple(
        Case(one.get("classname", ""), one.get("name", ""), _outcome(one))
        for one in root.iter("testcase")
    )


def verdict(platform: str, shown_by: tuple[str, ...], cases: tuple[Case, ...]) -> str:
    """``proven (n tests)``, ``FAILED (which)`` or ``not run (which)``; pure.

    Each of ``shown_by`` must have run at least once and never failed.
    """
    ran = 0
    for reference in shown_by:
        outcomes = Counter(c.outcome for c in cases if matches(reference, platform, c))
        if outcomes["failed"]:
            return f"FAILED ({reference})"
        if not outcomes["passed"]:
            return f"not run ({reference})"
        ran += outcomes["passed"]
    return f"proven ({ran} tests)" if ran else "not run (no test is named)"


def matches(reference: str, platform: str, case: Case) -> bool:
    """Is the case what is meant by ``contract:CHECK`` or ``path/of/test.py::name``?"""
    if reference.startswith(CONTRACT):
        check = reference.removeprefix(CONTRACT)
        return case.name.startswith(f"test_contract[{platform}-") and case.name.endswith(
            f"-{check}]"
        )
    path, _, name = reference.partition("::")
    dotted = path.removesuffix(".py").replace("/", ".")
    return case.file == dotted and (case.name == name or case.name.startswith(f"{name}["))


def _outcome(case: Any) -> str:
    kinds = {str(child.tag) for child in case}
    if kinds & {"failure", "error"}:
        return "failed"
    return "skipped" if "skipped" in kinds else "passed"
