"""Every error of the agent, split by what the caller does next.

AgentError
├── OrderRejected       tell the sender, stop; nothing was stored
│   ├── IdempotencyConflict   the key or external id is in use for something else
│   └── NotFound              no such thing, or not yours: the same answer
├── DeviceError         carries the device's name
│   ├── DeviceUnreachable     retry later; nothing changed
│   ├── DeviceBusy            somebody holds the lock: retry with jitter, to a deadline
│   ├── DeviceRefused         credentials, host key, authorisation: never retried, a person
│   ├── ChangeRejected        the device said no: stop; nothing changed
│   └── CommitUnknown         no answer to a commit: read back first, never guess
├── ProofFailed         undo
├── Conflict            somebody else's edit, lease or claim: policy decides
│   └── Fenced              our token is old, another run took over: stop at once, touch nothing
├── StoreUnavailable    answer 503, start no new commit
└── ConfigurationError  a setting or a data file is wrong: say so at start, exit
"""

from __future__ import annotations


class AgentError(Exception):
    """Base of every error this agent raises on purpose."""


class OrderRejected(AgentError):
    """The request cannot be accepted as it is.

    ``field`` is the dotted path of the offending attribute ("" when it is the whole body),
    ``status`` the HTTP status a bridge answers with, ``code`` a short stable word for programs.
    """

    def __init__(
        self, reason: str, *, field: str = "", status: int = 400, code: str = "invalidBody"
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field
        self.status = status
        self.code = code


class IdempotencyConflict(OrderRejected):
    """A key or external id is already in use for something else (409 or 422)."""


class NotFound(OrderRejected):
    """There is no such thing, or it belongs to another tenant: both answer 404."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} does not exist", status=404, code="notFound")


class DeviceError(AgentError):
    """Something about one device; ``device`` names it, ``reason`` says what."""

    def __init__(self, device: str, reason: str) -> None:
        super().__init__(f"{device}: {reason}")
        self.device = device
        self.reason = reason


class DeviceUnreachable(DeviceError):
    """No connection, or it broke before anything could change. Retry later."""


class DeviceBusy(DeviceError):
    """Another session holds the lock. Retry with jitter to a deadline; never kill it unasked."""

    def __init__(self, device: str, reason: str, *, holder: str | None = None) -> None:
        super().__init__(device, reason)
        self.holder = holder


class DeviceRefused(DeviceError):
    """Wrong credential, unknown host key, not authorised. Never retried: a person is needed.

    ``login``: it is the login that was refused, and another one may be taken.
    """

    def __init__(self, device: str, reason: str, *, login: bool = False) -> None:
        super().__init__(device, reason)
        self.login = login


class ChangeRejected(DeviceError):
    """The device refused the change and kept what it had (RFC 6241 rpc-error).

    ``tag`` is the error-tag, ``path`` the error-path when the device gave one.
    """

    def __init__(self, device: str, reason: str, *, tag: str = "", path: str = "") -> None:
        super().__init__(device, reason)
        self.tag = tag
        self.path = path


class CommitUnknown(DeviceError):
    """A commit or confirm was sent and no answer came. Read back before anything else."""


class ProofFailed(AgentError):
    """A predicate that must hold does not. Undo."""


class Conflict(AgentError):
    """Somebody else holds or changed what we need; ``holder`` says who."""

    def __init__(self, reason: str, *, holder: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.holder = holder


class Fenced(Conflict):
    """Another run adopted this transaction; its token is newer than ours. Stop, touch nothing."""


class StoreUnavailable(AgentError):
    """The database cannot take a write now. Answer 503 and start no new commit."""


class ConfigurationError(AgentError):
    """A setting, catalogue or model file is wrong. Say which and how to mend it, then stop."""
