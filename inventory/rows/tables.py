"""Decides how what exists is stored: who is planned, what was configured, what was observed.

Three ledgers are kept apart and never overwrite each other: PLANNED is what an order or an
operator's file says should exist, CONFIGURED is what was read back from a device, OBSERVED is what
polls and discovery saw. Here are devices and what is found about them; ``service_tables`` has what
orders made, ``observed_tables`` what was seen, ``pool_tables`` what values are claimed from, and
``fact_tables`` what all rows have. No foreign key crosses rooms: orders are ids.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from inventory.rows.column_types import Json
from inventory.rows.fact_tables import METADATA, OBSERVED, PLANNED, Fact
from inventory.rows.fact_tables import current as _current
from inventory.rows.fact_tables import only_one as _only_one
from inventory.rows.observed_tables import (
    addresses,
    components,
    device_states,
    device_words,
    interfaces,
    logical,
    neighbours,
    port_labels,
    sightings,
    stations,
)
from inventory.rows.pool_tables import (
    pool_claims,
    pool_floors,
    pool_holes,
    pool_shortages,
    pools,
)
from inventory.rows.service_tables import (
    configured,
    configured_logicals,
    ownership,
    port_claims,
    product_services,
    products,
    service_resources,
    services,
)
from oss_agent.moment import Moment

__all__ = [
    "METADATA",
    "OBSERVED",
    "PLANNED",
    "addresses",
    "audits",
    "backup_looks",
    "backup_texts",
    "backups",
    "cases",
    "components",
    "configured",
    "configured_logicals",
    "device_keys",
    "device_states",
    "device_words",
    "devices",
    "interfaces",
    "links",
    "logical",
    "neighbours",
    "ownership",
    "pool_claims",
    "pool_floors",
    "pool_holes",
    "pool_shortages",
    "pools",
    "port_claims",
    "port_labels",
    "product_services",
    "products",
    "proof_runs",
    "service_resources",
    "services",
    "sightings",
    "standings",
    "stations",
]


def _folded(context: Any) -> str:
    return str(context.get_current_parameters()["name"]).casefold()


class Device(Fact):
    """PLANNED: a device as an operator's file describes it. Secrets are references only.

    ``ports`` maps protocol to port; ``source`` is the lab the file describes. ``folded`` is the name
    as neighbours are compared with it.
    """

    name: sa.Named[str]
    folded: sa.Named[str] = sa.Column(default=_folded, server_default="")
    source: sa.Named[str]
    kind: sa.Named[str]
    platform: sa.Named[str]
    managed: sa.Named[bool]
    reason: sa.Named[str]
    address: sa.Named[str]
    role: sa.Named[str]
    site: sa.Named[str]
    username: sa.Named[str]
    password_ref: sa.Named[str | None]
    community_ref: sa.Named[str | None]
    ports: sa.Named[dict[str, Any]] = sa.Column(Json)
    router_id: sa.Named[str | None]


devices = sa.Table(
    "inv_devices",
    METADATA,
    Device,
    _only_one("uq_inv_devices_current", "name"),
    _current("ix_inv_devices_folded", "folded"),
    _current("ix_inv_devices_address", "address"),
)


class DeviceKey(Fact):
    """A pinned SSH host key: an OpenSSH public key, and who accepted it."""

    device: sa.Named[str]
    key: sa.Named[str]
    fingerprint: sa.Named[str]
    accepted_by: sa.Named[str]


device_keys = sa.Table(
    "inv_device_keys", METADATA, DeviceKey, _only_one("uq_inv_device_keys_current", "device", "key")
)


class Standing(Fact):
    """Whether a device may be written to: what it is to its driver, and why it is not proven.

    ``doubt`` is "" where it is; ``read_only`` is whether that forbids to write, by the settings.
    """

    device: sa.Named[str]
    platform: sa.Named[str]
    os: sa.Named[str]
    version: sa.Named[str]
    model: sa.Named[str]
    doubt: sa.Named[str]
    read_only: sa.Named[bool]


standings = sa.Table(
    "inv_standings",
    METADATA,
    Standing,
    _only_one("uq_inv_standings_current", "device"),
)


class ProofRun(sa.TypedColumns):
    """A driver's laws passed on a device: what it was, the driver's version, when and by whom.

    Only ever added: ``laws`` are those that were run.
    """

    row: sa.Named[int] = sa.Column(sa.Integer, primary_key=True)
    tenant: sa.Named[str]
    device: sa.Named[str]
    platform: sa.Named[str]
    os: sa.Named[str]
    version: sa.Named[str]
    model: sa.Named[str]
    driver: sa.Named[str]
    laws: sa.Named[list[str]] = sa.Column(Json)
    at: sa.Named[datetime] = sa.Column(Moment)
    by: sa.Named[str]


proof_runs = sa.Table(
    "inv_proof_runs",
    METADATA,
    ProofRun,
    sa.Index("ix_inv_proof_runs_platform", "tenant", "platform"),
)


class LoginAttempt(sa.TypedColumns):
    """A login that was tried on a device: on disk before it is sent, so that refusals are counted.

    ``outcome`` is begun, taken, refused (as a login) or other; ``login`` is the account's name. Of a
    device's stored login ``secret`` tells one password from another, and never which it is; None of one
    that a person had tried. ``by`` is for what it was sent, ``times`` how many attempts the row stands for.
    """

    row: sa.Named[int] = sa.Column(sa.Integer, primary_key=True)
    tenant: sa.Named[str]
    device: sa.Named[str]
    login: sa.Named[str]
    at: sa.Named[datetime] = sa.Column(Moment)
    outcome: sa.Named[str]
    secret: sa.Named[str | None]
    by: sa.Named[str] = sa.Column(default="", server_default="")
    times: sa.Named[int] = sa.Column(default=1, server_default="1")


login_attempts = sa.Table(
    "inv_login_attempts",
    METADATA,
    LoginAttempt,
    sa.Index("ix_inv_login_attempts_device", "device", "at"),
    sa.Index("ix_inv_login_attempts_login", "login", "secret"),
)


class Link(Fact):
    """PLANNED: a link that a topology file declares; ends in canonical order (a before z)."""

    source: sa.Named[str]
    a_device: sa.Named[str]
    a_port: sa.Named[str]
    z_device: sa.Named[str]
    z_port: sa.Named[str]


links = sa.Table(
    "inv_links",
    METADATA,
    Link,
    _only_one("uq_inv_links_current", "a_device", "a_port", "z_device", "z_port"),
    _current("ix_inv_links_z_device", "z_device"),
)


class Case(Fact):
    """What a person should look at: ``evidence`` is what was seen, and what a decision is about.

    A decision is a version of its own; ``since`` is when the case was found first, where that is not
    ``valid_from``. Without ``actions`` (rows of before) it may be accepted and ignored.
    """

    id: sa.Named[str]
    device: sa.Named[str]
    subject: sa.Named[str]
    kind: sa.Named[str]
    evidence: sa.Named[str]
    text: sa.Named[str]
    cause: sa.Named[str]
    action: sa.Named[str]
    owner: sa.Named[str] = sa.Column(default="", server_default="")
    actions: sa.Named[list[Any] | None] = sa.Column(Json)
    since: sa.Named[datetime | None] = sa.Column(Moment)
    decision: sa.Named[str | None]
    decided_by: sa.Named[str | None]
    decided_at: sa.Named[datetime | None] = sa.Column(Moment)
    reason: sa.Named[str] = sa.Column(default="", server_default="")
    until: sa.Named[datetime | None] = sa.Column(Moment)
    begun: sa.Named[str] = sa.Column(default="", server_default="")


cases = sa.Table(
    "inv_cases",
    METADATA,
    Case,
    _only_one("uq_inv_cases_current", "tenant", "id"),
    _current("ix_inv_cases_device", "device", "kind"),
    _current("ix_inv_cases_begun", "begun"),
    sa.Index("ix_inv_cases_id", "id"),
)


class Audit(sa.TypedColumns):
    """When a device's part of ours was last judged, overwritten each time: its cases have the history.

    ``tried_at`` may be later: ``reason`` is why it could not be judged then. ``differences`` is how many
    there were when it was. ``without`` are, by store, the rows of released claims whose values it had
    no more.
    """

    device: sa.Named[str] = sa.Column(primary_key=True)
    tenant: sa.Named[str]
    audited_at: sa.Named[datetime | None] = sa.Column(Moment)
    tried_at: sa.Named[datetime] = sa.Column(Moment)
    reason: sa.Named[str] = sa.Column(default="")
    differences: sa.Named[int] = sa.Column(default=0)
    without: sa.Named[dict[str, Any] | None] = sa.Column(Json)


audits = sa.Table("inv_audits", METADATA, Audit)


class BackupText(sa.TypedColumns):
    """A configuration that was seen once or often.

    ``digest`` is the SHA-256 of its UTF-8 in hex, ``packed`` that in zlib, ``size`` its bytes unpacked.
    """

    digest: sa.Named[str] = sa.Column(primary_key=True)
    size: sa.Named[int]
    packed: sa.Named[bytes] = sa.Column(sa.LargeBinary)


backup_texts = sa.Table("inv_backup_texts", METADATA, BackupText)


class Backup(Fact):
    """OBSERVED: a version of what a device has in a datastore (running, startup) of a store.

    ``number`` counts the versions of that place from 1. ``cause`` is why it was looked at, ``orders``
    are those of ours that ended on the device since the look before.
    """

    device: sa.Named[str]
    store: sa.Named[str]
    datastore: sa.Named[str]
    number: sa.Named[int]
    digest: sa.Named[str]
    cause: sa.Named[str]
    orders: sa.Named[list[Any]] = sa.Column(Json)


backups = sa.Table(
    "inv_backups",
    METADATA,
    Backup,
    _only_one("uq_inv_backups_current", "device", "store", "datastore"),
    sa.Index("ix_inv_backups_number", "device", "store", "datastore", "number"),
    sa.Index("ix_inv_backups_digest", "digest"),
)


class BackupLook(sa.TypedColumns):
    """When a device's configurations were last looked at, overwritten: no row for what did not change.

    ``since``: it is to be kept since then. ``good_at``: the last look whose texts were believed, ``looks``
    how many those are; ``trouble`` is the word for why the last one was none, ``reason`` the sentence.
    """

    device: sa.Named[str] = sa.Column(primary_key=True)
    tenant: sa.Named[str]
    since: sa.Named[datetime] = sa.Column(Moment)
    tried_at: sa.Named[datetime] = sa.Column(Moment)
    good_at: sa.Named[datetime | None] = sa.Column(Moment)
    looks: sa.Named[int]
    trouble: sa.Named[str]
    reason: sa.Named[str]


backup_looks = sa.Table("inv_backup_looks", METADATA, BackupLook)
