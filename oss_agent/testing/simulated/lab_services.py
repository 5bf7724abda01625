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
                        "name": Leaf(Text(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,62}")),
                        "vni": Leaf(Unsigned(1, 16777215), mandatory=True),
                        "port": Leaf(_PORT, mandatory=True),
                        "rate": Leaf(Unsigned()),
                        "description": Leaf(_WORDS),
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
