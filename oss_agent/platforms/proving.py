"""Runs a driver's laws on a device that is read-only; what passed is recorded, and audited either way.

A device is tried only while it takes no orders: it must be read-only, and the run has its lease, as
an order would. The laws are those of the contract suite, one after another; the first that is broken
ends it. What was tried is taken away in every case, also where the run itself is ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import sqlalchemy as sa
import structlog

from oss_agent import errors
from oss_agent.platforms.trial import Trial
from oss_agent.spi import audit, clock, device, ledger, store
from oss_agent.spi.logins import Asker, Sending, unspared
from oss_agent.spi.proving import Law, ProofReport
from oss_agent.spi.standing import Identity, Proofs
from oss_agent.testing import contract
from oss_agent.testing.contract.peer import clean

_DEADLINE: Final = 120.0
"""Seconds of one law, beside what its device keeps a dead session's lock: the slowest wait for its timer twice."""
_PARTING: Final = 15.0
"""Seconds for taking the trial away when we are told to stop: the daemon waits for device work 20."""
_AGAIN: Final = 0.5
"""Seconds between two tries to give the lease back while the database takes no writes."""
_READ_ONLY: Final = "read-only"


class Keeper(Protocol):
    """Who knows how devices stand (inventory)."""

    def now(self, connection: sa.Connection, tenant: str, device: str) -> tuple[Identity, str]:
        """What it is, and how it stands; NotFound."""
        ...

    def passed(
        self, connection: sa.Connection, device: str, laws: Sequence[str], *, by: str, at: datetime
    ) -> Identity:
        """Keep that these laws passed on it as it is now."""
        ...


@dataclass(frozen=True, slots=True)
class Ways:
    """What it stands on. ``lease`` (run, tenant, device) keeps orders away until the run is ``freed``.

    OrderRejected (409) while an order, or another run, has the device.
    """

    store: store.Store
    clock: clock.Clock
    devices: ledger.Devices
    drivers: device.Drivers
    keeper: Keeper
    proofs: Proofs
    trials: Callable[[str], tuple[Trial, ...]]
    lease: Callable[[sa.Connection, str, str, str, datetime], None]
    freed: Callable[[sa.Connection, str, datetime], None]
    audit: audit.Audit
    sending: Sending = unspared
    checks: Callable[..., tuple[contract.Check, ...]] = contract.checks


class LawRunner:
    """``spi.proving.Proving``; one run on a device at a time."""

    def __init__(self, ways: Ways) -> None:
        self._w = ways
        self._log = structlog.get_logger("platforms.proving")

    async def prove(self, tenant: str, device: str, *, confirmed: str, by: str) -> ProofReport:
        """Run every law of its driver on a scratch subtree of each store."""
        identity = await self._admitted(tenant, device, confirmed)
        trials = self._trials(identity.platform)
        driver = self._w.drivers.driver(identity.platform)
        async with self._leased(tenant, device):
            endpoint = await self._reached(driver, device)
            peers = [trial.peer(driver, endpoint) for trial in trials]
            laws: list[Law] = []
            left: list[str] = []
            for peer in peers:
                skip = any(one.outcome != "kept" for one in laws)
                told, rest = await self._tried(peer, skip=skip)
                laws += told
                left += [rest] if rest else []
            return await self._keep(tenant, device, identity, laws, "; ".join(left), by)

    @contextlib.asynccontextmanager
    async def _leased(self, tenant: str, device: str) -> AsyncIterator[None]:
        """No order changes it within, nor is it judged by what is read of it meanwhile."""
        w, run, patient = self._w, uuid.uuid4().hex[:24], True
        try:
            await w.store.write(lambda c: w.lease(c, run, tenant, device, w.clock.now()))
            yield
        except asyncio.CancelledError:
            patient = False  # we are told to stop: what this leaves, the next start gives back
            raise
        finally:  # also where it was taken and we were told to stop before we heard of it
            await self._free(run, device, patient=patient)

    async def _free(self, run: str, device: str, *, patient: bool) -> None:
        """Give the lease back, however long the database is away: else orders would wait for a restart."""
        w = self._w
        while True:
            try:
                return await w.store.write(lambda c: w.freed(c, run, w.clock.now()))
            except errors.StoreUnavailable as away:
                self._log.warning("a lease is not given back yet", device=device, reason=str(away))
            if not patient:
                return None
            await asyncio.sleep(_AGAIN)

    async def _admitted(self, tenant: str, device: str, confirmed: str) -> Identity:
        if confirmed != device:
            raise errors.OrderRejected(
                f"this commits on {device}: confirm it with its name", field="confirm"
            )
        identity, stands = await self._w.store.read(lambda c: self._w.keeper.now(c, tenant, device))
        if stands != _READ_ONLY:
            raise _not_now(
                f"{device} is {stands}, and laws are run on a read-only device alone, which no "
                "order changes meanwhile"
            )
        return identity

    async def _reached(self, driver: device.Driver, name: str) -> device.Endpoint:
        """How, and that it takes its login: a run sends that some dozens of times."""
        try:
            endpoint = await self._w.devices.endpoint(name)
            async with self._w.sending(endpoint, Asker.LAWS), driver.session(endpoint):
                return endpoint
        except errors.DeviceError as no:
            raise _not_now(str(no)) from no

    def _trials(self, platform: str) -> tuple[Trial, ...]:
        trials = self._w.trials(platform)
        stores = self._w.drivers.driver(platform).stores
        missing = sorted(set(stores) - {one.store for one in trials})
        if missing or not trials:
            raise _not_now(
                f"the driver of {platform} does not say what may be tried on a device's "
                f"{', '.join(missing) or 'configuration'}: add it as `trial` to its quality.yaml"
            )
        return trials

    async def _tried(self, peer: contract.Peer, *, skip: bool) -> tuple[list[Law], str]:
        """Judge it and take away what was tried, also where we are told to stop; and what is left of it."""
        try:
            return await self._judge(peer, skip=skip), await self._emptied(peer)
        except asyncio.CancelledError:
            await self._emptied(peer, within=_PARTING)
            raise

    async def _emptied(self, peer: contract.Peer, within: float = _DEADLINE) -> str:
        """Take the trial away; what is left of it, "" when nothing is."""
        reason = await self._broken(clean, peer, within)
        if not reason:
            return ""
        left = f"what was tried in {peer.store} may still be there: {reason}"
        self._log.warning("a trial may be left", device=peer.endpoint.device, left=left)
        return left

    async def _broken(self, check: contract.Check, peer: contract.Peer, within: float) -> str:
        """Why a law is not kept; "" where it is."""
        try:
            async with asyncio.timeout(within):
                await check(peer)
        except (contract.BrokenContract, errors.AgentError) as no:
            return str(no)[:1_000]
        except TimeoutError:
            return f"it did not end within {within:g} s"
        except ExceptionGroup as several:
            return "; ".join(str(one)[:500] for one in several.exceptions)
        except Exception as odd:  # noqa: BLE001  (a defect must not leave on the device what was tried)
            self._log.exception("law ended by a defect", device=peer.endpoint.device)
            return f"{type(odd).__name__}: {odd} (a defect; the log has its trace)"[:1_000]
        return ""

    async def _judge(self, peer: contract.Peer, *, skip: bool) -> list[Law]:
        checks = self._w.checks(peer.rung, excludes=peer.excludes)
        told: list[Law] = []
        for check in checks:
            if skip:
                told.append(Law(peer.store, check.__name__, "not run", "another was broken"))
                continue
            reason = await self._broken(check, peer, _DEADLINE + peer.freed_within)
            skip = bool(reason)
            told.append(Law(peer.store, check.__name__, "broken" if reason else "kept", reason))
        return told

    async def _keep(
        self,
        tenant: str,
        device: str,
        tried: Identity,
        laws: Sequence[Law],
        left: str,
        by: str,
    ) -> ProofReport:
        at = self._w.clock.now()
        passed = not left and all(one.outcome == "kept" for one in laws)

        def unit(connection: sa.Connection) -> bool:
            now, _ = self._w.keeper.now(connection, tenant, device)
            # Upgraded while it was tried: nobody can say which of the two kept the laws.
            proven = passed and now == tried
            if proven:
                names = [f"{one.store}: {one.law}" for one in laws]
                self._w.keeper.passed(connection, device, names, by=by, at=at)
            detail = {**_detail(tried, laws, proven=proven), "left": left}
            deed = audit.Deed(tenant, at, by, "prove", f"device:{device}", detail)
            self._w.audit(connection, deed)
            return proven

        return ProofReport(
            device,
            tried.platform,
            tried.version,
            tried.model,
            self._w.proofs.driver(tried.platform),
            await self._w.store.write(unit),
            tuple(laws),
            left,
        )


def _detail(tried: Identity, laws: Sequence[Law], *, proven: bool) -> Mapping[str, object]:
    broken = [f"{one.store}: {one.law}" for one in laws if one.outcome == "broken"]
    return {
        "platform": tried.platform,
        "version": tried.version,
        "model": tried.model,
        "proven": proven,
        "laws": len(laws),
        "broken": broken,
    }


def _not_now(why: str) -> errors.OrderRejected:
    return errors.OrderRejected(why, field="device", status=409, code="conflict")
