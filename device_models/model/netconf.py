"""How to speak NETCONF to a platform."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from device_models.model.keeping import Keeping
from device_models.model.written import STRICT

_GONE: Final = {
    "pause": "there is none any more: a pause was too short on a busy machine. Take the line out; where the "
    "device sits on its first request, write `knocks: true` in its place",
}
"""What data of an older release may still say, and what to write today."""
_TO_KNOCK: Final = 2


@dataclass(frozen=True, slots=True, config=STRICT)
class Netconf:
    """How to speak NETCONF to this platform; times in seconds, sizes in bytes.

    ``transport`` ncclient is for a device that needs one of that library's handlers, named by
    ``handler``: slower, threads, no pipelining. ``locks`` are the datastores that a transaction
    locks, in this order. ``lock_tells``: a lock of running is refused while a commit is pending and
    given when none is, so that a moment of it tells. ``validate_harmless`` is false where ``<validate>`` does damage;
    ``test_option`` goes into
    every edit-config where it is set and the device offers :validate:1.1. ``knocks``: it may sit on the
    first RPC until more bytes come, so a session begins with a read of nothing, sent again until one is
    answered (needs a ``pipeline`` of two at least). ``pipeline`` is how many requests may be unanswered at once
    on one session: 1 for a server that must be asked one thing at a time. ``predict`` is false where
    a filtered read of the candidate costs much or does damage: by it a change that the device
    understood otherwise is stopped before its commit.
    """

    transport: Literal["own", "ncclient"] = "own"
    handler: str = "default"
    locks: tuple[Literal["running", "candidate"], ...] = ("running", "candidate")
    lock_tells: bool = True
    validate_harmless: bool = False
    test_option: Literal["test-then-set", "set", "test-only"] | None = None
    knocks: bool = False
    pipeline: Annotated[int, Field(ge=1, le=16)] = 16
    predict: bool = True
    message_limit: int = 64 * 1024 * 1024
    hello_within: float = 15.0
    rpc_within: float = 30.0
    commit_within: float = 120.0
    kept: Keeping = Keeping()

    @model_validator(mode="before")
    @classmethod
    def _says_what_became_of_it(cls, given: Any) -> Any:
        gone = [word for word in _GONE if isinstance(given, Mapping) and word in given]
        if gone:
            raise ValueError("; ".join(f"`{word}`: {_GONE[word]}" for word in gone))
        return given

    @model_validator(mode="after")
    def _can_knock(self) -> Self:
        if self.knocks and self.pipeline < _TO_KNOCK:
            raise ValueError(
                f"`knocks` asks again before the first answer is there, so `pipeline` must be {_TO_KNOCK} or "
                f"more, and it is {self.pipeline}: raise it, or take `knocks` out"
            )
        return self
