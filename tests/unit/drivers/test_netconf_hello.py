"""The hello: any prefix, capabilities anywhere, nothing assumed that was not said."""

from __future__ import annotations

import pytest

from drivers.netconf import document, hello
from oss_agent.spi.device import Capability

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
STANDARD = "urn:ietf:params:netconf:capability:"


def message(*uris: str, prefix: str = "") -> bytes:
    mark = f"{prefix}:" if prefix else ""
    name = f":{prefix}" if prefix else ""
    listed = "".join(f"<{mark}capability>\n {u} </{mark}capability>" for u in uris)
    return (
        f'<?xml version="1.0" encoding="ASCII"?><!-- hi --><{mark}hello xmlns{name}="{BASE}">'
        f"<{mark}capabilities>{listed}</{mark}capabilities><{mark}session-id>7</{mark}session-id>"
        f"</{mark}hello>"
    ).encode()


@pytest.mark.parametrize("prefix", ["", "nc", "x"])
def test_any_prefix_and_scattered_capabilities(prefix: str) -> None:
    modules = [f"urn:vendor:m{n}?module=m{n}&amp;revision=2020-01-01" for n in range(1500)]
    uris = [hello.BASE_10, *modules[:700], hello.BASE_11, *modules[700:]]

    greeted = hello.read(message(*uris, STANDARD + "candidate:1.0", prefix=prefix))

    assert greeted.chunked
    assert greeted.session == "7"
    assert greeted.offers() == {Capability.CANDIDATE, Capability.CONFIGURE}


def test_parameters_of_a_capability_do_not_hide_it() -> None:
    greeted = hello.read(message(hello.BASE_10, STANDARD + "validate:1.1?x=y"))

    assert greeted.has("validate:1.1")
    assert not greeted.has("validate:1.0")


def test_persist_needs_version_1_1_of_the_capability_and_of_the_base() -> None:
    old = message(hello.BASE_11, STANDARD + "candidate:1.0", STANDARD + "confirmed-commit:1.0")
    unchunked = message(
        hello.BASE_10, STANDARD + "candidate:1.0", STANDARD + "confirmed-commit:1.1"
    )

    for said in (old, unchunked):
        offers = hello.read(said).offers()
        assert Capability.CONFIRMED_COMMIT in offers
        assert Capability.PERSIST not in offers


def test_a_server_that_only_shows_things_cannot_be_configured() -> None:
    assert hello.read(message(hello.BASE_11)).offers() == frozenset()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"SSH banner",
        b"<hello/>",
        f'<hello xmlns="{BASE}"/>'.encode(),
        message("urn:something:else"),
        message(hello.BASE_11).replace(b"session-id", b"session"),
        message(hello.BASE_11).replace(BASE.encode(), b"urn:not:netconf"),
        f'<!DOCTYPE hello [<!ENTITY a "aaaa">]><hello xmlns="{BASE}">&a;</hello>'.encode(),
        f'<!DOCTYPE hello SYSTEM "file:///etc/passwd"><hello xmlns="{BASE}"/>'.encode(),
    ],
)
def test_what_is_no_hello_is_refused(said: bytes) -> None:
    with pytest.raises(document.Unreadable):
        hello.read(said)


def test_our_hello_is_one_but_a_clients() -> None:
    with pytest.raises(document.Unreadable, match="no session-id"):
        hello.read(hello.ours())
    served = hello.ours().replace(b"</hello>", b"<session-id>1</session-id></hello>")
    assert hello.read(served).chunked
