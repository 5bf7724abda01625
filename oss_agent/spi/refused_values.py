"""What is wrong with a value that a schema refused, in the words of JSON, YAML and TOML. Pure.

pydantic says what its own classes are called ("a valid tuple", "instance of Service"): nobody who wrote
a document has ever seen those.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

OBJECT: Final = "an object"
_LIST: Final = "must be a list"
_TEXT: Final = "must be text"
_WHOLE: Final = "must be a whole number"
_NUMBER: Final = "must be a number"
_SWITCH: Final = "must be true or false"
_MOMENT: Final = "must be a date and time with its zone, such as 2026-11-21T10:02:00Z"
_PLAIN: Final[Mapping[str, str]] = {
    "missing": "is missing: add it",
    "extra_forbidden": "is not known here: leave it out, or correct its name",
    "none_required": "must be null",
    **dict.fromkeys(("string_type", "string_sub_type", "string_unicode"), _TEXT),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), _LIST),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), _WHOLE),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), _NUMBER),
    **dict.fromkeys(("bool_type", "bool_parsing"), _SWITCH),
    **dict.fromkeys(("datetime_type", "datetime_parsing", "timezone_aware"), _MOMENT),
    **dict.fromkeys(("datetime_from_date_parsing", "datetime_object_invalid"), _MOMENT),
}
_OBJECTS: Final = frozenset({"dict_type", "model_type", "model_attributes_type", "dataclass_type"})
_BOUNDS: Final[Mapping[str, tuple[str, str]]] = {
    "greater_than": ("gt", "must be more than {}"),
    "greater_than_equal": ("ge", "must be {} or more"),
    "less_than": ("lt", "must be less than {}"),
    "less_than_equal": ("le", "must be {} or less"),
    "string_too_long": ("max_length", "must have at most {} characters"),
    "too_long": ("max_length", "must have at most {} members"),
    "string_too_short": ("min_length", "must have at least {} characters"),
    "too_short": ("min_length", "must have at least {} members"),
    "literal_error": ("expected", "must be {}"),
    "enum": ("expected", "must be {}"),
    "string_pattern_mismatch": ("pattern", "must be written as the pattern {} has it"),
}


def said(kind: str, context: Mapping[str, Any], message: str, mapping: str = OBJECT) -> str:
    """From pydantic's ``type``, ``ctx`` and ``msg`` of one mistake; ``mapping`` is what an object is called."""
    if kind in _OBJECTS:
        return f"must be {mapping}"
    if kind in _BOUNDS:
        return _bound(*_BOUNDS[kind], context)
    return _PLAIN.get(kind) or _own(message)


def _bound(name: str, words: str, context: Mapping[str, Any]) -> str:
    bound = context.get(name)
    if name == "min_length" and bound == 1:
        return "must not be empty"
    return words.format(str(bound).replace("'", "") if name == "expected" else bound)


def _own(message: str) -> str:
    """A validator of ours speaks for itself; of the library's others only the beginning is turned."""
    text = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return text.replace("Input should be", "must be", 1)
