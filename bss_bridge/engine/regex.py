"""Decides which regular expressions a filter may hold: those that a LIKE pattern says as well.

Text, ``.``, ``.*``, ``.+``, ``^``, ``$``, escaped punctuation and alternatives at the top, found
anywhere in the value unless anchored. A pattern from outside costs a backtracking engine any time
it likes; LIKE is linear in the value on every database. The rest answers 501.
"""

from __future__ import annotations

import re
from typing import Final

from oss_agent import errors

MAX_PATTERN: Final = 200
_TOKEN: Final = re.compile(
    r"\\(?P<escaped>[^A-Za-z0-9])|(?P<any>\.[*+]?)|(?P<plain>[^\\.*+?()\[\]{}|^$])"
)
_LIKE: Final = {".": "_", ".*": "%", ".+": "_%"}
_ALTERNATIVE: Final = re.compile(r"(?:\\.|[^|\\])*", re.DOTALL)


def like(pattern: str, field: str) -> tuple[str, ...]:
    """The LIKE patterns (backslash escapes) of which one must match.

    OrderRejected: 400 for what no engine reads, 501 for what is right but not done.
    """
    _require_readable(pattern, field)
    return tuple(_like(one, field) for one in _alternatives(pattern))


def _alternatives(pattern: str) -> list[str]:
    found, place = list[str](), 0
    while True:
        one = _ALTERNATIVE.match(pattern, place)
        end = one.end() if one else place
        found.append(pattern[place:end])
        if end >= len(pattern) or pattern[end] != "|":
            return found
        place = end + 1


def _like(pattern: str, field: str) -> str:
    body = pattern.removeprefix("^")
    begun, ended = body != pattern, _ends(body)
    text = _tokens(body[: len(body) - ended], field)
    return ("" if begun else "%") + text + ("" if ended else "%")


def _ends(body: str) -> int:
    """1 for a closing ``$`` that no odd number of backslashes escapes."""
    if not body.endswith("$"):
        return 0
    stem = body[:-1]
    return 1 - (len(stem) - len(stem.rstrip("\\"))) % 2


def _tokens(body: str, field: str) -> str:
    out, place = list[str](), 0
    while place < len(body):
        token = _TOKEN.match(body, place)
        if token is None:
            raise _unsupported(body[place:], field)
        out.append(_LIKE[token["any"]] if token["any"] else _escaped(token[token.lastgroup or 0]))
        place = token.end()
    return "".join(out)


def _escaped(character: str) -> str:
    return f"\\{character}" if character in "%_\\" else character


def _require_readable(pattern: str, field: str) -> None:
    if len(pattern) > MAX_PATTERN:
        raise _bad(f"is longer than {MAX_PATTERN} characters", field)
    try:
        re.compile(pattern)  # compiled, never run: the parser is linear in a short pattern
    except (re.error, OverflowError, RecursionError):
        raise _bad(f"{pattern[:80]!r} is no regular expression", field) from None


def _bad(reason: str, field: str) -> errors.OrderRejected:
    return errors.OrderRejected(reason, field=field, code="invalidQuery")


def _unsupported(rest: str, field: str) -> errors.OrderRejected:
    return errors.OrderRejected(
        f"regular expressions hold text, . .* .+ ^ $ and alternatives here, not {rest[:20]!r}",
        field=field,
        status=501,
        code="notSupported",
    )


def holds(pattern: str, text: str) -> bool:
    """Does the LIKE pattern match the whole text? As a database judges it, in linear retries."""
    tokens = [t["escaped"] or t[0] for t in _PART.finditer(pattern)]
    wild = [t["wild"] for t in _PART.finditer(pattern)]
    place = at = 0
    back: tuple[int, int] | None = None
    while at < len(text):
        if place < len(tokens) and wild[place] == "%":
            back, place = (place, at), place + 1
        elif place < len(tokens) and (wild[place] == "_" or tokens[place] == text[at]):
            place, at = place + 1, at + 1
        elif back is None:
            return False
        else:
            back = (back[0], back[1] + 1)
            place, at = back[0] + 1, back[1]
    return all(one == "%" for one in wild[place:])


_PART: Final = re.compile(r"\\(?P<escaped>.)|(?P<wild>[%_])|.", re.DOTALL)
