"""Decides what the lab router's YANG module ``oss-lab-services`` is to a simulator: data."""

from __future__ import annotations

from oss_agent.testing.simulated.content import Content
from oss_agent.testing.simulated.schema import (
    Boolean,
    Ceiling,
    Container,
    Leaf,
    List,
    Schema,
    Text,
    Unsigned,
)

_PORT = Text(r"eth[0-9]+")
_WORDS = Text(maximum=255)
_NAME = Text(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,62}")
_VNI = Unsigned(1, 16777215)
_GATEWAY = Text(r"[0-9A-Fa-f:.]{2,45}/[0-9]{1,3}")

_SITE = List(
    keys=("port",),
    children={
        "port": Leaf(_PORT),
        "gateway": Leaf(_GATEWAY, mandatory=True),
        "rate": Leaf(Unsigned()),
        "description": Leaf(_WORDS),
    },
)

LAB_SERVICES = Schema(
    module="oss-lab-services",
    revision="2026-01-01",
    namespace="urn:oss-agent:lab:services",
    prefix="oss",
    children={
        "services": Container(
            {
                "eline": List(
                    keys=("name",),
                    unique=("port",),
                    children={
                        "name": Leaf(_NAME),
                        "vni": Leaf(_VNI, mandatory=True),
                        "port": Leaf(_PORT, mandatory=True),
                        "rate": Leaf(Unsigned()),
                        "description": Leaf(_WORDS),
                    },
                ),
                "internet-access": List(
                    keys=("name",),
                    unique=("port",),
                    children={
                        "name": Leaf(_NAME),
                        "port": Leaf(_PORT, mandatory=True),
                        "gateway": Leaf(_GATEWAY, mandatory=True),
                        "profile": Leaf(_NAME),
                        "description": Leaf(_WORDS),
                    },
                ),
                "vrf": List(
                    keys=("name",),
                    unique=("vni",),
                    children={
                        "name": Leaf(_NAME),
                        "vni": Leaf(_VNI, mandatory=True),
                        "transit": Leaf(_WORDS),
                        "description": Leaf(_WORDS),
                        "site": _SITE,
                    },
                ),
            }
        ),
        "profiles": Container(
            {
                "rate-profile": List(
                    keys=("name",),
                    children={"name": Leaf(_NAME), "rate": Leaf(Unsigned(), mandatory=True)},
                )
            }
        ),
        "policy": Container(
            {
                "rule": List(
                    keys=("name",),
                    ordered_by_user=True,
                    children={
                        "name": Leaf(_NAME),
                        "match": Leaf(_WORDS),
                        "action": Leaf(Text("permit|deny"), mandatory=True),
                    },
                )
            }
        ),
        "ports": Container(
            {
                "port": List(
                    keys=("name",),
                    children={
                        "name": Leaf(_PORT),
                        "description": Leaf(_WORDS),
                        "enabled": Leaf(Boolean()),
                    },
                )
            }
        ),
    },
)


def vni_ceiling(maximum: int) -> Ceiling:
    """A router whose hardware takes no VNI above ``maximum``."""
    return Ceiling(("services", "eline", "vni"), maximum, "vni out of range")


def port_settings(running: Content, port: str) -> tuple[bool, str]:
    """Whether ``port`` is enabled, and its description: ifAdminStatus and ifAlias follow."""
    ports = running.get(("ports", ()), {})
    entry = {} if isinstance(ports, str) else ports.get(("port", (port,)), {})
    if isinstance(entry, str):
        return True, ""
    description = entry.get(("description", ()), "")
    return entry.get(("enabled", ())) != "false", description if isinstance(
        description, str
    ) else ""
