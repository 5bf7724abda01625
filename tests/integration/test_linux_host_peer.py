"""The command kit against a real OpenSSH, iputils and iproute2: the peer's own root is a Linux host."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from drivers.linux_host.driver import DRIVER
from lab import peers
from oss_agent.errors import DeviceRefused
from oss_agent.spi.device import Credential, Endpoint
from oss_agent.spi.proof import Question
from tests import lab_or_skip

pytestmark = [pytest.mark.anyio, pytest.mark.peer]


@pytest.fixture(scope="module")
def host() -> Iterator[Endpoint]:
    with lab_or_skip.needed(), peers.netconfd() as server:
        credential = Credential(server.user, server.password)
        ports = {"ssh": server.port}
        yield Endpoint("b1", "linux_host", server.host, credential, (server.host_key,), ports)


async def test_a_ping_counts_what_came_back(host: Endpoint) -> None:
    async with DRIVER.session(host) as talk:
        seen = await talk.observe(Question("ping", {"target": "127.0.0.1", "count": "2"}))

    assert (seen.values.get("sent"), seen.values.get("received")) == (2, 2), seen
    assert seen.transcript.startswith("$ ping -n -c 2 ")


async def test_addresses_are_the_hosts_own_by_interface(host: Endpoint) -> None:
    async with DRIVER.session(host) as talk:
        seen = await talk.observe(Question("addresses"))

    interfaces = json.loads(str(seen.values["addresses"]))
    local = {a["local"] for i in interfaces if i["ifname"] == "lo" for a in i["addr_info"]}
    assert "127.0.0.1" in local


async def test_a_wrong_password_is_refused(host: Endpoint) -> None:
    wrong = Endpoint(
        host.device,
        host.platform,
        host.address,
        Credential("admin", "x"),
        host.host_keys,
        host.ports,
    )
    with pytest.raises(DeviceRefused):
        async with DRIVER.session(wrong):
            pass
