"""How other people's libraries reach a platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from pydantic.dataclasses import dataclass

from device_models.model.command_line import Grammar
from device_models.model.keeping import Keeping
from device_models.model.written import STRICT


@dataclass(frozen=True, slots=True, config=STRICT)
class Netmiko:
    """How netmiko talks to the platform's ``command_line``: its name for such devices."""

    device_type: str


@dataclass(frozen=True, slots=True, config=STRICT)
class Napalm:
    """A configuration store reached through NAPALM; times in seconds.

    * ``driver``: NAPALM's own name of the platform; ``options`` are its optional arguments.
    * ``protocol``: the port it is reached by.
    * ``grammar``: what the text of the running configuration means, and how lines change it.
    * ``timer_step``: the device takes a commit timer in multiples of this (IOS: 60).
    * ``lock_for``: how long a lock of a holder that died keeps others away.
    * ``plain_http``: the operator vouches for the way to the device; else only loopback may be
      reached without TLS.
    """

    driver: str
    store: str
    protocol: str
    grammar: Grammar
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    kept: Keeping = Keeping()
    timer_step: int = 1
    lock_for: float = 300.0
    plain_http: bool = False
    connect_within: float = 20.0
    call_within: float = 60.0
    commit_within: float = 120.0
