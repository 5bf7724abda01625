"""Decides what a neighbour that is nobody of ours seems to be, from all that was heard of it. Pure.

LLDP and CDP words are the neighbour's own claim: they are shown as what it says, and detection is asked what
that means. What nothing is known of stays unknown.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final, TypeAlias

from inventory.facts import announced_addresses, neighbour_ids
from inventory.topology.neighbour_identity import Seen
from oss_agent.spi.detection import Detected, Detector, Evidence
from oss_agent.spi.views import LinkView, StrangerView

_MOST: Final = 4
"""Descriptions of one neighbour that are kept: one a protocol, and it may change them."""
_RECOGNISED: Final = 256
"""Different descriptions that one answer recognises: who makes up thousands makes nobody wait."""
_TOO_MANY: Final = "not looked at: too many neighbours describe themselves each otherwise"
Recognised: TypeAlias = dict[tuple[str, ...], Detected]
"""By descriptions: of a hundred neighbours most say the same, and to detect one takes milliseconds."""


def told(seen: Sequence[Seen]) -> StrangerView | None:
    """What these sightings of one neighbour say; None of none."""
    if not seen:
        return None
    return StrangerView(
        name=next(filter(None, (one.system_name for one in seen)), ""),
        chassis=neighbour_ids.chassis_text(seen[0].chassis),
        address=announced_addresses.best(one.address for one in seen),
        said=tuple(sorted({one.description for one in seen} - {""}))[:_MOST],
        capabilities=next(filter(None, (one.capabilities for one in seen)), ""),
        model=next(filter(None, (one.model for one in seen)), ""),
    )


def recognised(links: Sequence[LinkView], detect: Detector) -> tuple[LinkView, ...]:
    """The links, with what each stranger seems to be."""
    known: Recognised = {}
    return tuple(_link(one, detect, known) for one in links)


def _link(link: LinkView, detect: Detector, known: Recognised) -> LinkView:
    if link.stranger is None:
        return link
    members = tuple(_link(one, detect, known) for one in link.members)
    return dataclasses.replace(link, stranger=named(link.stranger, detect, known), members=members)


def named(one: StrangerView, detect: Detector, known: Recognised) -> StrangerView:
    """The same with what detection makes of it; ``known`` is what it made of others."""
    if one.said not in known and len(known) >= _RECOGNISED:
        return dataclasses.replace(one, doubt=_TOO_MANY)
    if one.said not in known:
        known[one.said] = detect(Evidence(announced=one.said))
    seen = known[one.said]
    return dataclasses.replace(
        one,
        vendor=seen.vendor,
        os=seen.os,
        version=seen.version,
        model=seen.model or one.model,
        platform=seen.platform,
        doubt="; ".join(seen.doubts),
    )
