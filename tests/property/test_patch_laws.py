"""Laws of patches (RFC 7396, RFC 6902), for any document."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bss_bridge.engine import patching
from oss_agent import errors

LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-1, 1) | st.text(max_size=3)
NAMES = st.text("ab~/", max_size=2)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3)
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=4)

RFC_7396 = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("document", "patch", "expected"), RFC_7396)
def test_merge_does_what_the_appendix_of_rfc_7396_says(
    document: dict[str, Any], patch: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert patching.merge(document, patch) == expected


RFC_6902: list[tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]] = [
    ({"a": ["x", "z"]}, [{"op": "add", "path": "/a/1", "value": "y"}], {"a": ["x", "y", "z"]}),
    ({"a": [1]}, [{"op": "add", "path": "/a/-", "value": [2]}], {"a": [1, [2]]}),
    ({"a": [1, 2, 3]}, [{"op": "remove", "path": "/a/1"}], {"a": [1, 3]}),
    ({"a": 1}, [{"op": "move", "from": "/a", "path": "/b"}], {"b": 1}),
    ({"a": [1, 2, 3]}, [{"op": "move", "from": "/a/0", "path": "/a/2"}], {"a": [2, 3, 1]}),
    ({"a": {"b": 1}}, [{"op": "copy", "from": "/a", "path": "/c"}], {"a": {"b": 1}, "c": {"b": 1}}),
    ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
    ({"a": 1}, [{"op": "test", "path": "/a", "value": 1.0}], {"a": 1}),
    ({"a": 1}, [{"op": "replace", "path": "", "value": {"b": 2}}], {"b": 2}),
    ({"": 1}, [{"op": "replace", "path": "/", "value": 2}], {"": 2}),
]


@pytest.mark.parametrize(("document", "operations", "expected"), RFC_6902)
def test_operations_do_what_rfc_6902_says(
    document: dict[str, Any], operations: list[dict[str, Any]], expected: dict[str, Any]
) -> None:
    assert patching.operate(document, operations) == expected


@given(DOCUMENTS, DOCUMENTS)
def test_merging_twice_is_merging_once_and_the_document_is_untouched(
    document: dict[str, Any], patch: dict[str, Any]
) -> None:
    kept = copy.deepcopy(document)
    once = patching.merge(document, patch)
    assert patching.same(document, kept)
    assert patching.same(patching.merge(once, patch), once)


@given(DOCUMENTS, DOCUMENTS)
def test_the_attributes_that_differ_are_those_that_lead_over(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    names = patching.changed(before, after)
    moved = {n: v for n, v in before.items() if n not in names} | {
        n: after[n] for n in names if n in after
    }
    assert patching.same(moved, after)
    assert (names == ()) is patching.same(before, after)


@given(DOCUMENTS, NAMES, VALUES)
def test_what_is_added_is_found_there_and_removing_it_takes_back(
    document: dict[str, Any], name: str, value: Any
) -> None:
    document.pop(name, None)
    path = "/" + name.replace("~", "~0").replace("/", "~1")
    add = {"op": "add", "path": path, "value": value}
    test = {"op": "test", "path": path, "value": value}
    assert patching.same(patching.operate(document, [add, test]), document | {name: value})
    assert patching.same(
        patching.operate(document, [add, {"op": "remove", "path": path}]), document
    )


@given(DOCUMENTS, st.lists(st.dictionaries(
    st.sampled_from(["op", "path", "from", "value"]),
    st.sampled_from(["add", "remove", "replace", "move", "copy", "test", "", "/a", "/b/0", "/a/b"])
    | VALUES,
), max_size=5))  # fmt: skip
def test_any_patch_is_applied_or_refused_and_never_touches_the_document(
    document: dict[str, Any], operations: list[Any]
) -> None:
    kept = copy.deepcopy(document)
    with contextlib.suppress(errors.OrderRejected):
        patching.operate(document, operations)
    assert patching.same(document, kept)
