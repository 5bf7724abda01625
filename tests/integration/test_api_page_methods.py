"""docs/api.md says of each resource by which methods it is asked: as the whole daemon's own document has it, both ways."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from tests.property import living_agent
from tests.unit import test_api_page as page

Methods: TypeAlias = dict[tuple[str, str], tuple[set[str], set[str]]]
"""By base path and resource: of the list, and of one in it."""
PATH = re.compile(r"(/tmf-api/[^/]+/v4)/(.+?)(/\{\w+\})?")


def told() -> Methods:
    """As the page has it; a row without a number is of every API that has events."""
    hubs = [cells[0] for cells in page.rows("| API | events |")]
    found: Methods = {}
    for apis, names, several, one in page.rows("| API | resource | the list | one of it |"):
        numbers = re.findall(r"\d{3}", apis) or hubs
        methods = set(several.split(", ")), set(one.split(", "))
        bases = [base for number in numbers for base in page.bases()[number]]
        for base in bases:
            found |= {(base, name): methods for name in re.findall(r"`([^`]+)`", names)}
    return found


def served(paths: Mapping[str, Mapping[str, Any]]) -> Methods:
    """As the document has it; HEAD is there wherever GET is."""
    found: Methods = {}
    for path, operations in paths.items():
        parts = PATH.fullmatch(path)
        if parts is None:
            continue
        name = re.sub(r"^topic/\w+/", "topic/{topic}/", parts[2])
        both = found.setdefault((parts[1], name), (set(), set()))
        both[parts[3] is not None].update(one.upper() for one in operations if one != "head")
    return found


def test_each_resource_takes_the_methods_that_the_page_says(tmp_path: Path) -> None:
    with living_agent.living(tmp_path) as (loop, agent):
        document = loop.run(agent.ask("GET", "/openapi.json")).json()

    assert len(told()) > 40
    assert told() == served(document["paths"])


def test_every_api_of_the_page_with_a_base_path_has_its_methods() -> None:
    with_paths = {api for api, bases in page.bases().items() if bases}
    assert {api for api in with_paths for base in page.bases()[api] if (base, "hub") in told()} == {
        cells[0] for cells in page.rows("| API | events |")
    }
    assert {base for base, _ in told()} == {
        base for api in with_paths for base in page.bases()[api]
    }
