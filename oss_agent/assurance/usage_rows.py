"""The only functions that read and write samples and usage records; each runs inside a unit."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from oss_agent.assurance import usage
from oss_agent.assurance.tables import SAMPLES, USAGE
from oss_agent.spi import ledger
from oss_agent.spi.views import UsageView

_S = SAMPLES.c


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
