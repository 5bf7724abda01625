"""Rules of the room that a reader could break without noticing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from oss_agent import fulfilment
from oss_agent.fulfilment.record import plain

ROOM = Path(next(iter(fulfilment.__path__)))


LOGINS = {"connections.py", "kept.py"}
"""They cancel tasks and timers, and call no method of a session."""


def calls(attribute: str) -> Iterator[tuple[str, str]]:
    """(file, receiver) of every call of a method with this name."""
    for file in sorted(ROOM.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=receiver, attr=name)) if name == attribute:
                    yield file.name, ast.unparse(receiver)
                case _:
                    pass


def test_every_durable_write_passes_a_failpoint() -> None:
    receivers = {receiver for file, receiver in calls("write") if file != "journal.py"}

    journals = {"self._p.journal", "self.p.journal", "one.p.journal", "p.journal"}
    assert receivers == journals


def test_every_device_call_passes_a_failpoint() -> None:
    opened = {file for file, _ in calls("session")}

    assert opened == {"connections.py"}
    for method in ("lock", "edit", "commit", "confirm", "cancel", "probe_pending", "save"):
        by = {receiver for file, receiver in calls(method) if file not in LOGINS}
        assert by <= {"session", "s"}, method


def test_other_peoples_text_is_stored_without_control_characters() -> None:
    assert plain.line("a\x1b[31m\nb\u202e c") == "a [31m b c"
    assert len(plain.line("x" * 10_000)) == plain.LINE
    assert plain.transcript("a\x00b\n\x9bc") == "ab\nc"
    assert len(plain.transcript("x" * 100_000)) == plain.TRANSCRIPT
