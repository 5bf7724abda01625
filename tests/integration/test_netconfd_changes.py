"""Who changed a real server's configuration, by its own log of notifications."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from oss_agent.spi.device import Endpoint
from oss_agent.spi.proof import Question
from tests.integration import test_netconfd_peer as netconfd

pytestmark = [pytest.mark.anyio, pytest.mark.peer]
server, endpoint = netconfd.server, netconfd.endpoint


async def test_netconfd_says_who_changed_what(endpoint: Endpoint) -> None:
    since = datetime.now(UTC) - timedelta(hours=1)
    question = Question("configuration-changes", {"since": since.isoformat()})
    async with netconfd.session(endpoint) as writing, netconfd.session(endpoint) as asking:
        for edits in (netconfd.creation("acme"), netconfd.deletion(netconfd.creation("acme"))):
            await writing.lock()
            await writing.edit(edits)
            await writing.commit()
            await writing.unlock()
        for _ in range(2):  # the session is good for more afterwards
            told = await asking.observe(question)
            assert told.unobservable is None
            rows = json.loads(str(told.values["rows"]))
            made, gone = (row["targets"].split("\n")[0] for row in rows)
            assert (made, gone) == ("/oss:services", "/oss:services/oss:eline[oss:name='acme']")
            assert {(row["user"], row["host"]) for row in rows} == {
                (endpoint.credential.username, endpoint.address)
            }
            assert all(datetime.fromisoformat(row["at"]) > since for row in rows)
            assert (await asking.read(netconfd.SERVICES)).children == ()
