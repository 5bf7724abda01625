"""Decides what a line typed at a running simulated network does.

``pull DEVICE PORT``, ``heal DEVICE PORT``, ``refuse DEVICE WORDS...`` (every commit), ``accept
DEVICE`` (no fault any more), ``lose DEVICE N`` (the N-th commit's reply), ``hand DEVICE XML`` (an
operator's edit), ``running DEVICE``, ``log DEVICE``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from oss_agent.testing.simulated.faults import NONE, Faults
from oss_agent.testing.simulated.markup import Malformed
from oss_agent.testing.simulated.network import SimulatedNetwork
from oss_agent.testing.simulated.rpc_error import RpcError


def obey(network: SimulatedNetwork, line: str) -> list[str]:
    """Carry one line out; the lines to print, ``ok`` or ``error: ...`` last."""
    word, _, rest = line.strip().partition(" ")
    device, _, words = rest.strip().partition(" ")
    action = _ACTIONS.get(word)
    if action is None:
        return [f"error: unknown word {word!r}; known are {' '.join(_ACTIONS)}"]
    if device not in network.devices:
        return [f"error: no device {device!r}; there are {' '.join(network.devices)}"]
    try:
        return [*action(network, device, words.strip()), "ok"]
    except (KeyError, ValueError, Malformed, RpcError) as error:
        return [f"error: {word} {device}: {error!r}"]


def _pull(network: SimulatedNetwork, device: str, words: str) -> list[str]:
    network.pull(device, words)
    return []


def _heal(network: SimulatedNetwork, device: str, words: str) -> list[str]:
    network.heal(device, words)
    return []


def _refuse(network: SimulatedNetwork, device: str, words: str) -> list[str]:
    network.devices[device].faults = Faults(refuse_commit=words or "refused on request")
    return []


def _accept(network: SimulatedNetwork, device: str, words: str) -> list[str]:
    del words
    network.devices[device].faults = NONE
    return []


def _lose(network: SimulatedNetwork, device: str, words: str) -> list[str]:
    network.devices[device].faults = Faults(lose_commit_reply=int(words))
    return []


def _hand(network: SimulatedNetwork, device: str, words: str) -> list[str]:
    network.devices[device].change_by_hand(words)
    return []


def _running(network: SimulatedNetwork, device: str, words: str) -> list[str]:
    del words
    return [network.devices[device].datastores.running_text()]


def _log(network: SimulatedNetwork, device: str, words: str) -> list[str]:
    del words
    return [entry.line() for entry in network.devices[device].history]


_ACTIONS: Mapping[str, Callable[[SimulatedNetwork, str, str], list[str]]] = {
    "pull": _pull,
    "heal": _heal,
    "refuse": _refuse,
    "accept": _accept,
    "lose": _lose,
    "hand": _hand,
    "running": _running,
    "log": _log,
}
