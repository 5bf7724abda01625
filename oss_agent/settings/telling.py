"""Who is told what happened: billing, billing systems in their own form, how patiently."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import pydantic

from oss_agent.settings.section import Clash, HttpUrl, Seconds, SecretRef, Section


class Billing(Section):
    """Where service status and usage go."""

    url: HttpUrl = ""
    """POSTed to, one event a request. Empty: nobody is told."""
    token: SecretRef | None = None
    """Bearer token for billing, by reference."""


class Connector(Section):
    """A billing system that is told in its own form; docs/billing.md has an example of each kind."""

    name: str = pydantic.Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")
    """What it is called here, and in the path of what comes back. Deliveries are kept under it."""
    kind: Literal["webhook", "tmf635", "tmf637", "lago", "openmeter", "killbill", "cgrates"]
    """Which form it is told in."""
    url: HttpUrl = ""
    """Where its API begins, as docs/billing.md shows for each kind."""
    directory: Path | None = None
    """CGRateS only, instead of ``url``: the directory where its event reader looks for CSV files."""
    credential: SecretRef | None = None
    """Bearer token, by reference; for Kill Bill ``user:password``."""
    api_key: str = ""
    """Kill Bill only: the API key of its tenant."""
    api_secret: SecretRef | None = None
    """Kill Bill only: the API secret of its tenant, by reference."""
    inbound: SecretRef | None = None
    """The secret by which what comes back is known, at least 16 characters. None: nothing may come."""
    tenant: str = "default"
    """Whose services it bills: it is told of no other's, and orders for no other."""
    meters: tuple[Literal["octets_in", "octets_out", "octets"], ...] = ("octets_in", "octets_out")
    """What is told of usage; each is a metric of that name there. Empty: no usage."""
    statuses: tuple[
        Literal[
            "started",
            "changed",
            "suspended",
            "resumed",
            "terminated",
            "running",
            "degraded",
            "failed",
        ],
        ...,
    ] = ("started", "suspended", "resumed", "terminated")
    """Which changes of a service are told, as far as the kind has a word for them; whoever is told
    ``suspended`` is told ``resumed``, too."""
    subscription: Literal["id", "name"] = "id"
    """By what it knows a service: our id, or the name that the order gave."""
    plans: dict[str, str] = pydantic.Field(default_factory=dict)
    """Lago only: plan code by service specification; an active service of it becomes a subscription."""
    realm: str = "cgrates.org"
    """CGRateS only: the tenant there."""

    def clashes(self) -> Iterator[Clash]:
        """Each kind has what its system needs."""
        if self.directory is not None and (self.kind != "cgrates" or self.url):
            words = "only CGRateS takes a directory, and instead of a url"
            yield ("directory", "kind", "url"), words
        if self.directory is None and not self.url:
            yield ("directory", "kind", "url"), f"{self.kind} needs a url"
        if self.kind == "killbill" and not (self.credential and self.api_key and self.api_secret):
            words = "killbill needs credential, api_key and api_secret"
            yield ("kind", "credential", "api_key", "api_secret"), words


Days = Annotated[float, pydantic.Field(gt=0, le=3_650)]


class Outbox(Section):
    """How patiently others are told what happened: hub listeners, billing."""

    parallel: int = pydantic.Field(default=8, ge=1, le=64)
    """Deliveries at once to one receiver, each of another entity; one that fails is tried by one."""
    longest_pause: Seconds = 300.0
    """Seconds at most between two tries; they begin at one second and double, with jitter."""
    late_after: Seconds = 900.0
    """Seconds an event may wait before a person is called by an alarm."""
    give_up_days: Days = 3.0
    """Days in which a receiver accepts nothing before it is told nothing more and an alarm says so."""
    patience_days: Days = 7.0
    """Days one event is tried before it is parked for a person; only what is about its entity waits."""
    keep_days: Days = 30.0
    """Days that events are kept after everybody has them."""
