"""The laws of configuration trees, on generated trees."""

from __future__ import annotations

from random import Random

import hypothesis
import pytest
from hypothesis import strategies as st

from oss_agent import errors
from oss_agent.fulfilment.trees import mixture
from oss_agent.fulfilment.trees import tree as trees
from oss_agent.spi.tree import (
    EMPTY,
    ROOT,
    Edit,
    Operation,
    Step,
    Tree,
    from_json,
    path_text,
    to_json,
)


def _unique(children: list[Tree]) -> tuple[Tree, ...]:
    return tuple({child.step: child for child in children}.values())


# As in every schema, a name has one kind under its parent: leaves, containers, lists.
VALUES = st.sampled_from(["", "1", "2"])
LEAVES = st.builds(Tree, st.sampled_from([Step("a"), Step("b")]), VALUES)
CONTAINERS = st.sampled_from([Step("c"), Step("d")])
ENTRIES = st.sampled_from([Step(name, (("k", key),)) for name in "ef" for key in "xyz"])


RULES = st.sampled_from([Step("u", (("k", key),)) for key in "vwxyz"])
"""Entries of a list that the user orders."""


def _children() -> st.SearchStrategy[tuple[Tree, ...]]:
    return st.lists(NODES, max_size=4).map(_unique)


def _node(step: Step, value: str | None, children: tuple[Tree, ...], random: Random) -> Tree:
    rules = [child.step for child in children if child.step.name == "u"]
    random.shuffle(rules)
    return Tree(step, value, children, tuple(rules))


def _nodes(steps: st.SearchStrategy[Step]) -> st.SearchStrategy[Tree]:
    return st.builds(_node, steps, st.none(), CHILDREN, st.randoms(use_true_random=False))


CHILDREN: st.SearchStrategy[tuple[Tree, ...]] = st.deferred(_children)
NODES: st.SearchStrategy[Tree] = st.one_of(LEAVES, _nodes(st.one_of(CONTAINERS, ENTRIES, RULES)))
RULE_SETS = st.permutations([Tree(Step("u", (("k", str(key)),))) for key in range(8)]).flatmap(
    lambda rules: st.integers(0, 8).map(
        lambda many: Tree(
            ROOT, None, tuple(rules[:many]), tuple(rule.step for rule in rules[:many])
        )
    )
)
TREES = st.one_of(_nodes(st.just(ROOT)), RULE_SETS)
NORMAL = TREES.map(trees.normal)


def _unordered(tree: Tree) -> bool:
    return not tree.order and all(_unordered(child) for child in tree.children)


FREE = NORMAL.filter(_unordered)
"""Trees in which no order has a meaning."""


@hypothesis.given(NORMAL, NORMAL)
def test_applying_the_difference_gives_the_other_tree(a: Tree, b: Tree) -> None:
    assert trees.apply(trees.diff(a, b), a) == b


@hypothesis.given(TREES)
def test_a_tree_does_not_differ_from_itself(a: Tree) -> None:
    assert trees.diff(a, a) == ()
    assert trees.diff(a, trees.normal(a)) == ()


@hypothesis.given(NORMAL, NORMAL)
def test_undo_after_apply_is_the_identity(a: Tree, b: Tree) -> None:
    change = trees.diff(a, b)

    assert trees.apply(trees.invert(change), trees.apply(change, a)) == a
    assert trees.invert(trees.invert(change)) == change


@hypothesis.given(NORMAL, NORMAL)
def test_applying_again_is_silent(a: Tree, b: Tree) -> None:
    assert trees.diff(trees.apply(trees.diff(a, b), a), b) == ()


@hypothesis.given(FREE, FREE, st.randoms(use_true_random=False))
def test_disjoint_changes_commute(a: Tree, b: Tree, random: Random) -> None:
    change = list(trees.diff(a, b))
    random.shuffle(change)

    assert trees.apply(change, a) == b


@hypothesis.given(NORMAL, NORMAL)
def test_an_edit_never_creates_or_deletes_a_bare_container(a: Tree, b: Tree) -> None:
    for edit in trees.diff(a, b):
        for node in (edit.node, edit.was):
            assert node is None or node.value is not None or node.step.keys


@hypothesis.given(NORMAL, NORMAL)
def test_edits_below_one_list_entry_do_not_name_it_whole(a: Tree, b: Tree) -> None:
    for edit in trees.diff(a, b):
        for length in range(1, len(edit.path)):
            above = edit.path[:length]
            if above[-1].keys:
                assert a.at(above) is not None
                assert b.at(above) is not None


@hypothesis.given(TREES)
def test_json_keeps_a_tree(a: Tree) -> None:
    assert from_json(to_json(a)) == a


def _agreeing(one: Tree, two: Tree) -> Tree:
    try:
        return trees.merge([one, two])
    except errors.Conflict:
        hypothesis.reject()


@hypothesis.given(NORMAL, NORMAL)
def test_merging_holds_both(a: Tree, b: Tree) -> None:
    both = _agreeing(a, b)

    assert set(trees.nodes(both)) == set(trees.nodes(a)) | set(trees.nodes(b))
    assert trees.merge([both, a]) == both


@hypothesis.given(FREE, FREE)
def test_merging_is_symmetric(a: Tree, b: Tree) -> None:
    both = _agreeing(a, b)

    assert trees.merge([b, a]) == both


@hypothesis.given(NORMAL)
def test_every_node_lies_at_or_below_a_root(a: Tree) -> None:
    starts = trees.roots(a)

    assert all(any(node[: len(root)] == root for root in starts) for node in trees.nodes(a))
    assert set(starts) <= set(trees.nodes(a)) or not _unordered(a)
    assert trees.part(a, starts) == a


LEAF = Tree(Step("a"), "1")


@pytest.mark.parametrize(
    ("edit", "onto"),
    [
        (Edit(Operation.CREATE, (Step("a"),), node=LEAF), Tree(ROOT, None, (LEAF,))),
        (Edit(Operation.DELETE, (Step("a"),), was=LEAF), EMPTY),
        (Edit(Operation.REPLACE, (Step("a"),), node=LEAF, was=LEAF), EMPTY),
        (Edit(Operation.CREATE, (Step("b", (("k", "x"),)), Step("a")), node=LEAF), EMPTY),
    ],
)
def test_an_edit_that_does_not_fit_is_refused(edit: Edit, onto: Tree) -> None:
    with pytest.raises(ValueError, match="exist"):
        trees.apply([edit], onto)


def test_intents_that_disagree_are_a_conflict() -> None:
    other = Tree(ROOT, None, (Tree(Step("a"), "2"),))

    with pytest.raises(errors.Conflict, match="/a is wanted as"):
        trees.merge([Tree(ROOT, None, (LEAF,)), other])


RULE = Step("u", (("k", "v"),)), Step("u", (("k", "w"),))


def _rules(*keys: str) -> Tree:
    steps = tuple(Step("u", (("k", key),)) for key in keys)
    return Tree(ROOT, None, tuple(Tree(step) for step in steps), steps)


@pytest.mark.parametrize(
    ("before", "after", "edits"),
    [
        ("abcd", "dabc", ["move d first"]),
        ("abcd", "bcda", ["move a behind d"]),
        ("abc", "axbyc", ["create x behind a", "create y behind b"]),
        ("abc", "cb", ["delete a", "move b behind c"]),
        ("", "a", ["create a first"]),
    ],
)
def test_as_few_entries_move_as_can_be(before: str, after: str, edits: list[str]) -> None:
    def words(edit: Edit) -> str:
        place = "" if edit.place is None else " first"
        if edit.place is not None and edit.place.after is not None:
            place = f" behind {edit.place.after.keys[0][1]}"
        return f"{edit.operation} {edit.path[0].keys[0][1]}{place}"

    assert [words(edit) for edit in trees.diff(_rules(*before), _rules(*after))] == edits


def test_an_order_of_other_entries_is_refused() -> None:
    with pytest.raises(ValueError, match="order"):
        Tree(ROOT, None, (Tree(RULE[0]),), RULE)


def test_intents_that_want_another_order_are_a_conflict() -> None:
    with pytest.raises(errors.Conflict, match="order"):
        trees.merge([_rules("v", "w"), _rules("w", "v")])


@hypothesis.given(NORMAL, NORMAL, st.data())
def test_a_change_half_done_is_ours_and_can_be_driven_either_way(
    a: Tree, b: Tree, data: st.DataObject
) -> None:
    change = trees.diff(a, b)
    half = trees.apply(change[: data.draw(st.integers(0, len(change)))], a)

    assert mixture.is_ours(half, a, b)
    assert mixture.is_ours(half, b, a)
    for wanted in (a, b):
        assert trees.apply(trees.diff(half, wanted), half) == wanted


@hypothesis.given(FREE, FREE, st.randoms(use_true_random=False))
def test_edits_done_in_any_order_leave_a_mixture(a: Tree, b: Tree, random: Random) -> None:
    change = list(trees.diff(a, b))
    random.shuffle(change)

    assert mixture.is_ours(trees.apply(change[: len(change) // 2], a), a, b)


@hypothesis.given(NORMAL, NORMAL, NORMAL)
def test_a_stranger_is_a_node_that_neither_has(a: Tree, b: Tree, c: Tree) -> None:
    """Every node of a mixture is one of ours as a whole: what strangers tells is complete."""
    found = mixture.strangers(c, a, b)
    if not found:
        for path in trees.nodes(c):
            held = [one.at(path) for one in (a, b)]
            here = c.at(path)
            assert here is not None
            assert here.value in [one.value for one in held if one is not None]
        for path in set(trees.nodes(a)) & set(trees.nodes(b)):
            gone = c.at(path[:-1]) is None or _gone_above(path, a, b, c)
            assert c.at(path) is not None or gone


def _gone_above(path: tuple[Step, ...], a: Tree, b: Tree, c: Tree) -> bool:
    """Is a list entry above missing, as it is in one of the two?"""
    above = [path[:depth] for depth in range(1, len(path))]
    return any(c.at(up) is None and None in (a.at(up), b.at(up)) for up in above)


@pytest.mark.parametrize(
    ("current", "where"),
    [
        (Tree(ROOT, None, (Tree(Step("a"), "3"),)), "/a"),
        (EMPTY, "/a"),
        (Tree(ROOT, None, (Tree(Step("a"), "1"), Tree(Step("b"), "1"))), "/b"),
    ],
)
def test_somebody_elses_edit_is_named(current: Tree, where: str) -> None:
    """Before a is 1, the target is 2: another value, its absence and a new node are neither."""
    before, target = (Tree(ROOT, None, (Tree(Step("a"), value),)) for value in "12")

    assert [path_text(path) for path in mixture.strangers(current, before, target)] == [where]


def test_a_node_missing_in_a_missing_container_is_named() -> None:
    inside = Tree(ROOT, None, (Tree(Step("c"), None, (LEAF,)),))

    assert [path_text(path) for path in mixture.strangers(EMPTY, inside, inside)] == ["/c/a"]


def test_an_order_nobody_wanted_is_a_stranger() -> None:
    before, target = _rules(*"abc"), _rules(*"bca")

    assert mixture.is_ours(_rules(*"bca"), before, target)
    assert not mixture.is_ours(_rules(*"cba"), before, target)
