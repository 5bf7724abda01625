from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from oss_agent import errors, locks

_VICTIM = Path(__file__).parent / "locks_victim.py"


def _victim(url: str, data: Path) -> tuple[subprocess.Popen[bytes], str]:
    argv = [sys.executable, str(_VICTIM), url, str(data)]
    victim = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert victim.stdout is not None
    return victim, victim.stdout.readline().decode().strip()


def _kill(victim: subprocess.Popen[bytes]) -> None:
    victim.kill()
    victim.communicate(timeout=300)


def _cut_lock_holders(url: str) -> int:
    """End the server's side of every connection that holds an advisory lock; how many."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        cut = connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
                "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        ).all()
    engine.dispose()
    return len(cut)


def test_a_second_daemon_on_the_same_data_directory_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'agent.db'}"

    async def body(pid: int) -> None:
        with pytest.raises(errors.ConfigurationError, match=f"pid {pid}.*stop it, or choose"):
            async with locks.open_locks(url, tmp_path):
                pass

    victim, slot = _victim(url, tmp_path)
    try:
        assert slot == "slot-0"
        asyncio.run(body(victim.pid))
    finally:
        _kill(victim)

    async def afterwards() -> None:
        async with locks.open_locks(url, tmp_path) as it:
            assert await it.take(1)

    asyncio.run(afterwards())


def test_a_second_daemon_on_the_same_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "link.db").symlink_to(tmp_path / "one" / "agent.db")

    async def body() -> None:
        first = f"sqlite:///{tmp_path / 'one' / 'agent.db'}"
        same, other = f"sqlite:///{tmp_path / 'link.db'}", f"sqlite:///{tmp_path / 'two.db'}"
        async with locks.open_locks(first, tmp_path / "one"):
            with pytest.raises(errors.ConfigurationError, match=r"running on the database .*url"):
                async with locks.open_locks(same, tmp_path / "two"):
                    pass
            async with locks.open_locks(other, tmp_path / "two") as it:
                assert await it.take(0)

    asyncio.run(body())


def test_a_data_directory_that_takes_no_lock_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "running").mkdir()

    async def body() -> None:
        with pytest.raises(errors.ConfigurationError, match="let this user write there"):
            async with locks.open_locks(f"sqlite:///{tmp_path / 'agent.db'}", tmp_path):
                pass

    asyncio.run(body())


@pytest.mark.peer
def test_what_one_process_holds_no_other_gets(postgres_url: str, tmp_path: Path) -> None:
    async def body() -> None:
        opened = locks.open_locks(postgres_url, tmp_path)
        async with opened as mine, locks.open_locks(postgres_url, tmp_path) as theirs:
            assert await locks.take_slot(mine) == "slot-0"
            assert await mine.take(0), "held is held"
            assert not await theirs.take(0)
            assert await locks.take_slot(theirs) == "slot-1"
            assert not await mine.take(1)

    asyncio.run(body())


@pytest.mark.peer
def test_a_dead_processs_slot_is_free_and_a_living_ones_is_not(
    postgres_url: str, tmp_path: Path
) -> None:
    async def taken_after(victim: subprocess.Popen[bytes]) -> None:
        async with locks.open_locks(postgres_url, tmp_path) as it:
            assert await locks.take_slot(it) == "slot-1"
            _kill(victim)
            async with asyncio.timeout(300):
                while not await it.take(0):  # noqa: ASYNC110  the server sends no signal
                    await asyncio.sleep(0.01)

    victim, slot = _victim(postgres_url, tmp_path)
    try:
        assert slot == "slot-0"
        asyncio.run(taken_after(victim))
    finally:
        _kill(victim)


@pytest.mark.peer
def test_a_process_that_lost_its_locks_ends_at_once_though_idle(
    postgres_url: str, tmp_path: Path
) -> None:
    victim, slot = _victim(postgres_url, tmp_path)
    try:
        assert slot == "slot-0"
        assert _cut_lock_holders(postgres_url) == 1
        _, said = victim.communicate(timeout=300)
    finally:
        _kill(victim)

    assert victim.returncode == locks.EXIT_LOST
    assert b"lost its locks" in said


@pytest.mark.peer
def test_losing_the_connection_in_use_fails_the_caller_and_reports(
    postgres_url: str, tmp_path: Path
) -> None:
    async def body() -> None:
        told: list[str] = []
        async with locks.open_locks(postgres_url, tmp_path, lost=told.append) as it:
            assert await it.take(0)
            await asyncio.to_thread(_cut_lock_holders, postgres_url)
            with pytest.raises(errors.StoreUnavailable, match="locks are lost"):
                await it.take(1)
        assert len(told) == 1

    asyncio.run(body())


@pytest.mark.peer
def test_an_unreachable_server_is_said(tmp_path: Path) -> None:
    async def body() -> None:
        with pytest.raises(errors.StoreUnavailable, match="no locks without"):
            async with locks.open_locks("postgresql://oss@127.0.0.1:1/none", tmp_path):
                pass

    asyncio.run(body())
