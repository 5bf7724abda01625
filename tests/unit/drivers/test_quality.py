"""Every platform answers every rule, and a rule said to be done has the tests that show it."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from importlib import import_module, metadata
from pathlib import Path

import pytest

from oss_agent import registry
from oss_agent.errors import ConfigurationError
from oss_agent.platforms import quality, results, scorecard
from oss_agent.platforms.quality import Answer, Status
from oss_agent.testing import contract
from tests.contract import driver_peers

ROOT = Path(__file__).parents[3]
ENTRIES = {entry.name: entry for entry in metadata.entry_points(group=registry.GROUP)}
CARDS = {card.platform: card for card in scorecard.cards() if card.package.startswith("drivers.")}
DONE = [
    pytest.param(card.platform, said, id=f"{card.platform}-{rule}")
    for card in CARDS.values()
    for rule, said in card.answers.items()
    if said.status is Status.DONE
]


@pytest.mark.parametrize("platform", CARDS)
def test_every_rule_is_answered(platform: str) -> None:
    assert CARDS[platform].problem == ""
    assert set(CARDS[platform].answers) == set(quality.rules())


@pytest.mark.parametrize(("platform", "said"), DONE)
def test_what_is_done_has_its_tests(platform: str, said: Answer) -> None:
    assert said.shown_by, "a rule that is done names the test that shows it"
    for reference in said.shown_by:
        assert reference in set(_contract(platform)) or _exists(reference), reference


def _contract(platform: str) -> Iterator[str]:
    for peer in driver_peers.PEERS:
        if peer.platform == platform:
            for check in contract.checks(peer.rung, excludes=peer.excludes):
                yield f"{results.CONTRACT}{check.__name__}"


def _exists(reference: str) -> bool:
    path, _, name = reference.partition("::")
    file = ROOT / path
    if not file.is_file():
        return False
    module = ast.parse(file.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return any(isinstance(one, kinds) and one.name == name for one in module.body)


@pytest.mark.parametrize("platform", CARDS)
def test_a_driver_is_data(platform: str) -> None:
    """Its module is an expression or two: no class, no function, no branch."""
    module = ast.parse(inspect.getsource(import_module(ENTRIES[platform].module)))
    allowed = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.Expr)

    assert [type(node) for node in module.body if not isinstance(node, allowed)] == []
    assert len(inspect.getsource(import_module(ENTRIES[platform].module)).splitlines()) <= 40


def test_a_test_that_is_not_there_is_noticed() -> None:
    assert not _exists("tests/unit/drivers/test_quality.py::test_nobody_wrote")
    assert not _exists("tests/no/such/file.py::test_x")
    assert "contract:unconfirmed_it_is_as_before" not in set(_contract("sim_cli"))


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("contract-suite: {status: todo}", "needs a `reason`"),
        ("contract-suite: {status: perhaps}", "status"),
        ("contract-suite: {status: done, because: x}", "because"),
        ("contract-suite: {status: done}", "missing rules"),
        ("- a", "cannot be used"),
    ],
)
def test_a_wrong_file_is_told_and_shown_on_the_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, why: str
) -> None:
    (tmp_path / "some_platform").mkdir()
    (tmp_path / "some_platform" / "quality.yaml").write_text(said)
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(ConfigurationError, match=why):
        quality.answers("some_platform")
    driver = registry.installed().driver("sim_netconf")
    assert why in scorecard.card("some_platform.driver", driver).problem


JUNIT = """<testsuites><testsuite>
<testcase classname="tests.contract.test_drivers" name="test_contract[box-simulated-lines-keeps]"/>
<testcase classname="tests.contract.test_drivers" name="test_contract[box-real-lines-keeps]"/>
<testcase classname="tests.contract.test_drivers" name="test_contract[other-x-lines-breaks]"/>
<testcase classname="tests.contract.test_drivers" name="test_contract[box-x-lines-breaks]">
  <failure message="no"/></testcase>
<testcase classname="tests.contract.test_drivers" name="test_contract[box-x-lines-sleeps]">
  <skipped message="no lab"/></testcase>
<testcase classname="tests.unit.test_a" name="test_b[1]"/>
</testsuite></testsuites>"""


@pytest.mark.parametrize(
    ("shown_by", "verdict"),
    [
        (("contract:keeps",), "proven (2 tests)"),
        (("contract:keeps", "tests/unit/test_a.py::test_b"), "proven (3 tests)"),
        (("contract:keeps", "contract:breaks"), "FAILED (contract:breaks)"),
        (("contract:sleeps",), "not run (contract:sleeps)"),
        (("tests/unit/test_a.py::test_",), "not run (tests/unit/test_a.py::test_)"),
        ((), "not run (no test is named)"),
    ],
)
def test_a_rule_is_proven_by_what_ran(
    tmp_path: Path, shown_by: tuple[str, ...], verdict: str
) -> None:
    file = tmp_path / "junit.xml"
    file.write_text(JUNIT)

    assert results.verdict("box", shown_by, results.read(file)) == verdict


def test_a_file_that_is_no_junit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("<a")
    with pytest.raises(ConfigurationError, match="no JUnit"):
        results.read(tmp_path / "x")
