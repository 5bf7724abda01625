"""The laws of configuration trees, on generated trees."""

from __future__ import annotations

from random import Random

import hypothesis
import pytest
from hypothesis import strategies as st

from oss_agent import errors
from oss_agent.fulfilment import tree as trees
from oss_agent.spi.tree import EMPTY, ROOT, Edit, Operation, Step, Tree, from_json, to_json


def _unique(children: list[Tree]) -> tuple[Tree, ...]:
    return tuple({child.step: child for child in children}.values())


# As in every schema, a name has one kind under its parent: leaves, containers, lists.
VALUES = st.sampled_from(["", "1", "2"])
LEAVES = st.builds(Tree, st.sampled_from([Step("a"), Step("b")]), VALUES)
CONTAINERS = st.sampled_from([Step("c"), Step("d")])
ENTRIES = st.sampled_from([Step(name, (("k", key),)) for name in "ef" for key in "xyz"])


def _children() -> st.SearchStrategy[tuple[Tree, ...]]:
    return st.lists(NODES, max_size=4).map(_unique)


CHILDREN: st.SearchStrategy[tuple[Tree, ...]] = st.deferred(_children)
NODES: st.SearchStrategy[Tree] = st.one_of(
    LEAVES, st.builds(Tree, st.one_of(CONTAINERS, ENTRIES), st.none(), CHILDREN)
)
TREES = st.builds(Tree, st.just(ROOT), st.none(), CHILDREN)
NORMAL = TREES.map(trees.normal)


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


@hypothesis.given(NORMAL, NORMAL, st.randoms(use_true_random=False))
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
def test_merging_is_symmetric_and_holds_both(a: Tree, b: Tree) -> None:
    both = _agreeing(a, b)

    assert trees.merge([b, a]) == both
    assert set(trees.nodes(both)) == set(trees.nodes(a)) | set(trees.nodes(b))
    assert trees.merge([both, a]) == both


@hypothesis.given(NORMAL, NORMAL)
def test_a_shared_node_stays_until_its_last_owner_leaves(a: Tree, b: Tree) -> None:
    both = _agreeing(a, b)

    left = trees.without(both, a, [b])

    assert left == b
    assert trees.without(left, b, []) == EMPTY


@hypothesis.given(NORMAL)
def test_every_node_lies_at_or_below_a_root(a: Tree) -> None:
    starts = trees.roots(a)

    assert all(any(node[: len(root)] == root for root in starts) for node in trees.nodes(a))
    assert set(starts) <= set(trees.nodes(a))


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
