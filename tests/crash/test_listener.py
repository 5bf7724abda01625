"""The billing system of these tests has heard what was said to the end, and nothing else."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

from lab.demo.listener import Recorder

HEAD = b"POST /billing HTTP/1.1\r\nHost: b\r\nIdempotency-Key: e1\r\nContent-Length: 7\r\n\r\n"


def test_a_request_whose_sender_dies_in_the_middle_was_never_made(tmp_path: Path) -> None:
    file = tmp_path / "billing.jsonl"
    with Recorder(("127.0.0.1", 0), file) as billing:
        threading.Thread(target=billing.serve_forever, daemon=True).start()
        for body in (b'{"a', b'{"a":1}'):
            with socket.create_connection(billing.server_address[:2]) as sender:  # type: ignore[arg-type]  # AF_INET
                sender.sendall(HEAD + body)
                sender.shutdown(socket.SHUT_WR)
                while sender.recv(1000):
                    pass
        billing.shutdown()
    (row,) = file.read_text(encoding="utf-8").splitlines()
    assert '"body": {"a": 1}' in row
