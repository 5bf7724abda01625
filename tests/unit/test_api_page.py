"""docs/api.md says of each API where it is, what it tells and by which codes it refuses: as the code has it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from bss_bridge.events import notifications

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table that this line begins."""
    _, _, after = PAGE.partition(f"{heading}\n")
    lines = after.splitlines()[1:]
    table = lines[: next(n for n, line in enumerate(lines) if not line.startswith("|"))]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def bases() -> Mapping[str, list[str]]:
    """The base paths of each API, by its number."""
    return {
        name.split()[0]: re.findall(r"`(/tmf-api/[^`]+)`", where)
        for name, where, *_ in rows("| API | base path | served | not served, and why |")
    }


def test_every_hub_is_where_the_page_says_and_tells_what_it_says() -> None:
    told = {
        api: set(re.findall(r"`(\w+Event)`", events)) for api, events in rows("| API | events |")
    }
    known = {
        base: notifications.names_at(base) for some in notifications.hub_bases() for base in some
    }
    assert {base: told[api] for api in told for base in bases()[api]} == known


def test_every_code_that_the_page_explains_is_one_that_we_say() -> None:
    folders = (ROOT / name for name in ("oss_agent", "bss_bridge", "inventory"))
    source = "".join(
        file.read_text(encoding="utf-8") for one in folders for file in one.rglob("*.py")
    )
    codes = [re.findall(r"`(\w+)`", cells[1]) for cells in rows("| status | `code` | what to do |")]
    assert len(codes) > 5
    for code in (one for some in codes for one in some):
        assert f'"{code}"' in source, code
