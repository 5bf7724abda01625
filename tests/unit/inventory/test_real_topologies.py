"""containerlab's own examples, schema and kinds: every name accepted, every kind known by name."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import regex  # type: ignore[import-untyped]  # it ships no types
import yaml
from jsonschema import validators

from inventory.containerlab import containerlab, containerlab_kinds
from oss_agent import errors

pytestmark = pytest.mark.reference


_OWN = Path(__file__).parent / "data" / "forms" / "demo.clab.yml"


def _reference() -> Path:
    beside = Path(__file__).parents[4] / "shared" / "data"
    folder = Path(os.environ.get("OSS_AGENT_REFERENCE", beside)) / "containerlab"
    if not folder.is_dir():
        reason = "no reference data: set OSS_AGENT_REFERENCE"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


def _examples() -> list[Path]:
    return sorted((_reference() / "lab-examples").glob("*.y*ml"))


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
    devices = links = 0
    for path in _examples():
        topology = yaml.safe_load(path.read_text())
        lab = containerlab.read({"topology-data.json": json.dumps(_exported(topology))})
        assert lab.refused == (), path.name
        devices += len(lab.devices)
        links += len(lab.links)
    assert devices > 100
    assert links > 80


def test_real_topology_files_are_read_or_refused_with_a_sentence() -> None:
    read = links = 0
    for path in _examples():
        try:
            lab = containerlab.read({path.name: path.read_text()})
        except errors.OrderRejected as no:
            pytest.fail(f"{path.name}: {no.reason}")
        read += 1
        links += len(lab.links)
        reasons = [reason for _, reason in lab.refused]
        assert all("management address" in one or "variable" in one for one in reasons), reasons
        assert all(one.title for one in lab.devices), path.name
    assert read > 40
    assert links > 80


def test_every_kind_of_the_schema_is_known_with_the_login_it_comes_up_with() -> None:
    named = containerlab_kinds.load().named
    schema = json.loads((_reference() / "clab.schema.json").read_text())
    kinds = schema["definitions"]["node-config"]["properties"]["kind"]["enum"]
    assert [one for one in kinds if one not in named] == []
    with (_reference() / "kinds.csv").open() as file:
        for row in csv.DictReader(file):
            for name in row["kinds"].split("|"):
                login = named[name].login
                told = (login.username, login.password) if login is not None else ("", "")
                assert told == (row["user"], row["password"].partition(" ")[0]), name


def test_the_example_of_ours_is_one_by_containerlabs_schema() -> None:
    def pattern(_: Any, wanted: str, instance: Any, __: Any) -> Any:
        if isinstance(instance, str) and not regex.search(wanted, instance):
            yield jsonschema.ValidationError(f"{instance!r} is not {wanted!r}")

    schema = json.loads((_reference() / "clab.schema.json").read_text())
    checker: Any = validators.extend(  # type: ignore[no-untyped-call]  # not typed in its stubs
        jsonschema.Draft7Validator, {"pattern": pattern}
    )
    assert list(checker(schema).iter_errors(yaml.safe_load(_OWN.read_text()))) == []
