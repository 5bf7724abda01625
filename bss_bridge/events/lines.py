"""Decides which connections a delivery may use: each receiver has its own, and none waits for others'.

One pool for all would be searched whole for every request (httpcore compares each with every
connection), and one receiver's silence would sit in it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import httpx

LINE: Final = "oss_agent.line"
"""The request extension that names a line; without one it is the URL's host and port."""
_LINES: Final = 1_024
_PER_LINE: Final = httpx.Limits(max_connections=64, max_keepalive_connections=4)


class Lines(httpx.AsyncBaseTransport):
    """A small pool per line; the line that was not used for longest is closed when there are many."""

    def __init__(self, most: int = _LINES) -> None:
        self._most = most
        self._context = httpx.create_ssl_context(trust_env=False)  # dear to make: shared by all
        self._lines: OrderedDict[str, httpx.AsyncHTTPTransport] = OrderedDict()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Over the line that the request names."""
        name = request.extensions.get(LINE) or request.url.netloc.decode("ascii")
        line = self._lines.pop(name, None) or self._opened()
        self._lines[name] = line
        if len(self._lines) > self._most:
            _, oldest = self._lines.popitem(last=False)
            await oldest.aclose()
        return await line.handle_async_request(request)

    async def aclose(self) -> None:
        """Close every line."""
        while self._lines:
            _, line = self._lines.popitem()
            await line.aclose()

    def _opened(self) -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(verify=self._context, trust_env=False, limits=_PER_LINE)
