"""Edits by hand of our own nodes in the middle of an order, under each policy, with no timer to help.

On these rungs HELD means applied: whatever a hand does then has to be told from what is ours.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from oss_agent.fulfilment.record import states
from oss_agent.spi import catalogue, views
from oss_agent.spi.device import Rung
from oss_agent.testing.simulated.offer import OFFERS
from tests.integration.fulfilment import ladder
from tests.integration.fulfilment.ladder import Network

pytestmark = pytest.mark.anyio
Action = views.ItemAction
Policy = catalogue.OutOfBand


@dataclass(frozen=True)
class Ground:
    """An active E-Line of 20 Mbit/s between a candidate-only router and a command-line one."""

    net: Network
    service: str
    rung: Rung

    @property
    def name(self) -> str:
        """The device that a hand edits."""
        return "pe1" if self.rung is Rung.CANDIDATE else "sw1"

    def by_hand(self, rate: int | None = None, foreign: str | None = None) -> None:
        """Somebody sets our rate, and describes a port that is not ours."""
        if self.rung is Rung.CANDIDATE:
            self.net.world.devices["pe1"].change_by_hand(_as_xml(rate, foreign))
            return
        if rate is not None:
            self.net.box.change_by_hand(f"{ladder.SERVICE}\nrate {rate}")
        if foreign is not None:
            self.net.box.change_by_hand(f"interface eth1\ndescription {foreign}")

    async def rate(self) -> str:
        """What the device has as our rate, kbit/s."""
        text = (await self.net.world.snapshots())[self.name]
        words = text.replace("<rate>", "\nrate ").replace("</rate>", "\n").splitlines()
        (found,) = [w.strip().split(" ")[1] for w in words if w.strip().startswith("rate ")]
        return found

    async def modify(self, **said: object) -> str:
        return await ladder.send(self.net.world, Action.MODIFY, said, service=self.service)

    async def until_planned(self) -> None:
        """The intent is written, nothing is sent."""
        await self.net.world.feeder.feed()
        await self.net.world.flow.step()

    async def until_held(self) -> None:
        """Both are applied, nothing is decided."""
        await self.until_planned()
        await self.net.world.flow.step()


def _as_xml(rate: int | None, foreign: str | None) -> str:
    ours = "" if rate is None else f"<eline><name>acme</name><rate>{rate}</rate></eline>"
    namespace = 'xmlns="urn:oss-agent:lab:services"'
    port = f"<port><name>eth1</name><description>{foreign}</description></port>"
    theirs = "" if foreign is None else f"<ports {namespace}>{port}</ports>"
    return (f"<services {namespace}>{ours}</services>" if ours else "") + theirs


@contextlib.asynccontextmanager
async def ground(where: Path, rung: Rung, policy: Policy) -> AsyncIterator[Ground]:
    offers = {"pe1": OFFERS[Rung.CANDIDATE]}
    async with ladder.network(where, offers=offers, out_of_band=policy) as net:
        said = {**ladder.ENDS, "bandwidth": 20}
        service = await ladder.carried_out(net.world, Action.ADD, said, specification="eline")
        yield Ground(net, service, rung)


RUNGS = pytest.mark.parametrize(
    "rung", [Rung.CANDIDATE, Rung.LINES], ids=lambda one: one.name.lower()
)
POLICIES = [one for one in Policy if one is not Policy.AS_IS]
"""Those that a specification may have."""
COMPLETED, FAILED = views.OrderState.COMPLETED, views.OrderState.FAILED


@RUNGS
@pytest.mark.parametrize("policy", POLICIES, ids=str)
async def test_an_edit_in_the_way_between_plan_and_gate_stops_all_but_revert(
    rung: Rung, policy: Policy, tmp_path: Path
) -> None:
    async with ground(tmp_path, rung, policy) as one:
        key = await one.modify(bandwidth=50)
        await one.until_planned()
        one.by_hand(rate=7, foreign="by-hand")
        edited = await one.net.world.snapshots()
        await one.net.world.run_to_the_end()
        order = await one.net.world.get(key)

        if policy is Policy.REVERT:
            assert (order.state, await one.rate()) == (COMPLETED, "50000")
        else:
            assert (order.state, await one.rate()) == (FAILED, "7")
            assert order.error is not None
            assert (order.error.code, order.error.reference) == ("conflict", one.name)
            assert "rate" in order.error.message
            assert await one.net.world.snapshots() == edited
        assert "by-hand" in (await one.net.world.snapshots())[one.name]
        assert not one.net.world.alarms.open


@RUNGS
@pytest.mark.parametrize(
    ("policy", "left"),
    [(Policy.ABORT, "7"), (Policy.REVERT, "20000"), (Policy.ADOPT, "7"), (Policy.ACCEPT, "7")],
    ids=str,
)
async def test_an_edit_beside_what_is_ordered_stays_under_the_lenient_policies(
    rung: Rung, policy: Policy, left: str, tmp_path: Path
) -> None:
    async with ground(tmp_path, rung, policy) as one:
        key = await one.modify(vni=10_150)
        await one.until_planned()
        one.by_hand(rate=7, foreign="by-hand")
        await one.net.world.run_to_the_end()

        state = (await one.net.world.get(key)).state
        text = (await one.net.world.snapshots())[one.name]
        assert state is (FAILED if policy is Policy.ABORT else COMPLETED)
        assert ("10150" in text) is (state is COMPLETED)
        assert await one.rate() == left
        assert "by-hand" in text
        assert not one.net.world.alarms.open


@RUNGS
@pytest.mark.parametrize("policy", POLICIES, ids=str)
async def test_an_edit_while_held_is_put_back_by_revert_and_else_left_to_a_person(
    rung: Rung, policy: Policy, tmp_path: Path
) -> None:
    async with ground(tmp_path, rung, policy) as one:
        world = one.net.world
        key = await one.modify(bandwidth=50)
        await one.until_held()
        assert {found.state for found in (await world.participants(key)).values()} == {
            states.State.HELD
        }
        one.by_hand(rate=7, foreign="by-hand")
        await world.run()

        found = await world.participants(key)
        (other,) = set(found) - {one.name}
        assert found[other].outcome == "byte for byte as before"
        if policy is Policy.REVERT:
            assert (found[one.name].state, await one.rate()) == (states.State.REVERTED, "20000")
        else:
            assert (found[one.name].state, await one.rate()) == (states.State.UNKNOWN, "7")
            assert "rate" in found[one.name].outcome
            assert len(world.alarms.open) == 1
            one.by_hand(rate=20_000)  # the person decides for what was there before
        await world.run_to_the_end()
        assert (await world.get(key)).state is FAILED
        assert await one.rate() == "20000"
        assert "by-hand" in (await world.snapshots())[one.name]
        assert not world.alarms.open
