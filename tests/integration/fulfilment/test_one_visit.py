"""Orders, audits and backups visit a device by one login, and none of them wears it out."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest

from inventory.backup import backup_look, backup_rows, backups
from inventory.devices import stored_logins
from inventory.drift import audits
from oss_agent.assurance import schedule
from oss_agent.fulfilment.talk import backup_reader
from oss_agent.spi import views
from oss_agent.spi.device import Endpoint
from oss_agent.testing.simulated import Kind, SimulatedDevice
from tests.integration.fulfilment import drifting
from tests.integration.fulfilment import world as worlds

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("at_once", "sessions"), [(False, 1), (True, 2)])
async def test_an_audit_and_a_backup_are_one_login(
    tmp_path: Path, *, at_once: bool, sessions: int
) -> None:
    async with worlds.open_world(tmp_path) as world:
        await world.order()
        await world.run()
        await world.start()  # nothing is open
        box = world.devices["pe1"]
        before = (len(box.login_attempts), _sessions(box))
        reader = backup_reader.BackupReader(world.drivers, world.lines, world.limits)
        keeper = backup_look.Keeper(world.rows, reader, world.clock, backup_look.Bounds())
        look = backup_rows.Look(worlds.TENANT, world.clock.now())
        audit = drifting.auditor(world).audit("pe1")
        backup = keeper.look("pe1", look)
        if at_once:
            told, taken = await asyncio.gather(audit, backup)
        else:
            told, taken = await audit, await backup
        assert (told.reason, taken.trouble) == ("", "")
        assert len(box.login_attempts) - before[0] == 1
        assert 1 <= _sessions(box) - before[1] <= sessions


def _sessions(box: SimulatedDevice) -> int:
    return sum(entry.kind is Kind.SESSION for entry in box.history)


def test_a_device_has_one_slot_for_both() -> None:
    of_audit, of_backup = audits.Pace().interval, backups.Pace().interval
    assert schedule.due("pe1", of_audit, 0.0) == schedule.due("pe1", of_backup, 0.0)


async def test_orders_whose_login_is_refused_fail_at_once_and_lock_nobody_out(
    tmp_path: Path,
) -> None:
    async with worlds.open_world(tmp_path) as world:
        world.sending = stored_logins.StoredLogins(world.rows, world.clock).sending
        await world.start()
        world.known.change = _wrong
        for name in ("one", "two", "three", "four"):
            await world.order(name)
            await world.run()
        sent = [len(box.login_attempts) for box in world.devices.values()]
        assert max(sent) <= 2
        for key in ("1", "2", "3", "4"):
            order = await world.get(key)
            assert order.state is views.OrderState.FAILED
            assert order.error is not None
            assert order.error.code == "deviceRefused"
            assert "oss-agent device login" in order.error.message

        world.known.change = lambda endpoint: endpoint
        await world.order("five")
        await world.run()
        assert (await world.get("5")).state is views.OrderState.COMPLETED


def _wrong(endpoint: Endpoint) -> Endpoint:
    wrong = dataclasses.replace(endpoint.credential, password="wrong")
    return dataclasses.replace(endpoint, credential=wrong)
