"""A plan for a specification that there is not is told at the start: nobody would be billed by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from oss_agent import settings
from oss_agent.app import catalogues
from oss_agent.catalog import collection

CONNECTOR = """\
[[connectors]]
name = "lago"
kind = "lago"
url = "https://lago.example.net"
credential = "env:LAGO"
plans = {%s}
"""


@pytest.mark.parametrize(
    ("plans", "told"),
    [
        ("", ()),
        ('eline = "monthly", l3vpn = "monthly"', ()),
        ('e-line = "monthly", l3vpn = "monthly"', ("lago: e-line",)),
    ],
)
def test_a_plan_that_nothing_is_billed_by_is_named(
    tmp_path: Path, plans: str, told: tuple[str, ...]
) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(CONNECTOR % plans, encoding="utf-8")

    assert catalogues.unknown_plans(settings.load(file), collection.load()) == told


def test_the_page_bills_by_specifications_that_there_are(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "billing.md").read_text(encoding="utf-8")
    (line,) = (line for line in page.splitlines() if line.startswith("plans = {"))
    file = tmp_path / "agent.toml"
    file.write_text(CONNECTOR.replace("plans = {%s}", line), encoding="utf-8")

    found = settings.load(file)

    assert found.connectors[0].plans
    assert catalogues.unknown_plans(found, collection.load()) == ()
