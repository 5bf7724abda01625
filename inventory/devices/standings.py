"""Keeps how each device stands (``inventory.devices.standing``), with the case that says so, in the caller's unit."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from inventory.devices import device_views, standing
from inventory.rows import cases, history, tables
from oss_agent.spi import detection
from oss_agent.spi.standing import Identity, Proofs

_S: Final = tables.standings
_R: Final = tables.proof_runs
_LONGEST: Final = 1_000
"""Runs of one platform that are looked at, the newest."""


class Standings:
    """What is known of ``proofs`` and by ``detect``; ``enforced`` says whether a doubt forbids to write."""

    def __init__(
        self, proofs: Proofs, detect: detection.Detector, *, enforced: bool = True
    ) -> None:
        self._proofs = proofs
        self._detect = detect
        self._enforced = enforced

    def settle(
        self,
        connection: sa.Connection,
        devices: Collection[str],
        at: datetime,
        seen: Mapping[str, detection.Detected] | None = None,
    ) -> None:
        """Judge these devices by what is known of them now; ``seen`` is what was concluded outside."""
        runs: dict[tuple[str, str], list[standing.Run]] = {}
        for row in _devices(connection, devices):
            key = (row["tenant"], row["platform"])
            if key not in runs:
                runs[key] = _runs(connection, *key)
            said = (seen or {}).get(row["name"]) or self._said(row["description"])
            self._one(connection, row, _identity(row, said), runs[key], at)

    def settle_all(self, connection: sa.Connection, at: datetime) -> None:
        """The same of every device: drivers and settings may be others since the last start."""
        c = tables.devices.c
        query = sa.select(c.name).where(history.current(tables.devices))
        self.settle(connection, connection.execute(query).scalars().all(), at)

    def now(self, connection: sa.Connection, tenant: str, device: str) -> tuple[Identity, str]:
        """What a device is, and how it stands; NotFound."""
        view = device_views.get(connection, tenant, device)
        (row,) = _devices(connection, {device})
        return _before(row) or Identity(view.platform), view.standing

    def passed(
        self, connection: sa.Connection, device: str, laws: Sequence[str], *, by: str, at: datetime
    ) -> Identity:
        """Its driver's laws passed on a device: that proves what it is now. Returns what that is."""
        (row,) = _devices(connection, {device})
        identity = _before(row) or Identity(row["platform"])
        run = {
            "tenant": row["tenant"],
            "device": device,
            "platform": identity.platform,
            "os": identity.os,
            "version": identity.version,
            "model": identity.model,
            "driver": self._proofs.driver(identity.platform),
            "laws": list(laws),
            "at": at,
            "by": by,
        }
        connection.execute(sa.insert(_R).values(run))
        self.settle(connection, {device}, at)
        return identity

    def _said(self, description: str | None) -> detection.Detected | None:
        return self._detect(detection.Evidence(description=description)) if description else None

    def _one(
        self,
        connection: sa.Connection,
        row: sa.RowMapping,
        identity: Identity,
        runs: Collection[standing.Run],
        at: datetime,
    ) -> None:
        name, tenant = row["name"], row["tenant"]
        doubt = self._doubt(identity, runs) if row["managed"] else ""
        facts = {
            "platform": identity.platform,
            "os": identity.os,
            "version": identity.version,
            "model": identity.model,
            "doubt": doubt,
            "read_only": bool(doubt) and self._enforced,
        }
        before = {key: row[f"was_{key}"] for key in facts}
        if before == facts:
            return
        history.put(connection, _S, {"device": name}, {"tenant": tenant, **facts}, at)
        told = [standing.case(name, doubt, identity, _before(row))] if doubt else []
        cases.settle(connection, tenant, name, {standing.KIND}, told, at)

    def _doubt(self, identity: Identity, runs: Collection[standing.Run]) -> str:
        platform = identity.platform
        proven, driver = self._proofs.proven(platform), self._proofs.driver(platform)
        return standing.doubt(identity, proven, runs, driver)


def read_only(connection: sa.Connection, devices: Collection[str]) -> Mapping[str, str]:
    """Of these devices those that may not be written to, and why."""
    rows = connection.execute(_READ_ONLY, {"at_devices": list(devices)})
    return {row.device: row.doubt for row in rows}


def _identity(row: sa.RowMapping, said: detection.Detected | None) -> Identity:
    """Of another system than the platform's, a version tells nothing of that platform's driver."""
    platform = row["platform"]
    if said is not None:
        known = said.platform == platform
        return (
            Identity(platform, said.os, said.version, said.model) if known else Identity(platform)
        )
    before = _before(row)
    return before if before is not None and before.platform == platform else Identity(platform)


def _before(row: sa.RowMapping) -> Identity | None:
    """What it was when it was judged last; None of one that never was."""
    if row["was_platform"] is None:
        return None
    return Identity(*(row[f"was_{name}"] for name in ("platform", "os", "version", "model")))


def _devices(connection: sa.Connection, devices: Collection[str]) -> list[sa.RowMapping]:
    found: list[sa.RowMapping] = []
    names = sorted(devices)
    for begin in range(0, len(names), _CHUNK):
        asked: dict[str, Any] = {"at_devices": names[begin : begin + _CHUNK]}
        found += connection.execute(_DEVICES, asked).mappings().all()
    return found


def _runs(connection: sa.Connection, tenant: str, platform: str) -> list[standing.Run]:
    rows = connection.execute(_RUNS, {"at_tenant": tenant, "at_platform": platform})
    return [
        standing.Run(Identity(row.platform, row.os, row.version, row.model), row.driver)
        for row in rows
    ]


_CHUNK: Final = 500
"""Names in one question: databases bound how many values it may have."""
_THESE: sa.BindParameter[str] = sa.bindparam("at_devices", expanding=True)
_D, _T = tables.devices.c, tables.device_states.c
_DEVICES = (
    sa.select(
        _D.name,
        _D.tenant,
        _D.platform,
        _D.managed,
        _T.description,
        *(
            _S.c[name].label(f"was_{name}")
            for name in ("platform", "os", "version", "model", "doubt", "read_only")
        ),
    )
    .select_from(
        tables.devices.outerjoin(
            tables.device_states,
            sa.and_(history.current(tables.device_states), _T.device == _D.name),
        ).outerjoin(_S, sa.and_(history.current(_S), _S.c.device == _D.name))
    )
    .where(history.current(tables.devices), _D.name.in_(_THESE))
)
_READ_ONLY = sa.select(_S.c.device, _S.c.doubt).where(
    history.current(_S), _S.c.read_only, _S.c.device.in_(_THESE)
)
_RUNS = (
    sa.select(_R.c.platform, _R.c.os, _R.c.version, _R.c.model, _R.c.driver)
    .where(_R.c.tenant == sa.bindparam("at_tenant"), _R.c.platform == sa.bindparam("at_platform"))
    .order_by(_R.c.row.desc())
    .limit(_LONGEST)
)
"""Made once: to build a statement costs several times as much as to run it."""
