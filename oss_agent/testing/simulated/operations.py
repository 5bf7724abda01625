"""Decides what each NETCONF operation means: one element in, the reply's content out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from oss_agent.testing.simulated import content, subtree
from oss_agent.testing.simulated.confirmed_commit import CommitRequest
from oss_agent.testing.simulated.datastores import (
    CANDIDATE,
    RUNNING,
    STARTUP,
    Datastores,
)
from oss_agent.testing.simulated.markup import Element
from oss_agent.testing.simulated.namespaces import BASE
from oss_agent.testing.simulated.offer import Offer
from oss_agent.testing.simulated.rpc_error import RpcError

OK = "<ok/>"
_OF_CANDIDATE = frozenset({"commit", "cancel-commit", "discard-changes"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and how it can end a session: ``kill`` answers False when there is none."""

    session: int
    kill: Callable[[int], bool]


@dataclass(frozen=True, slots=True)
class Operations:
    """The operations of one device."""

    datastores: Datastores
    offer: Offer

    def answer(self, caller: Caller, operation: Element) -> str:
        """The content of the reply: <ok/>, <data> or RpcError."""
        known = self._table().get(operation.name) if operation.namespace == BASE else None
        if operation.name in _OF_CANDIDATE and not self.offer.candidate:
            known = None
        if known is None:
            raise RpcError("operation-not-supported", f"no operation {operation.name}", "protocol")
        return known(caller, operation)

    def _table(self) -> Mapping[str, Callable[[Caller, Element], str]]:
        return {
            "get": self._get,
            "get-config": self._get_config,
            "edit-config": self._edit_config,
            "copy-config": self._copy_config,
            "lock": self._lock,
            "unlock": self._unlock,
            "close-session": lambda _caller, _operation: OK,
            "kill-session": self._kill_session,
            "commit": self._commit,
            "cancel-commit": self._cancel_commit,
            "discard-changes": self._discard_changes,
            "validate": self._validate,
        }

    def _get(self, caller: Caller, operation: Element) -> str:
        del caller
        return self._data(RUNNING, operation)

    def _get_config(self, caller: Caller, operation: Element) -> str:
        del caller
        return self._data(self._datastore(operation, "source"), operation)

    def _data(self, name: str, operation: Element) -> str:
        store, schema = self.datastores.get(name), self.datastores.schema
        wanted = operation.child("filter")
        if wanted is not None:
            if wanted.attributes.get("type", "subtree") != "subtree":
                raise RpcError("bad-attribute", "only subtree filters", "protocol")
            store = subtree.select(schema, store, wanted.children)
        return f"<data>{content.render(schema, store)}</data>"

    def _edit_config(self, caller: Caller, operation: Element) -> str:
        target = self._datastore(operation, "target")
        config = operation.child("config")
        if config is None:
            raise _missing("config")
        default = _choice(operation, "default-operation", "merge", ("merge", "replace", "none"))
        test = _choice(
            operation,
            "test-option",
            "test-then-set" if self.offer.validate else "set",
            ("test-then-set", "set", "test-only"),
        )
        if target == RUNNING:
            self._edit_running(caller, operation, config, default)
        elif target == CANDIDATE:
            self.datastores.edit(
                caller.session, config, default_operation=default, test_option=test
            )
        else:
            raise RpcError("operation-not-supported", "startup cannot be edited", "protocol")
        return OK

    def _edit_running(
        self, caller: Caller, operation: Element, config: Element, default: str
    ) -> None:
        if not self.offer.writable_running:
            raise RpcError("operation-not-supported", "only the candidate is writable", "protocol")
        safe = ("rollback-on-error",) if self.offer.rollback_on_error else ()
        known = ("stop-on-error", "continue-on-error", *safe)
        atomic = _choice(operation, "error-option", "stop-on-error", known) == "rollback-on-error"
        for part in (config,) if atomic else config.pieces():
            self.datastores.edit_running(caller.session, part, default_operation=default)

    def _copy_config(self, caller: Caller, operation: Element) -> str:
        pair = self._datastore(operation, "source"), self._datastore(operation, "target")
        if pair != (RUNNING, STARTUP):
            raise RpcError("operation-not-supported", "only running to startup", "protocol")
        self.datastores.save(caller.session)
        return OK

    def _lock(self, caller: Caller, operation: Element) -> str:
        self.datastores.lock(caller.session, self._datastore(operation, "target"))
        return OK

    def _unlock(self, caller: Caller, operation: Element) -> str:
        self.datastores.unlock(caller.session, self._datastore(operation, "target"))
        return OK

    def _kill_session(self, caller: Caller, operation: Element) -> str:
        victim = _text(operation, "session-id")
        if victim is None or not victim.isdecimal() or int(victim) == caller.session:
            raise RpcError("invalid-value", "not the id of another session", "protocol")
        if not caller.kill(int(victim)):
            raise RpcError("invalid-value", f"no session {victim}", "protocol")
        return OK

    def _commit(self, caller: Caller, operation: Element) -> str:
        confirmed = operation.child("confirmed") is not None
        persist, persist_id = _text(operation, "persist"), _text(operation, "persist-id")
        if not self.offer.persist and (persist or persist_id):
            raise RpcError("unknown-element", "no persist here", "protocol")
        if confirmed and not self.offer.confirmed_commit:
            raise RpcError("unknown-element", "no confirmed commit here", "protocol")
        within = _seconds(_text(operation, "confirm-timeout")) if confirmed else None
        self.datastores.commit(caller.session, CommitRequest(within, persist, persist_id))
        return OK

    def _cancel_commit(self, caller: Caller, operation: Element) -> str:
        if not self.offer.persist:
            raise RpcError("operation-not-supported", "no operation cancel-commit", "protocol")
        self.datastores.cancel(caller.session, _text(operation, "persist-id"))
        return OK

    def _discard_changes(self, caller: Caller, operation: Element) -> str:
        del operation
        self.datastores.discard(caller.session)
        return OK

    def _validate(self, caller: Caller, operation: Element) -> str:
        del caller
        self.datastores.validate(self._datastore(operation, "source"))
        return OK

    def _datastore(self, operation: Element, role: str) -> str:
        holder = operation.child(role)
        if holder is None or not holder.children:
            raise _missing(role)
        name = holder.children[0].name
        known = (
            RUNNING,
            *((CANDIDATE,) if self.offer.candidate else ()),
            *((STARTUP,) if self.offer.startup else ()),
        )
        if name not in known:
            info = [("bad-element", name)]
            raise RpcError("unknown-element", f"no datastore {name}", "protocol", info=info)
        return name


def _choice(operation: Element, name: str, default: str, known: tuple[str, ...]) -> str:
    given = _text(operation, name) or default
    if given not in known:
        info = [("bad-element", name)]
        raise RpcError("invalid-value", f"no {name} {given}", "protocol", info=info)
    return given


def _seconds(text: str | None) -> float:
    if text is None:
        return 600.0
    if not text.isdecimal() or not 1 <= int(text) <= 2**32 - 1:
        raise RpcError("invalid-value", "confirm-timeout is 1..4294967295 seconds", "protocol")
    return float(text)


def _text(operation: Element, name: str) -> str | None:
    element = operation.child(name)
    return None if element is None else element.words


def _missing(name: str) -> RpcError:
    info = [("bad-element", name)]
    return RpcError("missing-element", f"{name} is missing", "protocol", info=info)
