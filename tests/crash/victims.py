"""The daemons that are killed: forked from a process that has imported them already.

A victim is the whole daemon in a process of its own; only the interpreter's start and the imports
(some 2 s CPU) are spared, or a thousand kills would take half a day, and so is half of its birth: YAML
is read by libyaml, and the drivers have been loaded once. What it is armed with
(failpoints by the product's own variable, planted mutants by ``CRASH_MUTANT``) is set in the child.

One JSON line in per victim (its environment and log), its pid as a line out.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import importlib
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from oss_agent import registry, settings
from oss_agent.app import daemon
from oss_agent.fulfilment import failpoints
from tests.crash import mutants

MUTANT = "CRASH_MUTANT"
PASSED = "CRASH_PASSED"


def main() -> None:
    """Fork a victim per line until standard input ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the driver looks by pidfd; no zombies here
    warm()
    # A fork copies one thread only: with another one there, locks would stay locked in the child.
    if threading.active_count() != 1:
        raise RuntimeError(f"an import started threads: {threading.enumerate()}")
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _live(order)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def warm() -> None:
    """Have done what every victim would do again: births are most of what a kill costs."""
    yaml.SafeLoader = yaml.CSafeLoader  # type: ignore[misc, assignment]  # the same documents, in C
    registry.installed()
    for name in _LATE:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what was imported lives as long as each of them: none walks it in search of garbage


_LATE = ("dbos._sys_db_sqlite", "h11", "httpcore", "oss_agent.migrations", "uvicorn.lifespan.on",
         "uvicorn.protocols.http.h11_impl")  # fmt: skip
"""What a daemon imports while it starts."""


def _live(order: Mapping[str, Any]) -> None:
    """Be a daemon, and never come back."""
    status = 1
    try:
        _settle_in(order)
        asyncio.run(daemon.serve(settings.load(None)))
        status = 0
    except BaseException:  # noqa: BLE001  the end of this process, whatever it was
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _settle_in(order: Mapping[str, Any]) -> None:
    os.setsid()
    # It must not outlive a suite that was itself killed. (prctl(2): PR_SET_PDEATHSIG is 1.)
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    for name in [name for name in os.environ if name.startswith("OSS_AGENT_")]:
        del os.environ[name]
    os.environ.update(order["env"])
    if mutant := os.environ.get(MUTANT):
        mutants.plant(mutant)
    if passed := os.environ.get(PASSED):
        _write_down(Path(passed))


def _write_down(file: Path) -> None:
    """Note the name and number of every failpoint that is passed, as it is passed."""
    original = failpoints.Failpoints.hit

    def hit(self: failpoints.Failpoints, name: str) -> None:
        with file.open("a", encoding="utf-8") as out:
            out.write(f"{name}\n")
        original(self, name)

    failpoints.Failpoints.hit = hit  # type: ignore[method-assign]  # the victim's own process only


if __name__ == "__main__":
    main()
