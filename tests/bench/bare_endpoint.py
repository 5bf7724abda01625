"""The least that takes an order durably: a FastAPI endpoint with one SQLite commit per request.

``python -m tests.bench.bare_endpoint FILE`` prints its port and serves until standard input closes.
The database is set as ours is: WAL, synced in every commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastapi
import uvicorn

from tests.bench import thread_stage

_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Bare:
    """Where it answers, and its process."""

    url: str
    pid: int


@contextlib.contextmanager
def serving(file: Path) -> Iterator[Bare]:
    """Have it up for a block."""
    command = [sys.executable, "-m", "tests.bench.bare_endpoint", str(file)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as served:
        if served.stdout is None or served.stdin is None:
            raise RuntimeError("no pipe to the endpoint")
        port = int(served.stdout.readline())
        yield Bare(f"http://{_HOST}:{port}/order", served.pid)
        served.stdin.close()


def _endpoint(rows: sqlite3.Connection) -> fastapi.FastAPI:
    app, turn = fastapi.FastAPI(), threading.Lock()

    # Not async: FastAPI runs it in its threads, which take turns at the one writer.
    @app.post("/order", status_code=201)
    def take(body: dict[str, Any]) -> dict[str, Any]:
        with turn, rows:
            rows.execute("INSERT INTO orders (body) VALUES (?)", (repr(body),))
        return body

    return app


async def _serve(file: str) -> None:
    rows = sqlite3.connect(file, check_same_thread=False)
    rows.execute("PRAGMA journal_mode = WAL")
    rows.execute("PRAGMA synchronous = FULL")
    rows.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, body TEXT)")
    port = thread_stage.free_port()
    config = uvicorn.Config(_endpoint(rows), host=_HOST, port=port, log_level="warning")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  the server has no signal to wait for
        await asyncio.sleep(0.01)
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)
    server.should_exit = True
    await running


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
