"""Decides how an SSH connection to a device comes about: the pinned host key first, then the login.

Nothing of this machine's own SSH set-up takes part (no agent, no default keys, no config file, no
known_hosts): what is trusted and who logs in is in the endpoint alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncssh

from drivers import text
from oss_agent.errors import DeviceRefused, DeviceUnreachable
from oss_agent.spi import device

# Group exchange comes last: asyncssh checks the unknown group, half a second of CPU that stalls the
# loop. Finite-field groups before it only for devices that have no elliptic curves.
KEX = (
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group-exchange-sha256",
)
# AES-GCM costs half of asyncssh's default choice on bulk, and Terrapin does not touch it.
CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-ctr",
    "aes256-ctr",
    "chacha20-poly1305@openssh.com",
)
CONNECT_WITHIN = 10.0
LOGIN_WITHIN = 20.0
KEEPALIVE = 15.0

_REFUSALS = (
    asyncssh.HostKeyNotVerifiable,
    asyncssh.PermissionDenied,
    # A host key of another algorithm than the pinned one ends here too: a person has to look.
    asyncssh.KeyExchangeFailed,
    asyncssh.IllegalUserName,
)


@asynccontextmanager
async def connection(
    endpoint: device.Endpoint, port: int
) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """Connect and log in; close on exit.

    DeviceRefused: no pinned key, another key, wrong login, no common algorithm. DeviceUnreachable:
    nobody there, or too slow.
    """
    link = await _connect(endpoint, port)
    try:
        yield link
    finally:
        # A graceful close would wait for a peer that may be gone.
        link.abort()
        await link.wait_closed()


async def _connect(endpoint: device.Endpoint, port: int) -> asyncssh.SSHClientConnection:
    options = _options(endpoint)
    try:
        return await asyncssh.connect(endpoint.address, port, options=options)
    except _REFUSALS as refusal:
        login = isinstance(refusal, asyncssh.PermissionDenied)
        words = _words(endpoint, port, refusal)
        raise DeviceRefused(endpoint.device, words, login=login) from refusal
    except (OSError, asyncssh.Error) as lost:
        raise DeviceUnreachable(endpoint.device, _words(endpoint, port, lost)) from lost


def _options(endpoint: device.Endpoint) -> asyncssh.SSHClientConnectionOptions:
    credential = endpoint.credential
    return asyncssh.SSHClientConnectionOptions(
        config=None,
        known_hosts=(pinned(endpoint), [], []),
        username=credential.username,
        password=credential.password,
        client_keys=_client_keys(endpoint),
        agent_path=None,
        gss_host=None,
        x509_trusted_certs=None,
        kex_algs=KEX,
        encryption_algs=CIPHERS,
        compression_algs=None,
        connect_timeout=CONNECT_WITHIN,
        login_timeout=LOGIN_WITHIN,
        keepalive_interval=KEEPALIVE,
    )


def pinned(endpoint: device.Endpoint) -> list[asyncssh.SSHKey]:
    """The keys that the device may show. DeviceRefused when there is none, or one is no key."""
    if not endpoint.host_keys:
        reason = "no host key is pinned: compare its fingerprint and trust the device first"
        raise DeviceRefused(endpoint.device, reason)
    try:
        return [asyncssh.import_public_key(key) for key in endpoint.host_keys]
    except asyncssh.KeyImportError as wrong:
        raise DeviceRefused(endpoint.device, f"a pinned host key is not a key: {wrong}") from wrong


def _client_keys(endpoint: device.Endpoint) -> list[asyncssh.SSHKey] | None:
    file = endpoint.credential.private_key_file
    if file is None:
        return None
    try:
        return [asyncssh.read_private_key(file)]
    except (OSError, asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as wrong:
        raise DeviceRefused(endpoint.device, f"its private key cannot be used: {wrong}") from wrong


def _words(endpoint: device.Endpoint, port: int, error: BaseException) -> str:
    said = text.reason(error)
    return f"SSH to {endpoint.address} port {port}: {said}"
