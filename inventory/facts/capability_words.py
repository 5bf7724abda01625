"""Decides in which words a neighbour's announced capabilities are kept. Pure.

LldpSystemCapabilitiesMap (IEEE 802.1AB-2005 9.5.8) is BITS, its first bit the highest of the first octet;
CDP's is a number of four octets.
"""

from __future__ import annotations

from typing import Final

from oss_agent.spi import snmp

_LLDP: Final = ("other", "repeater", "bridge", "wlan", "router", "phone", "cable", "station")
_CDP: Final = {0: "router", 1: "bridge", 3: "bridge", 4: "station", 6: "repeater", 7: "phone"}
"""By the bit's place from the lowest; a switch (3) is a bridge."""
_CDP_OCTETS: Final = 4
_OCTET_BITS: Final = 8


def of_lldp(value: snmp.Value) -> str:
    """``bridge router``, in the order of the standard; "" of none."""
    first = value[0] if isinstance(value, bytes) and value else 0
    told = (word for place, word in enumerate(_LLDP) if first & 1 << _OCTET_BITS - 1 - place)
    return " ".join(told)


def of_cdp(value: snmp.Value) -> str:
    """The same of cdpCacheCapabilities; a text in its place tells none."""
    if not isinstance(value, bytes) or len(value) != _CDP_OCTETS:
        return ""
    number = int.from_bytes(value)
    told = {word for place, word in _CDP.items() if number & 1 << place}
    return " ".join(word for word in _LLDP if word in told)
