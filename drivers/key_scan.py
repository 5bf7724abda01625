"""Reads which SSH host keys a device offers, before anybody trusts it: no login is tried."""

from __future__ import annotations

import asyncio

import asyncssh

from drivers import ssh, text
from oss_agent.errors import DeviceUnreachable

# One connection gives one key; a device may hold one of each of these.
ALGORITHMS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512")


async def scan(device: str, address: str, port: int) -> tuple[str, ...]:
    """``spi.onboarding.KeyScan``: OpenSSH public keys, one per algorithm the device has."""
    found = [await _one(device, address, port, algorithm) for algorithm in ALGORITHMS]
    keys = tuple(dict.fromkeys(key for key in found if key))
    if not keys:
        raise DeviceUnreachable(device, f"{address} port {port} offers no host key that we can use")
    return keys


async def _one(device: str, address: str, port: int, algorithm: str) -> str | None:
    try:
        async with asyncio.timeout(ssh.CONNECT_WITHIN):
            key = await asyncssh.get_server_host_key(
                address,
                port,
                config=None,
                server_host_key_algs=[algorithm],
                kex_algs=ssh.KEX,
            )
    except (asyncssh.KeyExchangeFailed, asyncssh.ConnectionLost, ConnectionResetError):
        return None  # it has no key of this kind; OpenSSH says so by hanging up
    except (OSError, asyncssh.Error) as lost:
        reason = text.line(str(lost)) or "no answer"
        raise DeviceUnreachable(device, f"SSH to {address} port {port}: {reason}") from lost
    return None if key is None else key.export_public_key().decode("ascii").strip()
