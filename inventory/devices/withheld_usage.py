"""Decides what a person is told of usage that billing is not told for the time being: a case each.

It begins and ends with what assurance says of a device's ports; nobody has to decide anything about it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from inventory.rows import cases, tenancy
from oss_agent import errors
from oss_agent.spi import ledger
from oss_agent.spi.cases import Decision
from oss_agent.spi.clock import rfc3339

KIND: Final = "usage-withheld"
_CAUSES: Final[Mapping[ledger.Why, str]] = {
    ledger.Why.IN_DOUBT: "which row of the device the port is, is in doubt, and no look told it: its "
    "octets may be another customer's",
    ledger.Why.NOT_POLLED: "the device is not polled: it is not managed, has no trusted host key, or no SNMP "
    "community that can be had",
}
_ACTIONS: Final[Mapping[ledger.Why, str]] = {
    ledger.Why.IN_DOUBT: "see that 'oss-agent discover' can look at the device; what it counted meanwhile is "
    "told when the port is known again",
    ledger.Why.NOT_POLLED: "have it polled again, and what it counted meanwhile is told; or move the service",
}


def keys(connection: sa.Connection, device: str) -> frozenset[tuple[str, str, ledger.Why]]:
    """What there are cases of: port, service and why."""
    tenant = _tenant(connection, device)
    standing = cases.standing(connection, tenant, [device], {KIND}) if tenant is not None else {}
    return frozenset(map(_key, standing.values()))


def settle(
    connection: sa.Connection, device: str, withheld: Sequence[ledger.Withheld], at: datetime
) -> None:
    """These are the cases of a device; the others end."""
    tenant = _tenant(connection, device)
    if tenant is not None:
        found = [_case(device, one) for one in withheld]
        cases.settle(connection, tenant, device, {KIND}, found, at)


def _tenant(connection: sa.Connection, device: str) -> str | None:
    try:
        return tenancy.of_device(connection, device)
    except errors.NotFound:
        return None


def _case(device: str, one: ledger.Withheld) -> cases.Case:
    return cases.Case(
        device=device,
        subject=f"{device}:{one.port}",
        kind=KIND,
        evidence=f"{one.service} {one.why}",
        text=f"billing is not told what service {one.service_name} of {one.customer} uses at {device}:{one.port}, "
        f"since {rfc3339(one.since)}",
        cause=_CAUSES[one.why],
        action=_ACTIONS[one.why],
        actions=(Decision.IGNORE.value,),
    )


def _key(case: cases.Case) -> tuple[str, str, ledger.Why]:
    service, _, why = case.evidence.rpartition(" ")
    return case.subject.removeprefix(f"{case.device}:"), service, ledger.Why(why)
