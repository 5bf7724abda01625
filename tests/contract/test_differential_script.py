"""The simulator against netconfd, operation by operation: locks, confirmed commits, odd requests.

One script, two sessions (A and B) on each server. Where ``netconfd`` is given, it answers otherwise
and ``reason`` says why the simulator does not follow.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from oss_agent.testing.simulated import SimulatedDevice
from tests.contract import driver_peers, raw_netconf
from tests.contract.raw_netconf import BASE, LAB, Server

_RFC_LOCK = "RFC 6241 7.5 keeps only running from others while a commit is unconfirmed"
_STRICT = "RFC 6241 8.4.1: while a persistent commit is pending, persist-id is a must"
_PERSIST = "RFC 6241's YANG: a persist-id that does not match is invalid-value"
_SUPPORT = "RFC 6241 appendix A: an operation that is not there is operation-not-supported"
_MISSING = "RFC 6241 appendix A: an element that must be there is missing-element"


@dataclass(frozen=True, slots=True)
class Line:
    """One request by session ``who`` and the word of its answer."""

    who: str
    operation: str
    word: str
    netconfd: str = ""
    reason: str = ""


def _edit(inside: str, option: str = "") -> str:
    config = f'<services xmlns="{LAB}" xmlns:nc="{BASE}">{inside}</services>'
    return (
        f"<edit-config><target><candidate/></target>{option}<config>{config}</config></edit-config>"
    )


def _eline(inside: str) -> str:
    return f"<eline><name>a</name>{inside}</eline>"


def _lock(datastore: str, word: str = "lock") -> str:
    return f"<{word}><target><{datastore}/></target></{word}>"


def _confirmed(parameters: str = "") -> str:
    return f"<commit><confirmed/><confirm-timeout>60</confirm-timeout>{parameters}</commit>"


_COMMIT, _DISCARD = "<commit/>", "<discard-changes/>"
_TOKEN, _TOKEN_ID = "<persist>t</persist>", "<persist-id>t</persist-id>"
_WRONG_ID = "<persist-id>wrong</persist-id>"

EDITS = (
    Line("A", _edit(_eline("<vni>1</vni><port>eth1</port>")), "ok"),
    Line("A", _edit(_eline("<foo>1</foo>")), "unknown-element"),
    Line("A", _edit("<eline><vni>1</vni></eline>"), "missing-element"),
    Line("A", _edit('<x xmlns="urn:nobody"/>'), "unknown-namespace"),
    Line("A", _edit('<eline nc:operation="frob"><name>a</name></eline>'), "bad-attribute"),
    Line("A", _edit(_eline("junk")), "unknown-element"),
    Line(
        "A",
        _edit(_eline("<rate>4294967296</rate>")),
        "invalid-value",
        "ok",
        "netconfd 2.13 wraps a uint32 that is one too large to 0 and takes it",
    ),
    Line("A", _edit("", "<default-operation>frob</default-operation>"), "invalid-value"),
    Line("A", _edit("", "<test-option>frob</test-option>"), "invalid-value"),
    Line(
        "A",
        _edit("<eline><name>z</name></eline>", "<default-operation>none</default-operation>"),
        "data-missing",
        "ok",
        "RFC 6241 7.2: default-operation none demands what it walks through; netconfd does not",
    ),
    Line("A", _DISCARD, "ok"),
)

LOCKS = (
    Line("A", _edit(_eline("<vni>1</vni><port>eth1</port>")), "ok"),
    Line("A", _lock("candidate"), "resource-denied"),
    Line("B", _lock("candidate"), "resource-denied"),
    Line("A", _COMMIT, "ok"),
    Line("A", _lock("candidate"), "ok"),
    Line("A", _lock("candidate"), "lock-denied"),
    Line("B", _lock("candidate"), "lock-denied"),
    Line("B", _edit(_eline("<rate>1</rate>")), "in-use"),
    Line("B", _DISCARD, "in-use"),
    Line("B", _COMMIT, "in-use"),
    Line("B", _lock("candidate", "unlock"), "in-use"),
    Line("A", _edit(_eline("<rate>7</rate>")), "ok"),
    Line("A", _lock("candidate", "unlock"), "ok"),
    Line("A", _lock("candidate", "unlock"), "operation-failed"),
    Line("A", _COMMIT, "ok"),
    Line("A", _lock("running"), "ok"),
    Line("B", _COMMIT, "in-use"),
    Line("B", _edit(_eline("<rate>8</rate>")), "ok"),
    Line("B", _DISCARD, "ok"),
    Line("A", _lock("running", "unlock"), "ok"),
)

CONFIRMED = (
    Line("A", _edit(_eline("<vni>1</vni><port>eth1</port>")), "ok"),
    Line("A", _COMMIT, "ok"),
    Line("A", f"<cancel-commit>{_WRONG_ID}</cancel-commit>", "operation-failed"),
    Line("A", "<cancel-commit/>", "operation-failed"),
    Line("A", f"<commit>{_WRONG_ID}</commit>", "operation-failed"),
    Line("A", _confirmed(_TOKEN + _TOKEN_ID), "operation-failed"),
    Line("A", "<commit><confirmed/><confirm-timeout>0</confirm-timeout></commit>", "invalid-value"),
    Line("A", _edit(_eline("<rate>10</rate>")), "ok"),
    Line("A", _confirmed(), "ok"),
    Line("B", _lock("running"), "in-use"),
    Line("B", _lock("candidate"), "ok", "in-use", _RFC_LOCK),
    Line("B", _lock("candidate", "unlock"), "ok", "operation-failed", _RFC_LOCK),
    Line("B", _COMMIT, "in-use"),
    Line("B", f"<commit>{_TOKEN_ID}</commit>", "invalid-value"),
    Line(
        "B",
        f"<cancel-commit>{_TOKEN_ID}</cancel-commit>",
        "invalid-value",
        "operation-failed",
        _PERSIST,
    ),
    Line("A", _confirmed(), "ok"),
    Line("A", "<cancel-commit/>", "ok"),
    Line("A", _edit(_eline("<rate>12</rate>")), "ok"),
    Line("A", _confirmed(_TOKEN), "ok"),
    Line("B", _COMMIT, "in-use"),
    Line("B", f"<commit>{_WRONG_ID}</commit>", "invalid-value"),
    Line("B", _confirmed(_TOKEN + _WRONG_ID), "invalid-value"),
    Line("B", f"<cancel-commit>{_WRONG_ID}</cancel-commit>", "invalid-value"),
    Line("B", _confirmed(_TOKEN + _TOKEN_ID), "ok"),
    Line("B", f"<commit>{_TOKEN_ID}</commit>", "ok"),
    Line("B", f"<commit>{_TOKEN_ID}</commit>", "operation-failed"),
    Line("A", _edit(_eline("<rate>13</rate>")), "ok"),
    Line("A", _confirmed(_TOKEN), "ok"),
    Line("A", _COMMIT, "in-use", "ok", _STRICT),
    Line("B", f"<cancel-commit>{_TOKEN_ID}</cancel-commit>", "ok", "operation-failed", _STRICT),
)

ODD = (
    Line("A", "<frob/>", "operation-not-supported", "unknown-element", _SUPPORT),
    Line("A", "<get-config/>", "missing-element", "data-missing", _MISSING),
    Line(
        "A",
        "<get-config><source><startup/></source></get-config>",
        "unknown-element",
        "invalid-value",
        "RFC 6241's YANG: without :startup there is no such element",
    ),
    Line(
        "A",
        '<get-config><source><running/></source><filter type="x"/></get-config>',
        "bad-attribute",
    ),
    Line("A", "<kill-session><session-id>4444</session-id></kill-session>", "invalid-value"),
    Line("A", "<validate><source><running/></source></validate>", "ok"),
)


@pytest.mark.anyio
@pytest.mark.peer
@pytest.mark.parametrize(
    "script",
    [EDITS, LOCKS, CONFIRMED, ODD],
    ids=["edits", "locks", "confirmed", "odd"],
)
async def test_script(script: tuple[Line, ...]) -> None:
    async with SimulatedDevice("sim") as box:
        mine = Server(box.address, box.port, "admin", "admin", box.host_key)
        simulated = await _play(mine, script)
    with driver_peers.netconfd() as peer:
        theirs = Server(peer.host, peer.port, peer.user, peer.password, peer.host_key)
        real = await _play(theirs, script)

    assert simulated == [line.word for line in script]
    assert real == [line.netconfd or line.word for line in script]


def test_every_difference_has_its_reason() -> None:
    lines = (*EDITS, *LOCKS, *CONFIRMED, *ODD)

    assert all(bool(line.netconfd) == bool(line.reason) for line in lines)


async def _play(server: Server, script: tuple[Line, ...]) -> list[str]:
    async with (
        raw_netconf.connection(server) as link,
        raw_netconf.session(link) as a,
        raw_netconf.session(link) as b,
        asyncio.timeout(300),
    ):
        for session in (a, b):
            await session.knock()
        return [(await {"A": a, "B": b}[line.who].ask(line.operation)).word for line in script]
