"""Decides who may follow up, confirm or cancel a confirmed commit: RFC 6241 section 8.4. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from oss_agent.testing.simulated.content import Content
from oss_agent.testing.simulated.rpc_error import RpcError


@dataclass(frozen=True, slots=True)
class CommitRequest:
    """The parameters of <commit>: a confirmed one has ``confirm_within`` (seconds)."""

    confirm_within: float | None = None
    persist: str | None = None
    persist_id: str | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """A confirmed commit that waits; ``before`` is running as it was before the first of them."""

    before: Content
    session: int
    persist: str | None


def may_commit(pending: Pending | None, session: int, request: CommitRequest) -> None:
    """RpcError unless this commit may be carried out now."""
    if pending is None:
        if request.persist_id is not None:
            raise _nothing_pending()
    elif request.persist_id is not None:
        _must_match(pending, request.persist_id)
    elif pending.persist is not None:
        raise RpcError("in-use", "a persistent confirmed commit is pending")
    elif pending.session != session:
        raise RpcError("in-use", "another session's confirmed commit is pending")


def may_cancel(pending: Pending | None, session: int, persist_id: str | None) -> Pending:
    """What is to be cancelled; RpcError when this session may not, or nothing is there."""
    if pending is None:
        raise _nothing_pending()
    _must_match(pending, persist_id)
    if persist_id is None and pending.session != session:
        raise RpcError("in-use", "another session's confirmed commit is pending")
    return pending


def _must_match(pending: Pending, persist_id: str | None) -> None:
    if pending.persist != persist_id:
        words = "no pending confirmed commit has this persist-id"
        raise RpcError("invalid-value", words, "protocol")


def _nothing_pending() -> RpcError:
    return RpcError("operation-failed", "no confirmed commit is pending", "protocol")
