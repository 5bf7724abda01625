"""Who may be an end of what was heard: found by index it is who is found by weighing every device."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from inventory.devices import device_words
from inventory.facts import facts
from inventory.looks import observed
from inventory.rows import history, tables
from inventory.topology import link_rows
from oss_agent import database
from tests import weighed_devices

_AT = datetime(2026, 11, 22, tzinfo=UTC)
_NAMES = ("pe1", "PE1", "Pe-2", "p3")
_MACS = ("02:00:00:00:00:01", "02:00:00:00:00:02")
_ADDRESSES = ("192.0.2.1", "192.0.2.2")
_WORDS = ("pe1", "PE-2", "straße", "STRASSE", "core(FOC1)", "core", _MACS[0], "P3", "")
_CHASSIS = (
    "4:020000000001",
    "4:020000000002",
    "5:01c0000201",
    *(f"7:{word.encode().hex()}" for word in _WORDS if word),
    *(f"cdp:{word.encode().hex()}" for word in _WORDS if word),
)
_PORTS = ("e1", "e2")
_PORT = st.builds(
    facts.InterfaceFact,
    st.sampled_from(_PORTS),
    st.integers(1, 2),
    st.just("up"),
    st.just("up"),
    mac=st.none() | st.sampled_from(_MACS),
)
_NEIGHBOUR = st.builds(
    facts.NeighbourFact,
    st.sampled_from(_PORTS),
    st.sampled_from(_CHASSIS),
    st.just(5),
    st.sampled_from(_PORTS),
    system_name=st.sampled_from(_WORDS),
)
_SAID = st.fixed_dictionaries(
    {
        "chassis": st.none() | st.sampled_from(_CHASSIS),
        "system_name": st.none() | st.sampled_from(_WORDS),
        "called": st.none() | st.frozensets(st.sampled_from(_WORDS), max_size=2),
        "interfaces": st.lists(_PORT, max_size=2, unique_by=lambda port: port.name),
        "neighbours": st.lists(_NEIGHBOUR, max_size=3),
    }
)
_DEVICE = st.tuples(st.sampled_from(_ADDRESSES), st.sampled_from(("default", "other")), _SAID)
_NETWORK = st.dictionaries(st.sampled_from(_NAMES), _DEVICE, min_size=1)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    file = tmp_path_factory.mktemp("near") / "agent.db"
    made = database.writer(database.parse(f"sqlite:///{file}"))
    with made.begin() as connection:
        tables.METADATA.create_all(connection)
    yield made
    made.dispose()


def _know(connection: sa.Connection, name: str, address: str, tenant: str) -> None:
    words = ("source", "kind", "platform", "reason", "role", "site", "username")
    row = {"tenant": tenant, "name": name, "address": address, "managed": True, "ports": {}}
    history.begin(connection, tables.devices, {**row, **dict.fromkeys(words, "")}, _AT)


@given(_NETWORK, st.sets(st.sampled_from(_NAMES), min_size=1), st.booleans())
def test_what_is_found_by_index_is_what_weighing_every_device_finds(
    engine: sa.Engine,
    network: dict[str, tuple[str, str, dict[str, Any]]],
    asked: set[str],
    every: bool,  # noqa: FBT001  hypothesis draws it
) -> None:
    """Weighed as it was before there was an index, or with ``every`` device known to the topology."""
    devices = sorted(asked & network.keys())
    weighing = mock.Mock(return_value=None) if every else weighed_devices.near
    with engine.connect() as connection, connection.begin() as unit:
        for name, (address, tenant, said) in network.items():
            _know(connection, name, address, tenant)
            observed.record(connection, facts.DeviceFacts(name, **said), _AT)
        by_index = link_rows.picture_of(connection, "default", devices)
        with mock.patch.object(device_words, "near", weighing):
            by_weighing = link_rows.picture_of(connection, "default", devices)
        unit.rollback()

    assert by_index.links == by_weighing.links
    assert by_index.heard == by_weighing.heard
    assert by_index.doubtful == by_weighing.doubtful
