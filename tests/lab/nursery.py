"""The process that the lab's agents are forked from: it lives where they do, and has imported them already.

An agent's start is 2 s of a processor, and most of that is the imports: beside the rest of the suite it took
half a minute, thirty times. What is forked is the whole daemon in a process of its own. Its keeper, a process
between, tells its pid and in the end how it ended.

One message per agent comes in by the socket whose number is the only argument: a JSON object (``env``, ``log``)
and two descriptors, where the agent listens and where its keeper tells (two lines: the pid, the exit code).
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Mapping
from typing import Any

from oss_agent import settings
from oss_agent.app import daemon
from tests.crash import victims

LARGEST = 65536
"""Octets of a message."""


def main() -> None:
    """Fork an agent per message until the other end is closed."""
    signal.signal(
        signal.SIGCHLD, signal.SIG_IGN
    )  # keepers leave nothing that somebody had to ask for
    victims.warm()
    # A fork copies one thread only: with another one there, locks would stay locked in the child.
    if threading.active_count() != 1:
        raise RuntimeError(f"an import started threads: {threading.enumerate()}")
    orders = socket.socket(fileno=int(sys.argv[1]))
    while True:
        message, descriptors, _flags, _address = socket.recv_fds(orders, LARGEST, 2)
        if not message:
            return
        if os.fork() == 0:
            orders.close()
            _keep(json.loads(message), *descriptors)
        for one in descriptors:
            os.close(one)


def _keep(order: Mapping[str, Any], listening: int, telling: int) -> None:
    """Tell of an agent's birth and of its end, and never come back."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _die_with_parent()
    pid = os.fork()
    if pid == 0:
        os.close(telling)
        _live(order, listening)
    os.close(listening)
    os.write(telling, f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    os.write(telling, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _live(order: Mapping[str, Any], listening: int) -> None:
    """Be an agent, and never come back."""
    status = 1
    try:
        _settle_in(order, listening)
        asyncio.run(daemon.serve(settings.load(None)))
        status = 0
    except BaseException:  # noqa: BLE001  the end of this process, whatever it was
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _settle_in(order: Mapping[str, Any], listening: int) -> None:
    os.setsid()
    _die_with_parent()
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    for name in [name for name in os.environ if name.startswith("OSS_AGENT_")]:
        del os.environ[name]
    os.environ.update(order["env"])
    os.environ["OSS_AGENT_HTTP__FD"] = str(listening)


def _die_with_parent() -> None:
    """Nothing of a run that was itself killed stays (prctl(2): PR_SET_PDEATHSIG is 1)."""
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)


if __name__ == "__main__":
    main()
