"""Decides the XML of each NETCONF operation we use (RFC 6241 sections 7 and 8)."""

from __future__ import annotations

import math

from drivers.netconf import document
from drivers.netconf.document import Element, base

NOTIFICATION = "urn:ietf:params:xml:ns:netconf:notification:1.0"
RUNNING = "running"
CANDIDATE = "candidate"
STARTUP = "startup"
ROLLBACK_ON_ERROR = "rollback-on-error"


def lock(datastore: str) -> Element:
    """RFC 6241 7.5."""
    return base("lock", base("target", base(datastore)))


def unlock(datastore: str) -> Element:
    """RFC 6241 7.6."""
    return base("unlock", base("target", base(datastore)))


def get_config(datastore: str, subtree: Element | None = None) -> Element:
    """RFC 6241 7.1, the whole datastore or what the filter's children select."""
    operation = base("get-config", base("source", base(datastore)))
    if subtree is not None:
        operation.append(subtree)
    return operation


def nothing() -> Element:
    """RFC 6241 6.4.2: of running what an empty filter selects, which is nothing; changes nothing."""
    return get_config(RUNNING, base("filter"))


def get(subtree: Element) -> Element:
    """RFC 6241 7.7: configuration and state that the filter's children select."""
    return base("get", subtree)


def replay(since: str, until: str) -> Element:
    """RFC 5277 2.1.1 and 3.3: the notifications of a time that is over, then no more."""
    operation = document.element(NOTIFICATION, "create-subscription")
    for name, value in (("stream", "NETCONF"), ("startTime", since), ("stopTime", until)):
        part = document.element(NOTIFICATION, name)
        part.text = value
        operation.append(part)
    return operation


def edit_config(
    datastore: str,
    config: Element,
    *,
    default: str,
    test_option: str | None,
    error_option: str | None = None,
) -> Element:
    """RFC 6241 7.2; ``default`` is the default-operation, the test-option needs :validate."""
    operation = base(
        "edit-config",
        base("target", base(datastore)),
        base("default-operation", text=default),
    )
    if test_option is not None:
        operation.append(base("test-option", text=test_option))
    if error_option is not None:
        operation.append(base("error-option", text=error_option))
    operation.append(config)
    return operation


def validate_candidate() -> Element:
    """RFC 6241 8.6.4.1."""
    return base("validate", base("source", base(CANDIDATE)))


def commit(
    *,
    confirm_within: float | None = None,
    persist: str | None = None,
    persist_id: str | None = None,
) -> Element:
    """RFC 6241 8.3.4.1 and 8.4.5.1; ``confirm_within`` in seconds, rounded up to whole ones."""
    operation = base("commit")
    if confirm_within is not None:
        operation.append(base("confirmed"))
        operation.append(base("confirm-timeout", text=str(max(1, math.ceil(confirm_within)))))
    if persist is not None:
        operation.append(base("persist", text=persist))
    if persist_id is not None:
        operation.append(base("persist-id", text=persist_id))
    return operation


def cancel_commit(persist: str | None) -> Element:
    """RFC 6241 8.4.4.1."""
    token = [] if persist is None else [base("persist-id", text=persist)]
    return base("cancel-commit", *token)


def discard_changes() -> Element:
    """RFC 6241 8.3.4.2."""
    return base("discard-changes")


def save_running() -> Element:
    """RFC 6241 7.3, running to startup (8.7.4)."""
    return base("copy-config", base("target", base(STARTUP)), base("source", base(RUNNING)))


def close_session() -> Element:
    """RFC 6241 7.8."""
    return base("close-session")


def succeeded(reply: Element) -> bool:
    """Whether a reply says ``<ok/>``, positively; rpc-errors are judged apart."""
    return document.child(reply, "ok") is not None
