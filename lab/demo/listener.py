"""A small HTTP listener, run as a process of its own: the billing system, or the BSS that wants events.

Every POST becomes one JSON line in a file: when, path, idempotency key, body. Answers 204.
"""

from __future__ import annotations

import argparse
import contextlib
import http.server
import json
import threading
import time
from pathlib import Path
from typing import Any

_MOST = 1 << 20


class Recorder(http.server.ThreadingHTTPServer):
    """The server with the file it writes to."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], file: Path) -> None:
        super().__init__(address, _Handler)
        self._file = file
        self._one_at_a_time = threading.Lock()

    def record(self, row: dict[str, Any]) -> None:
        """Append one line; a reader never sees half of it."""
        with self._one_at_a_time, self._file.open("a", encoding="utf-8") as out:
            out.write(json.dumps(row) + "\n")


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        length = min(int(self.headers.get("Content-Length") or 0), _MOST)
        text = self.rfile.read(length)
        if len(text) < length:  # its sender died in the middle: nothing was said (RFC 9112, 8)
            self.close_connection = True
            return
        row = {
            "at": time.time(),
            "path": self.path,
            "key": self.headers.get("Idempotency-Key"),
            "body": json.loads(text or b"null"),
        }
        assert isinstance(self.server, Recorder)  # noqa: S101  (narrows the type; always true)
        self.server.record(row)
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class's name)
        """Say nothing: the story is told elsewhere."""


def main() -> None:
    """Listen until killed; Ctrl-C at the demonstration reaches us too, and is its to answer."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--file", type=Path, required=True)
    given = arguments.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        Recorder(("127.0.0.1", given.port), given.file).serve_forever()


if __name__ == "__main__":
    main()
