"""Runs one simulated command-line router until SIGTERM: ``python -m oss_agent.testing.simulated_cli``.

Prints one line, ``ready ADDRESS PORT USER PASSWORD HOST-KEY``; it listens on loopback only.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from oss_agent.testing.simulated_cli.device import SimulatedCli


def main() -> None:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(prog="python -m oss_agent.testing.simulated_cli")
    parser.add_argument("--name", default="sim1", help="the router's host name")
    parser.add_argument("--port", type=int, default=0, help="TCP port on 127.0.0.1; 0: any")
    arguments = parser.parse_args()
    asyncio.run(_run(arguments.name, arguments.port))


async def _run(name: str, port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with SimulatedCli(name, port=port) as router:
        login = router.login
        words = (router.address, router.port, login.username, login.password, router.host_key)
        sys.stdout.write(f"ready {' '.join(map(str, words))}\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    main()
