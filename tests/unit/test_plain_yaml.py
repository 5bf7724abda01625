"""YAML of a person: what stays text that YAML 1.1 makes a date or a number of."""

from __future__ import annotations

import pytest

from oss_agent.cli import plain_yaml


@pytest.mark.parametrize("text", ["65000:20", "10:30", "2026-12-01", "2026-12-01T06:00:00Z"])
def test_a_moment_and_a_route_target_stay_text(text: str) -> None:
    assert plain_yaml.load(f"it: {text}") == {"it": text}


def test_numbers_are_numbers() -> None:
    assert plain_yaml.load("[5, -1.5, 0x10]") == [5, -1.5, 16]
