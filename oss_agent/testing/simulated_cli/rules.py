"""Decides which lines the simulated router knows, mode by mode: a small router of the usual kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TOP = "config"
_WORD = r"[A-Za-z0-9_.:/-]+"
_PEER = r"neighbor ([0-9a-fA-F.:]+)"


@dataclass(frozen=True, slots=True)
class Rule:
    """A line (full match). All templates are expanded with its groups.

    ``mode`` is the one it leads into; ``single`` begins every line that it replaces; ``needs``
    begins a line that must be there before, in this section or above; with the line go all those,
    here and below, that begin with ``takes``. ``ceiling`` bounds the number that is group 1.
    """

    line: str
    mode: str = ""
    single: str = ""
    needs: str = ""
    takes: str = ""
    ceiling: int | None = None


_AFTER_PEER = r"neighbor \1 remote-as "
MODES: Mapping[str, tuple[Rule, ...]] = {
    TOP: (
        Rule(rf"hostname ({_WORD})", single="hostname "),
        Rule(rf"snmp-server community {_WORD} (?:ro|rw)"),
        Rule(rf"service eline {_WORD}", mode="config-eline"),
        Rule(rf"vrf {_WORD}", mode="config-vrf"),
        Rule(rf"interface {_WORD}", mode="config-if"),
        Rule(rf"router bgp [0-9]+(?: vrf {_WORD})?", mode="config-router"),
        Rule(rf"policy-map {_WORD}", mode="config-policy"),
        Rule(rf"route-map {_WORD} (?:permit|deny) [0-9]+", mode="config-route-map"),
        Rule(rf"ip prefix-list {_WORD} seq [0-9]+ (?:permit|deny) \S+"),
        Rule(r"ip route \S+ \S+"),
    ),
    "config-eline": (
        Rule(r"vni ([0-9]+)", single="vni ", ceiling=16777215),
        Rule(rf"port {_WORD}", single="port "),
        Rule(r"rate ([0-9]+)", single="rate "),
        Rule(r"description .+", single="description "),
    ),
    "config-policy": (Rule(r"rate ([0-9]+)", single="rate "),),
    "config-vrf": (
        Rule(r"vni ([0-9]+)", single="vni ", ceiling=16777215),
        Rule(r"transit \S+", single="transit "),
        Rule(r"description .+", single="description "),
        Rule(r"ip route \S+ \S+"),
    ),
    "config-if": (
        Rule(r"description .+", single="description "),
        Rule(r"ip address \S+"),
        Rule(rf"ip vrf forwarding {_WORD}", single="ip vrf forwarding "),
        Rule(r"rate-limit ([0-9]+)", single="rate-limit "),
        Rule(rf"service internet {_WORD}"),
        Rule(rf"service-policy {_WORD}", single="service-policy "),
        Rule(r"shutdown"),
    ),
    "config-router": (
        Rule(r"bgp router-id \S+", single="bgp router-id "),
        Rule(rf"{_PEER} remote-as [0-9]+", single=_AFTER_PEER, takes=r"neighbor \1 "),
        Rule(rf"{_PEER} description .+", single=r"neighbor \1 description ", needs=_AFTER_PEER),
        Rule(rf"{_PEER} password \S+", single=r"neighbor \1 password ", needs=_AFTER_PEER),
        Rule(rf"{_PEER} (?:update-source|timers) .+", needs=_AFTER_PEER),
        Rule(r"address-family (?:ipv4 unicast|ipv6 unicast|l2vpn evpn)", mode="config-router-af"),
    ),
    "config-router-af": (
        Rule(rf"{_PEER} activate", needs=_AFTER_PEER),
        Rule(
            rf"{_PEER} route-map {_WORD} (in|out)",
            single=r"neighbor \1 route-map .* \2",
            needs=_AFTER_PEER,
        ),
        Rule(rf"{_PEER} maximum-prefix [0-9]+", needs=_AFTER_PEER),
        Rule(rf"network \S+(?: route-map {_WORD})?"),
        Rule(r"redistribute (?:connected|static)"),
        Rule(r"advertise (?:ipv4|ipv6) unicast|advertise-all-vni"),
        Rule(r"segment ([0-9]+)", mode="config-segment", ceiling=16777215),
    ),
    "config-segment": (
        Rule(r"rd [0-9.]+:[0-9]+", single="rd "),
        Rule(r"route-target (?:import|export) [0-9.]+:[0-9]+"),
    ),
    "config-route-map": (Rule(r"match .+"), Rule(r"set (\S+) .+", single=r"set \1 ")),
}
