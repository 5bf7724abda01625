"""The only functions that read and write samples and usage records; each runs inside a unit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from oss_agent.assurance import periods, usage
from oss_agent.assurance.tables import OPEN, SAMPLES, USAGE
from oss_agent.spi import ledger
from oss_agent.spi.views import UsageView

_S, _O = SAMPLES.c, OPEN.c


def begun(connection: sa.Connection, device: str) -> Sequence[periods.Period]:
    """The periods that have begun on a device, each with its first sample."""
    rows = connection.execute(_BEGUN, {"at_device": device}).mappings()
    return [periods.Period(_whose(row), _first(row)) for row in rows]


_BEGUN: Final = (
    sa.select(
        _O.meter_point,
        _O.service,
        _O.device,
        _O.tenant,
        _O.service_name,
        _O.customer,
        _S.at,
        _S.uptime,
        _S.discontinuity,
        _S.octets_in,
        _S.octets_out,
    )
    .select_from(OPEN.join(SAMPLES, _S.id == _O.sample))
    .where(_O.device == sa.bindparam("at_device"))
    .order_by(_O.meter_point, _O.service)
)
"""Made once: to build a statement costs several times as much as to run it."""


def _whose(row: sa.RowMapping) -> ledger.WatchedPort:
    return ledger.WatchedPort(
        device=row["device"],
        port=usage.port_of(row["meter_point"], row["device"]),
        index=None,
        service=row["service"],
        service_name=row["service_name"],
        tenant=row["tenant"],
        customer=row["customer"],
    )


def _first(row: sa.RowMapping) -> usage.Sample:
    return usage.Sample(
        meter_point=row["meter_point"],
        at=row["at"],
        uptime=row["uptime"],
        discontinuity=row["discontinuity"],
        octets_in=row["octets_in"],
        octets_out=row["octets_out"],
    )


def devices(connection: sa.Connection) -> frozenset[str]:
    """Where any period has begun."""
    return frozenset(connection.execute(sa.select(_O.device).distinct()).scalars())


def put_sample(
    connection: sa.Connection, sample: usage.Sample, watched: ledger.WatchedPort
) -> None:
    """Keep a raw sample. Safe twice."""
    if connection.execute(sa.select(_S.id).where(_S.id == sample.id)).first() is not None:
        return
    connection.execute(
        SAMPLES.insert().values(
            id=sample.id,
            tenant=watched.tenant,
            service=watched.service,
            meter_point=sample.meter_point,
            at=sample.at,
            uptime=sample.uptime,
            discontinuity=sample.discontinuity,
            octets_in=sample.octets_in,
            octets_out=sample.octets_out,
        )
    )


def put_record(connection: sa.Connection, view: UsageView, *, known_from: datetime) -> bool:
    """Add a usage record; False when one of its key is there already: it stays as it was."""
    if connection.execute(sa.select(USAGE.c.key).where(USAGE.c.key == view.key)).first():
        return False
    connection.execute(
        USAGE.insert().values(
            meter_point=view.meter_point,
            valid_from=view.period_start,
            valid_to=view.period_end,
            revision=view.revision,
            known_from=known_from,
            key=view.key,
            tenant=view.tenant,
            service=view.service,
            service_name=view.service_name,
            customer=view.customer,
            octets_in=view.octets_in,
            octets_out=view.octets_out,
            gap=view.gap,
            first_sample=view.samples[0],
            second_sample=view.samples[1],
            correction_of=view.correction_of,
        )
    )
    return True


def begin(connection: sa.Connection, watched: ledger.WatchedPort, sample: usage.Sample) -> None:
    """A period begins with a sample that is kept; what had begun there goes on from it."""
    put_sample(connection, sample, watched)
    here = sa.and_(_O.meter_point == sample.meter_point, _O.service == watched.service)
    now = {
        "device": watched.device,
        "tenant": watched.tenant,
        "service_name": watched.service_name,
        "customer": watched.customer,
        "sample": sample.id,
    }
    if connection.execute(OPEN.update().where(here).values(now)).rowcount == 0:
        key = {"meter_point": sample.meter_point, "service": watched.service}
        connection.execute(OPEN.insert().values(key | now))


def end(connection: sa.Connection, place: periods.Place) -> None:
    """No period goes on there. Safe twice."""
    point, service = place
    connection.execute(OPEN.delete().where(_O.meter_point == point, _O.service == service))
