"""``python -m lab.demo``: the stage, the daemon, the story, and nothing left behind."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from lab import install
from lab.demo import daemon, ground, networks
from lab.demo.narrator import Narrator, to_stdout
from lab.demo.networks import Network
from lab.demo.story import Story
from lab.errors import LabError, LabUnavailable
from oss_agent.testing.daemon import NotReady

PLACE = Path("demo-data")


def main() -> int:
    """Tell the story; exit code 1 when it was not true."""
    given = _arguments()
    tell = to_stdout()
    # by hand, because a shell may have started us with SIGINT ignored
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _as_interrupt)
    try:
        with (
            ground.held(PLACE, lambda what: tell.line("cleaned", what)),
            _stage(tell, simulate=given.simulate) as network,
        ):
            _perform(tell, network, keep=given.keep)
    except (LabError, NotReady) as false:
        tell.line("stopped", str(false))
        return 1
    except KeyboardInterrupt:
        tell.line("stopped", "everything it made is removed; the log is in demo-data/daemon.log")
        return 130
    return 0


def _arguments() -> argparse.Namespace:
    words = argparse.ArgumentParser(
        prog="scripts/demo",
        description="One order's whole story, told by what really happens.",
        epilog="scripts/demo --dry-run says what would be installed, and installs nothing",
    )
    words.add_argument("--keep", action="store_true", help="leave it running until Ctrl-C")
    words.add_argument("--simulate", action="store_true", help="on simulated devices")
    return words.parse_args()


def _as_interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def _stage(tell: Narrator, *, simulate: bool) -> Iterator[Network]:
    with ExitStack() as stack:
        network = None if simulate else _routers(tell, stack)
        if network is None:
            network = stack.enter_context(networks.simulated(PLACE / "lab"))
            tell.line("lab", network.title)
        yield network


def _routers(tell: Narrator, stack: ExitStack) -> Network | None:
    try:
        install.ensure(say=lambda words: tell.line("install", words))
        with tell.timed("lab") as text:
            network = stack.enter_context(networks.routers(lambda _words: None))
            text.append(network.title)
    except LabUnavailable as reason:
        tell.line("lab", f"{reason}: the story runs on simulated devices")
        return None
    return network


def _perform(tell: Narrator, network: Network, *, keep: bool) -> None:
    began = time.monotonic()
    with daemon.running(network, PLACE) as (here, billing):
        tell.line(
            "daemon", f"oss-agent on {here.url}, SQLite in ./{PLACE}", time.monotonic() - began
        )
        Story(tell, network, here, billing).play()
        tell.gap()
        tell.line("look", f"{here.url}/docs · /metrics · oss-agent service show acme-hq-branch")
        if keep:
            tell.line("keep", "running until Ctrl-C; try: .venv/bin/oss-agent topology")
            signal.pause()
        tell.line("end", "everything it made is removed; next: scripts/demo --keep")


if __name__ == "__main__":
    sys.exit(main())
