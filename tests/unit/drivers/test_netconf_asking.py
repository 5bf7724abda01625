"""Questions about state over NETCONF: only what is announced is asked, and every answer is bounded."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from lxml import etree

from device_models import loader, model
from drivers import observation
from drivers.netconf import asking, calls, document, hello, rpc, state
from oss_agent.errors import DeviceUnreachable
from oss_agent.spi.proof import Observation, Question

pytestmark = pytest.mark.anyio

PLATFORM = loader.load("frr_linux")
BASE = document.BASE
INTERFACES = "urn:ietf:params:xml:ns:yang:ietf-interfaces"
HARDWARE = "urn:ietf:params:xml:ns:yang:ietf-hardware"
OPENCONFIG = "http://openconfig.net/yang/lldp"
LIBRARY = "urn:ietf:params:netconf:capability:yang-library:1.0?revision=2016-06-21"
Answer = Callable[[document.Element], str]


class Server:
    """An exchange that answers by a function of the request, and remembers what it was asked."""

    ended = None

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def call(
        self, operation: document.Element, *, within: float, reads: bool = False
    ) -> document.Element:
        assert reads, within
        self.asked.append(etree.tostring(operation).decode())
        said = self.answer(operation)
        if not said:
            raise rpc.NoAnswer("the device hung up", sent=True)
        return document.parse(f'<rpc-reply xmlns="{BASE}">{said}</rpc-reply>'.encode())

    def end(self, reason: str) -> None:
        raise AssertionError(reason)

    def listen(self, heard: Callable[[document.Element], None] | None) -> None:
        raise AssertionError(heard)


def asker(server: Server, *announced: str) -> asking.Asking:
    uris = (hello.BASE_11, *announced)
    greeted = hello.Hello(frozenset(uri.partition("?")[0] for uri in uris), "1", uris)
    talk = calls.Calls("pe1", PLATFORM.netconf, server)
    return asking.Asking(talk, PLATFORM, greeted, _nobody, observation.utc)


async def _nobody(question: Question) -> Observation:
    raise AssertionError(question)


def rows(told: Observation) -> list[dict[str, str]]:
    assert told.unobservable is None
    found: list[dict[str, str]] = json.loads(str(told.values["rows"]))
    return found


async def test_what_is_not_announced_is_not_asked_for() -> None:
    server = Server(lambda _: "<data/>")

    told = await asker(server, INTERFACES).answer(Question("device-parts"))

    assert server.asked == []
    assert told.unobservable is not None
    assert HARDWARE in told.unobservable


async def test_a_module_that_only_the_yang_library_has_is_asked_for_and_the_library_once() -> None:
    module = f"<module><name>ietf-hardware</name><namespace>{HARDWARE}</namespace></module>"
    space = 'xmlns="urn:ietf:params:xml:ns:yang:ietf-yang-library"'

    def answer(operation: document.Element) -> str:
        if b"modules-state" in etree.tostring(operation):
            return f"<data><modules-state {space}>{module}</modules-state></data>"
        if HARDWARE.encode() in etree.tostring(operation):
            part = "<component><name>box</name></component>"
            return f'<data><hardware xmlns="{HARDWARE}">{part}</hardware></data>'
        return "<data/>"

    server = Server(answer)
    asks = asker(server, LIBRARY)

    assert rows(await asks.answer(Question("device-parts"))) == [{"name": "box"}]
    assert (await asks.answer(Question("device-neighbours"))).unobservable is not None
    told = await asks.answer(Question("hello"))
    assert HARDWARE in json.loads(str(told.values["announced"]))
    assert len(server.asked) == 3, "two forms of the library, one question"


async def test_the_leaves_of_rows_deep_in_a_list_bring_the_keys_above_them() -> None:
    neighbours = "".join(
        f"<neighbor><id>{n}</id><state><chassis-id>aa:bb:cc:00:00:0{n}</chassis-id>"
        "<chassis-id-type>MAC_ADDRESS</chassis-id-type></state></neighbor>"
        for n in (1, 2)
    )
    tree = (
        f'<data><lldp xmlns="{OPENCONFIG}"><interfaces><interface><name>ethernet-1/1</name>'
        f"<neighbors>{neighbours}</neighbors></interface></interfaces></lldp></data>"
    )
    server = Server(lambda _: tree)

    told = rows(await asker(server, OPENCONFIG).answer(Question("device-neighbours")))

    assert [(row["port"], row["chassis-id"]) for row in told] == [
        ("ethernet-1/1", "aa:bb:cc:00:00:01"),
        ("ethernet-1/1", "aa:bb:cc:00:00:02"),
    ]
    assert "<name/>" in server.asked[0], "a key is not sent unasked"


async def test_the_newer_form_is_asked_where_the_older_has_no_rows() -> None:
    port = "<interface><name>eth1</name><oper-status>up</oper-status></interface>"
    full = f'<data><interfaces xmlns="{INTERFACES}">{port}</interfaces></data>'
    server = Server(lambda op: "<data/>" if b"-state>" in etree.tostring(op) else full)

    told = rows(await asker(server, INTERFACES).answer(Question("device-ports")))

    assert told == [{"name": "eth1", "oper-status": "up"}]


async def test_a_refusal_is_a_reason_and_silence_is_an_error() -> None:
    refusal = (
        "<rpc-error><error-type>application</error-type><error-tag>access-denied</error-tag>"
        "<error-severity>error</error-severity></rpc-error>"
    )
    told = await asker(Server(lambda _: refusal), INTERFACES).answer(Question("device-ports"))
    assert told.unobservable is not None
    assert "refused" in told.unobservable

    with pytest.raises(DeviceUnreachable):
        await asker(Server(lambda _: ""), INTERFACES).answer(Question("device-ports"))


def test_rows_are_bounded_and_their_text_is_one_harmless_line() -> None:
    wanted = model.Rows("urn:x", ("top/row",), {"name": "name"})
    long = "A" * 70_000
    some = f"<row><name>{long}</name></row><row><name>a&#10;\u202eb</name></row>"
    many = "<row><name>x</name></row>" * (state.MOST + 1)

    found, cut = state.read(_data(some), wanted)
    assert [len(row["name"]) for row in found] == [1_024, 3]
    assert not cut
    kept, more = state.read(_data(many), wanted)
    assert (len(kept), more) == (state.MOST, True)


def _data(inside: str) -> document.Element:
    return document.parse(f'<data><top xmlns="urn:x">{inside}</top></data>'.encode())


def test_a_prefix_without_a_namespace_is_refused_in_the_data() -> None:
    with pytest.raises(ValueError, match="ip"):
        model.Rows("urn:x", ("top/ip:address",), {"ip": "ip"})
