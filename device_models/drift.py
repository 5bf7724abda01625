"""Decides what a platform's data say of drift: which paths are judged, and what is secret. Pure.

A rule names a node by its schema path (``services/eline/description``; ``*`` is any one name) or, of
a command-line store, by an expression that finds its line. The first rule that fits counts, for the
node and for all below it of which no rule says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from device_models import loader, model
from oss_agent.errors import ConfigurationError
from oss_agent.spi.drift import Decision
from oss_agent.spi.tree import Path

_MASK = "******"
_LONGEST = 64 * 1024
"""Characters of a text that is searched for secrets; a longer one is a secret as a whole."""
_LEAF = re.compile(r"([\w.-]+) (.+)", re.DOTALL)


class PlatformDrift:
    """``spi.drift.Judgement`` over the platforms' data, as ``load`` gives them."""

    def __init__(self, load: Callable[[str], model.Platform] = loader.load) -> None:
        self._load = load

    def decision(self, platform: str, store: str, path: Path) -> Decision | None:
        """What drift at this very node, and below it, comes to; None where the data say nothing."""
        del store  # a path of one store is no path of another: lines and names do not look alike
        names = tuple(step.name for step in path)
        line = path[-1].keys[0][1] if path and path[-1].keys else names[-1] if names else ""
        known = self._known(platform)
        rules = () if known is None else known.drift.rules
        found = (one.decision for one in rules if _fits(one, names, line))
        return next(found, None)

    def masked(self, platform: str, store: str, text: str) -> str:
        """One line of configuration, or ``name value`` of a leaf, with a secret in it as asterisks."""
        del store
        if len(text) > _LONGEST:
            return _MASK
        leaf = _LEAF.fullmatch(text)
        for expression in _secrets(self._known(platform)):
            found = expression.search(text)
            if found is not None:
                begin, end = found.span("secret")
                return text[:begin] + _MASK + text[end:]
            if leaf is not None and expression.search("<{0}>{1}</{0}>".format(*leaf.groups())):
                return f"{leaf[1]} {_MASK}"
        return text

    def _known(self, platform: str) -> model.Platform | None:
        """None: its driver brings its data elsewhere, and what it says of drift is not known here."""
        try:
            return self._load(platform)
        except ConfigurationError:
            return None


def _fits(rule: model.DriftRule, names: tuple[str, ...], line: str) -> bool:
    if rule.line:
        return re.search(rule.line, line) is not None
    wanted = rule.path.split("/")
    return len(wanted) == len(names) and all(
        one in ("*", name) for one, name in zip(wanted, names, strict=True)
    )


def _secrets(platform: model.Platform | None) -> Iterator[re.Pattern[str]]:
    known = platform and (platform.netconf, platform.command_line, platform.napalm)
    own = (expression for one in known or () if one is not None for expression in one.kept.secrets)
    return (re.compile(one) for one in (*model.SECRETS, *own))
