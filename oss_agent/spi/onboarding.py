"""Devices and topology as an operator handles them; inventory owns them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from oss_agent.spi.query import Page, Query
from oss_agent.spi.views import DeviceView, LinkView


@dataclass(frozen=True, slots=True)
class Imported:
    """One device of an import: ``outcome`` is created, updated, unchanged or refused."""

    device: str
    outcome: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, device by device, and the links the topology file declares."""

    devices: tuple[Imported, ...]
    links: int


@dataclass(frozen=True, slots=True)
class Discovered:
    """What discovery found on one device; ``reason`` is why not, or not all, else "".

    Not ``complete``: a table was cut short, and nothing is taken for gone.
    """

    device: str
    interfaces: int
    neighbours: int
    reason: str = ""
    complete: bool = True


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

    async def import_lab(self, tenant: str, files: Mapping[str, str]) -> ImportReport:
        """Take in a containerlab lab directory, as file name -> text.

        Reads topology-data.json, ansible-inventory.yml, nornir-simple-inventory.yml and known_hosts
        (its keys are pinned). OrderRejected with a sentence on what cannot be read.
        """
        ...

    async def trust(self, tenant: str, device: str, fingerprint: str) -> DeviceView:
        """Pin the key with this SHA256: fingerprint, after asking the device for its keys.

        Conflict when the device shows another one.
        """
        ...

    async def discover(self, tenant: str, device: str | None = None) -> tuple[Discovered, ...]:
        """SNMP system, interfaces, LLDP neighbours; session hello; test points' addresses."""
        ...

    async def find(self, query: Query, /) -> Page[DeviceView]:
        """Devices that match."""
        ...

    async def get(self, tenant: str, key: str) -> DeviceView:
        """One device by name, with its interfaces; NotFound."""
        ...

    async def links(self, tenant: str, at: datetime | None = None) -> tuple[LinkView, ...]:
        """Topology with evidence; with ``at`` as it was believed then."""
        ...

    async def why(self, tenant: str, device: str, path: str | None = None) -> tuple[Owner, ...]:
        """Who owns a configuration path, or a node above it: () when nobody, it is foreign.

        Without a path every owned node of the device, by store and path.
        """
        ...
