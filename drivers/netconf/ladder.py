"""Decides by which strategy a device is written: the rung follows from its hello, never its name."""

from __future__ import annotations

from drivers.netconf import committing, confirming, operations
from drivers.netconf.calls import Calls
from drivers.netconf.hello import Hello
from drivers.netconf.locks import Locks
from drivers.netconf.reading import Reading
from drivers.netconf.staging import InCandidate, InMemory, Staging
from drivers.netconf.unwritable import Unwritable
from oss_agent.spi.device import Rung, rung


def strategy(
    calls: Calls, reading: Reading, greeted: Hello
) -> tuple[Staging, committing.Committing]:
    """How to stage and how to commit on this device."""
    netconf = reading.platform.netconf
    validates = greeted.has("validate:1.1")
    test_option = netconf.test_option if validates else None
    found = rung(greeted.offers())
    if found is None:
        nothing = Unwritable(calls.device)
        return nothing, nothing
    if found is Rung.RUNNING:
        memory = InMemory(calls, reading, Locks(calls, (operations.RUNNING,)))
        return memory, committing.ForGood(committing.Running(calls, memory, test_option), reading)
    validates = validates and netconf.validate_harmless
    candidate = InCandidate(calls, reading, Locks(calls, netconf.locks), test_option, validates)
    if found is Rung.CANDIDATE:
        return candidate, committing.ForGood(committing.Candidate(calls, candidate), reading)
    tokens = found is Rung.PERSIST
    return candidate, confirming.WithTimer(
        calls,
        candidate,
        tokens=tokens,
        cancels=tokens,
        lock_tells=netconf.lock_tells,
    )
