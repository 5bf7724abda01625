"""JSON and YAML from outside: small, shallow, plain, unambiguous, or refused."""

from __future__ import annotations

import pytest

from inventory.words import documents
from oss_agent import errors


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "nul",
        '{"a": 1, "a": 2}',
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a": ' + "9" * 5000 + "}",
        '{"a":' + "[" * 40 + "]" * 40 + "}",
        '{"a":' + "[" * 200_000,
        "{" + " " * documents.MAX_CHARACTERS,
    ],
)
def test_json_that_is_not_plain_is_refused(text: str) -> None:
    with pytest.raises(errors.OrderRejected, match=r"file\.json"):
        documents.read_any_json("file.json", text)


@pytest.mark.parametrize(
    "text",
    [
        "- a",
        "a: *b",
        "a: &x [1]\nb: *x",
        "a: 1\na: 2",
        "[a]: b",
        "a: [",
        "a: " + "[" * 40 + "]" * 40,
        "a: " + "[" * 5_000,
        "a: \x00",
        "a" * (documents.MAX_YAML_CHARACTERS + 1),
    ],
)
def test_yaml_that_is_not_plain_is_refused(text: str) -> None:
    with pytest.raises(errors.OrderRejected, match=r"file\.yml"):
        documents.read_yaml("file.yml", text)


def test_a_bomb_of_aliases_is_refused_before_it_grows() -> None:
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))]

    with pytest.raises(errors.OrderRejected, match="aliases"):
        documents.read_yaml("file.yml", "\n".join(lines))


def test_yaml_scalars_stay_text_but_null_is_none() -> None:
    text = 'a: 0123\nb: yes\nc: null\nd: "null"\ne:\nf: 1e3\ng: !!python/name:os.system x\n'

    assert documents.read_yaml("file.yml", text) == {
        "a": "0123",
        "b": "yes",
        "c": None,
        "d": "null",
        "e": None,
        "f": "1e3",
        "g": "x",
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: 1\nb: [1,\nc: }\n", "line 3: expected the node content"),
        ("a: 1\nb:\n  x: 1\n  x: 2\n", "line 4: the key 'x' occurs twice"),
        ("a: &x 1\nb: *x\n", "line 2: aliases are not accepted"),
        ("a: 1\n? [1]\n: 2\n", "line 2: a key is not text"),
    ],
)
def test_what_is_wrong_in_a_yaml_file_is_named_with_its_line(text: str, why: str) -> None:
    with pytest.raises(errors.OrderRejected, match=rf"lab.yml is not readable YAML: {why}"):
        documents.read_yaml("lab.yml", text)


def test_what_is_wrong_in_a_json_file_is_named_with_its_line_where_it_is_known() -> None:
    with pytest.raises(errors.OrderRejected, match="Expecting value: line 2 column 7"):
        documents.read_any_json("lab.json", '{"a": 1,\n "b": }')
    with pytest.raises(errors.OrderRejected, match="the key 'a' occurs twice"):
        documents.read_any_json("lab.json", '{"a": 1,\n "a": 2}')
