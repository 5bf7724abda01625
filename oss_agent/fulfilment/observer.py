"""Looks whether a service works while its devices are HELD: asks, judges, asks again.

Each device is asked over one session, all devices at once, until everything passes or the time is
over. Test points come after the routers: a ping before the routers are ready is a loss that means
nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from oss_agent import errors
from oss_agent.fulfilment import contact, parts, states, tree
from oss_agent.proof import judge
from oss_agent.spi import catalogue, device, proof
from oss_agent.spi.tree import path_text


@dataclass(frozen=True, slots=True)
class Opinion:
    """What was found at one device: verdicts, and whether our commit is still pending there."""

    device: str
    verdicts: tuple[proof.Verdict, ...]
    trouble: errors.DeviceError | None = None


async def look(
    p: parts.Parts, transaction: states.Transaction, participants: Sequence[states.Participant]
) -> tuple[Opinion, ...]:
    """Routers first; test points only when those are content."""
    until = p.clock.monotonic() + p.limits.proving
    held = {one.device: one for one in participants}
    asked = _by_device(transaction.design, held)
    observers = [
        _Observer(p, name, held.get(name), predicates, until)
        for name, predicates in sorted(asked.items())
    ]
    own = await contact.together([one.run() for one in observers if one.takes_part])
    rest = [one for one in observers if not one.takes_part]
    if _content(own):
        return own + await contact.together([one.run() for one in rest])
    return own + tuple(one.not_asked("the routers themselves do not pass") for one in rest)


def _content(opinions: Sequence[Opinion]) -> bool:
    return all(
        one.trouble is None and all(verdict.passes for verdict in one.verdicts) for one in opinions
    )


def _by_device(
    design: catalogue.Design | None, held: Mapping[str, states.Participant]
) -> dict[str, list[proof.Predicate]]:
    asked: dict[str, list[proof.Predicate]] = {name: [] for name in held}
    for predicate in design.predicates if design is not None else ():
        if predicate.phase is proof.Phase.HELD:
            asked.setdefault(predicate.device, []).append(predicate)
    return asked


class _Observer:
    """Asks one device until all its predicates pass or the time is over."""

    def __init__(
        self,
        p: parts.Parts,
        name: str,
        held: states.Participant | None,
        predicates: Sequence[proof.Predicate],
        until: float,
    ) -> None:
        self._p = p
        self._name = name
        self._held = held
        self._until = until
        self._verdicts: dict[int, proof.Verdict | None] = dict.fromkeys(range(len(predicates)))
        self._predicates = predicates

    @property
    def takes_part(self) -> bool:
        """Is it one of the devices that changed?"""
        return self._held is not None

    def not_asked(self, reason: str) -> Opinion:
        """The opinion of a device that nobody asked."""
        return Opinion(self._name, self._judged(reason))

    async def run(self) -> Opinion:
        """The verdicts; a participant that cannot be asked is trouble, a test point is not."""
        try:
            async with self._p.contact.open(self._name) as talk:
                await self._until_all_pass(talk)
                await self._check_pending(talk)
        except errors.DeviceError as trouble:
            if self._held is not None:
                return Opinion(self._name, self._judged(str(trouble)), trouble)
            return Opinion(self._name, self._judged(str(trouble)))
        return Opinion(self._name, self._judged("it was not asked in time"))

    async def _until_all_pass(self, talk: contact.Talk) -> None:
        while True:
            for number, verdict in list(self._verdicts.items()):
                if not self._settled(number, verdict):
                    asked = self._predicates[number]
                    self._verdicts[number] = judge.judge(asked, await self._ask(talk, asked))
            left = self._until - self._p.clock.monotonic()
            if left <= 0 or all(self._settled(*pair) for pair in self._verdicts.items()):
                return
            await asyncio.sleep(min(self._p.limits.prove_every, left))

    def _settled(self, number: int, verdict: proof.Verdict | None) -> bool:
        """Would asking again be of no use?"""
        hopeless = self._predicates[number].unobservable is not None
        return verdict is not None and (verdict.passes or hopeless)

    async def _ask(self, talk: contact.Talk, asked: proof.Predicate) -> proof.Observation:
        if asked.unobservable is not None:
            simulated = device.Capability.SIMULATED in talk.session.offers
            return proof.Observation(
                asked.kind,
                self._name,
                self._p.clock.now(),
                simulated=simulated,
                unobservable=asked.unobservable,
            )
        if asked.kind == proof.CONFIG_EQUAL:
            return await self._read_back(talk)
        question = proof.Question(asked.kind, asked.params)
        return await talk.call("observe", lambda session: session.observe(question))

    async def _read_back(self, talk: contact.Talk) -> proof.Observation:
        one = self._held
        if one is None:
            raise errors.DeviceRefused(self._name, "it takes no part: nothing to read back")
        current = await talk.read(one.roots)
        difference = tree.diff(one.target, current)
        text = "\n".join(f"{edit.operation} {path_text(edit.path)}" for edit in difference)
        return proof.Observation(
            proof.CONFIG_EQUAL,
            self._name,
            self._p.clock.now(),
            {"equal": not difference, "nodes": len(tree.nodes(current))},
            transcript=text,
            simulated=device.Capability.SIMULATED in talk.session.offers,
        )

    async def _check_pending(self, talk: contact.Talk) -> None:
        """Just before the decision: is it still our unconfirmed commit that we judge?"""
        if self._held is None:
            return
        persist, seconds = self._held.persist, self._p.limits.confirm_within
        pending = await talk.call(
            "probe", lambda s: s.probe_pending(persist=persist, confirm_within=seconds)
        )
        if pending is not device.Pending.HELD:
            raise errors.DeviceUnreachable(self._name, "its unconfirmed commit is gone")

    def _judged(self, otherwise: str) -> tuple[proof.Verdict, ...]:
        return tuple(
            self._verdicts[number] or judge.unobserved(predicate, otherwise)
            for number, predicate in enumerate(self._predicates)
        )
