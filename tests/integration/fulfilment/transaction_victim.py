"""An agent in a process of its own, to be killed: ``URL ENDPOINTS`` (JSON); prints how it ended.

The motor forgets everything with the process, which is the worst case: only rows are left.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

from oss_agent import store
from oss_agent.fulfilment import failpoints
from oss_agent.spi import device
from tests.integration.fulfilment import world as worlds


class Router:
    """A router that lives in another process."""

    def __init__(self, form: dict[str, Any]) -> None:
        credential = device.Credential(**form.pop("credential"))
        self._endpoint = device.Endpoint(**form, credential=credential)

    def endpoint(self) -> device.Endpoint:
        return self._endpoint


async def main(url: str, endpoints: dict[str, dict[str, Any]]) -> None:
    routers = {name: Router(form) for name, form in endpoints.items()}
    async with store.open_store(url) as rows:
        world = worlds.World(url, rows, {})
        world.known.devices = routers
        await world.start(failpoints.from_environment(os.environ))
        await world.order(idempotency_key="k")
        await world.run_to_the_end()
        print((await world.get("1")).state)
        await world.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
