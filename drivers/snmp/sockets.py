"""Decides how a UDP socket is made here: non-blocking, with a receive buffer that was really given.

A 10 KB reply charges about 16 KB of the buffer; the default holds a dozen and then loses replies
that look like dead devices. So the size is asked for, read back, and what was granted decides how
many requests may be in flight.
"""

from __future__ import annotations

import functools
import ipaddress
import socket
from pathlib import Path
from typing import Final

_CHARGE: Final = 16 * 1024
_NET_SNMP: Final = Path("/proc/self/net/snmp")


@functools.lru_cache(maxsize=16_384)
def place(address: str) -> tuple[socket.AddressFamily, str]:
    """An address literal's family, and the literal as the kernel spells a datagram's source.

    Remembered, because parsing an address costs more than reading a reply by its layout.
    """
    parsed = ipaddress.ip_address(address)
    family = socket.AF_INET6 if parsed.version == 6 else socket.AF_INET  # noqa: PLR2004  IP version
    return family, str(parsed)


def udp(address: str, port: int, *, buffer: int) -> socket.socket:
    """A bound, non-blocking socket whose receive buffer is as near to ``buffer`` as allowed."""
    made = socket.socket(place(address)[0], socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        made.bind((address, port))
    except OSError:
        made.close()
        raise
    return made


def granted(sock: socket.socket) -> int:
    """Octets of receive buffer the kernel gave (it doubles what was asked, and caps it)."""
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)


def window(sock: socket.socket) -> int:
    """How many full replies the receive buffer holds: the requests that may be in flight."""
    return max(granted(sock) // _CHARGE, 1)


def lost_in_kernel() -> int:
    """UDP datagrams this network namespace lost for want of buffer; 0 where it is not told."""
    try:
        lines = [line.split() for line in _NET_SNMP.read_text().splitlines()]
    except OSError:
        return 0
    names, numbers = [line for line in lines if line and line[0] == "Udp:"][:2]
    return int(dict(zip(names, numbers, strict=True)).get("RcvbufErrors", "0"))
