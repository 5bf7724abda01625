"""Decides whom an eAPI request may reach: the pinned key first, then the login.

A certificate is pinned by its public key, written as OpenSSH writes one, so that every device is
trusted in the same way, with the same fingerprints. pyeapi's own HTTPS verifies nothing unless told.
Plain HTTP shows the login to everybody on the way: only loopback, or where the data vouch for it.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from pyeapi.eapilib import EapiConnection

from device_models import model
from drivers.napalm_adapter.failures import LoginRefused, NotTrusted, Unreached
from oss_agent.errors import DeviceRefused
from oss_agent.spi import device

_LONGEST = 64 * 1024 * 1024
_REFUSALS = (http.client.UNAUTHORIZED, http.client.FORBIDDEN)


class NoAnswer(Exception):
    """The request was sent; no whole answer came."""


@dataclass(slots=True)
class Gate:
    """Who may pass: ``keys`` are pinned OpenSSH public keys, empty for plain HTTP; then a way to hang up."""

    keys: frozenset[str]
    shut: bool = False
    lines: list[socket.socket] = field(default_factory=list[socket.socket])

    def let_in(self, line: socket.socket) -> None:
        """Before anything is sent. Raises NotTrusted."""
        if isinstance(line, ssl.SSLSocket):
            key = public_key(line.getpeercert(binary_form=True) or b"")
            if key not in self.keys:
                raise NotTrusted(f"the pinned key does not match: the device has {key}")
        self.lines = [line]

    def hang_up(self) -> None:
        """Nothing more is sent, and whoever waits for an answer stops waiting."""
        self.shut = True
        for line in self.lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


class PinnedEapi(EapiConnection):  # type: ignore[misc]  # pyeapi has no types
    """pyeapi's connection over a transport of ours."""

    # Named parameters, not keyword-only: NAPALM looks up which of them it may pass.
    def __init__(
        self, host: str, port: int, username: str, password: str, timeout: float, gate: Gate
    ) -> None:
        super().__init__()
        line = _Https if gate.keys else _Http
        self.transport = line(host, port, timeout, gate)
        self.authentication(username, password)


class _Answer(http.client.HTTPResponse):
    """An answer of bounded size."""

    def read(self, amt: int | None = None) -> bytes:
        content = super().read(_LONGEST + 1 if amt is None else amt)
        if len(content) > _LONGEST:
            raise NoAnswer(f"the answer is longer than {_LONGEST} bytes")
        return content


class _Http(http.client.HTTPConnection):
    """One request per connection, as pyeapi has it."""

    response_class = _Answer

    def __init__(self, host: str, port: int, timeout: float, gate: Gate) -> None:
        super().__init__(host, port, timeout=timeout)
        self._gate = gate

    def connect(self) -> None:
        _connect(self, super().connect, self._gate)

    def getresponse(self) -> http.client.HTTPResponse:
        return _response(super().getresponse)


class _Https(http.client.HTTPSConnection):
    """The same over TLS; no authority is asked, the key itself is known."""

    response_class = _Answer

    def __init__(self, host: str, port: int, timeout: float, gate: Gate) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        super().__init__(host, port, timeout=timeout, context=context)
        self._gate = gate

    def connect(self) -> None:
        _connect(self, super().connect, self._gate)

    def getresponse(self) -> http.client.HTTPResponse:
        return _response(super().getresponse)


def _connect(connection: http.client.HTTPConnection, dial: Any, gate: Gate) -> None:
    if gate.shut:
        raise Unreached("the session was left")
    try:
        dial()
    except OSError as lost:
        raise Unreached(f"{connection.host} port {connection.port}: {lost}") from lost
    try:
        gate.let_in(connection.sock)
    except NotTrusted:
        connection.close()
        raise


def _response(ask: Any) -> http.client.HTTPResponse:
    try:
        response: http.client.HTTPResponse = ask()
    except (OSError, http.client.HTTPException) as lost:
        raise NoAnswer(f"no answer: {lost}") from lost
    if response.status in _REFUSALS:
        response.close()
        raise LoginRefused(f"the device refuses the login ({response.status} {response.reason})")
    return response


def public_key(certificate: bytes) -> str:
    """The key of a DER certificate as OpenSSH writes it. NotTrusted when it has none that can be."""
    try:
        key = x509.load_der_x509_certificate(certificate).public_key()
        form = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        return key.public_bytes(*form).decode()
    except (ValueError, UnsupportedAlgorithm) as wrong:
        raise NotTrusted(f"its certificate cannot be read: {wrong}") from wrong


def gate(endpoint: device.Endpoint, napalm: model.Napalm) -> Gate:
    """Who may pass. DeviceRefused when nothing is pinned, or plain HTTP would leave this machine."""
    if napalm.options.get("transport", "https") == "http":
        if napalm.plain_http or ipaddress.ip_address(endpoint.address).is_loopback:
            return Gate(frozenset())
        reason = "plain HTTP would show its password to everybody on the way: use https"
        raise DeviceRefused(endpoint.device, reason)
    if not endpoint.host_keys:
        reason = (
            "no key is pinned: compare its certificate's fingerprint and trust the device first"
        )
        raise DeviceRefused(endpoint.device, reason)
    # A comment behind a key is not part of it.
    return Gate(frozenset(" ".join(key.split()[:2]) for key in endpoint.host_keys))
