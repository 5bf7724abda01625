"""What is shown of usage."""

from __future__ import annotations

import dataclasses
from datetime import datetime


@dataclasses.dataclass(frozen=True, slots=True)
class UsageView:
    """One usage record: integer octets of one meter point over one period, with its two samples.

    ``octets_in`` and ``octets_out`` are None when the interval is unknown (gap): never zero, never
    interpolated. ``key`` is the idempotency key from (meter point, period, revision).
    """

    key: str
    tenant: str
    service: str
    service_name: str
    customer: str
    meter_point: str
    period_start: datetime
    period_end: datetime
    revision: int
    octets_in: int | None
    octets_out: int | None
    gap: str | None
    samples: tuple[str, str]
    correction_of: str | None = None
