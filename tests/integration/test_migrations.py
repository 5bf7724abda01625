from __future__ import annotations

import shutil
import stat
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import event, exc

from inventory.devices import device_words
from inventory.facts import configured_names
from inventory.pools import pool_claims
from inventory.rows import tables
from oss_agent import audit, database, errors
from oss_agent.assurance import usage_rows
from oss_agent.migrations import rooms, upgrade
from oss_agent.spi.tree import from_json

_NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "next"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table("later", sa.Column("id", sa.Integer, primary_key=True))
    {end}
"""


@pytest.fixture
def lineage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the lineage that the test may add to."""
    copy = tmp_path / "migrations"
    shutil.copytree(upgrade.FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(upgrade, "FOLDER", copy)
    return copy


def _add_next(lineage: Path, end: str = "") -> str:
    newest = upgrade.revisions()[-1]
    (lineage / "versions" / "next.py").write_text(_NEXT.format(before=newest, end=end))
    return newest


def _tables(url: str) -> set[str]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        names = set(sa.inspect(connection).get_table_names())
    engine.dispose()
    return names


def _differences(url: str, metadata: list[sa.MetaData]) -> list[Any]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        # it takes a list, as env.py's target_metadata does, but is not annotated so
        found: list[Any] = compare_metadata(context, cast("sa.MetaData", metadata))
    engine.dispose()
    return found


def test_the_migrations_make_exactly_the_tables_of_the_rooms(database_url: str) -> None:
    migrated = upgrade.migrate(database_url)

    found = _differences(database_url, rooms.everything())
    assert found == [], "a room changed its tables: python -m oss_agent.migrations 'Why'"
    assert (migrated.before, migrated.backup) == ("", None)


def test_a_changed_room_would_be_noticed(database_url: str) -> None:
    upgrade.migrate(database_url)
    changed = sa.MetaData()
    entries = audit.ENTRIES.to_metadata(changed)
    entries.append_column(sa.Column("added", sa.Text))
    others = [room for room in rooms.everything() if room is not audit.METADATA]

    found = _differences(database_url, [changed, *others])
    assert ("aud_entry", "added") in {(d[2], d[3].name) for d in found if d[0] == "add_column"}


def test_a_second_start_changes_nothing(database_url: str) -> None:
    first = upgrade.migrate(database_url)
    second = upgrade.migrate(database_url)

    assert second == upgrade.Migrated(first.after, first.after, None)


def test_a_newer_database_is_refused_with_what_to_do(database_url: str, lineage: Path) -> None:
    upgrade.migrate(database_url)
    _add_next(lineage)
    upgrade.migrate(database_url)
    (lineage / "versions" / "next.py").unlink()

    with pytest.raises(errors.ConfigurationError, match=r"newer release \(schema next.*start that"):
        upgrade.migrate(database_url)


def test_a_failing_migration_leaves_the_database_as_it_was(
    database_url: str, lineage: Path
) -> None:
    before = upgrade.migrate(database_url).after
    tables = _tables(database_url)
    _add_next(lineage, "raise ZeroDivisionError")
    with pytest.raises(ZeroDivisionError):
        upgrade.migrate(database_url)

    assert _tables(database_url) == tables
    (lineage / "versions" / "next.py").unlink()
    assert upgrade.migrate(database_url).before == before


def test_an_sqlite_file_is_copied_before_its_schema_changes(tmp_path: Path, lineage: Path) -> None:
    file = tmp_path / "agent.db"
    url = f"sqlite:///{file}"
    upgrade.migrate(url)
    file.chmod(0o600)
    newest = _add_next(lineage)
    migrated = upgrade.migrate(url)

    copy = tmp_path / f"agent.db.schema-{newest}"
    assert migrated.backup == copy
    assert "later" in _tables(url)
    assert "later" not in _tables(f"sqlite:///{copy}")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_an_unreachable_database_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(errors.StoreUnavailable, match="cannot be opened"):
        upgrade.migrate(f"sqlite:///{tmp_path}/nowhere/agent.db")


def _entry(number: int) -> audit.Entry:
    return audit.Entry("default", datetime.now(UTC), "ann", "trust", f"device:{number}", {"n": 1})


def test_audit_entries_are_only_added(database_url: str) -> None:
    upgrade.migrate(database_url)
    engine = database.writer(database.parse(database_url))
    with engine.begin() as connection:
        for number in range(3):
            audit.append(connection, _entry(number))
    for statement in (
        audit.ENTRIES.delete(),
        audit.ENTRIES.update().values(actor="bob"),
    ):
        with pytest.raises(exc.DBAPIError, match="only added"), engine.begin() as connection:
            connection.execute(statement)
    with engine.connect() as connection:
        assert audit.verify(connection) is None
    engine.dispose()


def test_a_forged_audit_entry_is_found(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'agent.db'}"
    upgrade.migrate(url)
    engine = database.writer(database.parse(url))
    with engine.begin() as connection:
        for number in range(3):
            audit.append(connection, _entry(number))
        connection.exec_driver_sql("DROP TRIGGER aud_entry_no_update")
        forged = audit.ENTRIES.update().where(audit.ENTRIES.c.number == 2).values(actor="bob")
        connection.execute(forged)

        assert audit.verify(connection) == 2
    engine.dispose()


def test_the_migrations_make_the_keys_of_the_rooms(database_url: str) -> None:
    upgrade.migrate(database_url)
    engine = sa.create_engine(database_url)
    found = sa.inspect(engine)
    wrong = [
        table.name
        for room in rooms.everything()
        for table in room.sorted_tables
        if set(found.get_pk_constraint(table.name)["constrained_columns"])
        != {column.name for column in table.primary_key}
    ]
    engine.dispose()

    assert wrong == [], "the generated revision lacks keys.rekey(table, columns) for these"


_AT = datetime(2026, 1, 1, tzinfo=UTC)


def _filler(column: sa.Column[Any]) -> Any:
    """Any value that a column without a default takes."""
    if isinstance(column.type, sa.JSON):
        return {"name": "config"}
    kinds: dict[type, Any] = {int: 1, float: 1.0, bool: False, str: "2026-01-01T00:00:00.000Z"}
    kinds[datetime] = _AT
    return kinds.get(column.type.python_type)


def _fill(connection: sa.Connection, of: str, /, **values: Any) -> None:
    _fill_all(connection, of, [values])


def _fill_all(connection: sa.Connection, of: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Several rows that name the same columns."""
    table = sa.Table(of, sa.MetaData(), autoload_with=connection)
    some = {c.name: _filler(c) for c in table.columns if not c.nullable}
    connection.execute(table.insert(), [{**some, **row} for row in rows])


def test_a_change_that_was_on_its_way_owns_what_it_aimed_at(database_url: str) -> None:
    engine = database.writer(database.parse(database_url))
    aim = {"name": "config", "children": [{"name": "a", "value": "1"}]}
    with engine.begin() as connection:
        command.upgrade(upgrade.configuration(connection), "0001")
        _fill(connection, "ord_order", id="1", requester="bss")
        for number, stage in enumerate(("running", "closed"), start=1):
            key = f"1-{number}"
            _fill(connection, "ord_transaction", id=key, order_id="1", stage=stage, accepted=number)
            _fill(connection, "ord_participant", transaction_id=key, device="pe1", target=aim)
    upgrade.migrate(database_url)

    with engine.connect() as connection:
        intent = sa.Table("ord_intent", sa.MetaData(), autoload_with=connection)
        rows = connection.execute(intent.select()).mappings().all()
    engine.dispose()
    assert [(row["transaction_id"], row["store"], row["own"]) for row in rows] == [
        ("1-1", "netconf", aim)
    ]


def test_claims_that_are_held_at_an_upgrade_are_held_after_it(database_url: str) -> None:
    engine = database.writer(database.parse(database_url))
    with engine.begin() as connection:
        command.upgrade(upgrade.configuration(connection), "0016")
        _fill(connection, "inv_pools", row=1, name="vni", first=100, last=103, quarantine=300.0)
        for number, key in enumerate(("s1.vni", "s2.vni", "gone.vni"), start=1):
            released = _AT if key == "gone.vni" else None
            claim: dict[str, Any] = {
                "pool": "vni",
                "value": 99 + number,
                "key": key,
                "released_at": released,
            }
            _fill(connection, "inv_pool_claims", row=number, **claim)
        _fill(connection, "inv_interfaces", row=1, ledger="OBSERVED", device="pe1", name="eth1")
        _fill(connection, "ord_order", id="1")
        _fill(connection, "ord_product_order", id="1", service_order="1")
        for position in (1, 2):
            _fill(connection, "ord_product_item", product_order_id="1", position=position)
    upgrade.migrate(database_url)

    soon = _AT + timedelta(seconds=1)
    with engine.begin() as connection:
        given = [
            pool_claims.claim(connection, pool="vni", key=key, wanted=None, at=soon)
            for key in ("s1.vni", "s2.vni", "new.vni")
        ]
        port = connection.execute(tables.interfaces.select()).one()
        items = sa.Table("ord_product_item", sa.MetaData(), autoload_with=connection)
        paths = connection.execute(sa.select(items.c.path).order_by(items.c.position)).scalars()
        assert list(paths) == ["productOrderItem[0]", "productOrderItem[1]"]
    engine.dispose()
    assert given == ["100", "101", "103"]
    assert (port.identity, port.descr, port.place, port.missing_since) == ("", "", None, None)


def test_an_upgrade_reads_the_devices_once_not_once_for_each(database_url: str) -> None:
    engine = database.writer(database.parse(database_url))
    with engine.begin() as connection:
        command.upgrade(upgrade.configuration(connection), "0025")
        for number in range(5):
            _fill(connection, "inv_devices", row=number + 1, name=f"pe{number}")
        sent: list[str] = []

        def tell(*told: Any) -> None:
            sent.append(told[2])

        event.listen(connection, "before_cursor_execute", tell)
        command.upgrade(upgrade.configuration(connection), "0026")
    engine.dispose()
    assert len([one for one in sent if one.startswith("UPDATE inv_devices")]) == 1


def test_devices_are_found_by_their_words_after_an_upgrade(database_url: str) -> None:
    engine = database.writer(database.parse(database_url))
    with engine.begin() as connection:
        command.upgrade(upgrade.configuration(connection), "0025")
        _fill(connection, "inv_devices", row=1, tenant="default", name="PE1")
        said = {"tenant": "default", "device": "PE1", "called": ["Straße"]}
        _fill(connection, "inv_device_states", row=1, **said)
    upgrade.migrate(database_url)

    with engine.connect() as connection:
        found = [
            device_words.near(connection, "default", device_words.Heard((), (), {word}))
            for word in ("pe1", "strasse", "pe2")
        ]
    engine.dispose()
    assert found == [{"PE1"}, {"PE1"}, set()]


def test_vlans_and_vrfs_of_what_is_configured_are_known_after_an_upgrade(database_url: str) -> None:
    def node(name: str, *inside: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"name": name, **more} | ({"children": list(inside)} if inside else {})

    tree = node(
        "config",
        node("m:vrf", keys=[["name", "vpn7"]]),
        node("vlan", node("vlan-id", value="8"), node("vni", value="9"), keys=[["name", "a"]]),
        node("vlan-id", value="9999"),
        node("line", node("router bgp 1 vrf b"), keys=[["text", "switchport access vlan 10"]]),
    )
    engine = database.writer(database.parse(database_url))
    with engine.begin() as connection:
        command.upgrade(upgrade.configuration(connection), "0042")
        here = {"tenant": "default", "device": "pe1", "store": "netconf", "tree": tree}
        _fill(connection, "inv_configured", row=1, service="s1", **here)
        _fill(connection, "inv_configured", row=2, service="s0", known_to=_AT, **here)
        # More than are read at once, and one that speaks of more than an index holds.
        speaking = (
            (n, node("vrf", keys=[["name", f"n{n}"], ["far", "x" * (9_000 if n == 3 else 1)]]))
            for n in range(3, 504)
        )
        others = [
            here | {"row": n, "service": f"s{n}", "device": "pe2", "tree": node("config", one)}
            for n, one in speaking
        ]
        _fill_all(connection, "inv_configured", others)
    upgrade.migrate(database_url)

    with engine.connect() as connection:
        every = connection.execute(tables.configured_logicals.select()).mappings().all()
    engine.dispose()
    far = {row["name"] for row in every if row["device"] == "pe2"}
    assert far == {"x", *(f"n{n}" for n in range(3, 504))}
    rows = [row for row in every if row["device"] == "pe1"]
    assert {(row["service"], row["device"], row["store"]) for row in rows} == {
        ("s1", "pe1", "netconf")
    }
    known = {(row["kind"], row["name"]) for row in rows}
    assert known == {("vrf", "vpn7"), ("vrf", "b"), ("vlan", "8"), ("vlan", "10")}
    assert known == set(configured_names.named(from_json(tree)))
    assert {row["valid_from"] for row in rows} == {_AT}


def test_periods_that_had_begun_go_on_after_an_upgrade(database_url: str) -> None:
    """Where an active service stands since before its newest sample; of others nothing is known."""
    later = _AT + timedelta(minutes=5)
    now: dict[str, Any] = {"valid_from": _AT, "known_from": _AT}
    services: dict[str, dict[str, Any]] = {
        "begun": {},
        "begins": {},
        "suspended": {"state": "inactive"},
        "resumed": {"resumed_at": later + timedelta(minutes=1)},
        "came-back": {},
        "renamed": {},
        "exchanged": {},
        "left": {},
        "unmetered": {},
    }
    stands: list[tuple[str, str, dict[str, Any]]] = [
        ("begun", "e1", {}),
        ("begins", "e2", {}),
        ("suspended", "e3", {}),
        ("resumed", "e4", {}),
        ("came-back", "e5", {"valid_from": later + timedelta(minutes=1)}),
        ("renamed", "w6", {"formerly": "e6", "valid_from": later + timedelta(minutes=1)}),
        ("exchanged", "e7", {"formerly": "e8", "valid_from": later + timedelta(minutes=1)}),
        ("exchanged", "e8", {"formerly": "e7", "valid_from": later + timedelta(minutes=1)}),
        ("left", "e9", {"valid_to": later + timedelta(minutes=1)}),
        ("unmetered", "e10", {"meter": False}),
    ]
    read = [(name, f"e{number}") for number, name in enumerate(services, 1)]
    engine = database.writer(database.parse(database_url))
    with engine.begin() as connection:
        command.upgrade(upgrade.configuration(connection), "0047")
        for row, (name, said) in enumerate(services.items(), 1):
            about: dict[str, Any] = {"id": name, "name": f"the {name}", "customer": "acme"}
            _fill(connection, "inv_services", row=row, **(now | {"state": "active"} | about | said))
        for row, (name, port, said) in enumerate(stands, 1):
            about = {"service": name, "device": "pe1", "port": port, "meter": True}
            _fill(connection, "inv_service_resources", row=row, **(now | about | said))
        for name, port in read:
            for at in (_AT, later):
                of = {"service": name, "meter_point": f"pe1:{port}", "at": at}
                _fill(connection, "usg_sample", id=f"pe1:{port}@{at}", octets_in="7", **of)
        _fill(connection, "usg_open", service="begun", meter_point="pe1:e1", device="pe1")
        _fill(connection, "usg_open", service="lost", meter_point="pe1:e99", device="pe1")
    upgrade.migrate(database_url)

    with engine.connect() as connection:
        found = {one.place: one for one in usage_rows.begun(connection, "pe1")}
    engine.dispose()
    assert set(found) == {
        ("pe1:e1", "begun"),
        ("pe1:e2", "begins"),
        ("pe1:e6", "renamed"),
        ("pe1:e7", "exchanged"),
    }
    assert {one.first.at for one in found.values()} == {later}
    assert {one.first.octets_in for one in found.values()} == {7}
    begins = found["pe1:e2", "begins"].whose
    assert (begins.service_name, begins.customer, begins.port) == ("the begins", "acme", "e2")
