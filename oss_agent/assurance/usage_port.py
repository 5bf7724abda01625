"""Reading usage records: ``spi.query.Port[UsageView]``, by the names of TMF635."""

from __future__ import annotations

import sqlalchemy as sa

from oss_agent import errors, selecting
from oss_agent.assurance.tables import USAGE
from oss_agent.spi import query, store
from oss_agent.spi.views import UsageView

_U = USAGE.c


class UsagePort:
    """The records as they were written: a correction is a record of its own."""

    def __init__(self, rows: store.Store) -> None:
        self._rows = rows

    async def find(self, asked: query.Query) -> query.Page[UsageView]:
        """Records that match, by period and key unless sorted otherwise. OrderRejected (400)."""
        return await self._rows.read(lambda c: _find(c, asked))

    async def get(self, tenant: str, key: str) -> UsageView:
        """One record by its key; NotFound, also for another tenant's."""
        one = sa.select(USAGE).where(_U.tenant == tenant, _U.key == key)
        row = await self._rows.read(lambda c: c.execute(one).mappings().first())
        if row is None:
            raise errors.NotFound(f"usage {ascii(key)[:80]}")
        return _view(row)


def _find(connection: sa.Connection, asked: query.Query) -> query.Page[UsageView]:
    found, total = _selection().page(connection, asked)
    return query.Page(tuple(map(_view, found.mappings())), total)


def _selection() -> selecting.Selection:
    columns = {
        "id": _U.key,
        "relatedParty.id": _U.customer,
        "relatedParty.name": _U.customer,
        "serviceId": _U.service,
        "serviceName": _U.service_name,
        "meterPoint": _U.meter_point,
        "usageType": sa.literal("octets"),
        "status": sa.literal("received"),
        "usageSpecification.id": sa.literal("service-octets"),
    }
    attributes = selecting.texts(columns)
    attributes["usageDate"] = selecting.Attribute(_U.valid_to, selecting.moment)
    return selecting.Selection(sa.select(USAGE), _U.tenant, attributes, _U.key)


def _view(row: sa.RowMapping) -> UsageView:
    return UsageView(
        key=row["key"],
        tenant=row["tenant"],
        service=row["service"],
        service_name=row["service_name"],
        customer=row["customer"],
        meter_point=row["meter_point"],
        period_start=row["valid_from"],
        period_end=row["valid_to"],
        revision=row["revision"],
        octets_in=row["octets_in"],
        octets_out=row["octets_out"],
        gap=row["gap"],
        samples=(row["first_sample"], row["second_sample"]),
        correction_of=row["correction_of"],
    )
