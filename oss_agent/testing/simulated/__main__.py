"""Runs five simulated routers until SIGTERM: ``python -m oss_agent.testing.simulated --dir DIR``.

Writes the lab directory for ``oss-agent import``, prints one line that begins with ``ready`` and
obeys control lines on standard input (see ``control``).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import stat
import sys
from pathlib import Path

from oss_agent.testing.simulated import control, lab_directory
from oss_agent.testing.simulated.network import SimulatedNetwork


def main() -> None:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m oss_agent.testing.simulated")
    parser.add_argument("--dir", type=Path, required=True, help="where the lab directory goes")
    parser.add_argument("--trap-port", type=int, help="UDP port on 127.0.0.1 that gets the traps")
    arguments = parser.parse_args()
    asyncio.run(_run(arguments.dir, arguments.trap_port))


async def _run(directory: Path, trap_port: int | None) -> None:
    sink = None if trap_port is None else ("127.0.0.1", trap_port)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with SimulatedNetwork(trap_sink=sink) as network:
        lab_directory.write(network, directory)
        _say(f"ready {directory} {' '.join(network.devices)}")
        async with asyncio.TaskGroup() as tasks:
            talk = tasks.create_task(_talk(network))
            await stop.wait()
            talk.cancel()


async def _talk(network: SimulatedNetwork) -> None:
    mode = os.fstat(sys.stdin.fileno()).st_mode
    if not (sys.stdin.isatty() or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return  # /dev/null or a file: nobody types there, and epoll refuses both
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        for answer in control.obey(network, line.decode(errors="replace")):
            _say(answer)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
