"""Decides one thing: does this observation prove this predicate?

A kind is a row of a table: a function from (expectations, values) to None (proven) or the reason
why not. Turn-up and watch judge by the same table. The value names of each kind are the contract
with ``observe.yaml`` of every platform:

========================  ============================  =====================================
kind                      values read                   holds when
========================  ============================  =====================================
config-equal              ``equal`` (bool)              the read-back equals the target
interface-up              ``oper_status`` (text)        it is ``up``
evpn-remote-vtep          ``present`` (bool)            the remote VTEP is known for the VNI
bgp-neighbor-established  ``state`` (text)              it is ``Established`` (RFC 4271 8.2.2)
route-present             ``installed`` (int)           a route to the prefix is in the FIB
bgp-prefix-advertised     ``peers`` (int)               it is announced to one peer at least
ping                      ``sent``, ``received`` (int)  loss is at most ``loss_max`` (0.0 to 1.0)
========================  ============================  =====================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from oss_agent.spi import proof

Values: TypeAlias = Mapping[str, proof.Scalar]
Rule: TypeAlias = Callable[[Values, Values], str | None]


def judge(predicate: proof.Predicate, observation: proof.Observation) -> proof.Verdict:
    """The verdict on one predicate. Never raises, whatever the device said."""
    outcome, reason = _outcome(predicate, observation)
    return proof.Verdict(predicate, outcome, reason, observation)


def unobserved(predicate: proof.Predicate, reason: str) -> proof.Verdict:
    """The verdict when nobody could even be asked: not proven, with the reason."""
    return proof.Verdict(predicate, proof.Outcome.NOT_PROVEN, f"not proven: {reason}")


def _outcome(
    predicate: proof.Predicate, observation: proof.Observation
) -> tuple[proof.Outcome, str]:
    if (observation.kind, observation.device) != (predicate.kind, predicate.device):
        return proof.Outcome.NOT_PROVEN, (
            f"not proven: asked {predicate.device} about {predicate.kind}, "
            f"answered {observation.device} about {observation.kind}"
        )
    if observation.unobservable is not None:
        return proof.Outcome.NOT_PROVEN, f"not proven: {observation.unobservable}"
    if observation.simulated and predicate.kind != proof.CONFIG_EQUAL:
        return proof.Outcome.NOT_PROVEN, "not proven (simulated)"
    rule = RULES.get(predicate.kind)
    if rule is None:
        return proof.Outcome.NOT_PROVEN, f"not proven: nothing judges {predicate.kind}"
    reason = rule(predicate.expect, observation.values)
    if reason is None:
        return proof.Outcome.PROVEN, _seen(observation.values)
    return proof.Outcome.FAILED, reason


def _config_equal(_expect: Values, values: Values) -> str | None:
    if values.get("equal") is True:
        return None
    return "the configuration read back is not the one intended"


def _interface_up(_expect: Values, values: Values) -> str | None:
    status = values.get("oper_status")
    return None if status == "up" else f"the interface is {status or 'not there'}"


def _evpn_remote_vtep(_expect: Values, values: Values) -> str | None:
    if values.get("present") is True:
        return None
    return "the remote VTEP is not known for this VNI (no EVPN type-3 route from it)"


def _bgp_neighbor_established(_expect: Values, values: Values) -> str | None:
    state = values.get("state")
    return None if state == "Established" else f"the BGP session is {state or 'not there'}"


def _route_present(_expect: Values, values: Values) -> str | None:
    return None if _count(values.get("installed")) else "no route to the prefix is installed"


def _bgp_prefix_advertised(_expect: Values, values: Values) -> str | None:
    return None if _count(values.get("peers")) else "BGP announces the prefix to no peer"


def _ping(expect: Values, values: Values) -> str | None:
    sent, received = _count(values.get("sent")), _count(values.get("received"))
    if not sent or received is None:
        return "the ping gave no packet counts"
    limit = expect.get("loss_max", 0.0)
    allowed = float(limit) if isinstance(limit, int | float) else 0.0
    loss = 1 - min(received, sent) / sent
    if loss <= allowed:
        return None
    return f"{received} of {sent} replies: loss {loss:.0%}, at most {allowed:.0%} is allowed"


def _count(value: proof.Scalar) -> int | None:
    usable = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return int(value) if usable and value is not None else None


def _seen(values: Values) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(values.items()))


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        proof.CONFIG_EQUAL: _config_equal,
        "interface-up": _interface_up,
        "evpn-remote-vtep": _evpn_remote_vtep,
        "bgp-neighbor-established": _bgp_neighbor_established,
        "route-present": _route_present,
        "bgp-prefix-advertised": _bgp_prefix_advertised,
        "ping": _ping,
    }
)
"""Every kind a catalogue may name."""
