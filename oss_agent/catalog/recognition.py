"""Decides which service parts found on devices make up: decomposition backwards. Pure.

Each slot of a part is what a rule of the specification fills it with: solved for its words, it tells
the name, a characteristic, a pool's value, an end. Parts whose values of those of the service's pools
that each part tells are the same (VNI, prefix) are one service. Of several versions it is the one that
lacks the fewest kinds of parts, then the newest. What two parts tell differently, or nobody tells, is
a doubt; the forward direction (a plan) has the last word.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from oss_agent.catalog import forms, specification, words
from oss_agent.spi import adoption

_WORD: Final = r"[^ ]+?"
_PER: Final = ("pool.", "characteristic.")
"""What of a service is the same on all its devices, beside its name."""
_NO_END: Final = "no port of the service that it would be part of was found"


@dataclass
class _Told:
    """What one part tells by one rule of one specification."""

    part: adoption.Part
    per: forms.Scope
    words: dict[str, str] = field(default_factory=dict[str, str])
    contradictions: list[str] = field(default_factory=list[str])
    doubts: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class _Group:
    """What is told of one service by one version of a specification."""

    spec: specification.Specification
    told: Sequence[_Told]
    beside: Sequence[_Told]

    @property
    def places(self) -> frozenset[tuple[str, str]]:
        """Where its parts stand."""
        return frozenset((one.part.device, one.part.at) for one in (*self.told, *self.beside))

    @property
    def has_ends(self) -> bool:
        """Is there a port of it, be it a half one? A VRF alone, or a segment's RD, is no service."""
        return any(one.per in {"end", "pair"} for one in (*self.told, *self.beside))

    @property
    def lacking(self) -> int:
        """How many kinds of parts are nowhere; there need be none of what is made per pair."""
        there = {one.part.template for one in (*self.told, *self.beside)}
        made = {rule.template for _, _, rule in self.spec.rules if rule.per in {"end", "device"}}
        return len(made - there)


def templates(specifications: Sequence[specification.Specification]) -> frozenset[str]:
    """Every template that one of them is made of."""
    return frozenset(rule.template for one in specifications for _, _, rule in one.rules)


def recognise(
    parts: Sequence[adoption.Part],
    specifications: Sequence[specification.Specification],
    settings: Mapping[str, str],
) -> adoption.Survey:
    """Services of these specifications, and the parts that belong to none with the reason.

    Of the versions of a specification the newest comes first.
    """
    whole = [one for one in parts if not one.unfit]
    nearly = [one for one in parts if one.unfit]
    found: list[_Group] = []
    strange: dict[tuple[str, str], adoption.Part] = {}
    for spec in specifications:
        groups, lost = _grouped(spec, [_solved(one, spec, settings) for one in whole])
        beside = _beside(spec, groups, [_solved(one, spec, settings) for one in nearly])
        every = [_Group(spec, told, beside.get(key, ())) for key, told in groups.items()]
        found += [one for one in every if one.has_ends]
        lost += [_endless(told) for one in every if not one.has_ends for told in one.told]
        strange |= {(one.device, one.at): one for one in lost}
    chosen = _of_one_version(found)
    used = frozenset[tuple[str, str]]().union(*(one.places for one in chosen))
    left = [*strange.values(), *nearly]
    unfit = {(one.device, one.at): one for one in left if (one.device, one.at) not in used}
    candidates = (_candidate(one.spec, one.told, one.beside) for one in chosen)
    return adoption.Survey(
        tuple(sorted(candidates, key=lambda one: (one.specification, one.name, one.id))),
        tuple(unfit[key] for key in sorted(unfit)),
    )


def _of_one_version(found: Sequence[_Group]) -> list[_Group]:
    """Each service by one version of its specification: what tells of a part is one version's."""
    taken: dict[tuple[str, tuple[str, str]], str] = {}
    chosen: list[_Group] = []
    for one in sorted(found, key=lambda group: group.lacking):  # stable: the newest stays first
        places = [(one.spec.id, place) for place in one.places]
        if all(taken.get(place, one.spec.version) == one.spec.version for place in places):
            taken |= dict.fromkeys(places, one.spec.version)
            chosen.append(one)
    return chosen


def _solved(
    part: adoption.Part, spec: specification.Specification, settings: Mapping[str, str]
) -> list[_Told]:
    """The part by each rule of the specification that has its template."""
    found: list[_Told] = []
    for _, _, rule in spec.rules:
        if rule.template != part.template:
            continue
        told = _Told(part, rule.per)
        told.words |= {f"setting.{name}": value for name, value in settings.items()}
        # Joins come last: what the others tell leaves less to guess in them.
        ordered = sorted(rule.slots.items(), key=lambda one: isinstance(one[1], forms.Join))
        for slot, reference in ordered:
            if slot in part.slots:
                _solve(told, slot, reference, part.slots[slot], spec.words(rule.per))
        found.append(told)
    return found


def _solve(
    told: _Told, slot: str, reference: forms.Reference, value: str, known: Sequence[str]
) -> None:
    match reference:
        case forms.From():
            _solve_from(told, slot, reference, value)
        case forms.Text(text=text):
            if text != value:
                told.contradictions.append(f"{slot} is {value!r} and not {text!r}")
        case forms.Join(join=items):
            _solve_join(told, slot, items, value, known)
        case forms.First():
            pass  # which of them it was cannot be told


def _solve_from(told: _Told, slot: str, reference: forms.From, value: str) -> None:
    said = value
    if reference.times is not None:
        whole, rest = divmod(int(value), reference.times)
        if rest:
            told.doubts.append(f"{slot} {value} is no multiple of {reference.times}")
            return
        said = str(whole)
    if reference.turned:
        if reference.turned != ["gateway"]:
            return  # the rest of the address is told by another slot, or by another device
        said = str(ipaddress.ip_interface(value).network)
    _learn(told, slot, reference.word, said)


def _solve_join(
    told: _Told, slot: str, items: Sequence[str], value: str, known: Sequence[str]
) -> None:
    groups: dict[str, str] = {}
    expression = ""
    for item in items:
        if item in told.words:
            expression += re.escape(told.words[item])
        elif item in groups:
            expression += f"(?P={groups[item]})"
        elif item in known:
            groups[item] = f"w{len(groups)}"
            expression += f"(?P<{groups[item]}>{_WORD})"
        else:
            expression += re.escape(item)
    match = re.fullmatch(expression, value)
    if match is None:
        shown = "".join(
            told.words.get(item, f"<{item}>" if item in known else item) for item in items
        )
        told.doubts.append(f"{slot} is {value!r}: the design has {shown!r}")
        return
    for word, group in groups.items():
        told.words[word] = match[group]


def _learn(told: _Told, slot: str, word: str, said: str) -> None:
    before = told.words.setdefault(word, said)
    if before != said:
        told.contradictions.append(f"{slot} says {word} {said}, not {before}")


def _grouped(
    spec: specification.Specification, solved: Sequence[Sequence[_Told]]
) -> tuple[Mapping[tuple[str, ...], list[_Told]], list[adoption.Part]]:
    """What is told of each service, and the parts that tell nothing that can be true of one."""
    groups: defaultdict[tuple[str, ...], list[_Told]] = defaultdict(list)
    lost: list[adoption.Part] = []
    for told in (one for each in solved for one in each):
        key = _key(spec, told)
        if told.contradictions or not all(key):
            reasons = [*told.contradictions, *told.doubts] or [
                "nothing tells which service it is of"
            ]
            lost.append(_unfit(told.part, "; ".join(reasons)))
        else:
            groups[key].append(told)
    return groups, lost


def _key(spec: specification.Specification, told: _Told) -> tuple[str, ...]:
    """What tells a service from others: the values of its own pools that all parts tell, else its name."""
    own = [f"pool.{name}" for name, pool in spec.pools.items() if pool.per == "service"]
    by_rule = [
        {word for slot in rule.slots.values() for word in _words(slot)} for _, _, rule in spec.rules
    ]
    keys = [word for word in own if all(word in words for words in by_rule)]
    return tuple(told.words.get(word, "") for word in keys or ["name"])


def _words(reference: forms.Reference) -> Sequence[str]:
    """What a slot may tell, among plain text in a join."""
    match reference:
        case forms.From(word=word):
            return (word,)
        case forms.Join(join=items):
            return items
        case _:
            return ()


def _beside(
    spec: specification.Specification,
    groups: Mapping[tuple[str, ...], Sequence[_Told]],
    nearly: Sequence[Sequence[_Told]],
) -> Mapping[tuple[str, ...], list[_Told]]:
    """What is no whole part, of a service that other parts tell of: a VPN on one router has no peer."""
    found: defaultdict[tuple[str, ...], list[_Told]] = defaultdict(list)
    for told in (one for each in nearly for one in each):
        key = _key(spec, told)
        if key in groups and not told.contradictions:
            found[key].append(told)
    return found


def _unfit(part: adoption.Part, why: str) -> adoption.Part:
    return adoption.Part(part.device, part.template, part.slots, part.at, why)


def _endless(told: _Told) -> adoption.Part:
    return _unfit(told.part, "; ".join([*told.doubts, _NO_END]))


def _candidate(
    spec: specification.Specification, told: Sequence[_Told], nearly: Sequence[_Told]
) -> adoption.Candidate:
    doubts = [f"{one.part.device} {one.part.at}: {doubt}" for one in told for doubt in one.doubts]
    # Each of its devices has to have what is made per device; there may be none of the others.
    doubts += [f"{one.part.device} {one.part.unfit}" for one in nearly if one.per == "device"]
    of_all = dict(_agreed(told, doubts))
    ends = {
        (one.part.device, one.words["end.port"]): one.words
        for one in told
        if one.per in {"end", "pair"} and "end.port" in one.words
    }
    characteristics = dict(_characteristics(spec, of_all, ends, doubts))
    claims = dict(_claims(spec, of_all, told))
    where = sorted({f"{one.part.device} {one.part.at}" for one in told})
    digest = hashlib.sha256("\0".join([spec.id, *where]).encode()).hexdigest()[:12]
    return adoption.Candidate(
        id=digest,
        specification=spec.id,
        version=spec.version,
        name=of_all.get("name", ""),
        characteristics=characteristics,
        claims=claims,
        parts=tuple(where),
        doubts=tuple(dict.fromkeys(doubts)),
    )


def _agreed(told: Sequence[_Told], doubts: list[str]) -> Iterator[tuple[str, str]]:
    """The words that mean the same everywhere; what is told in two ways is a doubt."""
    said: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for one in told:
        for word, value in one.words.items():
            if word == "name" or word.startswith(_PER):
                said[word].setdefault(value, one.part.device)
    for word, values in sorted(said.items()):
        yield word, next(iter(values))
        if len(values) > 1:
            told_by = ", ".join(f"{value} on {device}" for value, device in values.items())
            doubts.append(f"{word.rpartition('.')[2]} is told differently: {told_by}")
    if "name" not in said:
        doubts.append("nothing tells its name: say it")


def _characteristics(
    spec: specification.Specification,
    of_all: Mapping[str, str],
    ends: Mapping[tuple[str, str], Mapping[str, str]],
    doubts: list[str],
) -> Iterator[tuple[str, Any]]:
    wishes = {pool.wish for pool in spec.pools.values()}
    named = dict(_named_ends(spec, ends))
    for name, form in spec.characteristics.items():
        said = of_all.get(f"characteristic.{name}")
        if name in named:
            yield name, named[name]
        elif said is not None and name not in wishes:
            yield name, _typed(form, said)
    if not spec.site_fields and len(ends) != len(spec.ends):
        doubts.append(f"{len(ends)} of its {len(spec.ends)} ends found{_elsewhere(ends)}")


def _named_ends(
    spec: specification.Specification, ends: Mapping[tuple[str, str], Mapping[str, str]]
) -> Iterator[tuple[str, Any]]:
    if spec.site_fields:
        yield spec.ends[0], [_site(spec, *one) for one in sorted(ends.items())]
        return
    for name, (device, port) in zip(spec.ends, sorted(ends), strict=False):
        yield name, f"{device}:{port}"


def _elsewhere(ends: Mapping[tuple[str, str], Mapping[str, str]]) -> str:
    """Where the ends that were found say that another is."""
    others = {
        f"{told['other.device']}:{told['other.port']}"
        for told in ends.values()
        if "other.device" in told and "other.port" in told
    } - {f"{device}:{port}" for device, port in ends}
    return f": look at {', '.join(sorted(others))}, too" if others else ""


def _site(
    spec: specification.Specification, at: tuple[str, str], told: Mapping[str, str]
) -> Mapping[str, Any]:
    device, port = at
    fields = {
        name: _typed(form, told[f"end.{name}"])
        for name, form in spec.site_fields.items()
        if name != "port" and f"end.{name}" in told
    }
    return {"port": f"{device}:{port}", **fields}


def _typed(form: forms.Characteristic, said: str) -> Any:
    return int(said) if form.type == "integer" and said.isdecimal() else said


def _claims(
    spec: specification.Specification, of_all: Mapping[str, str], told: Sequence[_Told]
) -> Iterator[tuple[str, str]]:
    for name, pool in spec.pools.items():
        if pool.per == "service" and f"pool.{name}" in of_all:
            yield name, of_all[f"pool.{name}"]
        for one in told:
            if pool.per == "device" and f"end.pool.{name}" in one.words:
                need = words.need_name(name, one.part.device)
                yield need, one.words[f"end.pool.{name}"]
