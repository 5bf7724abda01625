"""Decides which netmiko calls a line is: the blocking side of a conversation.

Everything here runs in a thread, one call at a time; only ``hang_up`` comes from outside. netmiko
verifies that each line of configuration was echoed, and never runs without an error pattern. It is
given no session log: one would hold whatever is typed.
"""

from __future__ import annotations

import contextlib
import re
import socket
from typing import TYPE_CHECKING, Any

from device_models import model
from drivers.cli import terminal
from drivers.netmiko_adapter import trust
from oss_agent.errors import DeviceRefused, DeviceUnreachable
from oss_agent.spi import device

if TYPE_CHECKING:
    from netmiko import BaseConnection

_REACHED_WITHIN = 10.0


class Terminal:
    """One login with netmiko."""

    def __init__(
        self, endpoint: device.Endpoint, port: int, device_type: str, facts: model.Shell
    ) -> None:
        self._endpoint = endpoint
        self._port = port
        self._device_type = device_type
        self._facts = facts
        self._line: socket.socket | None = None
        self._session: BaseConnection | None = None
        self._configuring = False

    def open(self) -> None:
        """Connect, compare the host key, log in. DeviceRefused or DeviceUnreachable."""
        with trust.known_hosts(self._endpoint, self._port) as file:
            self._line = self._dialled()
            try:
                self._session = self._logged_in(file)
            except BaseException:
                self._line.close()
                raise
        for line in self._facts.prepare:
            self.send(line, self._facts.line_within)

    def send(self, line: str, within: float) -> str:
        """What the device answers to one line, without its echo and the prompt."""
        if self._configuring and line != self._facts.end:
            return self._configure(line, within)
        answer = self._command(line, within)
        if line == self._facts.enter:
            self._configuring = True
        if line == self._facts.end:
            self._configuring = False
        return answer

    def hang_up(self) -> None:
        """End the connection under netmiko's feet."""
        if self._line is not None:
            with contextlib.suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Disconnect; netmiko keeps the password in a log filter until then."""
        if self._session is not None:
            self._session.disconnect()

    def _dialled(self) -> socket.socket:
        there = (self._endpoint.address, self._port)
        try:
            return socket.create_connection(there, _REACHED_WITHIN)
        except OSError as lost:
            raise DeviceUnreachable(self._endpoint.device, f"{there[0]}: {lost}") from lost

    def _logged_in(self, known_hosts: str) -> BaseConnection:
        # netmiko with paramiko and its parsers costs a second; only who has such a device pays.
        import netmiko  # noqa: PLC0415 - see above
        from paramiko import ssh_exception  # noqa: PLC0415 - same

        try:
            made: BaseConnection = netmiko.ConnectHandler(**self._options(known_hosts))
        except ssh_exception.SSHException as failure:
            raise self._meaning(failure, ssh_exception) from failure
        return made

    def _options(self, known_hosts: str) -> dict[str, Any]:
        login = self._endpoint.credential
        return {
            "device_type": self._device_type,
            "host": self._endpoint.address,
            "port": self._port,
            "sock": self._line,
            "username": login.username,
            "password": login.password,
            "pkey": _private_key(self._endpoint),
            "use_keys": False,  # those of this machine's user
            "allow_agent": False,
            "ssh_strict": True,
            "system_host_keys": False,
            "alt_host_keys": True,
            "alt_key_file": known_hosts,
            "global_cmd_verify": True,
        }

    def _meaning(self, failure: Exception, said: Any) -> Exception:
        """Netmiko calls every trouble of SSH a timeout; what it was is underneath."""
        cause = failure.__context__ or failure
        name = self._endpoint.device
        untrusted = isinstance(cause, (said.BadHostKeyException, said.IncompatiblePeer))
        if untrusted or "not found in known_hosts" in str(cause):
            return DeviceRefused(name, f"SSH: the pinned host key does not match: {cause}")
        if isinstance(failure, said.AuthenticationException):
            return DeviceRefused(name, f"SSH: {cause}", login=True)
        return DeviceUnreachable(name, f"SSH: {cause}")

    def _command(self, line: str, within: float) -> str:
        prompt = rf"(?:^|\n)(?:{self._facts.prompt})\s*$"
        answer = self._open_session.send_command(line, expect_string=prompt, read_timeout=within)
        return terminal.plain(str(answer))

    def _configure(self, line: str, within: float) -> str:
        from netmiko import ConfigInvalidException  # noqa: PLC0415 - imported already by open()

        try:
            said = self._open_session.send_config_set(
                [line],
                enter_config_mode=False,
                exit_config_mode=False,
                cmd_verify=True,
                bypass_commands="",  # else a banner would switch the verification off
                error_pattern="|".join(self._facts.errors),
                read_timeout=within,
            )
        except ConfigInvalidException as no:
            return str(no)
        return "\n".join(self._beside_echo(terminal.plain(said), line))

    def _beside_echo(self, said: str, line: str) -> list[str]:
        bare = (re.sub(rf"^(?:{self._facts.prompt})", "", one) for one in said.split("\n"))
        return [one for one in bare if one.strip() not in {"", line}]

    @property
    def _open_session(self) -> BaseConnection:
        if self._session is None:
            raise DeviceUnreachable(self._endpoint.device, "it was never connected")
        return self._session


def _private_key(endpoint: device.Endpoint) -> Any:
    file = endpoint.credential.private_key_file
    if file is None:
        return None
    import paramiko  # noqa: PLC0415 - see Terminal._logged_in

    try:
        return paramiko.PKey.from_path(file)
    except (OSError, ValueError, paramiko.SSHException) as wrong:
        raise DeviceRefused(endpoint.device, f"its private key cannot be used: {wrong}") from wrong
