"""Devices and topology as an operator handles them; inventory owns them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from oss_agent.spi.moments import AsOf
from oss_agent.spi.query import Page, Query
from oss_agent.spi.views import DeviceView, LinkView


class About(StrEnum):
    """What of a device may have changed, for whoever looks at it."""

    WHOLE = "whole"
    """it restarted, or nobody can say"""
    PARTS = "parts"
    """entConfigChange (RFC 6933)"""
    NEIGHBOURS = "neighbours"
    """lldpRemTablesChange (IEEE 802.1AB)"""
    CONFIGURATION = "configuration"
    """addresses, VLANs, VRFs, bundles, ports; what no stamp of the device tells"""


@dataclass(frozen=True, slots=True)
class Imported:
    """One device of an import: ``outcome`` is created, updated, unchanged, refused or left out.

    Left out is what is no device (a bridge of the lab's machine).
    """

    device: str
    outcome: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """What a file was taken for, and what was found in it."""

    file: str
    form: str
    found: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, device by device, and the links the topology file declares."""

    devices: tuple[Imported, ...]
    links: int
    files: tuple[ImportedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Discovered:
    """What discovery found on one device; ``reason`` is why not, or not all, else "".

    Not ``complete``: a table was cut short, and nothing is taken for gone. ``silent``: it did not answer
    at all. ``refused``: a way of asking ended at a login or key that was not accepted, or is not there.
    """

    device: str
    interfaces: int
    neighbours: int
    reason: str = ""
    complete: bool = True
    silent: bool = False
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Owner:
    """The answer to 'why is this line here?': one owner of a node, and the order that brought it.

    A shared node has several owners. Of another tenant's service nothing is told but that it is one.
    """

    path: str
    service: str
    service_name: str
    order: str
    since: datetime
    store: str = ""


class KeyScan(Protocol):
    """Asking a device which SSH host keys it offers, before anybody trusts it."""

    async def __call__(self, device: str, address: str, port: int) -> tuple[str, ...]:
        """OpenSSH public keys ("ssh-ed25519 AAAA…"), read in the key exchange: no login is tried.

        DeviceUnreachable when nothing answers there; bounded in time by itself.
        """
        ...


class Onboarding(Protocol):
    """The operator's side of inventory."""

    async def import_lab(
        self, tenant: str, files: Mapping[str, str], *, lab: str = "", by: str = ""
    ) -> ImportReport:
        """Take in a containerlab lab, as file name -> text; ``lab`` is its name if no file tells.

        Reads every form that containerlab leaves, and known_hosts (its keys are pinned).
        OrderRejected with a sentence on what cannot be read, and on files that contradict each
        other: then nothing is taken. ``by`` is who asked, for the audit.
        """
        ...

    async def trust(
        self, tenant: str, device: str, fingerprint: str, *, by: str = ""
    ) -> DeviceView:
        """Pin the key with this SHA256: fingerprint, after asking the device for its keys.

        Conflict when the device shows another one.
        """
        ...

    async def discover(self, tenant: str, device: str | None = None) -> tuple[Discovered, ...]:
        """SNMP system, interfaces, LLDP neighbours; session hello; test points' addresses."""
        ...

    async def find(self, query: Query, /, when: AsOf | None = None) -> Page[DeviceView]:
        """Devices that match, now or as of a moment."""
        ...

    async def get(self, tenant: str, key: str, when: AsOf | None = None) -> DeviceView:
        """One device by name, with its interfaces; NotFound."""
        ...

    async def links(self, tenant: str, when: AsOf | None = None) -> tuple[LinkView, ...]:
        """Topology with evidence, now or as of a moment."""
        ...

    async def why(self, tenant: str, device: str, path: str | None = None) -> tuple[Owner, ...]:
        """Who owns a configuration path, or a node above it: () when nobody, it is foreign.

        Without a path every owned node of the device, by store and path.
        """
        ...
