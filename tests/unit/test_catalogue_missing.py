"""The start tells of services whose specification somebody took away, and of pools that are not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest
import structlog.testing

from oss_agent import store
from oss_agent.app import catalogues, reloading
from oss_agent.catalog import catalogue, collection

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
        await catalogues.tell_missing(rows, collection.load())
    (one,) = told
    assert (one["log_level"], one["specification"], one["services"]) == ("error", "eline 0.9", 2)
    assert "put its file back" in one["event"]


def test_the_start_tells_of_a_version_whose_pools_the_settings_do_not_have() -> None:
    pools = {"core-vni", "vpn-vni", "vpn-transit", "internet-v4", "vpn-rt"}
    with structlog.testing.capture_logs() as told:
        reloading.tell_lacking(catalogue.Specifications(collection.load().services, {}, (), pools))
    (one,) = told
    assert (one["specification"], one["pools"]) == ("l3vpn 1.1", ["vpn-rd"])
