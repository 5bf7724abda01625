"""The house as a whole: names, files, links, versions, and what may never be written."""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import oss_agent

ROOT = Path(__file__).parents[2]
NAMES = ("oss_agent", "drivers", "device_models", "inventory", "bss_bridge")
REQUIRED = (
    "README.md",
    "LICENSE",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "docs/architecture.md",
    "docs/status.md",
    "lab/containerlab/telco5.clab.yml",
    "scripts/demo",
    "scripts/test",
    ".ci/run",
)
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")
CODE_PATH = re.compile(
    r"`((?:oss_agent|drivers|device_models|inventory|bss_bridge|lab|tests|docs|adr|scripts)/[\w./-]*)`"
)


def sources() -> list[Path]:
    return [p for name in NAMES for p in sorted((ROOT / name).rglob("*.py"))]


def pages() -> list[Path]:
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("name", NAMES)
def test_nobody_else_owns_our_top_level_names(name: str) -> None:
    owners = importlib.metadata.packages_distributions().get(name, ["oss-agent"])

    assert set(owners) <= {"oss-agent"}


@pytest.mark.parametrize("file", REQUIRED)
def test_what_a_newcomer_looks_for_is_there(file: str) -> None:
    assert (ROOT / file).is_file()


@pytest.mark.parametrize("script", ["demo", "test", "gates", "wheel", "bench"])
def test_scripts_can_be_run(script: str) -> None:
    assert os.access(ROOT / "scripts" / script, os.X_OK)


def test_the_version_is_one() -> None:
    assert importlib.metadata.version("oss-agent") == oss_agent.__version__


@pytest.mark.parametrize("page", pages(), ids=lambda p: p.name)
def test_pages_name_only_what_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    linked = [page.parent / target for target in LINK.findall(text)]
    named = [ROOT / target for target in CODE_PATH.findall(text)]

    missing = [str(p) for p in (*linked, *named) if not p.exists()]

    assert missing == []


PAGE = re.compile(r"(?<![\w/.-])(?:docs/)?([a-z_]+\.md)\b")


def test_code_names_only_pages_that_a_reader_has() -> None:
    """README.md of a folder and what begins with a capital is somebody's own."""
    there = {page.name for page in pages()} | {"readme.md"}
    code = (p for place in (*NAMES, "lab", "tests") for p in (ROOT / place).rglob("*.py"))
    named = {(p, found) for p in code for found in PAGE.findall(p.read_text(encoding="utf-8"))}

    assert len(named) > 5
    assert [f"{p}: {found}" for p, found in sorted(named) if found not in there] == []


def rooms() -> Iterator[Path]:
    """Every folder of code that the page for newcomers has to place."""
    for place in (*NAMES, "oss_agent/fulfilment"):
        for inside in (ROOT / place).glob("*/__init__.py"):
            yield inside.parent


def test_the_architecture_page_has_every_room() -> None:
    """A room is on it by its path, or as a floor of the table of its house; platforms are many alike."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    places = {str(room.relative_to(ROOT)): room for room in rooms()}

    missing = [
        place
        for place, room in places.items()
        if not place.startswith(("drivers/", "device_models/"))
        and f"`{place}/`" not in page
        and f"| `{room.name}/` |" not in page
    ]

    assert len(places) > 40
    assert missing == []


@pytest.mark.parametrize("page", [*pages(), ROOT / "CHANGELOG.md"], ids=lambda p: p.name)
def test_no_page_has_what_a_merge_left(page: Path) -> None:
    left = re.findall(r"^(?:<{7}|>{7}|={7}$).*", page.read_text(encoding="utf-8"), re.MULTILINE)

    assert left == []


def test_tests_have_no_packages_but_the_one_that_says_why() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == [ROOT / "tests" / "__init__.py"]


def calls(path: Path) -> list[ast.Call]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(ROOT)))
def test_host_keys_are_never_waved_through_and_tasks_never_orphaned(path: Path) -> None:
    for call in calls(path):
        name = ast.unparse(call.func)
        blind = [
            k for k in call.keywords if k.arg == "known_hosts" and ast.unparse(k.value) == "None"
        ]

        assert not blind, f"{path}:{call.lineno} accepts any host key"
        assert "AutoAddPolicy" not in name, f"{path}:{call.lineno} accepts any host key"
        assert name not in {"asyncio.create_task", "asyncio.ensure_future", "asyncio.gather"}, (
            f"{path}:{call.lineno}: tasks live in a TaskGroup"
        )


def test_environment_is_read_in_settings_alone() -> None:
    allowed = {
        "oss_agent/settings/outside.py",
        "oss_agent/testing/daemon.py",  # hands the environment on to the process it starts
    }
    readers = {
        str(p.relative_to(ROOT))
        for p in sources()
        if re.search(r"os\.(environ|getenv)", p.read_text(encoding="utf-8"))
    }

    assert readers <= allowed, f"settings only: {sorted(readers - allowed)}"


@pytest.mark.parametrize(
    "path",
    [p for place in (*NAMES, "lab", "tests") for p in sorted((ROOT / place).rglob("*.py"))],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_every_ignore_says_why(path: Path) -> None:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found = re.search(r"#\s*(?:type:\s*ignore\[[\w, -]+\]|noqa: [\w, ]+?)(?P<why>\s.*)?$", line)

        assert not found or found["why"], f"{path}:{number}: say why on the line"
