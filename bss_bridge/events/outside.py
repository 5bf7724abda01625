"""What every delivery to somebody outside stands on: client, clock, links, callback rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import httpx

from bss_bridge.engine.hrefs import Hrefs
from bss_bridge.events import callbacks
from oss_agent.spi.clock import Clock


class CallbackStyle(StrEnum):
    """Where a listener's events are posted."""

    LISTENER = "listener"
    """{callback}/listener/<eventName>: the v4 specifications"""
    DIRECT = "direct"
    """the callback itself: common practice"""


@dataclass(frozen=True, slots=True)
class Outside:
    """What every delivery needs: the client, the clock, links, callback rules."""

    http: httpx.AsyncClient
    clock: Clock
    hrefs: Hrefs
    policy: callbacks.Policy = field(default_factory=callbacks.Policy)
    style: CallbackStyle = CallbackStyle.LISTENER
