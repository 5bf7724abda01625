"""Watching the network: polls and traps, discovery, backups, what is told of services."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

from oss_agent.settings.section import Port, Seconds, Section


class Snmp(Section):
    """Polls and traps."""

    trap_bind: str = "127.0.0.1"
    """Address for traps. Traps are unauthenticated in v2c: bind the management address only."""
    trap_port: Port = 10_162
    """UDP port for traps; the standard one, 162, needs CAP_NET_BIND_SERVICE."""
    poll_interval: Seconds = 30.0
    """Seconds between two polls of a device."""
    timeout: Seconds = 1.0
    """Seconds to wait for the first answer; doubled per retry."""
    retries: int = pydantic.Field(default=2, ge=0, le=10)
    """How often a request is sent again, with the same request id."""


class Discovery(Section):
    """Looking at devices: what is there, and what it is built of."""

    interval: Annotated[float, pydantic.Field(ge=0, allow_inf_nan=False)] = 900.0
    """Seconds between two looks at a device, each device in its own slot; 0: only when somebody asks."""
    whole: Seconds = 3600.0
    """Seconds after which everything is read again, though the device tells that nothing changed."""
    together: int = pydantic.Field(default=16, ge=1, le=256)
    """Devices that are looked at at once."""
    audit_within: Annotated[float, pydantic.Field(ge=0, allow_inf_nan=False)] = 86_400.0
    """Seconds within which each device's configuration of ours is compared with what was read back,
    each device in its own slot; 0: only when somebody asks (``oss-agent drift check``)."""
    audits_together: int = pydantic.Field(default=4, ge=1, le=64)
    """Devices whose configuration is compared at once."""
    ledgers_within: Seconds = 3600.0
    """Seconds between two comparisons of all that is planned, configured and observed; what a look or
    an order touches is compared within seconds anyway."""
    ledgers_together: int = pydantic.Field(default=50, ge=1, le=1_000)
    """Devices that one comparison of the ledgers reads: fewer hold a reader for less long."""
    keep_stations_days: Annotated[float, pydantic.Field(ge=0, le=36_500)] = 30.0
    """Days that is kept where a station was (of ARP and bridge tables) after it ended there; 0: for ever."""
    unproven: Literal["read-only", "warn"] = "read-only"
    """A device with a version or model that its driver was not proven on: it is read and not written
    to, or a case warns of it and orders go on. Whoever chooses ``warn`` tries it out on customers."""


class Backup(Section):
    """Keeping the configurations that devices have."""

    interval: Annotated[float, pydantic.Field(ge=0, allow_inf_nan=False)] = 86_400.0
    """Seconds within which each device is looked at, each in its own slot; sooner after an order or a
    hint. 0: only when somebody asks. Twice as long without a good one is a case."""
    together: int = pydantic.Field(default=4, ge=1, le=64)
    """Devices that are looked at at once."""
    keep_days: Annotated[float, pydantic.Field(gt=0, allow_inf_nan=False)] = 365.0
    """Days that every change stays."""
    keep_least: int = pydantic.Field(default=10, ge=1, le=100_000)
    """The newest versions of each configuration, which stay whatever their age."""
    keep_most: int = pydantic.Field(default=1_000, ge=1, le=100_000)
    """More versions of one configuration are not kept, whatever a device does."""
    most_bytes: int = pydantic.Field(default=8 * 1024 * 1024, ge=1_024, le=256 * 1024 * 1024)
    """Bytes that a configuration may have; a longer one is refused and said."""


class Assurance(Section):
    """Watching services."""

    verify_after: Seconds = 120.0
    """Seconds until a trap's poll is repeated: late truth is common (Zino's second verification)."""
    usage_interval: Seconds = 300.0
    """Seconds of one usage record: what billing is told per service and meter point."""
