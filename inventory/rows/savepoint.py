"""Decides how part of a unit is undone alone: a savepoint by the driver, not by Core.

Core compiles each under a new name, at fifty times the cost, and an order takes four.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import sqlalchemy as sa


@contextlib.contextmanager
def within(connection: sa.Connection) -> Iterator[None]:
    """Keep what the block did, or none of it when it raises. Blocks may stand in one another."""
    say = connection.connection.cursor().execute
    say("SAVEPOINT part")
    try:
        yield
    except BaseException:
        # A database that gave up (full, gone) has forgotten it: what it said first is to be heard.
        with contextlib.suppress(Exception):
            say("ROLLBACK TO SAVEPOINT part")
            say("RELEASE SAVEPOINT part")
        raise
    say("RELEASE SAVEPOINT part")
