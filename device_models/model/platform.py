"""Everything declared about one platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from pydantic.dataclasses import dataclass

from device_models.model.adapters import Napalm, Netmiko
from device_models.model.command_line import CommandLine
from device_models.model.judging import Drift
from device_models.model.netconf import Netconf
from device_models.model.reading import Reading
from device_models.model.templates import Schema, Template
from device_models.model.written import STRICT
from oss_agent.spi import device


@dataclass(frozen=True, slots=True, config=STRICT)
class Platform:
    """Everything declared about one platform.

    ``ports`` are the default ports by protocol; an endpoint may name others.
    """

    platform: str
    title: str
    capabilities: frozenset[device.Capability]
    ports: Mapping[str, int] = field(default_factory=dict[str, int])
    configuration: Schema = field(default_factory=Schema)
    netconf: Netconf = field(default_factory=Netconf)
    command_line: CommandLine | None = None
    netmiko: Netmiko | None = None
    napalm: Napalm | None = None
    templates: Mapping[str, Template] = field(default_factory=dict[str, Template])
    observe: Mapping[str, Reading] = field(default_factory=dict[str, Reading])
    drift: Drift = field(default_factory=Drift)

    def port(self, protocol: str, given: Mapping[str, int]) -> int | None:
        """The port of a protocol: what the endpoint gives, else the platform's own."""
        return given.get(protocol, self.ports.get(protocol))
