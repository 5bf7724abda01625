"""Decides what several files of one lab say together: what one leaves out another tells. Pure.

They must agree: what two say otherwise is named, and nothing is taken. Labs are deployed again,
and yesterday's inventory beside today's addresses would bring one router's login to another.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from inventory.containerlab import (
    containerlab_exported,
    containerlab_inspected,
    containerlab_inventories,
    containerlab_names,
    containerlab_topology,
)
from inventory.containerlab.containerlab_said import Link, Node, Said
from inventory.words import grammar
from oss_agent import errors

_ORDER: Final = (
    containerlab_exported.NOW,
    containerlab_exported.OLDER,
    containerlab_topology.FORM,
    containerlab_inspected.NOW,
    containerlab_inspected.OLDER,
    containerlab_inventories.NORNIR,
    containerlab_inventories.ANSIBLE,
)
"""Who says most comes first: its nodes are the lab's."""
_TOLD: Final = 5
"""Contradictions in one sentence."""
_V6: Final = ":"


@dataclass(frozen=True, slots=True)
class Joined:
    """A lab by the short names of its nodes; ``drawn`` where a file tells its links and labels."""

    lab: str
    nodes: Mapping[str, Node]
    links: tuple[Link, ...]
    drawn: bool


def join(said: Sequence[Said], lab: str) -> Joined:
    """The lab that the files describe; ``lab`` is its name where no file tells, "" if unknown.

    OrderRejected where two contradict each other, or none tells which lab it is.
    """
    ordered = sorted(said, key=lambda one: _ORDER.index(one.form))
    _refuse_twins(ordered)
    name = _lab(ordered, lab)
    first = _by_short_name(ordered[0], name)
    others = [_renamed(one, first, name) for one in ordered[1:]]
    found = [*_strangers(first, others), *_disagreements(first, others)]
    found += _unlike_links([first, *others])
    if found:
        more = f", and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
        raise _refused(
            f"{'; '.join(found[:_TOLD])}{more}: the files are not of one deployment; import those "
            "that deploying the lab wrote last"
        )
    nodes = {
        short: _merged([one.nodes[short] for one in (first, *others) if short in one.nodes])
        for short in first.nodes
    }
    links = next((one.links for one in (first, *others) if one.links is not None), None)
    return Joined(name, nodes, links or (), links is not None)


def _refuse_twins(said: Sequence[Said]) -> None:
    for one, other in itertools.pairwise(said):
        if one.form.partition(",")[0] == other.form.partition(",")[0]:
            raise _refused(f"{one.file} and {other.file} are both {other.form}: name one of them")


def _lab(said: Sequence[Said], told: str) -> str:
    names = [(one.file, one.lab) for one in said if one.lab]
    names += [("--lab", told)] if told else []
    if not names:
        raise _refused(
            f"{said[0].file} does not tell which lab it is of: say so with --lab NAME, or import "
            "topology-data.json with it"
        )
    (file, lab), *rest = names
    for other, another in rest:
        if another != lab:
            raise _refused(
                f"{file} is of lab {lab}, {other} of {another}: import one lab at a time"
            )
    return containerlab_names.lab(file, lab)


def _by_short_name(one: Said, lab: str) -> Said:
    nodes = {containerlab_names.short(name, lab): node for name, node in one.nodes.items()}
    if one.form in {containerlab_exported.NOW, containerlab_exported.OLDER} or len(nodes) != len(
        one.nodes
    ):
        return one
    return dataclasses.replace(one, nodes=nodes)


def _renamed(one: Said, first: Said, lab: str) -> Said:
    """Its nodes by the names of ``first``; a stranger keeps its own."""
    long = {node.long_name: short for short, node in first.nodes.items() if node.long_name}

    def known(name: str) -> str:
        return name if name in first.nodes else long.get(name, containerlab_names.short(name, lab))

    return dataclasses.replace(one, nodes={known(k): node for k, node in one.nodes.items()})


def _strangers(first: Said, others: Sequence[Said]) -> Iterator[str]:
    for one in others:
        for name in one.nodes:
            if name not in first.nodes:
                yield f"{one.file} has the node {name}, which {first.file} lacks"
        if one.complete and (missing := sorted(first.nodes.keys() - one.nodes.keys())):
            yield f"{first.file} has the node {missing[0]}, which {one.file} lacks"


def _disagreements(first: Said, others: Sequence[Said]) -> Iterator[str]:
    for short in first.nodes:
        tellers = [(one.file, one.nodes[short]) for one in (first, *others) if short in one.nodes]
        for number, (file, node) in enumerate(tellers):
            for other, another in tellers[number + 1 :]:
                for what in _unlike(node, another):
                    yield f"{short} has another {what} in {other} than in {file}"


def _unlike(one: Node, other: Node) -> Iterator[str]:
    """What two files say otherwise of a node; of a secret only that they do."""
    for family in ("IPv4", "IPv6"):
        a, b = _address(one, family), _address(other, family)
        if a and b and a != b:
            yield f"{family} address ({b}, {a})"
    if one.kinds and other.kinds and not one.kinds & other.kinds:
        yield f"kind ({_words(other.kinds)}, {_words(one.kinds)})"
    if one.login.username and other.login.username and one.login.username != other.login.username:
        yield "user name"
    a_secret, b_secret = one.login.password, other.login.password
    if a_secret is not None and b_secret is not None and a_secret != b_secret:
        yield "password"


def _address(node: Node, family: str) -> str | None:
    wanted = family == "IPv6"
    return next((grammar.address(told) for told in node.addresses if (_V6 in told) is wanted), None)


def _words(kinds: frozenset[str]) -> str:
    return " or ".join(sorted(one if grammar.is_word(one) else repr(one[:64]) for one in kinds))


def _unlike_links(said: Sequence[Said]) -> list[str]:
    """Nodes are compared, not ports: one file may have a port's alias where another has its name."""
    told = [(one.file, Counter(map(_ends, one.links))) for one in said if one.links is not None]
    found: list[str] = []
    for (file, links), (other, others) in itertools.pairwise(told):
        for here, a, there, b in ((file, links, other, others), (other, others, file, links)):
            found += [f"{here} links {a_} and {z}, {there} does not" for a_, z in sorted(a - b)]
    return found


def _ends(link: Link) -> tuple[str, str]:
    a, z = sorted((link.a_node, link.z_node))
    return a, z


def _merged(nodes: Sequence[Node]) -> Node:
    """One node of what several files say; the first that says it, counts."""
    merged = nodes[0]
    for other in nodes[1:]:
        both = merged.kinds & other.kinds
        merged = Node(
            merged.long_name or other.long_name,
            both or merged.kinds or other.kinds,
            (*merged.addresses, *other.addresses),
            merged.login.or_else(other.login),
            {**other.labels, **merged.labels},
            merged.state or other.state,
            merged.trouble or other.trouble,
        )
    return merged


def _refused(why: str) -> errors.OrderRejected:
    return errors.OrderRejected(why, field="files", code="invalidFile")
