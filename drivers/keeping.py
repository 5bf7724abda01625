"""Decides what is wrong with a configuration that is to be kept, and what of it nobody may see. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from device_models import model
from drivers import text

_LONGEST = 64 * 1024
"""Characters of a line that is searched for secrets; a longer one is a secret as a whole."""

_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----")
_KEY_ENDS = "-----END "


def lacking(configuration: str, kept: model.Keeping) -> str:
    """Why this is no whole configuration by the platform's own word; "" when it may be one."""
    if not kept.ends:
        return ""  # the protocol's framing says that nothing is missing
    lines = configuration.rstrip("\n").rsplit("\n", 1)
    if not lines[-1]:
        return "it is empty"
    if re.search(kept.ends, lines[-1]) is None:
        # The reason is shown to who may not see secrets, and an answer may break off behind one.
        end = masked(lines[-1], kept, lambda _: "<secret>")
        return f"it ends with {text.line(end, 80)!r}, and a whole one with {kept.ends}"
    return ""


def masked(configuration: str, kept: model.Keeping, name: Callable[[str], str]) -> str:
    """The text with what ``name`` calls each secret instead of it."""
    expressions = [re.compile(one) for one in (*model.SECRETS, *kept.secrets)]
    return "\n".join(_lines(configuration.split("\n"), expressions, name))


def _lines(
    lines: Sequence[str], expressions: list[re.Pattern[str]], name: Callable[[str], str]
) -> Iterator[str]:
    """A private key is secret from the line after its first to the one before its last."""
    inside = False
    for line in lines:
        if inside and _KEY_ENDS not in line:
            yield name(line) if line.strip() else line
            continue
        begins = _KEY_BEGINS.search(line)
        inside = begins is not None and _KEY_ENDS not in line[begins.end() :]
        if begins is not None and not inside:  # all of it in one line
            yield line[: begins.end()] + name(line[begins.end() :])
        else:
            yield _line(line, expressions, name)


def _line(line: str, expressions: list[re.Pattern[str]], name: Callable[[str], str]) -> str:
    if len(line) > _LONGEST:
        return name(line)
    for expression in expressions:
        found = expression.search(line)
        if found is not None:
            begin, end = found.span("secret")
            return line[:begin] + name(line[begin:end]) + line[end:]
    return line
