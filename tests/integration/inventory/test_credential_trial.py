"""Several logins are tried in turn, and nobody is locked out: a real SSH server, real refusals."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from drivers.netconf import greeting
from inventory.devices import devices
from inventory.onboarding import credential_trial, imports
from inventory.rows import history, tables
from oss_agent import errors, registry, store
from oss_agent.spi import audit
from oss_agent.spi.clock import BootTime
from oss_agent.spi.logins import Candidate, Tried
from oss_agent.testing.simulated import SimulatedDevice

pytestmark = pytest.mark.anyio
_START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


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
    box: SimulatedDevice
    rows: store.SqlStore
    places: devices.StoredDevices
    folder: Path
    time: Time = field(default_factory=Time)
    deeds: list[audit.Deed] = field(default_factory=list[audit.Deed])
    heard: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])

    async def find(self, *names: str) -> Tried:
        """A new trial each time: what was refused is remembered by the database alone."""
        trial = credential_trial.CredentialTrial(
            self.rows,
            self.time,
            self.places,
            registry.installed(),
            self.folder,
            lambda _, deed: self.deeds.append(deed),
            greeting=greeting.read,
            found=self.found,
        )
        every = [Candidate(one, *self._login(one)) for one in names]
        (told,) = await trial.find("default", ["sim1"], every, by="op")
        return told

    async def found(self, tenant: str, device: str, by: str) -> None:
        self.heard.append((tenant, device, by))

    def _login(self, name: str) -> tuple[str, str]:
        right = self.box.login
        return (right.username, right.password or "") if name == "right" else (name, "wrong")

    async def write(self, **facts: object) -> None:
        c = tables.devices.c
        change = sa.update(tables.devices).where(c.name == "sim1").values(facts)
        await self.rows.write(lambda connection: connection.execute(change))


@pytest.fixture
async def it(engine: sa.Engine, database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    del engine  # it made the tables
    async with store.open_store(database_url) as rows, SimulatedDevice("sim1") as box:
        endpoint = box.endpoint()
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
            "username": "",
            "ports": dict(endpoint.ports),
        }
        await rows.write(lambda c: history.begin(c, tables.devices, row, _START))
        keys = endpoint.host_keys
        await rows.write(lambda c: imports.pin(c, "default", "sim1", keys, "test", _START))
        yield World(box, rows, devices.StoredDevices(rows, {}), tmp_path)


async def test_the_first_that_is_taken_is_kept_and_named(it: World) -> None:
    told = await it.find("old", "right", "never")

    assert told == Tried("sim1", "found", "right", ("old", "right"))
    endpoint = await it.places.endpoint("sim1")
    right = it.box.login
    kept = endpoint.credential
    assert (kept.username, kept.password) == (right.username, right.password)
    assert "never" not in it.box.login_attempts
    (deed,) = it.deeds
    assert (deed.actor, deed.action, deed.subject) == ("op", "login", "device:sim1")
    assert deed.detail == {"tried": ["old", "right"], "outcome": "found", "login": "right"}
    assert it.heard == [("default", "sim1", "op")]
    assert it.box.login.password not in str(told)


async def test_so_many_refusals_and_no_more_over_requests_and_restarts(it: World) -> None:
    assert (await it.find("one")).outcome == "refused"
    told = await it.find("two", "three", "right")
    assert (told.outcome, told.tried) == ("stopped", ("two",))
    assert "more could lock the account" in told.reason
    before = it.box.login_attempts
    assert (await it.find("right")).tried == ()
    assert it.box.login_attempts == before, "nothing was sent"

    it.time.at += timedelta(hours=1, seconds=1)
    assert (await it.find("right")).outcome == "found"


async def test_a_driver_that_logs_in_by_session_is_tried_by_one(it: World) -> None:
    await it.write(platform="linux_host")
    told = await it.find("old", "right")
    assert told == Tried("sim1", "found", "right", ("old", "right"))


async def test_an_account_that_others_refused_in_a_row_is_spared(it: World) -> None:
    user = it.box.login.username
    row = {"tenant": "default", "login": user, "at": _START, "outcome": "refused"}
    insert = sa.insert(tables.login_attempts)
    many = [{**row, "device": f"pe{number}"} for number in range(3)]
    await it.rows.write(lambda c: c.execute(insert, many))
    told = await it.find("right")
    assert (told.outcome, told.tried) == ("stopped", ())
    assert f"{user} was refused 3 times in a row" in told.reason

    taken = {**row, "device": "pe9", "outcome": "taken"}
    await it.rows.write(lambda c: c.execute(insert, [taken]))
    assert (await it.find("right")).outcome == "found"


async def test_what_was_sent_in_vain_is_audited_and_not_kept_for_ever(it: World) -> None:
    await it.find("one")
    (deed,) = it.deeds
    assert (deed.actor, deed.action, deed.subject) == ("op", "login", "device:sim1")
    assert deed.detail == {"tried": ["one"], "outcome": "refused"}

    it.time.at += timedelta(hours=1, seconds=1)
    await it.find("right")
    query = sa.select(tables.login_attempts.c.login, tables.login_attempts.c.outcome)
    rows = await it.rows.read(lambda c: c.execute(query).all())
    assert [tuple(row) for row in rows] == [(it.box.login.username, "taken")]


async def test_an_attempt_that_a_crash_cut_short_counts_as_a_refusal(it: World) -> None:
    row = {"tenant": "default", "device": "sim1", "login": "x", "at": _START, "outcome": "begun"}
    insert = sa.insert(tables.login_attempts)
    await it.rows.write(lambda c: c.execute(insert, [row, row]))
    assert (await it.find("right")).outcome == "stopped"


async def test_another_trouble_than_the_login_ends_it(it: World) -> None:
    await it.write(ports={"netconf": 1})
    told = await it.find("one", "right")
    assert (told.outcome, told.tried) == ("stopped", ("one",))
    # what was no refusal is not counted as one
    await it.write(ports=dict(it.box.endpoint().ports))
    assert (await it.find("two", "right")).outcome == "found"


async def test_a_device_without_a_platform_is_tried_by_its_hello(it: World) -> None:
    await it.write(platform="", managed=False, reason="nobody knows what it is")
    told = await it.find("wrong", "right")
    assert (told.outcome, told.login) == ("found", "right")
    await it.write(kind="bridge")
    assert (await it.find("right")).reason == "it is not managed: nobody knows what it is"


async def test_nothing_is_sent_where_no_key_or_another_is_pinned(it: World) -> None:
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ4vKbKLSDfqmI1i8QjK2oF6vJQWmFKTbVwqo3PpJEnk"
    await it.rows.write(lambda c: imports.pin(c, "default", "sim1", [other], "test", _START))
    told = await it.find("one", "right")
    assert (told.outcome, told.tried) == ("stopped", ("one",))
    await it.rows.write(lambda c: imports.pin(c, "default", "sim1", [], "test", _START))
    told = await it.find("one", "right")
    assert (told.outcome, told.tried) == ("stopped", ())
    assert "no host key is pinned" in told.reason
    assert it.box.login_attempts == ()


async def test_what_cannot_be_is_refused_before_anything_is_sent(it: World) -> None:
    trial = credential_trial.CredentialTrial(
        it.rows,
        it.time,
        it.places,
        registry.installed(),
        it.folder,
        greeting=greeting.read,
        found=it.found,
    )
    good = Candidate("a", "admin", "x")
    for bad in (dataclasses.replace(good, name="a b"), dataclasses.replace(good, username="")):
        with pytest.raises(errors.OrderRejected, match="no plain word"):
            await trial.find("default", ["sim1"], [bad], by="op")
    with pytest.raises(errors.OrderRejected, match="the password of a is not"):
        await trial.find("default", ["sim1"], [dataclasses.replace(good, password="\n")], by="op")
    with pytest.raises(errors.OrderRejected, match="1 to 8 logins"):
        await trial.find("default", ["sim1"], [good] * 9, by="op")
    with pytest.raises(errors.NotFound):
        await trial.find("other", ["sim1"], [good], by="op")
    assert "password" not in repr(good)
    assert it.box.login_attempts == ()
