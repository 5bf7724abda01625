"""Telling others what happened, wired: who is told, the outbox, and whom the agent calls by itself."""

from __future__ import annotations

from dataclasses import dataclass

import bss_bridge.connectors.sender
import bss_bridge.events.outside
import bss_bridge.events.receivers
from oss_agent import outbox
from oss_agent.app import billing, complaints, ground, tuning


@dataclass(frozen=True, slots=True)
class Telling:
    """The outbox, who watches for what is late in it, and where both complain."""

    complaints: complaints.Complaints
    late: outbox.Watch
    outbox: outbox.Outbox


def build(on: ground.Ground) -> Telling:
    """Construct. ConfigurationError when a receiver's secret cannot be had."""
    complain = complaints.Complaints(on.rows, on.time)
    told, patience = receivers(on), tuning.outbox(on.tree.outbox)
    return Telling(
        complain,
        outbox.Watch(on.rows, told.removed, on.time, complain.undelivered, complain.heed, patience),
        outbox.Outbox(on.rows, told, on.time, complain.undelivered, patience, complain.heed),
    )


def receivers(on: ground.Ground) -> bss_bridge.events.receivers.BridgeReceivers:
    """Who is told: the configured billing, and whoever registered at a hub."""
    of = on.tree.http
    outside = bss_bridge.events.outside.Outside(
        on.http, on.time, on.hrefs, tuning.policy(of), tuning.style(of)
    )
    plain = tuning.billing(on.tree.billing)
    mouth = bss_bridge.connectors.sender.Mouth(on.http, on.time)
    told = billing.receivers(on.tree, mouth, on.rows, on.hrefs)
    return bss_bridge.events.receivers.BridgeReceivers(on.rows, outside, plain, told)
