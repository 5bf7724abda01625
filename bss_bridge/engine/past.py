"""Decides of which moment a request asks: ``$at`` and ``$known``, an extension of TMF630.

No attribute's name begins with a dollar sign, so neither can ever be meant as a filter. A moment is
written as in RFC 3339: words such as "2h ago" would be another moment on the next page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar
from urllib.parse import unquote_plus

from bss_bridge.engine import etags
from oss_agent import errors
from oss_agent.spi import clock, moments
from oss_agent.spi.query import LedgerPort

View = TypeVar("View")
AT: Final = "$at"
KNOWN: Final = "$known"
_NAMES: Final = (AT, KNOWN)
_RFC3339: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII
)
_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class History(Generic[View]):
    """The port of an owner that keeps the past, and the clock that says what is still to come."""

    port: LedgerPort[View]
    time: clock.Clock


def split(text: str) -> tuple[str, Mapping[str, str]]:
    """A raw query string without its moments, and those by name, decoded.

    OrderRejected (400) when one of them is there twice.
    """
    rest = list[str]()
    found = dict[str, str]()
    for part in filter(None, text.split("&")):
        name, _, value = unquote_plus(part, errors="replace").partition("=")
        if name not in _NAMES:
            rest.append(part)
        elif name in found:
            raise _refused(name, "there is one moment, it stands twice")
        else:
            found[name] = value
    return "&".join(rest), found


def asked(
    named: Mapping[str, str], resource: str, history: History[View] | None
) -> moments.AsOf | None:
    """The moment that these name; None: now. OrderRejected (400) where there is no past to show."""
    if not named:
        return None
    if history is None:
        raise _refused(next(iter(named)), f"{resource} is answered as it is now only: leave it out")
    now = history.time.now()
    texts = {name: _checked(name, text, now) for name, text in named.items()}
    return moments.as_of(texts.get(AT), texts.get(KNOWN), now)


def refuse(text: str) -> None:
    """OrderRejected (400) when a request that writes names a moment: what is past stays as it was."""
    _, named = split(text)
    if named:
        raise _refused(next(iter(named)), "what has been cannot be changed: leave it out")


def tag(body: Mapping[str, Any], when: moments.AsOf | None) -> str:
    """The entity tag of a representation.

    One of the past has the moment in it: it must not match what is there now, though it look alike.
    """
    times = {} if when is None else {AT: when.valid.isoformat(), KNOWN: when.known.isoformat()}
    return etags.tag({**body, **times})


def _checked(name: str, text: str, now: datetime) -> str:
    # A '+' that was not encoded arrives as a blank.
    words = text.strip('"').replace(" ", "+")
    if not _RFC3339.fullmatch(words):
        raise _refused(name, f"{ascii(text)[:_SHOWN]} is no date and time as 2026-11-22T03:12:00Z")
    try:
        moments.past(words, now)
    except ValueError as bad:
        raise _refused(name, str(bad)) from None
    return words


def _refused(name: str, why: str) -> errors.OrderRejected:
    return errors.OrderRejected(f"{name}: {why}", field=name, code="invalidQuery")
