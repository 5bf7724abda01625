"""What a driver was not proven on is read and not written to; laws that passed there, or a setting, say otherwise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from device_models import detect
from inventory.devices import device_views, standing, standings
from inventory.facts import facts
from inventory.looks import observed
from inventory.rows import history, tables
from oss_agent.platforms import proofs
from oss_agent.spi import detection
from oss_agent.spi.standing import Identity, Proven

_AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
_EOS = "Arista Networks EOS version {} running on an Arista Networks vEOS"


@dataclass
class Data:
    """What the drivers' data say, for a test to change."""

    on: Mapping[str, tuple[Proven, ...]] = field(default_factory=dict[str, tuple[Proven, ...]])
    release: str = "1.0"

    def proven(self, platform: str) -> tuple[Proven, ...]:
        return self.on.get(platform, ())

    def driver(self, platform: str) -> str:
        return self.release if platform else ""


def _on(*versions: str, model: str = ".*") -> Data:
    every = tuple(Proven(re.compile(v), re.compile(model), "here") for v in versions)
    return Data({"arista_eos": every})


def _add(connection: sa.Connection, platform: str = "arista_eos", *, managed: bool = True) -> None:
    row = {
        "tenant": "default",
        "name": "leaf1",
        "source": "",
        "kind": "",
        "platform": platform,
        "managed": managed,
        "reason": "",
        "address": "192.0.2.1",
        "role": "",
        "site": "",
        "username": "",
        "ports": {},
    }
    history.begin(connection, tables.devices, row, _AT)


def _look(
    connection: sa.Connection, judge: standings.Standings, version: str, minute: int
) -> tuple[str, str]:
    """Discovery saw this version: how the device stands, and the case that is open."""
    at = _AT + timedelta(minutes=minute)
    observed.record(connection, facts.DeviceFacts("leaf1", description=_EOS.format(version)), at)
    judge.settle(connection, {"leaf1"}, at)
    c = tables.cases.c
    mine = sa.and_(c.kind == standing.KIND, c.device == "leaf1")
    open_ = sa.and_(history.current(tables.cases), mine)
    found = connection.execute(sa.select(c.text, c.cause, c.action).where(open_)).all()
    assert [one.action for one in found if "device prove leaf1 " not in one.action] == []
    view = device_views.get(connection, "default", "leaf1")
    return view.standing, "; ".join(f"{one.text}: {one.cause}" for one in found)


def test_an_upgrade_makes_it_read_only_and_going_back_ends_that(connection: sa.Connection) -> None:
    judge = standings.Standings(_on(r"4\.31\..*"), detect.detect)
    _add(connection)
    judge.settle(connection, {"leaf1"}, _AT)
    assert device_views.get(connection, "default", "leaf1").standing == "read-only"

    assert _look(connection, judge, "4.31.1F", 1) == ("proven", "")
    assert _look(connection, judge, "4.32.0F", 2) == (
        "read-only",
        (
            "arista_eos is not proven on EOS 4.32.0F (vEOS): it was EOS 4.31.1F (vEOS): "
            "it was upgraded, or replaced by another"
        ),
    )
    assert standings.read_only(connection, ["leaf1", "other"]).keys() == {"leaf1"}
    view = device_views.get(connection, "default", "leaf1")
    assert view.doubt == "arista_eos is not proven on EOS 4.32.0F (vEOS)"
    assert (view.managed, view.version, view.model) == (True, "4.32.0F", "vEOS")
    assert _look(connection, judge, "4.31.9M", 3) == ("proven", "")
    assert standings.read_only(connection, ["leaf1"]) == {}


def test_the_settings_may_warn_only(connection: sa.Connection) -> None:
    judge = standings.Standings(_on(), detect.detect, enforced=False)
    _add(connection)
    stands, told = _look(connection, judge, "4.31.1F", 1)
    assert stands == "unproven"
    assert "is not proven on EOS 4.31.1F" in told
    assert standings.read_only(connection, ["leaf1"]) == {}
    # the next start with the other setting, and with a driver that was proven meanwhile
    standings.Standings(_on(), detect.detect).settle_all(connection, _AT + timedelta(minutes=2))
    assert standings.read_only(connection, ["leaf1"]).keys() == {"leaf1"}
    standings.Standings(_on(".*"), detect.detect).settle_all(connection, _AT + timedelta(minutes=3))
    assert standings.read_only(connection, ["leaf1"]) == {}


def test_a_model_is_proven_by_itself(connection: sa.Connection) -> None:
    _add(connection)
    for model, stands in (("vEOS", "proven"), ("DCS-.*", "read-only")):
        judge = standings.Standings(_on(".*", model=model), detect.detect)
        assert _look(connection, judge, "4.31.1F", 1)[0] == stands


def test_laws_that_passed_prove_this_version_with_this_driver(connection: sa.Connection) -> None:
    data = _on()
    judge = standings.Standings(data, detect.detect)
    _add(connection)
    assert _look(connection, judge, "4.31.1F", 1)[0] == "read-only"
    judge.passed(connection, "leaf1", ("a_law",), by="op", at=_AT + timedelta(minutes=2))

    assert _look(connection, judge, "4.31.1F", 3) == ("proven", "")
    assert _look(connection, judge, "4.31.2F", 4)[0] == "read-only"
    data.release = "2.0"
    judge.settle_all(connection, _AT + timedelta(minutes=5))
    assert _look(connection, judge, "4.31.1F", 6) == (
        "read-only",
        (
            "arista_eos is not proven on EOS 4.31.1F (vEOS) since its driver is 2.0: it was with 1.0: "
            "it was EOS 4.31.2F (vEOS): it was upgraded, or replaced by another"
        ),
    )
    (run,) = connection.execute(sa.select(tables.proof_runs)).mappings()
    assert (run["by"], run["driver"], run["laws"], run["version"]) == (
        "op",
        "1.0",
        ["a_law"],
        "4.31.1F",
    )


def test_what_was_seen_at_the_first_look_counts_until_another_is(connection: sa.Connection) -> None:
    judge = standings.Standings(_on(r"4\.31\..*"), detect.detect)
    _add(connection)
    said = detect.detect(detection.Evidence(description=_EOS.format("4.31.1F")))
    judge.settle(connection, {"leaf1"}, _AT, {"leaf1": said})
    judge.settle_all(connection, _AT + timedelta(minutes=1))
    assert device_views.get(connection, "default", "leaf1").standing == "proven"


def test_a_version_of_another_system_proves_nothing(connection: sa.Connection) -> None:
    judge = standings.Standings(_on(r"4\..*"), detect.detect)
    _add(connection)
    said = "Cisco IOS Software, C2960 Software, Version 4.31"
    observed.record(connection, facts.DeviceFacts("leaf1", description=said), _AT)
    judge.settle(connection, {"leaf1"}, _AT)
    view = device_views.get(connection, "default", "leaf1")
    assert (view.standing, view.version) == ("read-only", "")


def test_a_listed_device_has_no_case(connection: sa.Connection) -> None:
    _add(connection, "ios", managed=False)
    judge = standings.Standings(_on(), detect.detect)
    assert _look(connection, judge, "4.31.1F", 1) == ("listed", "")


@pytest.mark.parametrize(
    ("platform", "version", "proven"),
    [
        ("sim_netconf", "", True),
        ("sim_cli", "9", True),
        ("linux_host", "6.1.0", True),
        ("frr_linux", "", True),
        ("frr_linux", "8.4.4", True),
        ("frr_linux", "8.40", False),
        ("arista_eos", "4.31.1F", False),
        ("nobody", "", False),
    ],
)
def test_the_shipped_drivers_say_what_they_were_proven_on(
    platform: str, version: str, *, proven: bool
) -> None:
    shipped = proofs.InstalledProofs()
    identity = Identity(platform, "", version)
    doubt = standing.doubt(identity, shipped.proven(platform), (), shipped.driver(platform))
    assert (doubt == "") is proven
    assert shipped.driver("sim_netconf") != ""
