"""F-31: a burst of orders over many devices: what was acknowledged is there after a death, and done."""

from __future__ import annotations

from tests.bench import estate, keepalive

ORDERS, DEVICES = 24, 10
"""``scripts/bench drain 10000`` is the same with the numbers of an operator's worst night."""


def test_what_a_burst_was_answered_survives_a_kill_and_is_all_carried_out() -> None:
    with estate.ground(DEVICES, ORDERS) as ground:
        with ground.alive() as first:
            url, bodies = first.daemon.url + estate.ORDERS, first.bodies(ORDERS)
            keepalive.post(url, bodies[: ORDERS // 2], connections=8)
            with ground.stopped():
                keepalive.post(url, bodies[ORDERS // 2 :], connections=8)
                first.daemon.kill()
            taken = first.states()
        assert sum(taken.values()) == ORDERS
        assert taken["completed"] < ORDERS, "it died before it had done them all"

        with ground.alive() as second:
            second.wait(ORDERS, within=300)
            assert second.states() == {"completed": ORDERS}
