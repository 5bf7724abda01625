"""The surfaces of the catalogue, TMF633 and TMF634: read only, because its files are the truth."""

from __future__ import annotations

from fastapi import APIRouter

from bss_bridge.engine import hrefs, surface
from bss_bridge.resources import tmf633, tmf634
from oss_agent.spi.specifications import Shelf


def routers(shelf: Shelf, links: hrefs.Hrefs, paging: surface.Paging) -> tuple[APIRouter, ...]:
    """Their routes. What would change the catalogue is no route: 405."""
    every = (*tmf633.resources(shelf, links), *tmf634.resources(shelf, links))
    return tuple(surface.router(one, paging) for one in every)
