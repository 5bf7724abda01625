"""Decides what a person means by a moment, and of which moment a ledger is asked.

All of it is UTC, as everything that is shown: a zone that is guessed is an hour that is wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SPAN: Final = re.compile(r"(\d{1,5}) ?([smhdw])", re.ASCII)
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?Z?", re.ASCII)
_FORMS: Final = "2026-11-22T03:12:00Z, 2026-11-22, 03:12 (of today, UTC)"
_SKEW: Final = timedelta(seconds=60)
"""A sender's clock may be a little ahead of ours."""


@dataclass(frozen=True, slots=True)
class AsOf:
    """What was so at ``valid``, by what was believed at ``known``."""

    valid: datetime
    known: datetime


def parse(text: str, now: datetime) -> datetime:
    """A moment as a person writes it. ValueError says which forms there are."""
    words = text.strip().strip('"')
    if words == "now":
        return now
    span = _span(words)
    if span is not None:
        return now + span
    clock = _CLOCK.fullmatch(words)
    try:
        return _of_today(clock, now) if clock else _of_calendar(words)
    except (ValueError, OverflowError) as bad:
        raise ValueError(
            f"{ascii(text)[:60]} is no moment; write {_FORMS}, '2h ago' or 'in 2h'"
        ) from bad


def past(text: str, now: datetime) -> datetime:
    """A moment that has been: nobody knows what will be believed. ValueError says so."""
    found = parse(text, now)
    if found > now + _SKEW:
        raise ValueError(
            f"{ascii(text)[:60]} is {found:%Y-%m-%dT%H:%M:%SZ}, which is still to come (now is "
            f"{now:%Y-%m-%dT%H:%M:%SZ}); name the day if you mean an earlier one"
        )
    return min(found, now)


def future(text: str, now: datetime) -> datetime:
    """A moment to come; a time of day that is over is tomorrow's. ValueError when it has been."""
    found = parse(text, now)
    if found <= now and _is_clock(text):
        found += timedelta(days=1)
    if found <= now:
        raise ValueError(f"{ascii(text)[:60]} is over already; name a moment to come, as 'in 2h'")
    return found


def begin(text: str, ends: str | None, now: datetime) -> datetime:
    """When something begins that may have begun already. ValueError as ``parse``.

    Of a time of day that is the last before it ``ends``, where that is a time of day too: at 23:00
    a night from 22:00 to 04:00 has begun, one from 02:00 to 04:00 has not. Else it is the next.
    """
    found = parse(text, now)
    if not _is_clock(text):
        return found
    if ends is None or not _is_clock(ends):
        return future(text, now)
    end = future(ends, now)
    last = end.replace(hour=found.hour, minute=found.minute, second=found.second)
    return last if last < end else last - timedelta(days=1)


def span(text: str) -> timedelta:
    """How long, as a person writes it: ``30m``, ``12 h``. ValueError says which forms there are."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise ValueError(
            f"{ascii(text)[:60]} is no length of time; write a number and s, m, h, d or w, like 7d"
        )
    return _length(found)


def as_of(valid: str | None, known: str | None, now: datetime) -> AsOf | None:
    """What was asked for; None: what is so now.

    Without ``known`` it is what was believed at that very moment; without ``valid`` what was
    believed then to be so then.
    """
    at = None if valid is None else past(valid, now)
    by = None if known is None else past(known, now)
    one = at or by
    return None if one is None else AsOf(at or one, by or one)


def _span(words: str) -> timedelta | None:
    ago, ahead = words.removesuffix(" ago"), words.removeprefix("in ")
    found = _SPAN.fullmatch(ago if ago != words else ahead)
    if found is None or ago == ahead:
        return None
    return -_length(found) if ago != words else _length(found)


def _length(found: re.Match[str]) -> timedelta:
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _is_clock(text: str) -> bool:
    return _CLOCK.fullmatch(text.strip().strip('"')) is not None


def _of_today(clock: re.Match[str], now: datetime) -> datetime:
    hour, minute, second = (int(part or 0) for part in clock.groups())
    return now.astimezone(UTC).replace(hour=hour, minute=minute, second=second, microsecond=0)


def _of_calendar(words: str) -> datetime:
    # A '+' that was not encoded in an address arrives as a blank.
    found = datetime.fromisoformat(words.replace(" ", "+") if "T" in words else words)
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).astimezone(UTC)
