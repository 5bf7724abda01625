"""What the applier decides, without a kernel."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from lab.node import wanted
from lab.node.wanted import Eline, Port

REPLY = """
<rpc-reply xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><data>
 <services xmlns="urn:oss-agent:lab:services">
  <eline><name>one</name><vni>10100</vni><port>eth4</port><rate>20000</rate></eline>
  <eline><name>two</name><vni>10101</vni><port>eth3</port></eline>
 </services>
 <ports xmlns="urn:oss-agent:lab:services">
  <port><name>eth3</name><description>to a1</description><enabled>false</enabled></port>
 </ports>
</data></rpc-reply>
"""


def element(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - this file's own text


def test_a_reply_is_read() -> None:
    found = wanted.desired(element(REPLY))
    assert [(e.name, e.vni, e.port, e.rate) for e in found.elines] == [
        ("one", 10100, "eth4", 20000),
        ("two", 10101, "eth3", None),
    ]
    assert found.ports == {"eth3": Port(enabled=False, description="to a1")}


def test_an_empty_reply_wants_nothing() -> None:
    reply = element(
        '<rpc-reply xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><data/></rpc-reply>'
    )
    assert wanted.desired(reply) == wanted.Desired((), {})


def test_the_kernel_is_read_and_half_made_services_are_no_services() -> None:
    links: list[dict[str, object]] = [
        {"ifname": "eth4", "master": "br10100"},
        {"ifname": "br10100"},
        {"ifname": "vx10100", "master": "br10100"},
        {"ifname": "vx10101"},
        {"ifname": "brain"},
    ]
    assert wanted.present(links) == {Eline(10100, "eth4"), Eline(10101, "")}


def test_a_changed_rate_or_name_does_not_rebuild_a_service() -> None:
    assert Eline(1, "eth4", "a", 5) == Eline(1, "eth4", "b", None)
    assert Eline(1, "eth4") != Eline(1, "eth3")


def test_a_rate_is_in_bytes_for_the_policer() -> None:
    assert "limit rate over 1250000 bytes/second" in wanted.policer("eth4", 10000)
    assert wanted.policer("eth4", None).endswith("delete table netdev oss_eth4\n")
