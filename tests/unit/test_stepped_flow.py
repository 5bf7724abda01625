from __future__ import annotations

import asyncio

import pytest

from oss_agent.spi import flow
from oss_agent.testing.flow import SteppedFlow


def _phase(seen: list[str], name: str, then: flow.Next = flow.Next.CONTINUE) -> flow.Phase:
    async def act(transaction: str, run: int) -> flow.Next:
        seen.append(f"{name} {transaction}:{run}")
        return then

    return flow.Phase(name, act)


async def _launched(seen: list[str], seed: int = 0) -> SteppedFlow:
    it = SteppedFlow(seed=seed)
    end = _phase(seen, "two", flow.Next.END)
    it.register([_phase(seen, "one"), end, _phase(seen, "three")])
    await it.launch()
    return it


def test_phases_run_in_order_until_end_and_once_per_pair() -> None:
    async def body() -> None:
        seen: list[str] = []
        it = await _launched(seen)
        await it.enqueue("t", 1)
        await it.enqueue("t", 1)

        assert await it.drain() == 2
        await it.enqueue("t", 1)
        assert await it.drain() == 0
        assert seen == ["one t:1", "two t:1"]

    asyncio.run(body())


def test_an_unrecorded_phase_runs_again_after_the_crash() -> None:
    async def body() -> None:
        seen: list[str] = []
        it = await _launched(seen)
        await it.enqueue("t", 1)
        await it.step(record=False)
        with pytest.raises(RuntimeError, match="launch it first"):
            await it.step()

        await it.launch()
        await it.drain()
        assert seen == ["one t:1", "one t:1", "two t:1"]

    asyncio.run(body())


def test_the_seed_decides_the_interleaving_and_repeats_it() -> None:
    async def orders(seed: int) -> tuple[str, ...]:
        seen: list[str] = []
        it = await _launched(seen, seed)
        for transaction in "abcd":
            await it.enqueue(transaction, 1)
        await it.drain()
        return tuple(seen)

    runs = [asyncio.run(orders(seed)) for seed in (1, 2, 3, 4)]

    assert runs == [asyncio.run(orders(seed)) for seed in (1, 2, 3, 4)]
    assert len(set(runs)) > 1


def test_a_run_that_never_ends_is_noticed() -> None:
    async def body() -> None:
        it = SteppedFlow()

        async def forever(transaction: str, run: int) -> flow.Next:
            await it.enqueue(transaction, run + 1)
            return flow.Next.CONTINUE

        it.register([flow.Phase("forever", forever)])
        await it.launch()
        await it.enqueue("t", 1)
        with pytest.raises(RuntimeError, match="still wait"):
            await it.drain(limit=20)

    asyncio.run(body())
