"""Decides how a device's neighbours are shown with it: as they were told, and what they seem to be."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from inventory.rows import history, tables
from inventory.topology import neighbour_identity, strangers
from oss_agent.spi.detection import Detector
from oss_agent.spi.moments import AsOf
from oss_agent.spi.views import HeardView, StrangerView

MOST: Final = 512
"""Neighbours that a device is shown with."""
_FIELDS = ("chassis", "port_id", "port_description", "system_name", "address")
_WORDS = ("description", "model", "capabilities")


def of(
    connection: sa.Connection, device: str, when: AsOf | None, detect: Detector | None
) -> tuple[tuple[HeardView, ...], int]:
    """Who is heard on which port, the first by port, and how many in all; not resolved: that is topology's."""
    t = tables.neighbours
    here = sa.and_(history.there(t, when), t.c.device == device)
    total = connection.execute(sa.select(sa.func.count()).select_from(t).where(here)).scalar_one()
    by_port = (sa.func.length(t.c.port), t.c.port, t.c.chassis, t.c.port_id)
    query = sa.select(t).where(here).order_by(*by_port).limit(MOST)
    known: strangers.Recognised = {}
    found = (_view(row, detect, known) for row in connection.execute(query).mappings())
    by_words = sorted(found, key=lambda one: (len(one.port), one.port, one.protocol, one.port_id))
    return tuple(by_words), int(total)


def _view(row: sa.RowMapping, detect: Detector | None, known: strangers.Recognised) -> HeardView:
    seen = neighbour_identity.Seen(
        at=(row["device"], row["port"]),
        when=row["valid_from"],
        **{name: row[name] for name in (*_FIELDS, *_WORDS)},
    )
    it = strangers.told([seen]) or StrangerView("", "")
    return HeardView(
        port=seen.at[1],
        protocol=seen.protocol,
        port_id=seen.port_id,
        it=it if detect is None else strangers.named(it, detect, known),
        since=seen.when,
        missed=row["heard_until"] is not None,
    )
