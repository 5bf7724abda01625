"""Decides whether a lab can run here, by trying what it needs in a scratch namespace.

Kernel versions say nothing: distributions move modules about. What a kernel lacks and the lab can
do without is listed too, because a test may skip for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lab import install, layer
from lab.commands import attempt
from lab.errors import LabError, LabUnavailable


@dataclass(frozen=True, slots=True)
class Feature:
    """Something of the kernel's, how to try it, and what it is for."""

    name: str
    tries: str
    purpose: str
    needed: bool = True


FEATURES = (
    Feature("veth", "ip link add x0 type veth peer name y0", "every link"),
    Feature("bridge", "ip link add x0 type bridge", "management network, E-Lines"),
    Feature("vxlan", "ip link add x0 type vxlan id 5 dstport 4789 local 127.0.0.1", "E-Lines"),
    Feature(
        "htb",
        "ip link add x0 type veth peer name y0 && tc qdisc add dev x0 root handle 1: htb default 1",
        "shaping a service's rate",
    ),
    Feature(
        "nft netdev",
        "ip link add x0 type veth peer name y0 && echo 'table netdev t { chain c { type filter hook"
        " ingress device x0 priority 0; limit rate over 1000 bytes/second drop; }; }' | nft -f -",
        "policing a service's rate",
    ),
    Feature("vrf", "ip link add x0 type vrf table 5", "L3VPN without namespaces", needed=False),
    Feature(
        "802.1q",
        "ip link add x0 type veth peer name y0 && ip link add link x0 name x0.5 type vlan id 5",
        "VLAN sub-interfaces",
        needed=False,
    ),
    Feature(
        "mpls",
        "ip route add 10.9.0.0/16 encap mpls 100 via inet 127.0.0.1 dev lo",
        "MPLS services",
        needed=False,
    ),
    Feature(
        "netem",
        "ip link add x0 type veth peer name y0 && tc qdisc add dev x0 root netem delay 1ms",
        "delay on links",
        needed=False,
    ),
)


def missing(*, install_first: bool = False) -> LabUnavailable | None:
    """Return why a lab cannot run here, or nothing."""
    try:
        install.refuse_impossible()
        ground = install.ensure() if install_first else None
        layer.home(os.environ)
    except LabUnavailable as reason:
        return reason
    absent = [feature for feature in FEATURES if feature.needed and not works(feature, ground)]
    if absent:
        names = ", ".join(f"{feature.name} ({feature.purpose})" for feature in absent)
        return LabUnavailable(f"this kernel has not: {names}")
    return None


def works(feature: Feature, ground: layer.Layer | None) -> bool:
    """Try a feature in a namespace that is gone right after."""
    path = "/usr/sbin:/usr/bin:/sbin:/bin"
    boxed = ["unshare", "--net", "--mount", "sh", "-c", f"ip link set lo up && {feature.tries}"]
    env = {"PATH": path}
    if ground is not None:
        tools = ":".join(str(ground.upper / folder) for folder in ("usr/sbin", "usr/bin"))
        libraries = ":".join(str(path) for path in (ground.upper / "usr/lib").glob("*-linux-gnu"))
        env = {"PATH": f"{path}:{tools}", "LD_LIBRARY_PATH": libraries}
    return attempt(boxed, env=env).returncode == 0


def report(say: Callable[[str], None]) -> int:
    """Tell a person what works here; 0 when a lab can run."""
    try:
        reason = _report(say)
    except LabError as refusal:
        reason = str(refusal)
    say(f"a lab cannot run here: {reason}" if reason else "a lab can run here")
    return 1 if reason else 0


def _report(say: Callable[[str], None]) -> str:
    install.refuse_impossible()
    say(install.plan())
    home = layer.home(os.environ)
    say(f"layers are kept in {home} and lie on / {layer.shape_of(home)}")
    ground = install.ensure(say=say)
    absent = _tell(FEATURES, ground, say)
    return f"this kernel has not {', '.join(absent)}" if absent else ""


def _tell(
    features: Sequence[Feature], ground: layer.Layer, say: Callable[[str], None]
) -> list[str]:
    absent: list[str] = []
    for feature in features:
        good = works(feature, ground)
        say(f"{'yes' if good else 'no ':4} {feature.name:12} {feature.purpose}")
        if feature.needed and not good:
            absent.append(feature.name)
    return absent
