"""Decides what each command answers: those that NAPALM's EOS driver sends through pyeapi, no more."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from oss_agent.testing.simulated_eapi import configuration
from oss_agent.testing.simulated_eapi.configuration import Editor, Refused
from oss_agent.testing.simulated_eapi.faults import Faults
from oss_agent.testing.simulated_eapi.sessions import TIMED, CannotRun, Configurations

Act: TypeAlias = Callable[[re.Match[str]], dict[str, Any] | str]

_NAME = r"(?P<name>[A-Za-z0-9_.-]{1,64})"
_TIMER = r"(?P<h>\d\d):(?P<m>[0-5]\d):(?P<s>[0-5]\d)"


@dataclass(slots=True)
class Failure(Exception):
    """A command failed: eAPI's error code, its words, and what the commands before it answered."""

    code: int
    message: str
    data: list[dict[str, Any]]


@dataclass(slots=True)
class Commands:
    """The command line of one device. ``commits`` counts the commits that were tried."""

    hostname: str
    version: str
    store: Configurations
    faults: Faults
    commits: int = 0

    def run(self, commands: list[str]) -> list[dict[str, Any]]:
        """One request: the answers in order, or Failure at the first that fails."""
        self.store.expire()
        editor: Editor | None = None
        answers: list[dict[str, Any]] = []
        for position, command in enumerate(commands, 1):
            try:
                answer, editor = self._one(" ".join(command.split()), editor)
            except (Refused, CannotRun) as wrong:
                code, kind = (
                    (1002, "invalid command")
                    if isinstance(wrong, Refused)
                    else (1000, "could not run command")
                )
                words = f"CLI command {position} of {len(commands)} '{command}' failed: {kind}"
                raise Failure(code, words, [*answers, {"errors": [str(wrong)]}]) from wrong
            answers.append(answer)
        return answers

    def _one(self, command: str, editor: Editor | None) -> tuple[dict[str, Any], Editor | None]:
        if editor is not None:
            return self._configure(command, editor)
        opened = re.fullmatch(rf"configure session {_NAME}", command)
        if opened:
            session = self.store.open(opened["name"])
            session.editor.mode = []
            return {}, session.editor
        for pattern, act in self._acts().items():
            found = re.fullmatch(pattern, command)
            if found:
                answer = act(found)
                return ({"output": answer} if isinstance(answer, str) else answer), None
        raise Refused(f"Invalid input (at token 0: '{command.split(' ', maxsplit=1)[0]}')")

    def _configure(self, command: str, editor: Editor) -> tuple[dict[str, Any], Editor | None]:
        if command == "rollback clean-config":
            editor.lines.clear()
            return {}, editor
        if command == "exit" and not editor.mode:
            return {}, None
        if self.faults.ignores is None or not command.startswith(self.faults.ignores):
            editor.type(command)
        return {}, None if command == "end" else editor

    def _acts(self) -> dict[str, Act]:
        return {
            "enable": lambda _: {},
            "show version": lambda _: self._version(),
            "show configuration sessions": lambda _: self._sessions(),
            "show configuration sessions detail": lambda _: self._sessions(),
            "show running-config": lambda _: self._shown("running", self.store.running),
            "show startup-config": lambda _: self._shown("startup", self.store.startup),
            rf"show session-config named {_NAME}": lambda found: self._staged(found["name"]),
            rf"show session-config named {_NAME} diffs": lambda found: self._diff(found["name"]),
            "copy startup-config flash:rollback-0": lambda _: self._copy(),
            rf"configure session {_NAME} commit": lambda found: self._commit(found["name"], None),
            rf"configure session {_NAME} commit timer {_TIMER}": lambda found: self._commit(
                found["name"],
                int(found["h"]) * 3600.0 + int(found["m"]) * 60 + int(found["s"]),
            ),
            rf"configure session {_NAME} abort": lambda found: self._abort(found["name"]),
            "configure replace flash:rollback-0": lambda _: self._replace(),
            "write memory": lambda _: self._save(),
        }

    def _version(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "internalVersion": self.version,
            "modelName": "simulated",
            "serialNumber": f"SIM-{self.hostname}",
            "uptime": self.store.uptime(),
        }

    def _sessions(self) -> dict[str, Any]:
        shown = {
            name: {"state": one.state, "instances": {}}
            | ({"commitBy": one.commit_by} if one.state == TIMED else {})
            for name, one in self.store.sessions.items()
        }
        return {"sessions": shown, "maxSavedSessions": 1, "maxOpenSessions": 5}

    def _shown(self, name: str, lines: configuration.Lines) -> str:
        head = f"! Command: show {name}-config\n! device: {self.hostname} (EOS-{self.version})\n!\n"
        return head + configuration.text(lines) + "end\n"

    def _staged(self, name: str) -> str:
        return configuration.text(self.store.get(name).editor.lines) + "end\n"

    def _diff(self, name: str) -> str:
        staged = configuration.text(self.store.get(name).editor.lines)
        lines = difflib.unified_diff(
            configuration.text(self.store.running).splitlines(),
            staged.splitlines(),
            "system:/running-config",
            f"session:/{name}-session-config",
            lineterm="",
        )
        return "\n".join(lines)

    def _commit(self, name: str, timer: float | None) -> dict[str, Any]:
        self.commits += 1
        self.store.get(name)
        if self.faults.takes("refuse_commits"):
            raise CannotRun("Commit failed: a line needs hardware that is not there")
        if not self.faults.takes("silent_commits"):
            self.store.commit(name, timer=timer)
        return {}

    def _abort(self, name: str) -> dict[str, Any]:
        self.store.abort(name)
        return {}

    def _copy(self) -> dict[str, Any]:
        self.store.flash["rollback-0"] = configuration.copied(self.store.startup)
        return {}

    def _replace(self) -> dict[str, Any]:
        self.store.running = configuration.copied(self.store.flash["rollback-0"])
        return {}

    def _save(self) -> dict[str, Any]:
        self.store.startup = configuration.copied(self.store.running)
        return {}
