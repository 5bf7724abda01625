"""Which VLANs and VRFs what was read back of a service speaks of: kept by name, with its past.

What is configured at the upgrade is read once, by the words of today's ``inventory.facts.configured_names``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

_TABLE = "inv_configured_logicals"
_WORDS = ("tenant", "valid_from", "known_from", "device", "store", "service")
_PAGE = 500
_LONGEST = 255
_VRF = re.compile(r"(vrf|network-instance|routing-instance|vpn-instance)(-name)?")
_VLAN = re.compile(r"(\S*-)?vlan(-id)?")
_VLAN_ID = re.compile(r"(\S*-)?(vlan|id|tag)(-id)?")
_OF_VRF = re.compile(
    r"(?:^|\s)(?:vrf|vpn-instance|routing-instance)"
    r"(?:\s+(?:instance|definition|forwarding|context|member))?\s+(\S+)"
)
_OF_VLAN = re.compile(r"(?:^|\s)vlan\s+(\d{1,4})(?=\s|$)")
_NUMBER = re.compile(r"\d{1,4}", re.ASCII)
_LAST_VLAN = 4094
_CURRENT = sa.text("valid_to IS NULL AND known_to IS NULL")


def upgrade() -> None:
    op.create_table(
        _TABLE,
        sa.Column("row", sa.Integer(), primary_key=True),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("known_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("known_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
    )
    op.create_index(
        "uq_inv_configured_logicals_current",
        _TABLE,
        ["device", "kind", "name", "store", "service"],
        unique=True,
        sqlite_where=_CURRENT,
        postgresql_where=_CURRENT,
    )
    op.create_index("ix_inv_configured_logicals_name", _TABLE, ["device", "name"])
    op.create_index("ix_inv_configured_logicals_service", _TABLE, ["service", "device", "store"])
    _fill(op.get_bind())


def _fill(connection: sa.Connection) -> None:
    columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in ("row", *_WORDS, "tree")]
    row = columns[0]
    found = sa.select(*columns).select_from(sa.table("inv_configured")).where(_CURRENT)
    into = sa.table(_TABLE, *(sa.column(name) for name in (*_WORDS, "kind", "name")))
    last = 0
    # Some at a time: all trees of a large network are more than a machine has memory for.
    while (
        page := connection.execute(found.where(row > last).order_by(row).limit(_PAGE))
        .mappings()
        .all()
    ):
        last = page[-1]["row"]
        named = [one for configured in page for one in _named(configured)]
        if named:
            connection.execute(sa.insert(into), named)


def _named(configured: sa.RowMapping) -> Iterator[dict[str, Any]]:
    tree = configured["tree"]
    tree = json.loads(tree) if isinstance(tree, str) else tree
    here = {name: configured[name] for name in _WORDS}
    for kind, called in sorted(set(_below(tree))):
        if len(called) <= _LONGEST:
            yield {**here, "kind": kind, "name": called}


def _below(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from _at(node)
    for child in node.get("children", ()):
        yield from _below(child)


def _at(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
    name, value = node["name"].rpartition(":")[2], node.get("value")
    keys = [one for _, one in node.get("keys", ())]
    for text in (node["name"], *keys):
        if " " in text:
            yield from (("vrf", one) for one in _OF_VRF.findall(text))
            yield from _vlans(_OF_VLAN.findall(text))
    if _VRF.fullmatch(name):
        yield from (("vrf", one) for one in (*keys, value) if one)
    elif _VLAN.fullmatch(name):
        inside = node.get("children", ())
        yield from _vlans(
            [*keys, value, *(c.get("value") for c in inside if _VLAN_ID.fullmatch(c["name"]))]
        )


def _vlans(values: list[Any]) -> Iterator[tuple[str, str]]:
    for one in values:
        if one and _NUMBER.fullmatch(one) and 1 <= int(one) <= _LAST_VLAN:
            yield ("vlan", str(int(one)))
