"""What the daemon itself runs on: its rows, the motor of order work, its log."""

from __future__ import annotations

from typing import Annotated, Literal

import pydantic

from oss_agent.settings.section import Seconds, Section


class Store(Section):
    """Where rows live."""

    url: str = ""
    """SQLAlchemy URL. Empty: SQLite in the data directory; ``postgresql+psycopg://…`` for a
    server. The order motor follows it, so this one setting changes both."""


class Flow(Section):
    """The motor of order work."""

    workers: int = pydantic.Field(default=8, ge=1, le=64)
    """Orders in work at once on this node. Each costs some 0.4 s CPU on two devices, mostly SSH."""
    poll: Seconds = 0.2
    """Seconds between looks at the queue: the price of an idle daemon against an order's start."""
    keep_runs_days: Annotated[float, pydantic.Field(ge=1, le=3_650)] = 7.0
    """Days that the motor keeps what it noted of a finished run; orders have rows of their own, for ever."""


class Log(Section):
    """What is written while it runs."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is written."""
    form: Literal["text", "json"] = "text"
    """text for people, json for collectors; always on stderr."""
