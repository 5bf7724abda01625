"""What a device says it has by name: kept with its past, ended when the device says so itself."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from inventory import device_views, facts, observed, tables

_AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
_PEER = facts.LogicalFact("bgp-neighbour", "10.0.0.1", {"remote_as": 20, "state": "established"})
_VLAN = facts.LogicalFact("vlan", "100", {"title": "acme", "tagged": ["eth4"], "untagged": []})


def _told(connection: sa.Connection) -> list[tuple[str, str]]:
    view = device_views.get(connection, "default", "pe1")
    return [(one.name, one.attributes.get("state", "")) for one in view.logical]


def test_a_neighbour_that_goes_down_is_a_version_and_one_taken_away_ends(
    connection: sa.Connection,
) -> None:
    down = dataclasses.replace(_PEER, attributes={**_PEER.attributes, "state": "idle"})
    looks: tuple[dict[str, tuple[facts.LogicalFact, ...]], ...] = (
        {"bgp-neighbour": (_PEER,), "vlan": (_VLAN,)},
        {"bgp-neighbour": (down,), "vlan": (_VLAN,)},
        {"bgp-neighbour": (down,)},
        {"bgp-neighbour": (), "vlan": (_VLAN,)},
    )
    told: list[list[tuple[str, str]]] = []
    for minute, logical in enumerate(looks):
        seen = facts.DeviceFacts("pe1", logical=logical)
        observed.record(connection, seen, _AT + timedelta(minutes=minute))
        told.append(_told(connection))

    assert told == [
        [("10.0.0.1", "established"), ("100", "")],
        [("10.0.0.1", "idle"), ("100", "")],
        [("10.0.0.1", "idle"), ("100", "")],
        [("100", "")],
    ]
    c = tables.logical.c
    versions = sa.select(sa.func.count()).where(c.name == "100")
    assert connection.execute(versions).scalar_one() == 1, "nothing changed of it"
