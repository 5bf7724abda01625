"""Decides who holds which datastore's lock: RFC 6241 sections 7.5 and 7.6."""

from __future__ import annotations

from oss_agent.testing.simulated.rpc_error import RpcError, lock_denied


class Locks:
    """Session ids by datastore name."""

    def __init__(self) -> None:
        self._holders: dict[str, int] = {}

    def take(self, session: int, name: str) -> None:
        """Hold the lock; lock-denied when anybody has it, the asker included."""
        holder = self._holders.get(name)
        if holder is not None:
            raise lock_denied(holder, f"{name} is locked by session {holder}")
        self._holders[name] = session

    def release(self, session: int, name: str) -> None:
        """Give the lock back; an error when it is another's or nobody's."""
        self.ask(session, name)
        if self._holders.pop(name, None) is None:
            raise RpcError("operation-failed", f"{name} is not locked", "protocol")

    def ask(self, session: int, name: str) -> None:
        """In-use when another session holds the lock."""
        holder = self._holders.get(name)
        if holder not in {None, session}:
            info = [("session-id", str(holder))]
            words = f"{name} is locked by session {holder}"
            raise RpcError("in-use", words, "protocol", info=info)

    def drop(self, session: int) -> list[str]:
        """The session is gone: free its locks; their names."""
        freed = [name for name, holder in self._holders.items() if holder == session]
        for name in freed:
            del self._holders[name]
        return freed

    def clear(self) -> None:
        """Nobody holds anything."""
        self._holders.clear()
