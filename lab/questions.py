"""Decides how to see that a server really answers: its banner, or a reply to one small question."""

from __future__ import annotations

import socket

_SECONDS = 5.0
"""A server on a busy machine may stand still for so long; one that is not there refuses at once."""
# SNMP v2c, community public, get sysUpTime.0; made by hand so that the lab needs no SNMP library.
_UPTIME = bytes.fromhex(
    "302702010104067075626c6963a01a020207d0020100020100300e300c06082b060102010103000500"
)


def greets(host: str, port: int, banner: bytes = b"SSH-") -> bool:
    """Say whether a TCP server opens with these bytes."""
    try:
        with socket.create_connection((host, port), timeout=_SECONDS) as link:
            return link.recv(len(banner)) == banner
    except OSError:
        return False


def answers_snmp(host: str, port: int = 161) -> bool:
    """Say whether an SNMP agent answers community public."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.settimeout(_SECONDS)
        try:
            link.connect((host, port))
            link.send(_UPTIME)
            return bool(link.recv(2048))
        except OSError:
            return False
