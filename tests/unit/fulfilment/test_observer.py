"""What the vote sees, with devices that answer from a script (no simulated leniency here)."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from drivers import single
from oss_agent import errors
from oss_agent.fulfilment import failpoints, limits, parts
from oss_agent.fulfilment.record import states
from oss_agent.fulfilment.talk import connections
from oss_agent.fulfilment.transact import observer
from oss_agent.spi import catalogue, clock, proof, views
from oss_agent.spi import device as spi
from oss_agent.spi.tree import EMPTY, ROOT, Step, Tree

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 1, 1, tzinfo=UTC)
TARGET = Tree(ROOT, None, (Tree(Step("eline", (("name", "acme"),))),))
ROOTS = ((Step("eline", (("name", "acme"),)),),)
Values = dict[str, proof.Scalar]


@dataclass
class Script:
    """Per (device, kind) the answers in turn; the last one stays. ``asked`` is what was asked."""

    answers: dict[tuple[str, str], list[Values | str]]
    running: Tree = TARGET
    down: frozenset[str] = frozenset()
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    seen: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    reads: int = 0


class ScriptedSession:
    """The part of a session that the vote uses."""

    offers = frozenset({spi.Capability.CONFIGURE})

    def __init__(self, name: str, script: Script) -> None:
        self.name = name
        self.script = script

    async def read(self, *paths: object) -> Tree:
        del paths
        self.script.reads += 1
        return self.script.running

    async def observe(self, question: proof.Question) -> proof.Observation:
        key = (self.name, question.kind)
        self.script.asked.append(key)
        turns = self.script.answers[key]
        answer = turns[min(self.script.seen[key], len(turns) - 1)]
        self.script.seen[key] += 1
        if isinstance(answer, str):
            return proof.Observation(question.kind, self.name, NOW, unobservable=answer)
        return proof.Observation(question.kind, self.name, NOW, answer)


@dataclass
class Network:
    """Devices, drivers and clock in one, as far as the vote needs them."""

    script: Script
    seconds: float = 0.0

    async def endpoint(self, device: str) -> Any:
        if device in self.script.down:
            raise errors.DeviceUnreachable(device, "no route")
        return spi.Endpoint(device, device, "192.0.2.1", spi.Credential("admin"))

    def driver(self, platform: str) -> Any:
        del platform
        return self

    @contextlib.asynccontextmanager
    async def connect(self, endpoint: Any) -> AsyncIterator[Any]:
        yield single.SingleConnection(self._session, endpoint)

    @contextlib.asynccontextmanager
    async def _session(self, endpoint: Any) -> AsyncIterator[Any]:
        yield ScriptedSession(endpoint.device, self.script)

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        """Whoever looks at the clock takes a moment, however slow the machine is."""
        self.seconds += 0.01
        return self.seconds

    def boot(self) -> clock.BootTime:
        return clock.BootTime("b", 0.0)


PING = proof.Predicate(
    "ping", "b1", {"target": "192.0.2.2"}, {"loss_max": 0.0}, need=proof.Need.IF_OBSERVABLE
)
UP = proof.Predicate("interface-up", "pe1", {"port": "eth4"})
EQUAL = proof.Predicate(proof.CONFIG_EQUAL, "pe1")
HELD = states.Participant(
    transaction="1-1",
    attempt=1,
    device="pe1",
    tenant="default",
    platform="pe1",
    state=states.State.HELD,
    since=NOW,
    token=1,
    persist="1-1.1",
    before=EMPTY,
    target=TARGET,
    roots=ROOTS,
    snapshot="",
    snapshot_digest="",
)


async def look(script: Script, *predicates: proof.Predicate) -> dict[str, observer.Opinion]:
    network = Network(script)
    lines = connections.Connections(
        cast("Any", network), cast("Any", network), limits.Limits(reconnect=0.0)
    )
    async with lines:
        return await look_over(lines, network, *predicates)


async def look_over(
    lines: connections.Connections, network: Network, *predicates: proof.Predicate
) -> dict[str, observer.Opinion]:
    made = parts_of(lines, network)
    found = await observer.look(made, transaction_of(predicates), [HELD])
    return {one.device: one for one in found}


def parts_of(lines: connections.Connections, network: Network) -> parts.Parts:
    nobody = cast("Any", None)
    return parts.Parts(
        store=nobody,
        drivers=cast("Any", network),
        lines=lines,
        ledger=nobody,
        catalogue=nobody,
        events=nobody,
        alarms=nobody,
        clock=network,
        limits=limits.Limits(prove_within=0.2, prove_every=0.01),
        failpoints=failpoints.Failpoints(),
        count_unknown=lambda _: None,
        bell=asyncio.Event(),
    )


def transaction_of(predicates: Sequence[proof.Predicate]) -> states.Transaction:
    specification = views.SpecificationRef("eline", "1.0", "E-Line")
    design = catalogue.Design(specification, "acme", {}, {}, (), tuple(predicates))
    return states.Transaction(
        id="1-1",
        tenant="default",
        order="1",
        position=1,
        accepted=1,
        stage=states.Stage.RUNNING,
        run=1,
        attempt=1,
        token=1,
        tries=0,
        touched_at=NOW,
        wait=None,
        deadline=None,
        design=design,
    )


UP_NOW: list[Values | str] = [{"oper_status": "up"}]
PONG: list[Values | str] = [{"sent": 10, "received": 10}]


async def test_routers_are_asked_before_test_points() -> None:
    script = Script({("pe1", "interface-up"): UP_NOW, ("b1", "ping"): PONG})
    found = await look(script, PING, UP, EQUAL)

    assert script.asked == [("pe1", "interface-up"), ("b1", "ping")]
    outcomes = [v.outcome for one in found.values() for v in one.verdicts]
    assert outcomes == [proof.Outcome.PROVEN] * 3


async def test_a_store_is_read_once_for_all_that_own_a_part_of_it() -> None:
    running, other = (Tree(Step("eline", (("name", one),))) for one in ("acme", "other"))
    script = Script({}, running=Tree(ROOT, None, (running, other)))
    wanted = [
        Tree(ROOT, None, (one,)) for one in (running, Tree(Step("gone", (("k", "1"),))), other)
    ]
    every = [one for has in wanted for one in observer.configuration({("pe1", ""): has})]
    network = Network(script)
    async with connections.Connections(
        cast("Any", network), cast("Any", network), limits.Limits(reconnect=0.0)
    ) as lines:
        verdicts = await observer.judge_all(parts_of(lines, network), every, 0.0)

    assert [one.passes for one in verdicts] == [True, False, True]
    assert script.reads == 1


async def test_what_is_not_yet_true_is_asked_again() -> None:
    slow: list[Values | str] = [{"oper_status": "down"}, "starting", {"oper_status": "up"}]
    found = await look(Script({("pe1", "interface-up"): slow}), UP)

    assert found["pe1"].verdicts[0].outcome is proof.Outcome.PROVEN
    assert found["pe1"].trouble is None


async def test_what_stays_false_fails_and_spares_the_test_points() -> None:
    script = Script({("pe1", "interface-up"): [{"oper_status": "down"}], ("b1", "ping"): PONG})
    found = await look(script, UP, PING)

    assert found["pe1"].verdicts[0].outcome is proof.Outcome.FAILED
    assert ("b1", "ping") not in script.asked
    assert "the routers themselves" in found["b1"].verdicts[0].reason


async def test_a_lost_packet_fails_the_proof() -> None:
    script = Script({("b1", "ping"): [{"sent": 10, "received": 9}]})
    (verdict,) = (await look(script, PING))["b1"].verdicts

    assert verdict.outcome is proof.Outcome.FAILED
    assert not verdict.passes


async def test_a_test_point_that_is_down_proves_nothing_and_is_no_trouble() -> None:
    found = await look(Script({}, down=frozenset({"b1"})), PING)

    assert found["b1"].trouble is None
    (verdict,) = found["b1"].verdicts
    assert verdict.outcome is proof.Outcome.NOT_PROVEN
    assert "no route" in verdict.reason
    assert verdict.passes


async def test_a_router_that_is_down_is_trouble() -> None:
    found = await look(Script({}, down=frozenset({"pe1"})), EQUAL)

    assert isinstance(found["pe1"].trouble, errors.DeviceUnreachable)
    assert not found["pe1"].verdicts[0].passes


async def test_another_configuration_than_intended_fails_with_the_difference() -> None:
    (verdict,) = (await look(Script({}, running=EMPTY), EQUAL))["pe1"].verdicts

    assert verdict.outcome is proof.Outcome.FAILED
    assert verdict.observation is not None
    assert "delete /eline[name=acme]" in verdict.observation.transcript


async def test_what_the_design_knows_nobody_can_see_is_not_waited_for() -> None:
    hopeless = proof.Predicate("evpn-remote-vtep", "pe1", unobservable="the router id is not known")
    script = Script({})
    began = script.asked
    (verdict,) = (await look(script, hopeless))["pe1"].verdicts

    assert not verdict.passes
    assert "router id" in verdict.reason
    assert began == []
