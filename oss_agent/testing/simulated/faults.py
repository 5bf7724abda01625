"""Decides which ways of being broken a simulated device knows; every one was seen on real boxes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from oss_agent.testing.simulated.mangling import Mangling


class Greeting(StrEnum):
    """How the device begins a session."""

    PROPER = "proper"
    SILENT = "silent"
    """no hello, ever"""
    GARBAGE = "garbage"
    """banner noise instead of a hello"""
    NO_SESSION_ID = "no-session-id"
    """a hello without the session-id that RFC 6241 8.1 demands"""


@dataclass(frozen=True, slots=True)
class Faults:
    """The knobs. A device takes another value at any time; counting starts again then."""

    greeting: Greeting = Greeting.PROPER
    coalesced_hangs: bool = False
    """the first RPC waits until more bytes come, as one that arrives in one read with the client's
    hello (netconfd 2.13)"""
    ok_changes_nothing: bool = False
    """commit answers <ok/>, resets the candidate and leaves running as it was (netconfd 2.13 after
    <validate>)"""
    lose_commit_reply: int | None = None
    """the n-th commit is carried out, then the connection is cut without an answer"""
    drop_before_commit: int | None = None
    """the connection is cut when the n-th commit arrives; it is not carried out"""
    commit_delay: float = 0.0
    """seconds between carrying a commit out and answering it: with the client's patience over, a late
    ok"""
    commit_takes: float = 0.0
    """seconds between taking a commit and carrying it out, or until this is 0 again; a client that
    leaves does not stop it"""
    swallow_confirm: bool = False
    """a confirming commit is neither carried out nor answered; the session stays open"""
    reboot_after_commit: int | None = None
    """once the n-th commit is answered the device starts anew: what was not saved is lost"""
    half_open: bool = False
    """no request is carried out or answered any more, the connection stays open"""
    starve_timer: float = 0.0
    """an automatic rollback waits until no RPC came for so many seconds (netconfd 2.13: about 1)"""
    warning_then_error: bool = False
    """an edit-config answers a warning first and an error after it, and stages nothing (Junos's
    order)"""
    warning_with_ok: bool = False
    """a commit answers <ok/> beside an rpc-error of severity warning (Junos)"""
    edit_ignores: str | None = None
    """an edit-config is answered with <ok/> and stages nothing of this name (what a release or a
    licence does not know)"""
    lock_held_by: int | None = None
    """every lock is denied in the name of this session"""
    lock_held_for: float | None = None
    """so many seconds after the first denial ``lock_held_by`` lets go; None: never"""
    keeps_dirty_candidate: bool = False
    """after a failed commit neither unlock nor the session's end cleans the candidate (IOS-XE)"""
    refuse_commit: str | None = None
    """every commit, and every edit of running, is refused with operation-failed and these words"""
    refused_half_done: bool = False
    """what is refused so leaves its first node live, rollback-on-error or not"""
    refuse_confirm: str | None = None
    """every confirming commit is refused with these words"""
    swallow_read: int | None = None
    """the n-th get-config of a session is never answered; those behind it are"""
    answers_twice: bool = False
    """every reply is sent a second time"""
    wrong_message_id: bool = False
    """replies carry another message-id than the request"""
    mangling: Mangling | None = None
    """how every reply is spoilt"""
    garbage_reply: bytes = b""
    """sent as it is in place of every reply"""
    byte_delay: float = 0.0
    """seconds between the bytes of every reply"""
    reply_padding: int = 0
    """so many bytes of blank text in every data reply"""


NONE = Faults()
