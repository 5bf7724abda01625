"""Decides what a person is told of a device whose own words contradict the platform that it is run as.

Nothing is corrected: its platform was said by a person or a file, and a device that is not what its
driver was proven on is read-only anyway (``inventory.devices.standing``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from inventory.looks import discovery
from inventory.rows import cases, history, tables
from oss_agent.spi import detection

KIND: Final = "platform-contradicted"


def settle(
    connection: sa.Connection,
    tenant: str,
    findings: Sequence[discovery.Finding],
    against: detection.Against,
    at: datetime,
) -> None:
    """Make the cases of the devices that sent a hello what they are now; of the others nothing is known."""
    heard = {one.device: one for one in findings if one.hello}
    for device, platform in _platforms(connection, tenant, sorted(heard)):
        why = against(platform, _evidence(heard[device]))
        found = [_case(device, platform, why)] if why else []
        cases.settle(connection, tenant, device, {KIND}, found, at)


def _evidence(finding: discovery.Finding) -> detection.Evidence:
    described = finding.learned.description if finding.learned is not None else None
    return detection.Evidence(description=described or "", hello=finding.hello)


def _platforms(
    connection: sa.Connection, tenant: str, devices: Sequence[str]
) -> Sequence[tuple[str, str]]:
    c = tables.devices.c
    query = sa.select(c.name, c.platform).where(
        history.current(tables.devices), c.tenant == tenant, c.name.in_(devices)
    )
    return [(row.name, row.platform) for row in connection.execute(query)] if devices else []


def _case(device: str, platform: str, why: str) -> cases.Case:
    return cases.Case(
        device=device,
        subject=device,
        kind=KIND,
        evidence=why,
        text=why,
        cause=f"--platform or a file says {platform} of it; or another device answers at its address",
        action="compare with its console; if it is another system, give it the platform that fits, in the "
        "file it came with, and import that again",
    )
