"""What the applier decides, without a kernel."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.node import pieces, present, rates, routing, wanted
from lab.node.pieces import Access, Eline, Piece, Site, Vrf
from lab.node.wanted import Port

REPLY = """
<rpc-reply xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><data>
 <services xmlns="urn:oss-agent:lab:services">
  <eline><name>one</name><vni>10100</vni><port>eth4</port><rate>20000</rate></eline>
  <eline><name>two</name><vni>10101</vni><port>eth3</port></eline>
  <internet-access>
   <name>i</name><port>eth5</port><gateway>203.0.113.1/30</gateway><profile>gold</profile>
  </internet-access>
  <internet-access>
   <name>j</name><port>eth6</port><gateway>203.0.113.5/30</gateway><profile>lost</profile>
  </internet-access>
  <vrf>
   <name>vpn10200</name><vni>10200</vni><transit>100.64.0.7/10</transit>
   <site><port>eth7</port><gateway>172.16.1.1/24</gateway><rate>5000</rate></site>
   <site><port>eth8</port><gateway>172.16.2.1/24</gateway></site>
  </vrf>
 </services>
 <profiles xmlns="urn:oss-agent:lab:services">
  <rate-profile><name>gold</name><rate>50000</rate></rate-profile>
 </profiles>
 <ports xmlns="urn:oss-agent:lab:services">
  <port><name>eth3</name><description>to a1</description><enabled>false</enabled></port>
 </ports>
</data></rpc-reply>
"""
EMPTY = '<rpc-reply xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><data/></rpc-reply>'

_PORTS = st.sampled_from(["eth3", "eth4", "eth5"])
_VNIS = st.integers(1, 3)
_PIECES: st.SearchStrategy[Piece] = st.one_of(
    st.builds(Eline, vni=_VNIS, port=_PORTS),
    st.builds(Vrf, vni=_VNIS, transit=st.sampled_from(["100.64.0.7/10", "100.64.0.8/10"])),
    st.builds(Site, vni=_VNIS, port=_PORTS, gateway=st.just("172.16.1.1/24")),
    st.builds(Access, port=_PORTS, gateway=st.just("203.0.113.1/30")),
)


def read(text: str) -> wanted.Desired:
    return wanted.desired(ET.fromstring(text))  # noqa: S314 - this file's own text


def link(name: str, master: str = "", *addresses: str, label: str = "") -> dict[str, Any]:
    info = [dict(zip(("local", "prefixlen"), a.split("/"), strict=True)) for a in addresses]
    four = [{"family": "inet", "label": label or name, **one} for one in info]
    return {"ifname": name, "addr_info": four} | ({"master": master} if master else {})


def test_a_reply_is_read() -> None:
    found = read(REPLY)
    assert found.pieces == {
        Eline(10100, "eth4"),
        Eline(10101, "eth3"),
        Access("eth5", "203.0.113.1/30"),
        Access("eth6", "203.0.113.5/30"),
        Vrf(10200, "100.64.0.7/10"),
        Site(10200, "eth7", "172.16.1.1/24"),
        Site(10200, "eth8", "172.16.2.1/24"),
    }
    assert found.ports == {"eth3": Port(enabled=False, description="to a1")}


def test_rates_are_per_port_and_an_undefined_profile_limits_nothing() -> None:
    found = read(REPLY)
    assert found.rates == {"eth4": 20000, "eth5": 50000, "eth7": 5000}
    assert found.undefined == ("lost",)


def test_an_empty_reply_wants_nothing() -> None:
    assert read(EMPTY) == wanted.Desired()


def test_elines_are_read_from_the_kernel_and_half_made_ones_are_no_services() -> None:
    main = [
        link("eth4", "br10100"),
        link("br10100"),
        link("vx10100", "br10100"),
        link("vx10101"),
        link("brain"),
        {},  # what `ip -j` leaves of a filtered interface
    ]
    assert present.pieces(main, {}) == {Eline(10100, "eth4"), Eline(10101, "")}


def vpn(transit: str = "100.64.0.7/10") -> tuple[list[dict[str, Any]], dict[int, Any]]:
    main = [
        link("br10200"),
        link("vx10200", "br10200"),
        link("vt10200", "br10200"),
        link("site-eth3"),
        link("leg-eth3", "site-eth3"),
        link("eth3", "site-eth3"),
    ]
    inside = [link("transit", "", *filter(None, [transit])), link("gw-eth3", "", "172.16.1.1/24")]
    return main, {10200: inside}


def test_a_vpn_is_read_from_its_namespaces() -> None:
    site = Site(10200, "eth3", "172.16.1.1/24")
    assert present.pieces(*vpn()) == {Vrf(10200, "100.64.0.7/10"), site}
    assert present.pieces(*vpn(transit="")) == {Vrf(10200, ""), site}


def test_what_is_left_of_a_vpn_is_seen_and_is_nobodys() -> None:
    main, inside = vpn()
    assert present.pieces(main, {}) == {Vrf(10200, ""), Site(0, "eth3", "")}
    unplugged = [one for one in main if one["ifname"] not in {"eth3", "vt10200"}]
    assert present.pieces(unplugged, inside) == {Vrf(10200, ""), Site(10200, "eth3", "")}
    assert present.pieces([], {10200: []}) == {Vrf(10200, "")}


def test_only_addresses_with_our_label_are_services() -> None:
    main = [
        link("eth1", "", "10.0.1.1/31"),
        link("eth4", "", "203.0.113.1/30", label="eth4:oss"),
    ]
    assert present.pieces(main, {}) == {Access("eth4", "203.0.113.1/30")}


@given(st.frozensets(_PIECES), st.frozensets(_PIECES))
def test_a_difference_leads_from_any_kernel_to_any_wish(
    have: frozenset[Piece], want: frozenset[Piece]
) -> None:
    gone, made = pieces.difference(have, want)
    assert (have - set(gone)) | set(made) == want
    assert not set(made) & (have - set(gone))
    dead = [piece.vni for piece in gone if isinstance(piece, Vrf)]
    sites = [piece for piece in have if isinstance(piece, Site) and piece.vni in dead]
    assert set(sites) <= set(gone)
    assert _vrfs(made) == sorted(_vrfs(made), reverse=True), "a VRF is made before its sites"
    assert _vrfs(gone) == sorted(_vrfs(gone)), "and taken away after them"


def _vrfs(order: list[Piece]) -> list[bool]:
    return [isinstance(piece, Vrf) for piece in order]


def test_what_is_right_is_not_touched() -> None:
    vrf, old, new = Vrf(1, "100.64.0.7/10"), Site(1, "eth3", "a"), Site(1, "eth4", "b")
    assert pieces.difference({vrf, old}, {vrf, old, new}) == ([], [new])


def test_a_rate_is_in_bytes_for_the_policer() -> None:
    assert "limit rate over 1250000 bytes/second" in rates.policer("eth4", 10000)
    assert rates.policer("eth4", None).endswith("delete table netdev oss_eth4\n")


def test_a_rate_is_changed_without_its_queue() -> None:
    assert "qdisc" not in rates.shape("eth4", 10000)
    assert rates.shape("eth4", 10000)[-4:] == ["rate", "10000kbit", "ceil", "10000kbit"]


def test_what_zebra_missed_is_told_again() -> None:
    """As recorded on a busy machine: the link is known, its address is not."""
    half = '{"lo": {}, "transit": {"addresses": ["100.64.0.10/10"]}, "gw-eth3": {"addresses": []}}'
    whole = half.replace("[]", '["172.16.1.1/24"]')
    assert routing.unheard(_vrf_links(), half) == [("gw-eth3", "172.16.1.1/24")]
    assert routing.unheard(_vrf_links(), whole) == []


def test_what_bgp_missed_is_told_again() -> None:
    """As recorded: zebra has both connected routes, bgpd one, and what it heard from neighbours."""
    own, heard = '[{"weight": 32768}]', '[{"weight": 0}]'
    half = f'{{"routes": {{"100.64.0.0/10": {own}, "172.16.1.0/24": {heard}}}}}'
    whole = half.replace(heard, f"{heard[:-1]}, {own[1:]}")
    assert routing.unshared(_vrf_links(), half) == [("gw-eth3", "172.16.1.1/24")]
    assert routing.unshared(_vrf_links(), whole) == []


@pytest.mark.parametrize("answer", ["", "{}", "[]", "% VRF vpn10200 not found", '{"warning": "x"}'])
def test_a_vrf_that_routing_does_not_know_yet_is_asked_for_again(answer: str) -> None:
    assert routing.unshared(_vrf_links(), answer) is None
    if "warning" not in answer:
        assert routing.unheard(_vrf_links(), answer) is None


def _vrf_links() -> list[dict[str, Any]]:
    return [
        {"ifname": "lo", "addr_info": [_address("127.0.0.1", 8, "host")]},
        {"ifname": "transit", "addr_info": [_address("100.64.0.10", 10)]},
        {"ifname": "gw-eth3", "addr_info": [_address("172.16.1.1", 24)]},
    ]


def _address(local: str, length: int, scope: str = "global") -> dict[str, Any]:
    return {"family": "inet", "local": local, "prefixlen": length, "scope": scope}
