"""Decides how a question about a device's state is put over NETCONF, by the platform's data.

What the server does not announce is not asked for: an unknown namespace in a filter selects nothing
(RFC 6241 6.2.1), and some servers refuse it.
"""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Final

from device_models import model
from drivers import observation, text
from drivers.netconf import hello, operations, replay, state
from drivers.netconf.calls import Calls
from oss_agent.errors import DeviceError, DeviceUnreachable
from oss_agent.spi.proof import Observation, Question, Scalar

_ANNOUNCED: Final = 4_096
"""Announcements handed on: a core router has some 1,500 modules."""
_URI: Final = 512
_YANG_LIBRARY: Final = "urn:ietf:params:netconf:capability:yang-library:"
_LIBRARY_SPACE: Final = "urn:ietf:params:xml:ns:yang:ietf-yang-library"
_LIBRARIES: Final = (
    model.Rows(_LIBRARY_SPACE, ("modules-state/module",), {"namespace": "namespace"}),
    model.Rows(_LIBRARY_SPACE, ("yang-library/module-set/module",), {"namespace": "namespace"}),
)
"""RFC 7895, and RFC 8525, which replaced it."""


class Asking:
    """Answers the questions of one session; those of other channels go on to ``otherwise``."""

    def __init__(
        self,
        calls: Calls,
        platform: model.Platform,
        greeted: hello.Hello,
        otherwise: observation.Observe,
        now: observation.Now,
    ) -> None:
        self._calls = calls
        self._platform = platform
        self._hello = greeted
        self._otherwise = otherwise
        self._now = now
        self._library: frozenset[str] | None = None

    async def answer(self, question: Question) -> Observation:
        """What the device says. DeviceUnreachable when it does not answer."""
        reading = self._platform.observe.get(question.kind)
        channel = reading.channel if reading is not None else None
        if channel is model.Channel.NETCONF_HELLO:
            return self._told(question, {"announced": json.dumps(await self._announced())})
        if reading is not None and channel is model.Channel.NETCONF:
            return await self._rows(question, reading)
        if reading is not None and channel is model.Channel.NETCONF_REPLAY:
            return await self._replayed(question, reading)
        return await self._otherwise(question)

    async def _replayed(self, question: Question, reading: model.Reading) -> Observation:
        if (
            replay.NOTIFICATIONS not in self._hello.capabilities
            or self._platform.netconf.transport != "own"
        ):
            return self._silent(question, "the server offers no notifications (RFC 5277)")
        try:
            since = datetime.fromisoformat(question.params.get("since", ""))
            found = await replay.changes(self._calls, since, self._now(), reading.within)
        except ValueError:
            return self._silent(question, "since is no moment of RFC 3339")
        except DeviceUnreachable:
            raise
        except DeviceError as refused:
            return self._silent(question, f"refused: {text.line(refused.reason)}")
        return self._told(question, {"rows": json.dumps(found), "cut": False})

    async def _rows(self, question: Question, reading: model.Reading) -> Observation:
        wanted = [rows for rows in reading.rows if await self._has(rows.namespace)]
        if not wanted:
            modules = ", ".join(dict.fromkeys(rows.namespace for rows in reading.rows))
            return self._silent(question, f"the server announces none of {modules}")
        found: list[state.Row] = []
        cut = False
        try:
            async with asyncio.timeout(reading.within):
                for rows in wanted:
                    found, cut = await self._read(rows)
                    if found:
                        break
        except TimeoutError:
            return self._silent(question, f"no answer within {reading.within:g} s")
        except DeviceUnreachable:
            raise
        except DeviceError as refused:
            return self._silent(question, f"refused: {text.line(refused.reason)}")
        return self._told(question, {"rows": json.dumps(found), "cut": cut})

    async def _read(self, rows: model.Rows) -> tuple[list[state.Row], bool]:
        data = await self._calls.data(operations.get(state.subtree_filter(rows)))
        # In a thread: twenty thousand ports take a second to walk.
        return await asyncio.to_thread(state.read, data, rows)

    async def _has(self, namespace: str) -> bool:
        return namespace in self._hello.capabilities or namespace in await self._modules()

    async def _announced(self) -> list[str]:
        """The hello's URIs, then what the YANG library has beside them."""
        more = sorted(await self._modules() - self._hello.capabilities)
        every = (*self._hello.announced, *more)
        return [text.line(uri[:_URI], _URI) for uri in every[:_ANNOUNCED]]

    async def _modules(self) -> frozenset[str]:
        """Namespaces of the YANG library, read once; servers of YANG 1.1 keep them out of the hello."""
        if self._library is None:
            announced = any(uri.startswith(_YANG_LIBRARY) for uri in self._hello.capabilities)
            self._library = await self._read_library() if announced else frozenset()
        return self._library

    async def _read_library(self) -> frozenset[str]:
        found: set[str] = set()
        for rows in _LIBRARIES:
            try:
                modules, _ = await self._read(rows)
            except DeviceUnreachable:
                raise
            except DeviceError:
                continue  # announced and refused: then the hello is all there is
            found |= {module["namespace"] for module in modules}
        return frozenset(found)

    def _told(self, question: Question, values: dict[str, Scalar]) -> Observation:
        return Observation(question.kind, self._calls.device, self._now(), values)

    def _silent(self, question: Question, reason: str) -> Observation:
        return Observation(question.kind, self._calls.device, self._now(), unobservable=reason)
