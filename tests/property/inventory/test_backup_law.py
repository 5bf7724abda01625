"""Whatever a device has when, and whenever it is looked at: what is shown of a moment is what it had."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.backup import backup_look, backup_rows
from inventory.rows import tables
from oss_agent import database
from oss_agent.spi import backups
from oss_agent.spi.device import Datastore, Whole
from tests.integration.inventory import conftest, kept

T = TypeVar("T")
_PLACE = backup_rows.Place("pe1", "cli", "running")


@dataclass
class _Plain:
    """A store that is one connection: what is synced when is not what this is about."""

    connection: sa.Connection

    async def read(self, query: Callable[[sa.Connection], T]) -> T:
        return query(self.connection)

    async def write(self, unit: Callable[[sa.Connection], T]) -> T:
        return unit(self.connection)


@dataclass
class _Device:
    """What it has now; ``lacks`` as the platform would say; ``busy`` while an order has it."""

    text: str = ""
    lacks: str = ""
    busy: bool = False

    async def read(self, device: str) -> tuple[backups.Part, ...]:
        assert device == "pe1"
        return (backups.Part("cli", Datastore.RUNNING, Whole(self.text, self.lacks)),)

    def quiet(self, connection: sa.Connection, device: str) -> str | None:
        del connection, device
        return None if self.busy else ""

    def masked(self, platform: str, store: str, text: str, name: Callable[[str], str]) -> str:
        raise NotImplementedError(platform, store, text, name)


_TEXTS = st.one_of(
    st.sampled_from(["a\nend\n", "b\nend\n", "b\nc\nend\n", ""]), st.text(max_size=9)
)
_LOOKS = st.lists(
    st.tuples(_TEXTS, st.integers(0, 90), st.sampled_from(["", "", "", "lacks", "busy", "unseen"])),
    max_size=12,
)


_TABLES = (
    tables.devices,
    tables.cases,
    tables.backups,
    tables.backup_texts,
    tables.backup_looks,
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    """One database for all stories; each is rolled back."""
    place = tmp_path_factory.mktemp("law")
    made = database.writer(database.parse(f"sqlite:///{place / 'oss.db'}"))
    with made.begin() as connection:
        tables.METADATA.create_all(connection, tables=_TABLES)
        conftest.add_device(connection, "pe1", "sim_cli", "default")
    yield made
    made.dispose()


@given(_LOOKS, st.integers(0, 12 * 90))
@settings(max_examples=30, deadline=None)
def test_what_is_shown_of_a_moment_is_what_the_last_good_look_before_it_saw(
    engine: sa.Engine, story: list[tuple[str, int, str]], minutes: int
) -> None:
    with engine.connect() as connection:
        asyncio.run(_law(connection, story, kept.START + timedelta(minutes=minutes)))
        connection.rollback()


async def _law(
    connection: sa.Connection, story: list[tuple[str, int, str]], moment: datetime
) -> None:
    device, time = _Device(), kept.Time()
    keeper = backup_look.Keeper(_Plain(connection), device, time, backup_look.Bounds(again=0.0))
    seen: list[tuple[datetime, str]] = []
    for text, later, fault in story:
        at = time.pass_by(later)
        device.text, device.lacks, device.busy = text, fault * (fault == "lacks"), fault == "busy"
        if fault == "unseen":
            continue
        taken = await keeper.look("pe1", backup_rows.Look("default", at))
        if not taken.trouble:
            seen.append((at, text.encode("utf-8", "replace").decode()))

    before = [text for at, text in seen if at <= moment]
    held = backup_rows.find(
        connection, "default", _PLACE, backups.Point(at=moment), max(moment, time.now())
    )
    shown = None if held is None else backup_rows.text(connection, held)
    assert shown == (before[-1] if before else None)
    listed = backup_rows.versions(connection, "default", "pe1", backups.Window())
    numbers = [view.version for view in listed.items]
    changes = sum(now != then for (_, now), (_, then) in zip(seen[1:], seen, strict=False))
    assert len(numbers) <= changes + bool(seen), "no version for a look at what did not change"
