"""The long tail through netmiko: the command-line kit's transaction, another library's conversation."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
import shutil
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

import device_models
from drivers import steps
from drivers.netmiko_adapter import driver, trust
from oss_agent.errors import (
    ChangeRejected,
    CommitUnknown,
    ConfigurationError,
    DeviceRefused,
    DeviceUnreachable,
)
from oss_agent.fulfilment.trees import tree as trees
from oss_agent.spi import device
from oss_agent.spi.tree import EMPTY, ROOT, Edit, Tree
from oss_agent.testing.simulated import ssh
from oss_agent.testing.simulated_cli import Echo, Faults, SimulatedCli

pytestmark = pytest.mark.anyio


def line(text: str, *below: Tree) -> Tree:
    return Tree(steps.owned(text), children=below)


SERVICE: tuple[Edit, ...] = trees.diff(
    EMPTY,
    Tree(
        ROOT,
        children=(
            line("service eline acme", line("vni 100"), line("port eth3")),
            line("vrf acme", line("vni 5")),
        ),
    ),
)


@pytest.fixture
async def router() -> AsyncIterator[SimulatedCli]:
    async with SimulatedCli("pe1") as made:
        yield made


@pytest.fixture
def by_netmiko(tmp_path: Path) -> driver.NetmikoDriver:
    """The simulated router's data, told that netmiko carries the lines."""
    return over_netmiko(tmp_path)


def over_netmiko(
    tmp_path: Path, extra: str = "netmiko: {device_type: cisco_ios}\n"
) -> driver.NetmikoDriver:
    folder = tmp_path / "sim_cli"
    shutil.copytree(Path(device_models.__file__).parent / "sim_cli", folder)
    with (folder / "platform.yaml").open("a") as file:
        file.write(extra)
    return driver.NetmikoDriver("sim_cli", data=tmp_path)


async def test_edit_commit_and_read_back(
    router: SimulatedCli, by_netmiko: driver.NetmikoDriver
) -> None:
    async with by_netmiko.session(router.endpoint()) as session:
        before = await session.snapshot()
        await session.edit(SERVICE)
        staged = await session.diff()
        await session.commit()
        now = await session.read(())
        await session.edit(trees.invert(SERVICE))
        await session.commit()
        after = await session.snapshot()

    assert "service eline acme" in staged
    assert trees.diff(EMPTY, now) == SERVICE
    assert after == before


async def test_a_refused_line_takes_back_what_was_applied_before_it(
    router: SimulatedCli, by_netmiko: driver.NetmikoDriver
) -> None:
    before = router.configuration.text()
    router.faults = Faults(error_at=3)
    async with by_netmiko.session(router.endpoint()) as session:
        await session.edit(SERVICE)
        with pytest.raises(ChangeRejected) as no:
            await session.commit()

    assert no.value.tag
    assert router.configuration.text() == before
    assert any("vrf acme" in event.detail for event in router.history)


async def test_a_cut_connection_in_the_block_is_unknown(
    router: SimulatedCli, by_netmiko: driver.NetmikoDriver
) -> None:
    router.faults = Faults(drop_at=3)
    async with by_netmiko.session(router.endpoint()) as session:
        await session.edit(SERVICE)
        with pytest.raises(CommitUnknown):
            await session.commit()


async def test_a_line_that_is_not_echoed_as_it_was_sent_is_not_trusted(
    router: SimulatedCli, by_netmiko: driver.NetmikoDriver
) -> None:
    async with by_netmiko.session(router.endpoint()) as session:
        await session.edit(SERVICE)
        router.faults = Faults(echo=Echo.GARBLED)
        with pytest.raises((CommitUnknown, DeviceUnreachable)):
            await session.commit()

    assert router.configuration.text() == SimulatedCli("empty").configuration.text()


async def test_another_host_key_is_refused_before_any_login(
    router: SimulatedCli, by_netmiko: driver.NetmikoDriver
) -> None:
    for kind in ("ssh-ed25519", "ecdsa-sha2-nistp256"):
        stranger = asyncssh.generate_private_key(kind).export_public_key().decode()
        wrong = dataclasses.replace(router.endpoint(), host_keys=(stranger,))
        with pytest.raises(DeviceRefused, match="host key"):
            async with by_netmiko.session(wrong):
                pass

    assert router.login_attempts == ()


@pytest.mark.parametrize("keys", [(), ("no-key",), ("ssh-ed25519 ÄÖ",)])
async def test_without_a_pinned_key_nothing_is_tried(
    router: SimulatedCli, by_netmiko: driver.NetmikoDriver, keys: tuple[str, ...]
) -> None:
    with pytest.raises(DeviceRefused):
        async with by_netmiko.session(dataclasses.replace(router.endpoint(), host_keys=keys)):
            pass

    assert router.login_attempts == ()


async def test_a_host_that_the_file_does_not_name_is_a_stranger(
    router: SimulatedCli, by_netmiko: driver.NetmikoDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The pinned keys never leave this out; netmiko's default would then trust whoever answers.
    def nobody(*_asked: object) -> str:
        return ""

    monkeypatch.setattr(trust, "lines", nobody)
    with pytest.raises(DeviceRefused, match="host key"):
        async with by_netmiko.session(router.endpoint()):
            pass

    assert router.login_attempts == ()


async def test_a_wrong_password_is_refused_and_nobody_there_is_unreachable(
    router: SimulatedCli, by_netmiko: driver.NetmikoDriver
) -> None:
    wrong = device.Credential(router.login.username, "no")
    with pytest.raises(DeviceRefused):
        async with by_netmiko.session(dataclasses.replace(router.endpoint(), credential=wrong)):
            pass
    with pytest.raises(DeviceUnreachable):
        async with by_netmiko.session(dataclasses.replace(router.endpoint(), ports={"ssh": 1})):
            pass


async def test_the_password_is_in_no_log_and_no_filter_stays(
    by_netmiko: driver.NetmikoDriver, caplog: pytest.LogCaptureFixture
) -> None:
    login = ssh.Login("operator", "hunter2-hunter2")
    with caplog.at_level(logging.DEBUG):
        async with (
            SimulatedCli("pe1", login=login) as router,
            by_netmiko.session(router.endpoint()) as session,
        ):
            await session.snapshot()

    assert caplog.records
    assert "hunter2" not in caplog.text
    assert logging.getLogger("netmiko").filters == []


async def test_the_known_hosts_file_is_private_and_gone_afterwards(router: SimulatedCli) -> None:
    with trust.known_hosts(router.endpoint(), router.port) as file:
        mode = stat.S_IMODE(os.stat(file).st_mode)  # noqa: PTH116 - a path as text
        content = await asyncio.to_thread(Path(file).read_text)

    assert mode == 0o600
    assert content == f"[127.0.0.1]:{router.port} {router.host_key}\n"
    assert not await asyncio.to_thread(Path(file).exists)
    assert trust.lines(router.endpoint(), 22) == f"127.0.0.1 {router.host_key}\n"


@pytest.mark.parametrize(
    ("extra", "why"),
    [("", "no `netmiko` part"), ("netmiko: {device_type: cisco_ios}\n", "errors is empty")],
)
async def test_a_platform_that_cannot_be_carried_safely_says_so(
    router: SimulatedCli, tmp_path: Path, extra: str, why: str
) -> None:
    bad = over_netmiko(tmp_path, extra)
    data = tmp_path / "sim_cli" / "platform.yaml"
    data.write_text(data.read_text().replace("errors: [^%]", "errors: []"))
    with pytest.raises(ConfigurationError, match=why):
        async with bad.session(router.endpoint()):
            pass
