"""Decides which fault explains what was seen: the root cause, with the services it takes along. Pure.

A port that carries a customer's service is service affecting as soon as it is not up. Any other
port is a fault of the resource alone, and only when it was up before: the network has other ways,
and ports that nobody cabled are no news. Thin: links, adjacencies and paths are not walked yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from oss_agent.assurance import port_table
from oss_agent.spi import alarms, ledger
from oss_agent.spi.clock import rfc3339
from oss_agent.spi.views import Severity

COMMUNICATIONS: Final = "communicationsAlarm"
"""X.733 8.1.1"""
LINK_DOWN: Final = "linkDown"
UNREACHABLE: Final = "deviceUnreachable"

_IMPAIRED: Final = frozenset({"testing", "dormant"})
"""Passing no user packets by design or waiting: the service is degraded, the port not broken."""


@dataclass(frozen=True, slots=True)
class PortEvidence:
    """What is known of one port when it is judged.

    ``was_up``: the poll before saw it up. ``alarmed``: its alarm is open.
    """

    device: str
    port: port_table.Port
    services: tuple[ledger.Affected, ...]
    was_up: bool
    alarmed: bool
    at: datetime
    uptime: int
    prompt: str = ""
    """The trap that made us look, as a hint and no more."""
    doubt: str = ""
    """Why the port may be another row than the one that is judged."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """``fault`` None: healthy, or nothing anybody waits for. ``known`` False: leave all as it is."""

    fault: alarms.Fault | None = None
    known: bool = True


def port_key(device: str, port: str) -> alarms.AlarmKey:
    """The alarm of one port."""
    return alarms.AlarmKey(f"{device}:{port}", COMMUNICATIONS, LINK_DOWN)


def device_key(device: str) -> alarms.AlarmKey:
    """The alarm of a device that does not answer."""
    return alarms.AlarmKey(device, COMMUNICATIONS, UNREACHABLE)


def judge_port(seen: PortEvidence) -> Verdict:
    """One port's fault, or its health."""
    port = seen.port
    if port.oper == port_table.UP:
        return Verdict()
    if port.oper == port_table.UNKNOWN:
        return Verdict(known=False)
    if seen.services:
        return Verdict(_service_fault(seen))
    if port.index == 0:  # gone, and nobody's: nothing is left to be at fault
        return Verdict()
    intended = port.admin == port_table.DOWN or port.oper in _IMPAIRED
    if intended or not (seen.was_up or seen.alarmed):
        return Verdict()
    return Verdict(_resource_fault(seen))


def _service_fault(seen: PortEvidence) -> alarms.Fault:
    port, where = seen.port, f"{seen.device}:{seen.port.name}"
    whose = _whose(seen.services)
    impaired = port.oper in _IMPAIRED
    return alarms.Fault(
        key=port_key(seen.device, port.name),
        severity=Severity.MINOR if impaired else Severity.CRITICAL,
        alarmed_object_type="Port",
        specific_problem=_problem(port),
        text=f"{where} is {_state(port)}, so {whose} "
        f"{'is degraded' if impaired else 'is down'}; {_remedy(port)}",
        tenant=seen.services[0].tenant,
        service_affecting=True,
        affected_services=tuple(service.service for service in seen.services),
        evidence=_evidence(seen),
    )


def _resource_fault(seen: PortEvidence) -> alarms.Fault:
    where = f"{seen.device}:{seen.port.name}"
    return alarms.Fault(
        key=port_key(seen.device, seen.port.name),
        severity=Severity.MINOR,
        alarmed_object_type="Port",
        specific_problem=_problem(seen.port),
        text=f"{where} is {_state(seen.port)}; no service ends there; {_remedy(seen.port)}",
        evidence=_evidence(seen),
    )


def unreachable(
    device: str, reason: str, services: Sequence[ledger.Affected], at: datetime
) -> alarms.Fault:
    """A device that does not answer. Its services are not down because of it: nobody knows."""
    watched = f"; unwatched meanwhile: {_whose(services)}" if services else ""
    return alarms.Fault(
        key=device_key(device),
        severity=Severity.MAJOR,
        alarmed_object_type="Device",
        specific_problem="no answer to SNMP",
        text=f"{device} does not answer SNMP, so it cannot be watched{watched}; "
        "check the management network, its SNMP agent and community",
        evidence=(f"{rfc3339(at)} {reason}",),
    )


def missing(name: str) -> port_table.Port:
    """A port that a service stands on and the device has no more."""
    return port_table.Port(name, 0, port_table.UNKNOWN, port_table.NOT_PRESENT)


def _whose(services: Sequence[ledger.Affected]) -> str:
    return ", ".join(f"service {s.name} of {s.customer}" for s in services)


def _problem(port: port_table.Port) -> str:
    return f"ifOperStatus {port.oper}, ifAdminStatus {port.admin}"


def _state(port: port_table.Port) -> str:
    return "switched off" if port.admin == port_table.DOWN else port.oper


def _remedy(port: port_table.Port) -> str:
    if port.admin == port_table.DOWN:
        return "somebody set it administratively down: find out who, and set it up"
    if port.oper == port_table.NOT_PRESENT:
        return "the device has no such port now: check the card and the configuration"
    return "check the cable and what it is connected to"


def _evidence(seen: PortEvidence) -> tuple[str, ...]:
    return tuple(filter(None, (seen.prompt, _poll_evidence(seen), seen.doubt)))


def _poll_evidence(seen: PortEvidence) -> str:
    return (
        f"{rfc3339(seen.at)} poll of {seen.device}: {seen.port.name} {_problem(seen.port)}, "
        f"sysUpTime {seen.uptime}"
    )
