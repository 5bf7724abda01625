"""Looks whether services work while their devices are HELD: asks, judges, asks again.

Each store is asked over one session, all at once, until everything passes or the time is over; its
configuration is read once a round, whoever's it is.
Test points come after the routers: a ping before the routers are ready is a loss that means
nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass

from oss_agent import errors
from oss_agent.fulfilment import parts
from oss_agent.fulfilment.intent import intents
from oss_agent.fulfilment.record import states
from oss_agent.fulfilment.talk import contact
from oss_agent.fulfilment.trees import tree
from oss_agent.fulfilment.turn import carrying
from oss_agent.proof import judge
from oss_agent.spi import catalogue, device, proof
from oss_agent.spi.tree import EMPTY, Path, Tree, path_text

_COMMANDS = 4
"""Questions to one store at once. Each is a channel, and OpenSSH gives ten for a login, all told."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A predicate and where it is asked; config-equal compares ``wanted`` with what is at ``roots``."""

    predicate: proof.Predicate
    store: str = ""
    roots: tuple[Path, ...] = ()
    wanted: Tree = EMPTY

    @property
    def place(self) -> tuple[str, str]:
        """The device and store whose session answers."""
        return (self.predicate.device, self.store)

    @property
    def read_back(self) -> bool:
        """Does reading the configuration answer it?"""
        return self.predicate.kind == proof.CONFIG_EQUAL and self.predicate.unobservable is None


@dataclass(frozen=True, slots=True)
class Opinion:
    """What was found at one store: verdicts as asked, and the trouble when nobody answered."""

    device: str
    verdicts: tuple[proof.Verdict, ...]
    trouble: errors.DeviceError | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found about one transaction's service."""

    transaction: states.Transaction
    opinions: tuple[Opinion, ...]

    @property
    def verdicts(self) -> tuple[proof.Verdict, ...]:
        """Of all places."""
        return tuple(verdict for opinion in self.opinions for verdict in opinion.verdicts)


async def look_at_all(
    p: parts.Parts, leader: states.Transaction, participants: Sequence[states.Participant]
) -> tuple[Looked, ...]:
    """The services of a transaction and of those that it carries, all at once."""
    carried = await p.journal.read(lambda c: carrying.members(c, leader))

    async def one(transaction: states.Transaction) -> Looked:
        intended = await p.journal.read(lambda c: intents.of(c, transaction))
        return Looked(transaction, await look(p, transaction, participants, intended))

    return await contact.together([one(transaction) for transaction in (leader, *carried)])


async def look(
    p: parts.Parts,
    transaction: states.Transaction,
    participants: Sequence[states.Participant],
    intended: Sequence[intents.Intended] = (),
) -> tuple[Opinion, ...]:
    """The transaction's own predicates: routers first; test points when those are content.

    A participant that cannot be asked is trouble, a test point is not. ``intended`` is what the
    service owns, also where nothing had to change: that is read back too.
    """
    until = p.clock.monotonic() + p.limits.proving
    held = {one.key: one for one in participants}
    observers = [
        _Observer(p, place, asked, until)
        for place, asked in _grouped(transaction.design, held, intended)
    ]
    own = await contact.together([one.run() for one in observers if one.place in held])
    rest = [one for one in observers if one.place not in held]
    if content(own):
        found = await contact.together([one.run() for one in rest])
        return own + tuple(Opinion(one.device, one.verdicts) for one in found)
    return own + tuple(one.not_asked("the routers themselves do not pass") for one in rest)


async def judge_all(
    p: parts.Parts, every: Sequence[Asked], until: float
) -> tuple[proof.Verdict, ...]:
    """Verdicts in the order asked, all places at once, until all pass or ``until`` (monotonic)."""
    places = dict.fromkeys(one.place for one in every)
    numbered = {
        place: [number for number, one in enumerate(every) if one.place == place]
        for place in places
    }
    observers = [_Observer(p, at, [every[n] for n in ns], until) for at, ns in numbered.items()]
    opinions = await contact.together([one.run() for one in observers])
    found = {
        number: verdict
        for numbers, opinion in zip(numbered.values(), opinions, strict=True)
        for number, verdict in zip(numbers, opinion.verdicts, strict=True)
    }
    return tuple(found[number] for number in range(len(every)))


def configuration(configured: Mapping[tuple[str, str], Tree]) -> list[Asked]:
    """Is what the ledger says of a service still there, in every store it has something in?"""
    return [
        Asked(proof.Predicate(proof.CONFIG_EQUAL, name), store, tree.roots(has), has)
        for (name, store), has in sorted(configured.items())
    ]


def content(opinions: Sequence[Opinion]) -> bool:
    """Does nothing stand in the way?"""
    return all(
        one.trouble is None and all(verdict.passes for verdict in one.verdicts) for one in opinions
    )


def _grouped(
    design: catalogue.Design | None,
    held: Mapping[tuple[str, str], states.Participant],
    intended: Sequence[intents.Intended],
) -> list[tuple[tuple[str, str], list[Asked]]]:
    """The predicates of the window by place; every participant has one, if only to be reached."""
    groups: dict[tuple[str, str], list[Asked]] = {place: [] for place in sorted(held)}
    for predicate in design.predicates if design is not None else ():
        if predicate.phase is proof.Phase.HELD:
            for asked in _where(predicate, held, intended):
                groups.setdefault(asked.place, []).append(asked)
    return sorted(groups.items())


def _where(
    predicate: proof.Predicate,
    held: Mapping[tuple[str, str], states.Participant],
    intended: Sequence[intents.Intended],
) -> list[Asked]:
    """A configuration is read from every store it is in; everything else the first one answers.

    A device that takes no part was just seen to hold what it shall: nobody reads it again, unless
    none takes part at all: then what was seen is the whole proof.
    """
    stores = [one for (name, _), one in sorted(held.items()) if name == predicate.device]
    if predicate.kind == proof.CONFIG_EQUAL and held and not stores:
        return []
    if predicate.kind == proof.CONFIG_EQUAL:
        changed = [Asked(predicate, one.store, one.roots, one.target) for one in stores]
        unchanged = [
            Asked(predicate, one.store, tree.roots(one.own), one.own)
            for one in intended
            if one.device == predicate.device and (one.device, one.store) not in held
        ]
        return changed + unchanged
    return [Asked(predicate, stores[0].store if stores else "")]


class _Observer:
    """Asks one store until all its predicates pass or the time is over."""

    def __init__(
        self, p: parts.Parts, place: tuple[str, str], asked: Sequence[Asked], until: float
    ) -> None:
        self._p = p
        self.place = place
        self._name = place[0]
        self._until = until
        self._asked = asked
        self._verdicts: dict[int, proof.Verdict | None] = dict.fromkeys(range(len(asked)))
        self._commands = asyncio.Semaphore(_COMMANDS)

    def not_asked(self, reason: str) -> Opinion:
        """The opinion of a place that nobody asked."""
        return Opinion(self._name, self._judged(reason))

    async def run(self) -> Opinion:
        """The verdicts, with the trouble if it could not be asked."""
        try:
            await self._p.contact.ask(*self.place, self._until_all_pass)
        except errors.DeviceError as trouble:
            return Opinion(self._name, self._judged(str(trouble)), trouble)
        return Opinion(self._name, self._judged("it was not asked in time"))

    async def _until_all_pass(self, talk: contact.Talk) -> None:
        while True:
            await contact.together(list(self._round(talk)))
            left = self._until - self._p.clock.monotonic()
            if left <= 0 or not self._open():
                return
            await asyncio.sleep(min(self._p.limits.prove_every, left))

    def _round(self, talk: contact.Talk) -> Iterator[Coroutine[None, None, None]]:
        """Whatever is open, all at once: one read for all configurations, a question for each other."""
        read = [number for number in self._open() if self._asked[number].read_back]
        if read:
            yield self._read_back(talk, read)
        for number in self._open():
            if number not in read:
                yield self._ask(talk, number)

    async def _ask(self, talk: contact.Talk, number: int) -> None:
        asked = self._asked[number]
        self._verdicts[number] = judge.judge(asked.predicate, await self._observe(talk, asked))

    def _open(self) -> list[int]:
        return [
            number for number, found in self._verdicts.items() if not self._settled(number, found)
        ]

    def _settled(self, number: int, verdict: proof.Verdict | None) -> bool:
        """Would asking again be of no use?"""
        hopeless = self._asked[number].predicate.unobservable is not None
        return verdict is not None and (verdict.passes or hopeless)

    async def _observe(self, talk: contact.Talk, asked: Asked) -> proof.Observation:
        predicate = asked.predicate
        if predicate.unobservable is not None:
            simulated = device.Capability.SIMULATED in talk.session.offers
            return proof.Observation(
                predicate.kind,
                self._name,
                self._p.clock.now(),
                simulated=simulated,
                unobservable=predicate.unobservable,
            )
        question = proof.Question(predicate.kind, predicate.params)
        async with self._commands:
            return await talk.call("observe", lambda session: session.observe(question))

    async def _read_back(self, talk: contact.Talk, numbers: Sequence[int]) -> None:
        several = [self._asked[number] for number in numbers]
        current = await talk.read([root for asked in several for root in asked.roots])
        for number, asked in zip(numbers, several, strict=True):
            seen = self._compared(talk, asked.wanted, tree.part(current, asked.roots))
            self._verdicts[number] = judge.judge(asked.predicate, seen)

    def _compared(self, talk: contact.Talk, wanted: Tree, current: Tree) -> proof.Observation:
        difference = tree.diff(wanted, current)
        text = "\n".join(f"{edit.operation} {path_text(edit.path)}" for edit in difference)
        return proof.Observation(
            proof.CONFIG_EQUAL,
            self._name,
            self._p.clock.now(),
            {"equal": not difference, "nodes": len(tree.nodes(current))},
            transcript=text,
            simulated=device.Capability.SIMULATED in talk.session.offers,
        )

    def _judged(self, otherwise: str) -> tuple[proof.Verdict, ...]:
        return tuple(
            self._verdicts[number] or judge.unobserved(asked.predicate, otherwise)
            for number, asked in enumerate(self._asked)
        )
