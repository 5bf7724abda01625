"""Reading service tests by the names of TMF653."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from oss_agent import errors, selecting
from oss_agent.fulfilment.record import service_test_rows
from oss_agent.spi import query
from oss_agent.spi.service_tests import ServiceTestView

_T = service_test_rows.TABLE.c


def find(connection: sa.Connection, asked: query.Query) -> query.Page[ServiceTestView]:
    """Tests that match. OrderRejected (400)."""
    found, total = _selection().page(connection, asked)
    return query.Page(service_test_rows.views_of(connection, found.mappings().all()), total)


def get(connection: sa.Connection, tenant: str, key: str) -> ServiceTestView:
    """One test; NotFound, also for another tenant's."""
    mine = service_test_rows.TABLE.select().where(_T.tenant == tenant, _T.id == key)
    row = connection.execute(mine).mappings().first()
    if row is None:
        raise errors.NotFound(f"serviceTest {ascii(key)[:40]}")
    return service_test_rows.views_of(connection, [row])[0]


def _selection() -> selecting.Selection:
    text: dict[str, sa.ColumnElement[Any]] = {
        "id": _T.id,
        "name": _T.name,
        "description": _T.description,
        "mode": _T.mode,
        "state": _T.state,
        "relatedService.id": _T.service_id,
        "relatedService.name": _T.service_name,
        "testSpecification.id": _T.specification_id,
        "testSpecification.version": _T.specification_version,
        "relatedEntity.id": _T.order_id,
    }
    times: dict[str, sa.ColumnElement[Any]] = {
        "startDateTime": _T.start,
        "endDateTime": _T.end,
    }
    attributes = selecting.texts(text) | selecting.moments(times)
    return selecting.Selection(sa.select(service_test_rows.TABLE), _T.tenant, attributes, _T.number)
