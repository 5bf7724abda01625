"""Simulated devices in a process of their own, so that their CPU time is not the client's.

``python -m tests.bench.netconf_stub N SECONDS`` prints one JSON line (port and host key of each) and
serves until standard input closes; every commit takes ``SECONDS``.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass

from oss_agent.spi import device
from oss_agent.testing.simulated import Faults, SimulatedDevice

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Stub:
    """Where the devices are, and the process that they all run in."""

    endpoints: tuple[device.Endpoint, ...]
    pid: int


@contextmanager
def devices(count: int, *, commit_takes: float = 0.0) -> Iterator[Stub]:
    """``count`` simulated devices, each at a port of its own; a commit takes them so many seconds."""
    command = [sys.executable, "-m", "tests.bench.netconf_stub", str(count), str(commit_takes)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as stub:
        if stub.stdout is None or stub.stdin is None:
            raise RuntimeError("no pipe to the stub")
        found: list[tuple[int, str]] = json.loads(stub.stdout.readline())
        every = (_endpoint(number, port, key) for number, (port, key) in enumerate(found))
        yield Stub(tuple(every), stub.pid)
        stub.stdin.close()


def _endpoint(number: int, port: int, key: str) -> device.Endpoint:
    credential = device.Credential("admin", "admin")
    ports = {"netconf": port}
    return device.Endpoint(f"stub{number}", "sim_netconf", HOST, credential, (key,), ports)


async def _serve(count: int, faults: Faults) -> None:
    async with AsyncExitStack() as stack:
        boxes = [SimulatedDevice(f"stub{number}", faults=faults) for number in range(count)]
        for box in boxes:
            await stack.enter_async_context(box)
        sys.stdout.write(json.dumps([(box.port, box.host_key) for box in boxes]) + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Faults(commit_takes=float(sys.argv[2]))))
