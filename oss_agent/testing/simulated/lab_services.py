"""Decides nothing: the lab router's YANG module ``oss-lab-services``, as data."""

from __future__ import annotations

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
