"""Every node and port name of containerlab's own example topologies is accepted."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from inventory import containerlab

pytestmark = pytest.mark.reference


def _examples() -> list[Path]:
    beside = Path(__file__).parents[4] / "shared" / "data"
    reference = Path(os.environ.get("OSS_AGENT_REFERENCE", beside))
    folder = reference / "containerlab" / "lab-examples"
    return sorted(folder.glob("*.y*ml"))


def _exported(topology: Any) -> dict[str, Any]:
    """What containerlab would export of a topology file, as far as names go."""
    nodes = {
        name: {
            "kind": (node or {}).get("kind", "linux"),
            "longname": f"clab-{topology['name']}-{name}",
            "mgmt-ipv4-address": f"172.20.{number // 250}.{number % 250 + 2}",
            "labels": {},
        }
        for number, (name, node) in enumerate(topology["topology"]["nodes"].items())
    }
    links = [
        _link(link["endpoints"])
        for link in topology["topology"].get("links") or ()
        if "endpoints" in link and all(isinstance(end, str) for end in link["endpoints"])
    ]
    return {"name": topology["name"], "nodes": nodes, "links": links}


def _link(endpoints: list[str]) -> dict[str, Any]:
    (a_node, a_port), (z_node, z_port) = (end.split(":", 1) for end in endpoints)
    return {
        "endpoints": {
            "a": {"node": a_node, "interface": a_port, "peer": "z"},
            "z": {"node": z_node, "interface": z_port, "peer": "a"},
        }
    }


def test_real_names_are_accepted() -> None:
    examples = _examples()
    if not examples:
        reason = "no reference data: set OSS_AGENT_REFERENCE"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    devices = links = 0
    for path in examples:
        topology = yaml.safe_load(path.read_text())
        lab = containerlab.read({"topology-data.json": json.dumps(_exported(topology))})
        assert lab.refused == (), path.name
        devices += len(lab.devices)
        links += len(lab.links)
    assert devices > 100
    assert links > 80
