"""Decides which links a person should look at, and what may be done about each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from inventory.rows import cases
from inventory.topology import bundles, link_rows, neighbour_rows, topology
from oss_agent.spi.views import Confidence, LinkView

CONTRADICTORY: Final = "link-contradictory"
MISCABLED: Final = "link-miscabled"
STALE: Final = "link-stale"
MISSING: Final = "link-missing"
KINDS: Final = (CONTRADICTORY, MISCABLED, STALE, MISSING)
_CAUSES: Final = {
    CONTRADICTORY: "a cable was moved and one end was not looked at since; or something between them "
    "passes LLDP on",
    MISCABLED: "a cable is in another port than the file says, or the file is old",
    STALE: "the cable is out, a port is down, or LLDP was switched off",
    MISSING: "the cable is out or was never there, a port is down, or LLDP is off on these ports",
}
_ACTIONS: Final = {
    CONTRADICTORY: "discover both devices; if it stays, look at the cable at both ports",
    MISCABLED: "move the cable, or correct the topology file and import it again",
    STALE: "look at both ports; it ends by itself when three readings lack it",
    MISSING: "look at both ports, or take the link out of the topology file and import it again; "
    "oss-agent case accept, if LLDP is off there on purpose",
}


def found(links: Sequence[LinkView], hearing: Collection[str]) -> Iterator[cases.Case]:
    """A case for each link that is not as it should be; of a bundle's members, each its own.

    Between two devices that are ``hearing`` a link that a file declares is one that they hear.
    """
    for link in bundles.levels(links):
        kind = "" if link.members else _kind(link, hearing)
        if kind:
            yield _case(kind, link)


def settle(connection: sa.Connection, tenant: str, devices: Collection[str], at: datetime) -> None:
    """Make the cases about these devices' links what they are now."""
    links = link_rows.links_of(connection, tenant, devices)
    ends = {end for link in links for end in (link.a_device, link.z_device)}
    told = tuple(found(links, neighbour_rows.listeners(connection, ends)))
    for device in sorted(devices):
        own = [case for case in told if case.device == device]
        cases.settle(connection, tenant, device, KINDS, own, at)


def _kind(link: LinkView, hearing: Collection[str]) -> str:
    if link.confidence is Confidence.DECLARED:
        return MISSING if {link.a_device, link.z_device} <= set(hearing) else ""
    heard = any(not witness.missed for witness in link.witnesses)
    if link.confidence is Confidence.CONTRADICTORY:
        return CONTRADICTORY if link.witnesses else MISCABLED
    # That nobody who heard it answers is those devices' trouble, and has its alarm.
    return STALE if link.confidence is Confidence.STALE and not heard else ""


def _case(kind: str, link: LinkView) -> cases.Case:
    near, far = _ends(link)
    return cases.Case(
        device=near[0],
        subject=":".join(near),
        kind=kind,
        evidence=f"{':'.join(far)}: {link.reason}",
        text=f"{':'.join(near)} to {':'.join(far)} ({link.evidence}): {link.reason}",
        cause=_CAUSES[kind],
        action=_ACTIONS[kind],
    )


def _ends(link: LinkView) -> tuple[tuple[str, str], tuple[str, str]]:
    """The end that says so first; the case is that device's."""
    a, z = (link.a_device, link.a_port), (link.z_device, link.z_port)
    heard: Iterable[str] = (one.device for one in link.witnesses if not one.missed)
    says = next(iter(heard), a[0] if topology.is_device(a[0]) else z[0])
    return (a, z) if says == a[0] else (z, a)
