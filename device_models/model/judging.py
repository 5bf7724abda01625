"""What an edit by hand at a node comes to."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from device_models.model.written import STRICT, Expression
from oss_agent.spi import drift


@dataclass(frozen=True, slots=True, config=STRICT)
class DriftRule:
    """What an edit by hand at some nodes comes to.

    ``path`` is a schema path (``*``: any one name), ``line`` finds a line of a command-line store.
    """

    decision: drift.Decision
    path: str = ""
    line: Expression = ""

    def __post_init__(self) -> None:
        """Refuse a rule that names both or neither."""
        if bool(self.path) == bool(self.line):
            raise ValueError("a rule of drift has either `path` or `line`")


@dataclass(frozen=True, slots=True, config=STRICT)
class Drift:
    """How this platform's configuration is judged when it is not as it was read back.

    The first of ``rules`` that fits a node counts, for it and for all below it.
    """

    rules: tuple[DriftRule, ...] = ()
