"""Faults of the network at chosen moments, the agent standing still meanwhile (docs/reliability.md).

One world for all of them: every test starts the agent anew, and leaves the network healed. The
checker judges everything since the world began, again after each test.
"""

from __future__ import annotations

import itertools
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from oss_agent.testing.checker.facts import Expected
from tests.crash import load, network, rounds, world
from tests.crash.points import Sending
from tests.crash.world import World

NONE: Mapping[str, str] = MappingProxyType({})
BY_HAND = (
    '<services xmlns="urn:oss-agent:lab:services"><eline><name>{}</name><vni>{}</vni>'
    "<port>{}</port></eline></services>"
)
numbers = itertools.count(2)
SOON = 300.0
"""Seconds for what has to come; on a quick machine nobody waits for them."""


class Network:
    """A world, and what tests do to it."""

    def __init__(self, of: World, failures: Path) -> None:
        self.world = of
        self._failures = failures
        self._expected = Expected()

    def expect(self, **expected: bool) -> None:
        """From now on devices may have done this by themselves."""
        self._expected = Expected(**expected)

    def born(self, armed: str = "", env: Mapping[str, str] = NONE) -> None:
        """A new agent, perhaps armed."""
        self.world.kill("for the next test")
        self.world.start(armed, env=env)

    def sent(self, a: str = "pe1", z: str = "pe2") -> Sending:
        """An order that is on its way."""
        number = next(numbers)
        body = load.eline(f"f{number}", f"{a}:eth{number}", f"{z}:eth{number}")
        return Sending(self.world, body)

    def stopped(self) -> None:
        """Wait until the agent stands at the point where it is armed to stop."""
        assert self.world.until(lambda: self.world.alive.stopped, SOON)

    def goes_on(self) -> None:
        """Let it go on."""
        self.world.alive.signal(signal.SIGCONT)

    def tell(self, word: str, device: str, **more: Any) -> None:
        """Have something happen to a device."""
        self.world.network.ask(do=word, device=device, **more)

    def state(self, sending: Sending) -> str:
        """How an order ended, when everything is at rest."""
        sending.end()
        self.world.rest()
        return str(self.world.order(sending.order)["state"])

    def explained(self, sending: Sending, words: str) -> bool:
        """Does the agent say so?"""
        sending.end()
        path = f"/api/v1/orders/{sending.order}/explain"
        return self.world.until(lambda: words in self.world.http.get(path).text, SOON)

    def completed(self, sending: Sending) -> bool:
        """Is it completed, whatever else is under way?"""
        sending.end()
        order = sending.order
        return self.world.until(lambda: self.world.order(order)["state"] == "completed", SOON)

    def judge(self) -> None:
        """Everything agrees."""
        found = rounds.judged(self.world, self._failures, expected=self._expected)
        assert not found, "\n".join(map(str, found))


@pytest.fixture(scope="module")
def one_world(births: world.Child, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    place = tmp_path_factory.mktemp("faults")
    with world.opened(place / "world", births) as opened:
        yield Network(opened, place / "failures")


@pytest.fixture
def net(one_world: Network) -> Iterator[Network]:
    yield one_world
    for device in network.EDGES:
        one_world.tell("faults", device)


def test_a_router_that_is_away_holds_up_nobody_else(net: Network) -> None:
    """F-06: the order waits and says why; others go on; it completes when the router is back."""
    net.born()
    net.tell("down", "pe4")
    waiting = net.sent("pe1", "pe4")
    assert net.explained(waiting, "pe4")
    other = net.sent("pe2", "pe3")
    assert net.completed(other)
    net.tell("up", "pe4")
    assert net.state(waiting) == "completed"
    net.judge()


def test_a_router_lost_between_edit_and_commit_reverts_all(net: Network) -> None:
    """F-07."""
    net.born("journal.validated.after@2:stop")
    order = net.sent()
    net.stopped()
    net.tell("down", "pe2")
    net.goes_on()
    assert net.explained(order, "pe2")
    net.tell("up", "pe2")
    assert net.state(order) == "completed"
    net.judge()


@pytest.mark.parametrize("point", ["journal.held.after@2", "journal.decision.after"])
def test_a_router_lost_between_commit_and_confirm_is_reconciled(net: Network, point: str) -> None:
    """F-08: before the decision all revert, after it that router is driven to it when it is back."""
    net.born(f"{point}:stop")
    order = net.sent()
    net.stopped()
    net.tell("down", "pe2")
    net.goes_on()
    assert net.explained(order, "pe2")
    net.tell("up", "pe2")
    assert net.state(order) == "completed"
    net.judge()


@pytest.mark.parametrize("which", [1, 2])
def test_a_lost_reply_activates_nothing_twice(net: Network, which: int) -> None:
    """F-09: of the commit (1), or of the confirm (2), which the device itself tells was carried out."""
    net.born()
    net.tell("faults", "pe2", lose_commit_reply=which)
    assert net.state(net.sent()) == "completed"
    net.judge()


def test_a_router_locked_by_another_is_waited_for(net: Network) -> None:
    """F-11: the holder's session is named, nobody is killed, it goes on once the lock is gone."""
    net.born()
    net.tell("faults", "pe3", lock_held_by=77)
    order = net.sent("pe1", "pe3")
    assert net.explained(order, "77")
    net.tell("faults", "pe3")
    assert net.state(order) == "completed"
    net.judge()


def test_a_foreign_edit_in_the_middle_stays(net: Network) -> None:
    """F-39, foreign: untouched."""
    net.born("journal.intent.after:stop")
    order = net.sent()
    net.stopped()
    number = next(numbers)
    net.tell("hand", "pe2", config=BY_HAND.format(f"hand{number}", number, f"eth{900 + number}"))
    net.goes_on()
    assert net.state(order) == "completed"
    net.judge()


def test_an_edit_of_what_is_ours_in_the_middle_stops_the_order(net: Network) -> None:
    """F-39, ours: abort with the difference; what the other one made stays his."""
    net.born("journal.intent.after:stop")
    order = net.sent()
    net.stopped()
    number, name = next(numbers), order.body["serviceOrderItem"][0]["service"]["name"]
    net.tell("hand", "pe2", config=BY_HAND.format(name, number, f"eth{900 + number}"))
    net.goes_on()
    assert net.state(order) == "failed"
    assert "pe2" in str(net.world.order(order.order)["error"])
    net.judge()


def test_two_orders_for_one_router_do_not_interleave(net: Network) -> None:
    """F-13, small: six at once; reliability.md says how many are wanted."""
    net.born()
    orders = [net.sent() for _ in range(6)]
    assert {net.state(one) for one in orders} == {"completed"}
    net.judge()


def test_orders_over_the_same_routers_in_opposite_order_all_end(net: Network) -> None:
    """F-15, small: six at once; reliability.md says how many are wanted."""
    net.born()
    orders = [net.sent(*pair) for pair in [("pe1", "pe2"), ("pe2", "pe1")] * 3]
    assert {net.state(one) for one in orders} == {"completed"}
    net.judge()


def test_a_slow_router_slows_only_its_own_order(net: Network) -> None:
    """F-27, small: a commit that takes as long as another order does from its beginning to its end."""
    net.born(
        env={
            "OSS_AGENT_FULFILMENT__RPC_TIMEOUT": "150",
            "OSS_AGENT_FULFILMENT__CONFIRM_WITHIN": "450",
        }
    )
    net.tell("faults", "pe4", commit_takes=SOON)
    slow = net.sent("pe1", "pe4")
    other = net.sent("pe2", "pe3")
    assert net.completed(other)
    assert net.world.order(slow.order)["state"] == "inProgress"
    net.tell("faults", "pe4")
    assert net.state(slow) == "completed"
    net.judge()


@pytest.mark.parametrize("greeting", ["silent", "garbage", "no-session-id"])
def test_a_router_that_talks_nonsense_is_waited_for_and_named(net: Network, greeting: str) -> None:
    """F-28 and F-29, small: no hello, noise, no session-id; the corpus is tests/contract/test_faults."""
    net.born()
    net.tell("faults", "pe3", greeting=greeting)
    order = net.sent("pe1", "pe3")
    assert net.explained(order, "pe3")
    net.tell("faults", "pe3")
    assert net.state(order) in {"completed", "failed"}
    net.judge()


def test_a_confirm_that_comes_too_late_is_no_completed_order_on_a_reverted_router(
    net: Network,
) -> None:
    """F-10: the timer fires between decision and confirm; read-back sees it, it is pushed again."""
    net.expect(timers=True)
    net.born("journal.decision.after:stop")
    order = net.sent()
    net.stopped()
    for device in ("pe1", "pe2"):
        net.tell("expire", device)
    net.goes_on()
    assert net.state(order) == "completed"
    net.judge()


@pytest.mark.parametrize("point", ["device.confirm.after@2", "device.save.before"])
def test_a_reboot_before_the_save_is_made_good(net: Network, point: str) -> None:
    """F-38: running is startup again: seen by reading back, pushed again, saved."""
    net.expect(timers=True, reboots=True)
    net.born(f"{point}:stop")
    order = net.sent()
    net.stopped()
    net.tell("reboot", "pe2")
    net.goes_on()
    assert net.state(order) == "completed"
    net.judge()
