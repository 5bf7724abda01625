"""A device without SNMP, by its own YANG modules: netconfd's, from its session to TMF639."""

from __future__ import annotations

from typing import cast

import pytest
import sqlalchemy as sa

from drivers import observation
from inventory.looks import discovery, observed
from inventory.services import resource_queries
from lab import peers
from oss_agent import registry
from oss_agent.spi import device, ledger, snmp
from oss_agent.spi.query import Query
from tests import lab_or_skip

pytestmark = [pytest.mark.anyio, pytest.mark.peer]

_CLASS = '<class xmlns:h="urn:ietf:params:xml:ns:yang:iana-hardware">h:{}</class>'
_STARTUP = f"""<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">
<interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces"><interface><name>eth0</name>
<type xmlns:t="urn:ietf:params:xml:ns:yang:iana-if-type">t:ethernetCsmacd</type></interface></interfaces>
<hardware xmlns="urn:ietf:params:xml:ns:yang:ietf-hardware">
<component><name>box</name>{_CLASS.format("chassis")}</component>
<component><name>slot 1</name>{_CLASS.format("container")}<parent>box</parent>
<parent-rel-pos>1</parent-rel-pos></component></hardware></config>"""
_MODULES = ("oss-lab-services", "ietf-interfaces", "iana-if-type", "iana-hardware", "ietf-hardware")


class _Devices:
    def __init__(self, endpoint: device.Endpoint) -> None:
        self._endpoint = endpoint

    async def endpoint(self, device: str) -> device.Endpoint:
        assert device == self._endpoint.device
        return self._endpoint


async def test_what_its_modules_say_of_its_parts_becomes_resources(
    connection: sa.Connection,
) -> None:
    with lab_or_skip.needed(), peers.netconfd(modules=_MODULES, startup=_STARTUP) as server:
        endpoint = device.Endpoint(
            device="pe1",
            platform="frr_linux",
            address=server.host,
            credential=device.Credential(server.user, server.password),
            host_keys=(server.host_key,),
            ports={"netconf": server.port},
        )
        explorer = discovery.Explorer(
            cast("ledger.Devices", _Devices(endpoint)),
            registry.installed(),
            cast("snmp.SnmpEngine", None),
            discovery.Limits(),
        )
        (found,) = await explorer.explore(["pe1"])

    assert found.reason == ""
    assert found.learned is not None
    assert found.learned.interfaces is None, "eth0 is only configured: nobody says it is there"
    observed.record(connection, found.learned, observation.utc())
    shown = {one.id: one for one in resource_queries.find(connection, Query("default")).items}
    assert shown["pe1~chassis"].name == "box"
    assert ("contains", "pe1~chassis.container-1") in shown["pe1~chassis"].relationships
    assert ("contains", "pe1~chassis") in shown["pe1"].relationships
