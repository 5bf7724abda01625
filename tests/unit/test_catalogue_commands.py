"""``oss-agent catalog``: what is wrong, what there is, and what a change means for what lives."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from oss_agent.catalog import collection, commands
from oss_agent.cli import client
from oss_agent.cli import main as cli

SHIPPED = Path(collection.__file__).parent / "shipped"
Run: TypeAlias = Callable[..., tuple[int, str, str]]
ELINE = "services/eline-1.0.yaml"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder with an E-Line 1.1 of somebody's own: a vlan to say, another rate, no ping."""
    text = (SHIPPED / ELINE).read_text(encoding="utf-8")
    for before, after in (
        ('version: "1.0"\nupdated', 'version: "1.1"\nupdated'),
        (
            "  vni: {type: integer",
            '  vlan: {type: integer, required: true, text: "of the port"}\n  vni: {type: integer',
        ),
        ("maximum: 100000", "maximum: 1000"),
        ("times: 1000}", "times: 1024}"),
        ("  - kind: ping\n", "  - kind: route-present\n"),
    ):
        assert before in text
        text = text.replace(before, after, 1)
    file = tmp_path / "own" / ELINE
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    return tmp_path / "own"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line: exit code, stdout, stderr."""

    def go(*words: str) -> tuple[int, str, str]:
        tree = cli.tree()
        tree.add_typer(commands.catalog, name="catalog")
        code = cli.run(tree, ["catalog", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return go


def test_check_says_that_all_is_right(run: Run, own: Path) -> None:
    assert run("check", str(own)) == (
        0,
        (
            "the catalogue is right: 6 service specifications, 8 resource specifications, 2 product "
            "offerings\n"
        ),
        "",
    )


def test_check_tells_each_mistake_on_its_line_and_fails(run: Run, own: Path) -> None:
    file = own / ELINE
    text = file.read_text(encoding="utf-8")
    broken = text.replace("ends: [aEnd, zEnd]", "ends: [aEnd, bEnd]")
    file.write_text(broken.replace("kind: interface-up", "kind: astrology"), encoding="utf-8")

    code, out, err = run("check", str(own))
    assert (code, err) == (1, "")
    assert [line.split(": ")[:2] for line in out.splitlines()] == [
        [f"{file}:19", "ends[1]"],
        [f"{file}:41", "predicates[1].kind"],
    ]
    code, out, _ = run("check", str(own), "-o", "json")
    assert code == 1
    assert [(one["line"], one["place"]) for one in json.loads(out)] == [
        (19, "ends[1]"),
        (41, "predicates[1].kind"),
    ]
    code, _, err = run("list", str(own))
    assert code == 2
    assert f"{file}:19: ends[1]" in err


def test_the_folder_of_the_settings_is_taken(run: Run, own: Path, tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(f'[catalogue]\nfolder = "{own}"\n', encoding="utf-8")
    code, out, _ = run("list", "--config", str(file), "-o", "json")
    assert code == 0
    assert [
        (one["version"], one["status"])
        for one in json.loads(out)
        if (one["kind"], one["id"]) == ("service", "eline")
    ] == [("1.0", "active"), ("1.1", "active")]


def test_list_shows_every_kind(run: Run) -> None:
    code, out, _ = run("list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == [
        "KIND",
        *["offering"] * 2,
        *["service", "resource-facing"] * 5,
        *["resource"] * 8,
    ]


def test_diff_of_two_versions_says_what_a_service_meets_that_moves(
    run: Run, own: Path, tmp_path: Path
) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(f'[catalogue]\nfolder = "{own}"\n', encoding="utf-8")
    code, out, _ = run("diff", "eline", "1.0", "1.1", "-c", str(file), "-o", "json")
    found = {one["place"]: one for one in json.loads(out)}
    assert code == 0
    assert set(found) == {
        "characteristics.bandwidth.maximum",
        "characteristics.vlan.type",
        "characteristics.vlan.required",
        "resource_facing[eline-end].resources[eline].slots.rate",
        *(
            f"predicates[{kind}].{name}"
            for kind in ("ping", "route-present")
            for name in (
                "kind",
                "per",
                "at",
                "need",
                "params.target",
                "params.count",
                "expect.loss_max",
            )
        ),
    }
    vlan, rate = found["characteristics.vlan.required"], found["characteristics.bandwidth.maximum"]
    assert (vlan["before"], vlan["after"], vlan["effect"]) == (
        "",
        "true",
        "it must be told when it moves",
    )
    assert (rate["before"], rate["after"]) == ("100000", "1000")
    assert "no longer fits" in rate["effect"]
    slot = found["resource_facing[eline-end].resources[eline].slots.rate"]
    assert "configuration changes when it moves" in slot["effect"]
    assert run("diff", "eline", "1.0", "1.0")[1] == "eline 1.0 and 1.0 mean the same\n"
    code, _, err = run("diff", "eline", "1.0", "7.0")
    assert code == 2
    assert "there is no eline 7.0; there are business-bundle 1.0" in err


def test_diff_of_a_characteristic_that_goes_says_that_it_must_be_taken_back(
    run: Run, own: Path, tmp_path: Path
) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(f'[catalogue]\nfolder = "{own}"\n', encoding="utf-8")
    _, out, _ = run("diff", "eline", "1.1", "1.0", "-c", str(file), "-o", "json")
    found = {one["place"]: one["effect"] for one in json.loads(out)}
    assert found["characteristics.vlan.type"] == (
        "one that was told must be taken back (null) when it moves"
    )


def test_diff_of_folders_says_what_becomes_of_what_lives(
    run: Run, own: Path, tmp_path: Path
) -> None:
    code, out, _ = run("diff", str(own))
    assert (code, out) == (
        0,
        "service eline 1.1 is new: for new orders; what lives keeps its version\n",
    )
    settings = tmp_path / "agent.toml"
    settings.write_text(f'[catalogue]\nfolder = "{own}"\n', encoding="utf-8")
    other = tmp_path / "other"
    shutil.copytree(own, other)
    text = (other / ELINE).read_text(encoding="utf-8")
    (other / ELINE).write_text(text + "out_of_band: revert\n", encoding="utf-8")

    _, out, _ = run("diff", str(other), "-c", str(settings))
    assert out == (
        "service eline 1.1 is changed: every living service of it at its next modify: give the "
        "change a number of its own\n    out_of_band: nothing -> revert\n"
    )
    (other / ELINE).write_text(text + "status: retired\n", encoding="utf-8")
    _, out, _ = run("diff", str(other), "-c", str(settings))
    assert "changed: new orders only; what lives keeps its version" in out
    (other / ELINE).unlink()
    _, out, _ = run("diff", str(other), "-c", str(settings), "-o", "json")
    (gone,) = json.loads(out)
    assert (gone["id"], gone["version"], gone["what"]) == ("eline", "1.1", "gone")
    assert "retire it, keep the file" in gone["effect"]
    assert run("diff", str(own), "-c", str(settings))[1] == "nothing changes\n"


def test_diff_wants_a_folder_or_two_versions(run: Run) -> None:
    code, _, err = run("diff", "eline", "1.0")
    assert code == 2
    assert "name one, or an id and two versions of it" in err


LINE = {
    "kind": "service", "id": "eline", "version": "1.0", "what": "changed", "effect": "at its next",
    "changes": [{"place": "ends", "before": None, "after": ["aEnd"], "effect": "ports"}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("words", "asked", "nothing"),
    [
        (["diff"], "GET /api/v1/catalogue/changes", "a reload would change nothing\n"),
        (["reload"], "POST /api/v1/catalogue/reload", "the files say what was in force\n"),
    ],
)
def test_the_daemon_is_asked_for_what_it_has_in_force(
    run: Run, monkeypatch: pytest.MonkeyPatch, words: list[str], asked: str, nothing: str
) -> None:
    answers: list[object] = [[LINE], [LINE], []]
    seen: list[str] = []

    def send(self: client.Api, method: str, path: str, **options: object) -> object:
        del self, options
        seen.append(f"{method} {path}")
        return answers.pop(0)

    monkeypatch.setattr(client.Api, "_send", send)
    told = 'service eline 1.0 is changed: at its next\n    ends: nothing -> ["aEnd"]\n'
    assert run(*words) == (0, told, "")
    assert json.loads(run(*words, "-o", "json")[1]) == [LINE]
    assert run(*words)[1] == nothing
    assert seen == [asked] * 3
