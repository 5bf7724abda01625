"""The process that victims are forked from, once for all crash tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash import world


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The smoke is one file of five minutes: it begins first, beside all others."""
    items.sort(key=lambda item: item.path.name != "test_smoke.py")


@pytest.fixture(scope="session")
def births() -> Iterator[world.Child]:
    with world.nursery() as nursery:
        yield nursery


@pytest.fixture
def here(births: world.Child, tmp_path: Path) -> Iterator[world.World]:
    """A network, billing and a living agent, for one test."""
    with world.opened(tmp_path / "world", births) as opened:
        yield opened


@pytest.fixture
def failures(tmp_path: Path) -> Path:
    """Where a failure leaves its folder."""
    return tmp_path / "failures"
