"""Decides when the kernel is made to look like the services in netconfd's running configuration.

netconfd stores configuration and does nothing with it; this process makes it real. It listens for
configuration changes over the server's own subsystem, reads running after each, compares with what
the kernel has, and changes only the difference: safe to repeat, safe to restart. It asks nothing
while nothing changes, because netconfd serves no confirmed-commit timer while requests keep coming.

Runs inside the node, on the node's own Python with nothing installed.
"""

from __future__ import annotations

import logging
import os
import time
import xml.etree.ElementTree as ET
from pathlib import Path

from lab.node.kernel import Kernel, log, remembered
from lab.node.netconf_session import Server

STATE = Path("/run/oss-lab")
AGAIN = 1.0
"""Seconds until what was refused, or what routing may have missed, is looked at again."""


def serve(kernel: Kernel) -> None:
    """Follow the server until it goes away."""
    server = Server()
    try:
        server.open()
        while True:
            wanted = server.running()
            done = kernel.apply(wanted)
            (STATE / "ready").touch()
            # what was refused is tried again from memory: asking the server would starve its timer
            while not server.changed(within=None if done else AGAIN):
                done = kernel.apply(wanted)
    finally:
        server.process.kill()
        server.process.wait()


def main() -> None:
    """Follow the server for ever."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    kernel = remembered(os.environ["LAB_LOOPBACK"])
    while True:
        try:
            serve(kernel)
        except (OSError, ET.ParseError) as lost:
            log.warning("%s; trying again", lost)
        time.sleep(0.2)


if __name__ == "__main__":
    main()
