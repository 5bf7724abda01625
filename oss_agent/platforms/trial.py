"""Decides what the laws may try on a real device: a scratch subtree of each store, as the driver's data say.

``trial`` in a platform's ``quality.yaml`` names, for each configuration store, a path that nothing
else uses and three contents of it, and one that the device refuses. Above the scratch node stand
only containers and what is there anyway: the laws empty the node, never what is around it.
"""

from __future__ import annotations

import dataclasses
from importlib import resources
from typing import Any, Final

import pydantic

from oss_agent.errors import ConfigurationError
from oss_agent.platforms import quality
from oss_agent.spi import device, tree
from oss_agent.testing.contract import Peer

TRIAL: Final = quality.TRIAL
_SAMPLES: Final = 3


class Trial(pydantic.BaseModel):
    """One store; ``scope`` are steps from the root, ``samples`` and ``refused`` what stands below.

    Nodes as ``spi.tree.to_json`` writes them; the rest as ``oss_agent.testing.contract.Peer`` says.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    store: str
    protocol: str
    scope: tuple[dict[str, Any], ...] = pydantic.Field(min_length=1)
    samples: tuple[tuple[dict[str, Any], ...], ...] = pydantic.Field(
        min_length=_SAMPLES, max_length=_SAMPLES
    )
    refused: tuple[dict[str, Any], ...]
    patience: float = 3.0
    shortest_timer: float = 5.0
    freed_within: float = 60.0
    excludes: bool = True
    names_holder: bool = True
    predicts: bool = False
    answers_before_commit: int = 0

    def peer(self, driver: device.Driver, endpoint: device.Endpoint) -> Peer:
        """The device, as the laws take it. ConfigurationError where the data are no trees."""
        try:
            first, second, third = (self._whole(one) for one in self.samples)
            refused = self._whole(self.refused)
            scope = tuple(tree.from_json(step).step for step in self.scope)
        except (KeyError, TypeError, ValueError) as wrong:
            raise ConfigurationError(f"{driver.platform}: its trial is no tree: {wrong}") from wrong
        if not scope[-1].keys:
            raise ConfigurationError(
                f"{driver.platform}: its trial's scope {tree.path_text(scope)} is no entry of a "
                "list: emptying it could take what is a customer's"
            )
        return Peer(
            driver=driver,
            endpoint=_with_port(driver, endpoint, self.protocol),
            scope=scope,
            samples=(first, second, third),
            refused=refused,
            store=self.store,
            protocol=self.protocol,
            patience=self.patience,
            shortest_timer=self.shortest_timer,
            freed_within=self.freed_within,
            excludes=self.excludes,
            names_holder=self.names_holder,
            predicts=self.predicts,
            answers_before_commit=self.answers_before_commit,
        )

    def _whole(self, below: tuple[dict[str, Any], ...]) -> tree.Tree:
        node = tree.from_json({**self.scope[-1], "children": list(below)})
        for step in reversed(self.scope[:-1]):
            node = tree.Tree(tree.from_json(step).step, children=(node,))
        return tree.Tree(tree.ROOT, children=(node,))


def read(package: str) -> tuple[Trial, ...]:
    """The trials that the platform in this package brings; () where it brings none."""
    return quality.part(resources.files(package), TRIAL, list[Trial])


def _with_port(driver: device.Driver, endpoint: device.Endpoint, protocol: str) -> device.Endpoint:
    """The laws look its port up: where the inventory has none it is the platform's own."""
    if protocol in endpoint.ports:
        return endpoint
    usual: dict[str, int] = {}
    for one in getattr(driver, "parts", (driver,)):
        usual |= getattr(getattr(one, "model", None), "ports", {})
    return dataclasses.replace(endpoint, ports={**usual, **endpoint.ports})
