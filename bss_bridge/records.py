"""The surfaces that only read what rooms have written: usage, events."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter

from bss_bridge.engine import hrefs, rendered, surface
from bss_bridge.events import notifications, tmf688
from bss_bridge.resources import tmf635
from oss_agent.spi import events
from oss_agent.spi.query import Port
from oss_agent.spi.views import UsageView


@dataclass(frozen=True, slots=True)
class Records:
    """The ports behind them."""

    usage: Port[UsageView]
    events: Port[events.Event]


def routers(records: Records, links: hrefs.Hrefs, paging: surface.Paging) -> tuple[APIRouter, ...]:
    """Their routes. Events come before topics, whose ids would match their paths too."""
    return (
        surface.router(_usage(records, links), paging),
        surface.router(_specifications(links), paging),
        *(surface.router(_events(records, one, links), paging) for one in notifications.topics()),
        surface.router(_topics(links), paging),
    )


def _usage(records: Records, links: hrefs.Hrefs) -> surface.Resource[UsageView]:
    return surface.Resource(
        "usage",
        (hrefs.USAGE,),
        records.usage,
        lambda view: tmf635.kept(view, links),
        wide=True,
    )


def _specifications(links: hrefs.Hrefs) -> surface.Resource[rendered.Row]:
    return surface.Resource(
        "usageSpecification",
        (hrefs.USAGE,),
        rendered.RenderedPort(lambda: [tmf635.specification(links)]),
        lambda row: row,
        wide=True,
    )


def _events(records: Records, topic: str, links: hrefs.Hrefs) -> surface.Resource[events.Event]:
    return surface.Resource(
        "event",
        (f"{hrefs.EVENTS}/topic/{topic}",),
        tmf688.TopicEvents(records.events, topic),
        lambda event: tmf688.render(event, topic, links),
        wide=True,
    )


def _topics(links: hrefs.Hrefs) -> surface.Resource[rendered.Row]:
    return surface.Resource(
        "topic", (hrefs.EVENTS,), tmf688.topics(links), lambda row: row, wide=True
    )
