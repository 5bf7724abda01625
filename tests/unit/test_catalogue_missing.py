"""The start tells of services whose specification somebody took away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest
import structlog.testing

from oss_agent import store
from oss_agent.app import rooms
from oss_agent.catalog import collection

pytestmark = pytest.mark.anyio


class _Rows:
    """A store that has these services."""

    def __init__(self, living: Mapping[tuple[str, str], int]) -> None:
        self._living = living

    async def read(self, query: Any) -> Any:
        del query
        return self._living


async def test_the_start_tells_of_a_specification_that_services_have_and_no_file_says() -> None:
    rows = cast("store.SqlStore", _Rows({("eline", "1.0"): 3, ("eline", "0.9"): 2}))
    with structlog.testing.capture_logs() as told:
        await rooms.tell_missing(rows, collection.load())
    (one,) = told
    assert (one["log_level"], one["specification"], one["services"]) == ("error", "eline 0.9", 2)
    assert "put its file back" in one["event"]
