"""The laws of a device that several services own, through whole lives of generated services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import hypothesis
import pytest
from hypothesis import strategies as st

from oss_agent import errors
from oss_agent.fulfilment.trees import owners
from oss_agent.fulfilment.trees import tree as trees
from oss_agent.spi import catalogue
from oss_agent.spi.tree import EMPTY, ROOT, Edit, Path, Step, Tree, path_text

SERVICES = ("one", "two", "three")
Policy = catalogue.OutOfBand


@dataclass
class Device:
    """One store: what it has, and what each service has there. Reads and plans as the engine does."""

    has: Tree = EMPTY
    owned: dict[str, Tree] = field(default_factory=dict[str, Tree])
    shared: bool = True

    def plan(self, service: str, wanted: Tree, policy: Policy = Policy.ABORT) -> tuple[Edit, ...]:
        now, outcome = self._decide(service, wanted, policy)
        return trees.diff(now, outcome.target)

    def change(self, service: str, wanted: Tree, policy: Policy = Policy.ABORT) -> tuple[Edit, ...]:
        now, outcome = self._decide(service, wanted, policy)
        edits = trees.diff(now, outcome.target)
        self.has = trees.apply(edits, self.has)
        self.owned[service] = outcome.own
        return edits

    def _decide(self, service: str, wanted: Tree, policy: Policy) -> tuple[Tree, owners.Outcome]:
        was = self.owned.get(service, EMPTY)
        ground = owners.Ground(
            where="pe1",
            was=was,
            wanted=wanted,
            others={name: tree for name, tree in self.owned.items() if name != service},
            shareable=lambda path: self.shared and bool(path),
            policy=policy,
        )
        now = _part(self.has, {*trees.roots(was), *trees.roots(wanted)})
        return now, owners.decide(ground, now)


def _part(tree: Tree, roots: set[Path]) -> Tree:
    """What a read at these paths gives: whole subtrees, with the places of the entries read."""
    return trees.normal(_below(tree, roots, ()))


def _below(tree: Tree, roots: set[Path], path: Path) -> Tree:
    if path in roots:
        return tree
    children = [
        _below(child, roots, (*path, child.step))
        for child in tree.children
        if any(root[: len(path) + 1] == (*path, child.step) for root in roots)
    ]
    there = {child.step for child in children}
    order = tuple(step for step in tree.order if step in there)
    return Tree(tree.step, tree.value, tuple(children), order)


def _tree(*paths: str) -> Tree:
    """``/c/e=x/a:1``: container c, entry e with key x, leaf a with value 1."""
    return trees.merge(_line(path) for path in paths)


def _line(path: str) -> Tree:
    node: Tree | None = None
    for word in reversed(path.strip("/").split("/")):
        name, _, value = word.partition(":")
        name, _, key = name.partition("=")
        step = Step(name, (("k", key),) if key else ())
        node = Tree(step, value or None, () if node is None else (node,))
    return Tree(ROOT, None, () if node is None else (node,))


# As templates make them: containers, entries with leaves, all from a small world so that services meet.
LEAVES = st.sampled_from(["", "/a:1", "/a:2", "/b:1", "/f=x", "/f=y/a:1"])
TOPS = st.sampled_from(["/c/e=x", "/c/e=y", "/e=x", "/d/c/e=x"])
NODES = st.tuples(TOPS, LEAVES).map("".join)


def _merged(paths: list[str]) -> Tree:
    try:
        return _tree(*paths)
    except errors.Conflict:
        return _tree(paths[0])


INTENTS = st.lists(NODES, min_size=1, max_size=4).map(_merged)
FOREIGN = st.lists(
    st.sampled_from(["/c/g=x/a:1", "/c/e=z/a:1", "/h:1", "/d/c/e=q", "/g=x"]), max_size=3
).map(lambda paths: _tree(*paths) if paths else EMPTY)
LIVES = st.lists(st.tuples(st.sampled_from(SERVICES), st.one_of(INTENTS, st.just(EMPTY))))


@hypothesis.given(FOREIGN, LIVES)
def test_a_device_has_what_its_services_want_and_what_was_there_before(
    foreign: Tree, lives: list[tuple[str, Tree]]
) -> None:
    """Whatever is added, modified and deleted: no service's node is missing, none is left behind."""
    device = Device(foreign)
    for service, wanted in lives:
        try:
            device.change(service, wanted)
        except errors.Conflict:
            continue
        assert device.owned[service] == trees.normal(wanted)
        assert device.has == trees.merge([foreign, *device.owned.values()])
    for service in SERVICES:
        device.change(service, EMPTY)

    assert device.has == foreign


@hypothesis.given(FOREIGN, INTENTS, INTENTS)
def test_a_shared_node_stays_until_its_last_owner_leaves(foreign: Tree, a: Tree, b: Tree) -> None:
    device = Device(foreign)
    device.change("one", a)
    _unless_refused(device, "two", b)

    device.change("one", EMPTY)
    assert device.has == trees.merge([foreign, b])
    device.change("two", EMPTY)
    assert device.has == foreign


@hypothesis.given(FOREIGN, INTENTS, INTENTS, INTENTS)
def test_modify_one_and_delete_the_other_and_nothing_is_left_behind(
    foreign: Tree, a: Tree, b: Tree, modified: Tree
) -> None:
    device = Device(foreign)
    device.change("one", a)
    _unless_refused(device, "two", b)
    _unless_refused(device, "one", modified)

    device.change("two", EMPTY)
    assert device.has == trees.merge([foreign, modified])
    device.change("one", EMPTY)
    assert device.has == foreign


@hypothesis.given(FOREIGN, INTENTS, INTENTS)
def test_services_that_share_nothing_commute(foreign: Tree, a: Tree, b: Tree) -> None:
    hypothesis.assume(not set(trees.nodes(a)) & set(trees.nodes(b)))
    one, two = Device(foreign, shared=False), Device(foreign, shared=False)
    first = one.change("a", a), one.change("b", b)
    second = two.change("b", b), two.change("a", a)

    assert one.has == two.has
    assert first == second[::-1]


@hypothesis.given(FOREIGN, INTENTS, INTENTS)
def test_undo_after_apply_is_the_identity_beside_other_owners(
    foreign: Tree, a: Tree, b: Tree
) -> None:
    device = Device(foreign)
    device.change("one", a)
    before = device.has
    edits = _unless_refused(device, "two", b)

    assert trees.apply(trees.invert(edits), device.has) == before


@hypothesis.given(FOREIGN, INTENTS, INTENTS)
def test_the_same_again_is_silent(foreign: Tree, a: Tree, b: Tree) -> None:
    device = Device(foreign)
    device.change("one", a)
    _unless_refused(device, "two", b)

    assert device.change("two", b) == ()
    assert device.change("one", a) == ()


@hypothesis.given(INTENTS, INTENTS)
def test_what_may_not_be_shared_has_one_owner(a: Tree, b: Tree) -> None:
    device = Device(shared=False)
    device.change("one", a)
    if set(trees.nodes(a)) & set(trees.nodes(b)):
        with pytest.raises(errors.Conflict, match="belongs to service one") as refused:
            device.plan("two", b)
        assert refused.value.holder == "one"
    else:
        assert device.plan("two", b)


@hypothesis.given(INTENTS, INTENTS, INTENTS, st.sampled_from(Policy))
def test_what_nobody_owns_is_only_taken_by_who_adopts(
    found: Tree, a: Tree, b: Tree, policy: Policy
) -> None:
    """However a device was configured by hand: a refusal, or in the end no node of ours is left."""
    device = Device(found)
    try:
        device.change("one", a, policy)
        device.change("one", b, policy)
    except errors.Conflict:
        assert policy is not Policy.ADOPT
        return
    assert set(trees.nodes(trees.merge([b]))) <= set(trees.nodes(device.has))
    device.change("one", EMPTY, policy)
    left = set(trees.nodes(device.has))
    assert left <= set(trees.nodes(found))
    assert not left & set(trees.nodes(b)) or policy is not Policy.ADOPT


def _unless_refused(device: Device, service: str, wanted: Tree) -> tuple[Edit, ...]:
    try:
        return device.change(service, wanted)
    except errors.Conflict:
        hypothesis.reject()


RATE = "/c/e=gold/a:20"


@pytest.mark.parametrize(
    ("owned", "has", "wanted", "refusal"),
    [
        ({"two": RATE}, RATE, "/c/e=gold/a:50", "is shared with service two, which has '20'"),
        ({}, RATE, RATE, r"already has /c/e\[k=gold\] and no service owns it"),
        ({"one": RATE}, "/c/e=gold/a:30", "/c/e=gold/a:50", r"somebody else .*e\[k=gold\]/a"),
        ({"one": RATE}, "/c/e=gold", "/c/e=gold/a:50", r"somebody else .*e\[k=gold\]/a"),
        ({"one": RATE}, "/c/e=gold/b:1", "", r"somebody else .*e\[k=gold\]/b"),
        ({"one": RATE, "two": RATE}, "/c/e=gold/a:30", RATE, r"somebody else .*e\[k=gold\]/a"),
    ],
)
def test_what_stands_in_the_way_is_named(
    owned: Mapping[str, str], has: str, wanted: str, refusal: str
) -> None:
    device = Device(_tree(has), {name: _tree(path) for name, path in owned.items()})

    with pytest.raises(errors.Conflict, match=refusal):
        device.plan("one", _tree(wanted) if wanted else EMPTY)


@pytest.mark.parametrize(
    ("policy", "left"),
    [
        (Policy.ACCEPT, ["/c/e=x/a:9", "/c/e=x/b:2", "/c/e=x/f=hand"]),
        (Policy.REVERT, ["/c/e=x/a:1", "/c/e=x/b:2"]),
        (Policy.ADOPT, ["/c/e=x/a:9", "/c/e=x/b:2", "/c/e=x/f=hand"]),
    ],
)
def test_each_policy_treats_an_edit_by_hand_its_way(policy: Policy, left: list[str]) -> None:
    """Changed by hand: a is 9 where we have 1, f=hand is new; our modify changes b alone."""
    device = Device(_tree("/c/e=x/a:9", "/c/e=x/b:1", "/c/e=x/f=hand"))
    device.owned["one"] = _tree("/c/e=x/a:1", "/c/e=x/b:1")
    device.change("one", _tree("/c/e=x/a:1", "/c/e=x/b:2"), policy)

    assert device.has == _tree(*left)
    taken = path_text((Step("c"), Step("e", (("k", "x"),)), Step("f", (("k", "hand"),))))
    own = {path_text(path) for path in trees.nodes(device.owned["one"])}
    assert (taken in own) is (policy is Policy.ADOPT)


def test_entries_keep_their_place_among_those_of_others() -> None:
    def rules(*keys: str) -> Tree:
        steps = tuple(Step("u", (("k", key),)) for key in keys)
        return Tree(ROOT, None, tuple(Tree(step) for step in steps), steps)

    device = Device(rules("theirs", "a", "foreign", "b"), {"one": rules("a", "b")})
    device.owned["two"] = rules("theirs")
    device.change("one", rules("a", "new", "b"))
    assert device.has == rules("theirs", "a", "foreign", "new", "b")

    device.change("one", EMPTY)
    assert device.has == rules("theirs", "foreign")
