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


def shaper(port: str) -> list[str]:
    """Return the tc command that makes a port's queue, whose one class the rate is of."""
    return ["tc", "qdisc", "replace", "dev", port, "root", "handle", "1:", "htb", "default", "10"]


def shape(port: str, rate: int) -> list[str]:
    """Return the tc command for a port's egress rate, refused where no queue was made."""
    limit = ["htb", "rate", f"{rate}kbit", "ceil", f"{rate}kbit"]
    return ["tc", "class", "replace", "dev", port, "parent", "1:", "classid", "1:10", *limit]


def unshaped(port: str) -> list[str]:
    """Return the tc command that takes a port's queue away."""
    return ["tc", "qdisc", "del", "dev", port, "root"]
