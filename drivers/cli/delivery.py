"""Decides how a block of lines is sent: strictly one answer after another, stopped at the first no."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from device_models import model
from drivers.cli import answers
from drivers.cli.block import Command
from drivers.cli.talking import Talker


class Busy(Exception):
    """Somebody else configures; the words are the device's. Nothing was sent."""


class Refused(Exception):
    """The device did not accept ``line``; what came before it is applied."""

    def __init__(self, line: str, reason: str) -> None:
        super().__init__(f"{line!r} was answered with {reason!r}")
        self.line = line


async def enter(shell: Talker, facts: model.Shell) -> None:
    """Into configuration mode. Busy or Refused; Silent or Stopped."""
    answer = await shell.send([facts.enter])
    holder = answers.busy(answer, facts)
    if holder is not None:
        raise Busy(holder)
    _accept(facts.enter, answer, facts)


async def deliver(shell: Talker, block: Sequence[Command], facts: model.Shell) -> None:
    """Send the block in configuration mode. Refused, Silent or Stopped leave it in part applied."""
    for batch in batches(block, facts.window):
        _accept(" / ".join(batch), await shell.send(batch), facts)


async def leave(shell: Talker, facts: model.Shell) -> None:
    """Out of configuration mode."""
    _accept(facts.end, await shell.send([facts.end]), facts)


def _accept(line: str, answer: str, facts: model.Shell) -> None:
    reason = answers.refusal(answer, facts)
    if reason is not None:
        raise Refused(line, reason)


def batches(block: Sequence[Command], window: int) -> Iterator[list[str]]:
    """Lines that may share a flight: of one section, never one that changes the section.

    Behind a refused section line the next ones would be applied in another section.
    """
    batch: list[str] = []
    for command in block:
        if batch and (command.moves or len(batch) == window):
            yield batch
            batch = []
        if command.moves:
            yield [command.text]
        else:
            batch.append(command.text)
    if batch:
        yield batch
