"""A replay of a server's notifications: what is taken of it, and when it is over."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from device_models import loader
from drivers import observation
from drivers.netconf import asking, calls, document, hello, operations, replay
from oss_agent.errors import DeviceUnreachable
from oss_agent.spi.proof import Observation, Question

pytestmark = pytest.mark.anyio
PLATFORM = loader.load("frr_linux")
NOTIFICATION = operations.NOTIFICATION
ASKED = Question("configuration-changes", {"since": "2026-11-22T15:00:00+00:00"})
OVER = "<notificationComplete xmlns='urn:ietf:params:xml:ns:netmod:notification'/>"
REFUSED = (
    "<rpc-error><error-type>protocol</error-type><error-tag>operation-failed</error-tag>"
    "<error-severity>error</error-severity></rpc-error>"
)


class Server:
    """An exchange that answers ``<ok/>`` and then sends these notifications."""

    ended = None

    def __init__(self, *bodies: str, reply: str = "<ok/>") -> None:
        self.bodies = bodies
        self.reply = reply
        self.heard: Callable[[document.Element], None] | None = None
        self.asked: document.Element | None = None

    async def call(
        self, operation: document.Element, *, within: float, reads: bool = False
    ) -> document.Element:
        assert not reads, within
        self.asked = operation
        for body in self.bodies:
            text = (
                f'<notification xmlns="{NOTIFICATION}"><eventTime>2026-11-22T15:01:00Z</eventTime>'
            )
            assert self.heard is not None
            self.heard(document.parse(f"{text}{body}</notification>".encode()))
        return document.parse(
            f'<rpc-reply xmlns="{document.BASE}">{self.reply}</rpc-reply>'.encode()
        )

    def end(self, reason: str) -> None:
        raise AssertionError(reason)

    def listen(self, heard: Callable[[document.Element], None] | None) -> None:
        self.heard = heard


def change(by: str, *targets: str) -> str:
    edits = "".join(f"<edit><target>{one}</target></edit>" for one in targets)
    return f"<netconf-config-change xmlns='urn:x'><changed-by>{by}</changed-by>{edits}</netconf-config-change>"


async def _nobody(question: Question) -> Observation:
    raise AssertionError(question)


async def answered(server: Server, *offered: str, question: Question = ASKED) -> Observation:
    uris = (hello.BASE_11, *(offered or (replay.NOTIFICATIONS,)))
    greeted = hello.Hello(frozenset(uris), "1", uris)
    talk = calls.Calls("pe1", PLATFORM.netconf, server)
    return await asking.Asking(talk, PLATFORM, greeted, _nobody, observation.utc).answer(question)


async def test_who_changed_what_is_told_oldest_first() -> None:
    bob = "<username>bob</username><session-id>7</session-id><source-host>192.0.2.7</source-host>"
    other = "<netconf-session-end xmlns='urn:x'/>"
    server = Server(change(bob, "/a", "/b"), other, change("<server/>", "/c"), OVER)
    told = await answered(server)
    at = "2026-11-22T15:01:00Z"
    assert json.loads(str(told.values["rows"])) == [
        {"at": at, "user": "bob", "host": "192.0.2.7", "session": "7", "targets": "/a\n/b"},
        {"at": at, "user": "the server itself", "host": "", "session": "", "targets": "/c"},
    ]
    assert server.asked is not None
    assert server.asked[1].text == "2026-11-22T15:00:00Z"
    assert server.heard is None, "nobody listens afterwards"


async def test_a_log_is_bounded_and_its_words_are_harmless() -> None:
    long = change("<username>" + "x" * 70_000 + "</username>", *["/a"] * 1_000)
    told = await answered(Server(*[long] * 201, OVER))
    rows = json.loads(str(told.values["rows"]))
    assert len(rows) == 200
    assert len(rows[0]["user"]) < 400
    assert len(rows[0]["targets"].split("\n")) == 50


async def test_a_server_that_cannot_say_is_no_error_and_one_in_the_middle_of_it_is() -> None:
    assert (await answered(Server(), "urn:other")).unobservable is not None
    assert "refused" in str((await answered(Server(reply=REFUSED))).unobservable)
    wrong = Question("configuration-changes", {"since": "yesterday"})
    assert "since" in str((await answered(Server(), question=wrong)).unobservable)
    silent = Server()
    with pytest.raises(DeviceUnreachable, match="did not end"):
        await replay.changes(
            calls.Calls("pe1", PLATFORM.netconf, silent),
            observation.utc(),
            observation.utc(),
            within=0.01,
        )
    assert silent.heard is None
