"""Decides what is told of a device that was found at an address, and why it is no more than that. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from inventory.onboarding import address_look
from inventory.words import host_keys
from oss_agent.spi import detection
from oss_agent.spi.scouting import Ports, Scouted


def scouted(
    answer: address_look.Answer, name: str, platform: str, *, managed: bool, reason: str
) -> Scouted:
    """What became of one that was taken in."""
    seen = answer.seen
    shown = tuple(host_keys.fingerprint(key) for key in answer.keys)
    heard = [one for one in seen.doubts if one not in answer.own.doubts]
    reason = "; ".join(filter(None, (reason, *heard))) if managed else reason
    return Scouted(
        answer.address,
        "created",
        name,
        seen.vendor,
        seen.os,
        seen.version,
        seen.model,
        platform,
        managed,
        shown,
        seen.because,
        reason if shown else "; ".join(filter(None, (reason, "it shows no host key"))),
        unusual(answer.ports),
    )


def why_listed(seen: detection.Detected) -> str:
    """Why nothing is done to it but to list it."""
    if seen.platform:
        return (
            f"only its neighbours say that it is {seen.vendor} {seen.os}: if it is, onboard it again "
            f"with --platform {seen.platform}"
        )
    return "; ".join(seen.doubts) or "nobody knows what it is"


def unusual(ports: Mapping[str, int]) -> dict[str, int]:
    """Only what is not so anyway: a platform may have a usual port of its own."""
    usual = {"ssh": host_keys.SSH_PORT, "netconf": host_keys.NETCONF_PORT}
    return {protocol: port for protocol, port in ports.items() if port != usual[protocol]}


def deed(one: Scouted) -> tuple[str, str, Mapping[str, str]]:
    """What the audit keeps of a device that was taken in."""
    detail = {"address": one.address, "platform": one.platform, "version": one.version}
    return "onboard", f"device:{one.device}", detail


def doubted(one: Scouted, doubt: str) -> Scouted:
    """With what keeps it from being written to before what else there is to say."""
    return dataclasses.replace(
        one, reason="; ".join(filter(None, (doubt and f"read-only: {doubt}", one.reason)))
    )


def silence(community: str | None, ports: Ports) -> str:
    """Where it was asked in vain."""
    tried = [("SSH", ports.ssh), ("NETCONF", ports.netconf)]
    asked = [f"{name} ({', '.join(map(str, some))})" for name, some in tried if some]
    asked += ["SNMP (161)"] if community is not None else []
    return f"nothing answers on {', '.join(asked)}"


def named(told: Scouted, called: str, barred: Mapping[str, str]) -> Scouted:
    """The same, saying why it has not the name that it calls itself by."""
    if called not in barred:
        return told
    why = f"it calls itself {called} and is {told.device} here: {barred[called]}"
    return dataclasses.replace(told, reason="; ".join(filter(None, (told.reason, why))))


def told(known: Mapping[str, str]) -> dict[str, Scouted]:
    """Those that the inventory has already, by address."""
    return {one: Scouted(one, "known", name) for one, name in known.items()}
