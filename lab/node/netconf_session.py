"""Decides how the applier talks to netconfd: its own subsystem, base:1.0, events counted."""

from __future__ import annotations

import os
import select
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from lab.node.wanted import SERVICES, Desired, desired

SOCKET = "/run/ncxserver.sock"
BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
END = b"]]>]]>"


class Server:
    """A NETCONF session through the server's subsystem, base:1.0 framing."""

    def __init__(self) -> None:
        # the subsystem believes what sshd would tell it
        env = {**os.environ, "SSH_CONNECTION": "127.0.0.1 1 127.0.0.1 830"}
        env["USER"] = env["LOGNAME"] = os.environ.get("LAB_USER", "admin")
        self.process = subprocess.Popen(
            ["/usr/sbin/netconf-subsystem", f"--ncxserver-sockname=830@{SOCKET}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=env,
        )
        self.buffer = b""
        self.events = 0
        self.number = 0

    def open(self) -> None:
        """Exchange hellos and subscribe."""
        self._send(
            f'<hello xmlns="{BASE}"><capabilities><capability>urn:ietf:params:netconf:base:1.0'
            "</capability></capabilities></hello>"
        )
        self._message()
        self._knock()
        self.ask('<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>')

    def _knock(self) -> None:
        """Ask for nothing until it is answered: a request read with the hello waits for more bytes."""
        nothing = '<get-config><source><running/></source><filter type="subtree"/></get-config>'
        pause = 0.1
        self._send(f'<rpc message-id="knock" xmlns="{BASE}">{nothing}</rpc>')
        while not select.select([self._output()], [], [], pause)[0]:
            pause *= 2
            self._send(f'<rpc message-id="knock" xmlns="{BASE}">{nothing}</rpc>')

    def ask(self, operation: str) -> ET.Element:
        """Send a request and return its reply; events that come between are counted."""
        self.number += 1
        self._send(f'<rpc message-id="{self.number}" xmlns="{BASE}">{operation}</rpc>')
        for message in self._messages():
            if message.tag == f"{{{BASE}}}rpc-reply":
                if message.get("message-id") == str(self.number):
                    return message
                continue  # the answer to a knock
            self._note(message)
        raise ConnectionError("netconfd closed the session")

    def running(self) -> Desired:
        """Read running; events up to now are answered by it."""
        self.events = 0
        ours = (f'<{name} xmlns="{SERVICES}"/>' for name in ("services", "profiles", "ports"))
        filtered = f"<source><running/></source><filter>{''.join(ours)}</filter>"
        return desired(self.ask(f"<get-config>{filtered}</get-config>"))

    def changed(self, within: float | None = None) -> bool:
        """Return True when the configuration may have changed, False after `within` seconds."""
        while not self.events:
            if END not in self.buffer and not select.select([self._output()], [], [], within)[0]:
                return False
            self._note(self._message())
        return True

    def _note(self, message: ET.Element) -> None:
        text = ET.tostring(message, encoding="unicode")
        self.events += "config-change" in text or "confirmed-commit" in text

    def _messages(self) -> Iterator[ET.Element]:
        while True:
            yield self._message()

    def _message(self) -> ET.Element:
        while END not in self.buffer:
            chunk = os.read(self._output(), 65536)
            if not chunk:
                raise ConnectionError("netconfd closed the session")
            self.buffer += chunk
        raw, _, self.buffer = self.buffer.partition(END)
        return ET.fromstring(raw.strip())  # noqa: S314 - this node's own server

    def _output(self) -> int:
        if self.process.stdout is None:
            raise ConnectionError("no session")
        return self.process.stdout.fileno()

    def _send(self, text: str) -> None:
        if self.process.stdin is None:
            raise ConnectionError("no session")
        self.process.stdin.write(text.encode() + END)
        self.process.stdin.flush()
