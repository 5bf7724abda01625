"""A device that answers for some of its tables only: the rest counts, and who asked is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import NoReturn, cast

from inventory.facts import (
    bundle_facts,
    cdp_facts,
    entity_facts,
    facts,
    lldp_facts,
    logical_facts,
    snmp_facts,
)
from inventory.looks import discovery, questions
from oss_agent import errors
from oss_agent.spi import device, ledger, snmp
from oss_agent.spi.onboarding import About
from tests import leaps

_AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_OSPF = logical_facts.PLANS[logical_facts.OSPF]
_PATIENCE = 100.0


class _Agent:
    """Has ports and nothing else; ``mute`` plans have no answer, ``hung`` ones never end."""

    def __init__(
        self,
        mute: Collection[snmp.PollPlan] = (),
        hung: Collection[snmp.PollPlan] = (),
        *,
        cut: bool = False,
    ) -> None:
        self._mute = tuple(mute)
        self._hung = tuple(hung)
        self._cut = cut
        self.uptime = 500
        self.polled: list[snmp.PollPlan] = []

    async def get(self, target: snmp.Target, oids: Sequence[snmp.Oid]) -> tuple[snmp.Value, ...]:
        raise snmp.SnmpTimeout(f"{target.device}: {len(oids)}")

    async def poll(self, target: snmp.Target, plan: snmp.PollPlan) -> snmp.Columns:
        self.polled.append(plan)
        if plan in self._hung:
            leaps.leap(_PATIENCE)
            await asyncio.Event().wait()
        if plan in self._mute:
            raise snmp.SnmpTimeout(f"{target.device}: no answer")
        names = [b"eth1", b"eth2"] if plan is snmp_facts.SYSTEM else []
        columns: dict[str, list[snmp.Value]] = {
            column: [name if column == "ifName" else None for name in names]
            for column in plan.columns
        }
        index = [(number,) for number in range(1, len(names) + 1)]
        cut = self._cut and plan is snmp_facts.SYSTEM
        return snmp.Columns("pe1", _AT, 0.0, self.uptime, index, columns, partial=cut)

    async def traps(self) -> AsyncIterator[Sequence[snmp.Trap]]:
        nothing: tuple[Sequence[snmp.Trap], ...] = ()
        for batch in nothing:
            yield batch

    def counters(self) -> Mapping[str, int]:
        return {}


class _Devices:
    async def endpoint(self, name: str) -> device.Endpoint:
        login = device.Credential("admin")
        return device.Endpoint(name, "none", "127.0.0.1", login, snmp_community="public")


class _Drivers:
    def driver(self, platform: str) -> NoReturn:
        raise errors.ConfigurationError(f"no driver for {platform}")


def _look(agent: _Agent, about: frozenset[About] = frozenset({About.WHOLE})) -> discovery.Finding:
    explorer = discovery.Explorer(
        cast("ledger.Devices", _Devices()),
        _Drivers(),
        agent,
        discovery.Limits(deadline=_PATIENCE),
    )
    (found,) = asyncio.run(explorer.explore(["pe1"], about))
    return found


def _ports(found: discovery.Finding) -> list[str]:
    assert found.learned is not None
    return [port.name for port in found.learned.interfaces or ()]


def test_a_table_without_an_answer_takes_nothing_else_along() -> None:
    found = _look(_Agent(mute=[_OSPF]))

    assert _ports(found) == ["eth1", "eth2"]
    assert found.reason.startswith("cut short: ospf-neighbour not read to the end")
    assert found.learned is not None
    assert not found.learned.complete
    assert found.learned.whole(facts.PORTS)
    assert not found.learned.whole(logical_facts.OSPF)


def test_bridge_ports_without_an_answer_leave_what_is_behind_them_as_it_was() -> None:
    found = _look(_Agent(mute=[logical_facts.BRIDGE_PORTS]))
    whole = _look(_Agent())

    assert found.learned is not None
    assert found.learned.stations is None
    assert whole.learned is not None
    assert whole.learned.stations == ()


def test_a_device_that_takes_longer_than_its_time_keeps_what_was_read() -> None:
    found = _look(_Agent(hung=[bundle_facts.LAYERS]))

    assert _ports(found) == ["eth1", "eth2"]
    assert not found.silent, "it did answer"
    assert "bundles" in found.reason


def test_ports_that_were_cut_short_are_told_and_nothing_is_whole() -> None:
    found = _look(_Agent(cut=True))

    assert "cut short: ports" in found.reason
    assert found.learned is not None
    assert not found.learned.whole(facts.ADDRESSES), "an address is told by its port"


def test_an_agent_that_restarts_in_between_is_read_again_later() -> None:
    async def story() -> str:
        agent = _Agent()
        target = snmp.Target("pe1", "127.0.0.1")
        of = await questions.begin(agent, target, 20.0)
        agent.uptime = 3
        try:
            await of.ask(snmp_facts.ADDRESSES, facts.ADDRESSES)
        except snmp.SnmpTimeout as restarted:
            return str(restarted)
        return ""

    assert "restarted" in asyncio.run(story())


def test_a_look_at_part_of_a_device_asks_for_that_and_learns_nothing_else() -> None:
    def asked(about: About) -> tuple[list[snmp.PollPlan], facts.DeviceFacts | None]:
        agent = _Agent()
        found = _look(agent, about=frozenset({about}))
        assert found.reason == "", "no session is opened"
        return agent.polled, found.learned

    neighbours, learned = asked(About.NEIGHBOURS)
    assert neighbours == [snmp_facts.SYSTEM, lldp_facts.LOCAL, lldp_facts.REMOTE, cdp_facts.PLAN]
    assert learned is not None
    assert (learned.labels, learned.addresses, learned.components) == (None, None, None)
    assert learned.logical == {}
    assert asked(About.PARTS)[0] == [snmp_facts.SYSTEM, entity_facts.PHYSICAL]
    configured, learned = asked(About.CONFIGURATION)
    assert logical_facts.PLANS[logical_facts.VLAN] in configured
    assert _OSPF not in configured
    assert learned is not None
    assert learned.neighbours is None
    assert learned.labels is not None
