"""``[[connectors]]`` becomes receivers: what is missing is named, secrets stay references."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from bss_bridge.connectors import cgrates, record, rollup, sender
from bss_bridge.engine import hrefs
from oss_agent import clock, errors, settings, store
from oss_agent.app import billing
from oss_agent.spi import events

LINKS = hrefs.Hrefs("http://oss.example.net")
ALL = """
[[connectors]]
name = "hook"
kind = "webhook"
url = "http://b/in"

[[connectors]]
name = "usage"
kind = "tmf635"
url = "http://b/tmf-api/usageManagement/v4/"

[[connectors]]
name = "products"
kind = "tmf637"
url = "http://b/tmf"

[[connectors]]
name = "lago"
kind = "lago"
url = "http://b"
credential = "env:LAGO_KEY"
plans = { e-line = "monthly" }
subscription = "name"
meters = ["octets"]
statuses = ["started", "terminated"]

[[connectors]]
name = "meter"
kind = "openmeter"
url = "http://b"

[[connectors]]
name = "kb"
kind = "killbill"
url = "http://b"
credential = "env:KB_LOGIN"
api_key = "bob"
api_secret = "env:KB_SECRET"

[[connectors]]
name = "cgr"
kind = "cgrates"
url = "http://b/jsonrpc"

[[connectors]]
name = "cdrs"
kind = "cgrates"
directory = "/var/spool/cgrates/in"
"""


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LAGO_KEY", "KB_LOGIN", "KB_SECRET"):
        monkeypatch.setenv(name, "hunter2-hunter2")


def loaded(tmp_path: Path, text: str) -> settings.Settings:
    file = tmp_path / "oss-agent.toml"
    file.write_text(text)
    return settings.load(file)


@pytest.mark.anyio
@pytest.mark.usefixtures("secrets")
async def test_every_kind_becomes_a_receiver(tmp_path: Path) -> None:
    tree = loaded(tmp_path, ALL)
    async with (
        httpx.AsyncClient() as http,
        store.open_store(f"sqlite:///{tmp_path / 'a.db'}") as rows,
    ):
        mouth = sender.Mouth(http, clock.SystemClock())
        found = billing.receivers(tree, mouth, rows, LINKS)
        days = billing.closer(tree, rows, _told, clock.SystemClock())
    assert [one.id for one in found] == [f"billing:{one.name}" for one in tree.connectors]
    assert days.names == ("billing:kb",)
    told = {one.name: one for one in map(_plain, found)}
    assert len({type(one.connector).__name__ for one in told.values()}) == len(tree.connectors)
    assert "hunter2" not in repr(told) + repr(tree)
    _lago_is_as_written(told["lago"])
    cdrs = told["cdrs"].connector
    assert isinstance(cdrs, cgrates.CgratesCsv)
    assert cdrs.directory == "/var/spool/cgrates/in"
    assert {"env:LAGO_KEY", "env:KB_LOGIN", "env:KB_SECRET"} <= set(tree.secrets)


def _told(_: sa.Connection, event: events.Event) -> None:
    raise AssertionError(event)


def _plain(one: events.Receiver) -> sender.ConnectorReceiver:
    told = one.inner if isinstance(one, rollup.DailyReceiver) else one
    assert isinstance(told, sender.ConnectorReceiver)
    return told


def _lago_is_as_written(told: sender.ConnectorReceiver) -> None:
    asked = billing.asked(
        settings.Connector(
            name="lago",
            kind="lago",
            url="http://b",
            subscription="name",
            meters=("octets",),
            statuses=("started", "terminated"),
        )
    )
    assert asked.by_name
    assert asked.meters == (record.Meter.OCTETS,)
    assert asked.changes == {record.Change.STARTED, record.Change.TERMINATED}
    assert getattr(told.connector, "asked", None) == asked


def test_a_secret_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    of = loaded(tmp_path, ALL).connectors[3]
    with pytest.raises(errors.ConfigurationError, match="env:LAGO_KEY"):
        billing.connector(of, LINKS)


@pytest.mark.parametrize(
    ("field", "words"), [("meters", tuple(record.Meter)), ("statuses", tuple(record.Change))]
)
def test_every_word_of_the_connectors_can_be_written(
    tmp_path: Path, field: str, words: tuple[str, ...]
) -> None:
    written = json.dumps(list(words))
    text = f'[[connectors]]\nname = "a"\nkind = "webhook"\nurl = "http://b"\n{field} = {written}\n'
    asked = billing.asked(loaded(tmp_path, text).connectors[0])
    assert len(asked.meters if field == "meters" else asked.changes) == len(words)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('kind = "lago"\n', "lago needs a url"),
        ('kind = "nobody"\nurl = "http://b"\n', "kind"),
        ('kind = "lago"\nurl = "b"\n', "http"),
        ('kind = "lago"\nurl = "http://b"\ndirectory = "/x"\n', "only CGRateS"),
        ('kind = "cgrates"\nurl = "http://b"\ndirectory = "/x"\n', "instead of a url"),
        ('kind = "killbill"\nurl = "http://b"\n', "killbill needs credential"),
        ('kind = "lago"\nurl = "http://b"\ncredential = "hunter2"\n', "a secret is never a value"),
        ('kind = "lago"\nurl = "http://b"\nmeters = ["bits"]\n', "meters"),
        ('kind = "lago"\nurl = "http://b"\nstatuses = ["gone"]\n', "statuses"),
        ('kind = "lago"\nurl = "http://b"\nplan = "x"\n', "no such setting"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=said) as bad:
        loaded(tmp_path, f'[[connectors]]\nname = "a"\n{text}')
    assert "hunter2" not in str(bad.value)


def test_two_connectors_do_not_share_a_name(tmp_path: Path) -> None:
    one = '[[connectors]]\nname = "a"\nkind = "webhook"\nurl = "http://b"\n'
    with pytest.raises(errors.ConfigurationError, match="two connectors are named a"):
        loaded(tmp_path, one + one)


@pytest.mark.parametrize("name", ["", "A", "a/b", "../x", "-a", "a" * 33])
def test_a_name_fits_into_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="name"):
        loaded(tmp_path, f'[[connectors]]\nname = "{name}"\nkind = "webhook"\nurl = "http://b"\n')


@pytest.mark.usefixtures("secrets")
def test_who_has_a_secret_may_speak_in_its_own_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IN", "0123456789abcdef")
    inbound = 'inbound = "env:IN"'
    text = ALL.replace('kind = "cgrates"\nurl', f'{inbound}\nkind = "cgrates"\nurl')
    for kind in ("lago", "killbill", "webhook"):
        text = text.replace(f'kind = "{kind}"', f'kind = "{kind}"\n{inbound}')
    tree = loaded(tmp_path, text)
    heard = billing.lines(tree, LINKS)
    assert {name: type(line.ear).__name__ for name, line in heard.items()} == {
        "hook": "PlainEar",
        "lago": "LagoEar",
        "kb": "KillBillEar",
        "cgr": "PlainEar",
    }
    assert heard["lago"].by_name
    assert "env:IN" in tree.secrets
    monkeypatch.setenv("IN", "short")
    with pytest.raises(errors.ConfigurationError, match=r"connectors hook.*shorter than 16"):
        billing.lines(tree, LINKS)
