"""The only functions that read and write samples and usage records; each runs inside a unit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from oss_agent.assurance import usage
from oss_agent.assurance.tables import OPEN, SAMPLES, USAGE
from oss_agent.spi import ledger
from oss_agent.spi.views import UsageView

_S, _O = SAMPLES.c, OPEN.c


def last_sample(connection: sa.Connection, point: str, service: str) -> usage.Sample | None:
    """The newest kept sample of a service at a meter point; a new service starts without one."""
    query = (
        sa.select(SAMPLES)
        .where(_S.meter_point == point, _S.service == service)
        .order_by(_S.at.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    if row is None:
        return None
    return usage.Sample(
        meter_point=row["meter_point"],
        at=row["at"],
        uptime=row["uptime"],
        discontinuity=row["discontinuity"],
        octets_in=row["octets_in"],
        octets_out=row["octets_out"],
    )


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


def open_of(connection: sa.Connection, device: str) -> Sequence[ledger.WatchedPort]:
    """The meter points of a device where a period has begun, as they were then."""
    rows = connection.execute(sa.select(OPEN).where(_O.device == device).order_by(_O.meter_point))
    return [
        ledger.WatchedPort(
            device=row.device,
            port=usage.port_of(row.meter_point, row.device),
            index=None,
            service=row.service,
            service_name=row.service_name,
            tenant=row.tenant,
            customer=row.customer,
        )
        for row in rows
    ]


def begin(connection: sa.Connection, watched: ledger.WatchedPort) -> None:
    """A period has begun where there was none."""
    connection.execute(
        OPEN.insert().values(
            meter_point=usage.meter_point(watched.device, watched.port),
            service=watched.service,
            device=watched.device,
            tenant=watched.tenant,
            service_name=watched.service_name,
            customer=watched.customer,
        )
    )


def end(connection: sa.Connection, point: str, service: str) -> None:
    """No period goes on there. Safe twice."""
    connection.execute(OPEN.delete().where(_O.meter_point == point, _O.service == service))
