"""Decides how a simulated EOS may misbehave: knobs that a test turns while the device runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Faults:
    """All off. Those that count fire that many times, then are off again."""

    lose_answers: int = 0
    """after a commit was carried out, the connection closes without a reply"""
    lose_requests: int = 0
    """the connection closes before a commit is carried out"""
    refuse_commits: int = 0
    """a commit is answered with an error; running stays"""
    silent_commits: int = 0
    """a commit is answered with success and changes nothing"""
    ignores: str | None = None
    """a line of a session that begins so is accepted and stages nothing"""
    garbage: int = 0
    """the answer is no JSON"""
    delay: float = 0.0
    """seconds before every answer"""
    commit_delay: float = 0.0
    """seconds between a commit and its answer"""

    def takes(self, knob: str) -> bool:
        """Does this knob fire now? It then counts down."""
        left: int = getattr(self, knob)
        if left:
            setattr(self, knob, left - 1)
        return left > 0
