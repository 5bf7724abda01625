"""Decides what the audit tells of a start: its version, and the names of settings that are others now.

Never a value. What is kept to compare with at the next start are sixteen bits of each setting that is
not its default: enough to tell two apart, too few to find a password in a database's URL by.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from oss_agent import __version__, audit, settings
from oss_agent.app import tuning

_BY: Final = "oss-agent"
_ACTION: Final = "start"
_SUBJECT: Final = "settings"
_E = audit.ENTRIES.c
_LAST = (
    sa.select(_E.detail)
    .where(_E.action == _ACTION, _E.subject == _SUBJECT, _E.actor == _BY)
    .order_by(_E.number.desc())
    .limit(1)
)


def tell(connection: sa.Connection, tree: settings.Settings, at: datetime) -> None:
    """An entry where this start differs from the last that had one; settings are the first tenant's."""
    text = connection.execute(_LAST).scalar_one_or_none()
    before: Mapping[str, Any] = {} if text is None else json.loads(text)
    detail = _detail(before, marks(tree))
    if detail is not None:
        tenant = tuning.tenants(tree.http)[0]
        audit.append(connection, audit.Entry(tenant, at, _BY, _ACTION, _SUBJECT, detail))


def _detail(before: Mapping[str, Any], now: Mapping[str, str]) -> Mapping[str, Any] | None:
    """None: nothing is another than before. Pure."""
    then: Mapping[str, str] = before.get("marks", {})
    changed = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    if not changed and before.get("version") == __version__:
        return None
    return {"version": __version__, "changed": changed, "marks": dict(now)}


def marks(tree: settings.Settings) -> Mapping[str, str]:
    """By name: what tells two values of a setting apart, of those that are not the default. Pure."""
    usual = dict(_leaves(settings.Settings.model_construct().model_dump(mode="json")))
    told = dict(_leaves(tree.model_dump(mode="json")))
    return {name: _mark(value) for name, value in told.items() if value != usual.get(name)}


def _leaves(section: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Sections are taken apart; a list of things is one setting."""
    for name, value in section.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _mark(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:4]
