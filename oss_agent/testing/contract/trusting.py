"""Decides who is let in: pinned host keys before any credential, refusals that are never retried."""

from __future__ import annotations

import dataclasses
import socket

import asyncssh

from oss_agent.errors import DeviceRefused, DeviceUnreachable
from oss_agent.spi.device import Credential, Endpoint
from oss_agent.testing.contract.peer import Peer, expect, expect_equal, refused


async def another_host_key_is_refused_before_any_login(peer: Peer) -> None:
    """Somebody else answers at the device's address."""
    stranger = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    await _refused_unseen(peer, dataclasses.replace(peer.endpoint, host_keys=(stranger.strip(),)))


async def an_unpinned_device_is_refused_before_any_login(peer: Peer) -> None:
    """No key was pinned yet: a person has to trust it first."""
    await _refused_unseen(peer, dataclasses.replace(peer.endpoint, host_keys=()))


async def a_wrong_password_is_refused(peer: Peer) -> None:
    """DeviceRefused, and that it was the login: trying again would lock the account."""
    wrong = Credential(peer.endpoint.credential.username, "not-the-password")
    no = await _refused(peer, dataclasses.replace(peer.endpoint, credential=wrong))
    expect(no.login, "a refused login is told from every other refusal")


async def nobody_there_is_unreachable(peer: Peer) -> None:
    """A closed port: retry later."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with refused(DeviceUnreachable):
        async with peer.at("127.0.0.1", port).session():
            pass


async def _refused_unseen(peer: Peer, endpoint: Endpoint) -> None:
    before = peer.logins() if peer.logins else 0
    no = await _refused(peer, endpoint)
    expect(not no.login, "no login was refused: none was sent")
    after = peer.logins() if peer.logins else 0
    expect_equal(after, before, "no login was begun on an untrusted device")


async def _refused(peer: Peer, endpoint: Endpoint) -> DeviceRefused:
    with refused(DeviceRefused) as no:
        async with peer.driver.session(endpoint, peer.store):
            pass
    return no.error


CHECKS = (
    another_host_key_is_refused_before_any_login,
    an_unpinned_device_is_refused_before_any_login,
    a_wrong_password_is_refused,
    nobody_there_is_unreachable,
)
