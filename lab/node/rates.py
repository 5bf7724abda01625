"""Decides the commands that keep a customer's port to a rate, in both directions. Pure."""

from __future__ import annotations


def policer(port: str, rate: int | None) -> str:
    """Return the nft program for a port's ingress rate; the kernel's own policer may be missing."""
    table = f"oss_{port}"
    clear = f"table netdev {table}\ndelete table netdev {table}\n"
    if rate is None:
        return clear
    over = f"limit rate over {rate * 125} bytes/second burst {max(rate * 12, 16000)} bytes"
    hook = f"type filter hook ingress device {port} priority 0;"
    return f"{clear}table netdev {table} {{\n chain in {{\n {hook}\n {over} counter drop\n }}\n}}\n"


def shaper(port: str, rate: int | None) -> list[list[str]]:
    """Return the tc commands for a port's egress rate."""
    clear = ["tc", "qdisc", "del", "dev", port, "root"]
    if rate is None:
        return [clear]
    tree = ["tc", "qdisc", "replace", "dev", port, "root", "handle", "1:", "htb", "default", "10"]
    shape = ["htb", "rate", f"{rate}kbit", "ceil", f"{rate}kbit"]
    return [
        tree,
        ["tc", "class", "replace", "dev", port, "parent", "1:", "classid", "1:10", *shape],
    ]
