"""Laws of the filter grammar: what it says is what it means, and no text makes a fault or a delay."""

from __future__ import annotations

import fnmatch
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bss_bridge.engine import clauses, jsonpath, matching, regex, tmf630
from oss_agent import errors

DOCUMENT: dict[str, Any] = {
    "a": "1",
    "b": "x",
    "n": 7,
    "on": True,
    "note": [{"author": "jim", "text": "hello"}, {"author": "ann"}],
}
ATOMS = [
    ("@.a=='1'", True),
    ("@.a!='1'", False),
    ("@.n>6", True),
    ("@.n<=6.5", False),
    ("@.on==true", True),
    ("@.note.author=='ann'", True),
    ("@['note'][*].author=='bob'", False),
    ("@.b=~'^x$'", True),
    ("@.missing=='1'", False),
]


def expressions() -> st.SearchStrategy[tuple[str, bool]]:
    """An expression and what it comes to, judged by Python's own and/or."""
    return st.recursive(
        st.sampled_from(ATOMS),
        lambda inner: st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(_joined),
        max_leaves=6,
    )


def _joined(parts: tuple[tuple[str, bool], str, tuple[str, bool]]) -> tuple[str, bool]:
    (left, one), sign, (right, other) = parts
    return f"({left} {sign} {right})", (one and other) if sign == "&&" else (one or other)


def holds(found: clauses.Clauses) -> bool:
    return matching.matches(DOCUMENT, (), found)


@given(expressions())
def test_an_expression_means_what_it_says(case: tuple[str, bool]) -> None:
    text, meaning = case
    try:
        found = jsonpath.parse(f"$[?({text})]")
    except errors.OrderRejected as refused:
        assert refused.reason == "too many filters"  # noqa: PT017  the one refusal that is right
        return
    assert holds(found) is meaning


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("$[?(@.a=='1' || @.a=='2' && @.b=='y')]", True),
        ("$[?(@.a=='2' && @.b=='x' || @.b=='y')]", False),
        ("$[?@.n==7]", True),
        (" $[?( @.n == 7 )] ", True),
    ],
)
def test_and_binds_closer_than_or(text: str, meaning: bool) -> None:  # noqa: FBT001  a table's column
    assert holds(jsonpath.parse(text)) is meaning


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("", 400),
        ("x", 400),
        ("$[?(@.a=='1')", 400),
        ("$[?((@.a=='1')]", 400),
        ("$[?(@.a==)]", 400),
        ("$[?(@.a=='1' @.b=='2')]", 400),
        ("$[?(@.a='1')]", 400),
        ("$[?('1'=='1')]", 400),
        ("$[?(@.a=='1' &&)]", 400),
        ("$[?(@.a=='x)]", 400),
        ("$[?(#)]", 400),
        ("$[?(" + "(" * 40 + "@.a=='1'" + ")" * 40 + ")]", 400),
        ("$[?(@.a=='" + "x" * 3000 + "')]", 400),
        ("$[0]", 501),
        ("$.note[?(@.author=='x')]", 501),
        ("$[?(@.a)]", 501),
        ("$[?(!@.a=='1')]", 501),
        ("$[?(@.a==null)]", 501),
        ("$[?(@.note[0].author=='x')]", 501),
        ("$[?(@..author=='x')]", 501),
        ("$[?(length(@.a)==1)]", 501),
        ("$[?(@.a=='it\\'s')]", 501),
        ("$[?(@.a=~'[ab]')]", 501),
        ("$[?(@.a=~'(')]", 400),
    ],
)
def test_what_is_wrong_is_400_and_what_is_beyond_us_501(text: str, status: int) -> None:
    with pytest.raises(errors.OrderRejected) as refused:
        jsonpath.parse(text)
    assert refused.value.status == status, refused.value.reason


SIMPLE = st.text("ab.%_\\$^|*+(", max_size=8)


@given(SIMPLE, st.text("ab%_\\.|$", max_size=6))
def test_a_pattern_that_is_taken_finds_what_the_expression_finds(pattern: str, text: str) -> None:
    try:
        found = regex.like(pattern, "x")
    except errors.OrderRejected:
        return
    assert any(regex.holds(one, text) for one in found) is bool(re.search(pattern, text)), found


@given(st.text("ab%_", max_size=6), st.text("ab%_", max_size=8))
def test_like_is_the_wildcard_of_shells_by_another_spelling(pattern: str, text: str) -> None:
    glob = pattern.replace("%", "*").replace("_", "?")
    assert regex.holds(pattern, text) is fnmatch.fnmatchcase(text, glob)


@given(st.text(max_size=60))
def test_any_query_is_understood_or_refused(text: str) -> None:
    for asked in (text, f"filter={text}", f"a.regex={text}", f"a=1;{text}"):
        try:
            tmf630.parse(asked, "t", wide=True)
        except errors.OrderRejected as refused:
            assert refused.status in {400, 501}  # noqa: PT017  a law over any text


@given(st.lists(st.sampled_from(["id", "note", "note.text", "note.author", "a", "a.b"])))
def test_selected_attributes_are_kept_and_nothing_else(names: list[str]) -> None:
    shown = tmf630.select(DOCUMENT | {"id": "7", "href": "/7"}, names)
    assert shown.keys() <= {"id", "href"} | {name.partition(".")[0] for name in names}
    assert {"id", "href"} <= shown.keys()
    if "note" in names:
        assert shown["note"] == DOCUMENT["note"]
    elif "note.text" in names and "note.author" not in names:
        assert shown["note"] == [{"text": "hello"}, {}]


def test_what_a_port_does_not_understand_is_not_asked_of_it() -> None:
    for asked in ("a=1;b=2", "a.regex=x", "filter=$[?(@.a=='1'||@.b=='2')]"):
        with pytest.raises(errors.OrderRejected) as refused:
            tmf630.parse(asked, "t")
        assert refused.value.status == 501
    assert tmf630.parse("filter=$[?(@.a=='1')]", "t").query.filters[0].path == "a"
