"""A login that its device refuses is spared: counted over restarts, told once, tried again when it may be."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from drivers.netconf import greeting
from inventory.devices import device_views, devices, stored_logins
from inventory.looks import discovery
from inventory.onboarding import credential_trial, imports
from inventory.rows import cases, history, tables
from oss_agent import errors, registry, store
from oss_agent.fulfilment import limits
from oss_agent.fulfilment.record import tables as order_tables
from oss_agent.fulfilment.talk import audit_reader, backup_reader, connections
from oss_agent.spi import device, logins, snmp
from oss_agent.spi.clock import BootTime
from oss_agent.spi.logins import Asker, Candidate
from oss_agent.testing.simulated import SimulatedDevice
from tests.integration.inventory import conftest

pytestmark = pytest.mark.anyio
_START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
_QUICK = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""What no database does otherwise than another."""
_RIGHT = device.Credential("noc", "right horse")


@dataclass
class Time:
    """A clock for a test to push."""

    at: datetime = _START

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - _START).total_seconds()

    def boot(self) -> BootTime:
        raise NotImplementedError


@dataclass
class World:
    """Devices that take ``takes`` or nobody, as far as the counting of their refusals goes."""

    rows: store.SqlStore
    time: Time = field(default_factory=Time)
    sent: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    takes: str | None = None

    async def send(
        self, by: Asker, name: str = "pe1", of: device.Credential = _RIGHT
    ) -> errors.DeviceRefused | None:
        """One login by an agent that was just started: only the database remembers."""
        sending = stored_logins.StoredLogins(self.rows, self.time).sending
        endpoint = device.Endpoint(name, "stub", "192.0.2.1", of)
        try:
            async with sending(endpoint, by):
                self.sent.append((name, by.value))
                self._judge(name, of)
        except errors.DeviceRefused as no:
            return no
        return None

    def _judge(self, name: str, of: device.Credential) -> None:
        if of.password != self.takes:
            raise errors.DeviceRefused(name, "SSH: permission denied", login=True)

    async def open_cases(self) -> list[tuple[str, str]]:
        c = tables.cases
        query = sa.select(c.c.device, c.c.text).where(history.current(c))
        mine = query.where(c.c.kind == stored_logins.REFUSED).order_by(c.c.device)
        return [(one, text) for one, text in await self.rows.read(lambda x: x.execute(mine).all())]

    async def shown(self, name: str = "pe1") -> str:
        return (await self.rows.read(lambda c: device_views.get(c, "default", name))).login

    async def attempts(self) -> list[sa.RowMapping]:
        query = sa.select(tables.login_attempts)
        return list(await self.rows.read(lambda c: c.execute(query).mappings().all()))


@pytest.fixture
async def it(engine: sa.Engine, database_url: str) -> AsyncIterator[World]:
    with engine.begin() as connection:
        for name in ("pe1", "pe2", "pe3", "pe4"):
            conftest.add_device(connection, name, "sim_netconf", "default")
    async with store.open_store(database_url) as rows:
        yield World(rows)


@_QUICK
async def test_what_a_device_refuses_is_sent_ever_less_often_and_told_once(it: World) -> None:
    await it.send(Asker.AUDITS)
    for pause in (1, 2, 4, 8, 16, 24, 24):
        it.time.at += timedelta(hours=pause, seconds=-1)
        await it.send(Asker.BACKUPS)
        assert len(it.sent) == 1, f"{pause} h are not over"
        it.time.at += timedelta(seconds=1)
        await it.send(Asker.BACKUPS)
        assert it.sent.pop() == ("pe1", "backups")
    ((name, text),) = await it.open_cases()
    assert name == "pe1"
    assert (
        text == "it refuses its login noc since 2026-11-22T09:00:00.000Z, sent by audits, backups"
    )


@_QUICK
async def test_a_login_that_is_refused_for_ever_stays_a_few_rows_that_say_all(it: World) -> None:
    await it.send(Asker.AUDITS)
    for day in range(1, 13):
        it.time.at = _START + timedelta(days=2 * day)
        await it.send(Asker.BACKUPS if day % 2 else Asker.ORDERS)
    assert len(it.sent) == 13
    assert len(await it.attempts()) <= 4
    assert await it.shown() == (
        "noc is refused since 2026-11-22T09:00:00.000Z (13 times, sent by audits, orders, backups); "
        "the agent's own work spares it until 2026-12-17T09:00:00.000Z"
    )
    it.takes = "right horse"
    it.time.at += timedelta(days=2)
    assert await it.send(Asker.AUDITS) is None
    assert [row["outcome"] for row in await it.attempts()] == ["taken"]


@_QUICK
async def test_background_work_of_all_kinds_spares_it_and_says_what_to_do(it: World) -> None:
    first = await it.send(Asker.AUDITS)
    assert first is not None
    assert first.reason.startswith("SSH: permission denied; find a login that it takes by")
    assert first.login
    for by in (Asker.AUDITS, Asker.BACKUPS, Asker.DISCOVERY):
        no = await it.send(by)
        assert no is not None
        assert not no.login, "nothing was sent"
        assert "spares it until 2026-11-22T10:00:00.000Z" in no.reason
        assert "'oss-agent device login pe1 --logins FILE'" in no.reason
    assert it.sent == [("pe1", "audits")]
    assert await it.shown() == (
        "noc is refused since 2026-11-22T09:00:00.000Z (1 times, sent by audits); the agent's own work "
        "spares it until 2026-11-22T10:00:00.000Z"
    )
    assert await it.shown("pe2") == ""


@_QUICK
async def test_an_order_may_still_try_and_not_in_a_loop(it: World) -> None:
    await it.send(Asker.AUDITS)
    for _ in range(5):
        assert await it.send(Asker.ORDERS) is not None
    assert it.sent == [("pe1", "audits"), ("pe1", "orders")]
    it.time.at += timedelta(hours=1, seconds=1)
    for _ in range(5):
        await it.send(Asker.ORDERS)
    assert len(it.sent) == 4


@_QUICK
async def test_a_mended_password_is_tried_at_once_and_ends_the_case(it: World) -> None:
    await it.send(Asker.AUDITS)
    await it.send(Asker.ORDERS)
    it.takes = "mended"
    mended = dataclasses.replace(_RIGHT, password="mended")
    assert await it.send(Asker.BACKUPS, of=mended) is None
    assert await it.open_cases() == []
    assert await it.shown() == ""
    assert {row["outcome"] for row in await it.attempts()} == {"taken"}


@_QUICK
async def test_one_that_works_again_counts_as_new(it: World) -> None:
    await it.send(Asker.AUDITS)
    it.time.at += timedelta(hours=1)
    await it.send(Asker.AUDITS)
    it.time.at += timedelta(hours=2)
    it.takes = _RIGHT.password
    assert await it.send(Asker.DISCOVERY) is None
    assert await it.open_cases() == []
    it.takes = None
    await it.send(Asker.AUDITS)
    assert "until 2026-11-22T13:00:00.000Z" in await it.shown()
    assert len(await it.open_cases()) == 1


async def test_an_attempt_that_a_crash_cut_short_counts_as_refused(it: World) -> None:
    await it.send(Asker.AUDITS)
    it.time.at += timedelta(hours=1)
    endpoint = device.Endpoint("pe1", "stub", "192.0.2.1", _RIGHT)
    dying = stored_logins.StoredLogins(it.rows, it.time)
    with pytest.raises(asyncio.CancelledError):
        async with dying.sending(endpoint, Asker.AUDITS):
            raise asyncio.CancelledError
    assert await it.send(Asker.BACKUPS) is not None
    assert len(it.sent) == 1, "the next agent knows of it"
    assert "2 times" in await it.shown()


@_QUICK
async def test_silence_is_no_refusal(it: World) -> None:
    await it.send(Asker.AUDITS)
    it.time.at += timedelta(hours=1)
    endpoint = device.Endpoint("pe1", "stub", "192.0.2.1", _RIGHT)
    sending = stored_logins.StoredLogins(it.rows, it.time).sending
    with pytest.raises(errors.DeviceUnreachable):
        async with sending(endpoint, Asker.AUDITS):
            raise errors.DeviceUnreachable("pe1", "no route")
    await it.send(Asker.AUDITS)
    assert len(it.sent) == 2
    assert len(await it.open_cases()) == 1


async def test_an_account_that_several_refuse_in_a_row_is_spared_everywhere(it: World) -> None:
    for name in ("pe1", "pe2", "pe3"):
        await it.send(Asker.BACKUPS, name)
    no = await it.send(Asker.BACKUPS, "pe4")
    assert no is not None
    assert "devices refused it 3 times in a row" in no.reason
    it.takes = _RIGHT.password
    assert await it.send(Asker.ORDERS, "pe4") is None, "an order is about this device alone"
    assert await it.send(Asker.BACKUPS, "pe4") is None, "it works: what others refuse is theirs"
    assert [name for name, _ in await it.open_cases()] == ["pe1", "pe2", "pe3"]


@_QUICK
async def test_what_devices_of_another_tenant_refuse_spares_nobody(
    it: World, engine: sa.Engine
) -> None:
    with engine.begin() as connection:
        conftest.add_device(connection, "south1", "sim_netconf", "south")
    for name in ("pe1", "pe2", "pe3"):
        await it.send(Asker.BACKUPS, name)
    await it.send(Asker.BACKUPS, "south1")
    assert it.sent[-1] == ("south1", "backups")


@dataclass
class _Refusing:
    """A device that two wait for before it refuses the login that one of them sent."""

    waiting: int = 0
    sent: int = 0
    both: asyncio.Event = field(default_factory=asyncio.Event)

    async def endpoint(self, name: str) -> device.Endpoint:
        return device.Endpoint(name, "stub", "192.0.2.1", _RIGHT)

    def driver(self, platform: str) -> _Refusing:
        assert platform == "stub"
        return self

    def sending(self, of: logins.Sending) -> logins.Sending:
        @contextlib.asynccontextmanager
        async def counted(endpoint: device.Endpoint, by: Asker) -> AsyncIterator[None]:
            async with of(endpoint, by):
                self.waiting += 1
                if self.waiting == 2:
                    self.both.set()
                yield

        return counted

    @contextlib.asynccontextmanager
    async def connect(self, endpoint: device.Endpoint) -> AsyncIterator[None]:
        self.sent += 1
        await self.both.wait()
        raise errors.DeviceRefused(endpoint.device, "SSH: permission denied", login=True)
        yield


@_QUICK
async def test_one_login_that_two_wait_for_is_one_refusal(it: World) -> None:
    box = _Refusing()
    sending = box.sending(stored_logins.StoredLogins(it.rows, it.time).sending)
    some = cast("Any", box)

    async def ask(lines: connections.Connections, by: Asker) -> None:
        with pytest.raises(errors.DeviceRefused, match="'oss-agent device login pe1"):
            async with lines.reading("pe1", "", by):
                pytest.fail("it takes no login")

    async with (
        asyncio.timeout(300),
        connections.Connections(some, some, limits.Limits(), sending) as lines,
    ):
        await asyncio.gather(ask(lines, Asker.AUDITS), ask(lines, Asker.BACKUPS))
    assert box.sent == 1
    assert "(1 times" in await it.shown()


@_QUICK
async def test_a_login_that_works_costs_no_write(
    it: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    it.takes = _RIGHT.password
    await it.send(Asker.BACKUPS, "pe2", dataclasses.replace(_RIGHT, password="other"))
    await it.send(Asker.BACKUPS, "pe1", device.Credential("else", "where"))
    monkeypatch.setattr(it.rows, "write", None)
    for by in Asker:
        assert await it.send(by, "pe3") is None


@_QUICK
async def test_what_is_kept_of_a_password_does_not_tell_it(it: World) -> None:
    for name in ("pe1", "pe2"):
        await it.send(Asker.BACKUPS, name)
    marks = [row["secret"] for row in await it.attempts()]
    assert len(set(marks)) == 1, "a device that has it, too, gives nothing more away"
    assert len(marks[0]) == 4
    assert await it.rows.read(lambda c: bool(cases.unaccepted(c, "pe1", stored_logins.REFUSED)))


async def test_audits_backups_and_discovery_send_a_device_its_wrong_login_once(
    database_url: str, engine: sa.Engine, tmp_path: Path
) -> None:
    order_tables.lease.metadata.create_all(engine)
    async with contextlib.AsyncExitStack() as stack:
        rows = await stack.enter_async_context(store.open_store(database_url))
        box = await stack.enter_async_context(SimulatedDevice("sim1"))
        endpoint = box.endpoint()
        right = box.login
        row = {
            "tenant": "default",
            "name": "sim1",
            "source": "",
            "kind": "",
            "platform": "sim_netconf",
            "managed": True,
            "reason": "",
            "address": endpoint.address,
            "role": "",
            "site": "",
            "username": right.username,
            "password_ref": "env:WORD",
            "ports": dict(endpoint.ports),
        }
        keys, word, time = endpoint.host_keys, {"WORD": "wrong"}, Time()
        await rows.write(lambda c: history.begin(c, tables.devices, row, _START))
        await rows.write(lambda c: imports.pin(c, "default", "sim1", keys, "test", _START))
        places, drivers, bounds = (
            devices.StoredDevices(rows, word),
            registry.installed(),
            limits.Limits(),
        )
        sending = stored_logins.StoredLogins(rows, time).sending
        lines = await stack.enter_async_context(
            connections.Connections(places, drivers, bounds, sending)
        )
        unasked = cast("snmp.SnmpEngine", None)
        explorer = discovery.Explorer(places, drivers, unasked, discovery.Limits(), sending)
        audits = audit_reader.AuditReader(drivers, lines, bounds)
        backups = backup_reader.BackupReader(drivers, lines, bounds)

        async def in_turn() -> list[str]:
            """What each of the three says, for having had its turn."""
            said: list[str] = []
            for ask in (audits.read("sim1", "", ()), backups.read("sim1")):
                try:
                    await ask
                except errors.DeviceRefused as no:
                    said.append(no.reason)
            (found,) = await explorer.explore(["sim1"])
            return [*said, found.reason]

        for _ in range(3):
            assert all("device login sim1" in reason for reason in await in_turn())
        assert len(box.login_attempts) == 1

        with pytest.raises(errors.DeviceRefused):
            async with lines.reading("sim1"):
                pytest.fail("it takes no wrong login")
        with pytest.raises(errors.DeviceRefused, match="more could lock the account"):
            await lines.writing(("1-1", "sim1", ""))
        assert len(box.login_attempts) == 2

        async def nobody(*_: str) -> None: ...

        trial = credential_trial.CredentialTrial(
            rows, time, places, drivers, tmp_path, greeting=greeting.read, found=nobody
        )
        candidate = Candidate("right", right.username, right.password or "")
        (tried,) = await trial.find("default", ["sim1"], [candidate], by="op")
        assert tried.outcome == "found"
        assert await in_turn() == [""]
