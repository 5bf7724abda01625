"""What a topology file means: precedence, and the sentence for what cannot run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import regex  # type: ignore[import-untyped]  # it ships no types
import yaml
from jsonschema import validators

import lab.containerlab
from lab import cabling, topology_file
from lab.errors import TopologyRefused
from lab.install import PACKAGES
from lab.topology import Topology

CHECKOUT = Path(__file__).parents[2]
REFERENCE = Path(os.environ.get("OSS_AGENT_REFERENCE", CHECKOUT.parent / "shared" / "data"))

LEVELS = """
name: levels
topology:
  defaults:
    kind: linux
    group: outer
    image: from-defaults
    env: {A: defaults, B: defaults, C: defaults, D: defaults, FLAG: true, N: 7}
    labels: {site: defaults}
    credentials: {username: defaults, password: defaults}
    exec: [echo defaults]
  kinds:
    linux:
      image: from-kind
      env: {B: kind, C: kind, D: kind}
      credentials: {username: kind}
      exec: [echo kind]
  groups:
    outer: {env: {C: group, D: group}, exec: [echo group], image: from-group}
    inner: {env: {C: inner}, credentials: {username: group, password: group}}
  nodes:
    plain: {}
    grouped: {group: inner, env: {D: node}, exec: ["echo 'two words'"]}
    own: {image: from-node, credentials: {password: node}}
"""


def load(tmp_path: Path, text: str, name: str = "x.clab.yml") -> Topology:
    file = tmp_path / name
    file.write_text(text)
    return topology_file.load(file)


def lab_of(node: str = "", links: str = "[]", top: str = "") -> str:
    return (
        f"name: small\n{top}\ntopology:\n  nodes:\n    r1: {{kind: linux, {node}}}\n"
        f"    r2: {{kind: linux}}\n  links: {links}\n"
    )


def test_env_and_labels_are_merged_key_by_key(tmp_path: Path) -> None:
    topology = load(tmp_path, LEVELS)
    plain, grouped = topology.node("plain"), topology.node("grouped")
    assert dict(plain.env) == {
        "A": "defaults",
        "B": "kind",
        "C": "group",
        "D": "group",
        "FLAG": "true",
        "N": "7",
    }
    assert (grouped.env["B"], grouped.env["C"], grouped.env["D"]) == ("kind", "inner", "node")
    assert grouped.labels == {"site": "defaults"}


def test_single_values_come_from_the_most_specific_level(tmp_path: Path) -> None:
    topology = load(tmp_path, LEVELS)
    assert [topology.node(name).image for name in ("plain", "grouped", "own")] == [
        "from-group",
        "from-kind",
        "from-node",
    ]
    assert topology.node("plain").group == "outer"


def test_credentials_are_taken_whole(tmp_path: Path) -> None:
    topology = load(tmp_path, LEVELS)
    found = {node.name: node.credentials for node in topology.nodes}
    assert (found["plain"].username, found["plain"].password, found["plain"].level) == (
        "kind",
        "",
        "kind",
    )
    assert (found["grouped"].username, found["grouped"].level) == ("group", "group")
    assert (found["own"].username, found["own"].password) == ("", "node")


def test_exec_is_joined_from_general_to_specific(tmp_path: Path) -> None:
    topology = load(tmp_path, LEVELS)
    assert topology.node("plain").exec == (
        ("echo", "defaults"),
        ("echo", "kind"),
        ("echo", "group"),
    )
    assert topology.node("grouped").exec[-1] == ("echo", "two words")


def test_addresses_asked_for_are_kept_and_the_others_are_free_ones(tmp_path: Path) -> None:
    topology = load(tmp_path, lab_of("mgmt-ipv4: 172.20.20.2"))
    assert [str(node.mgmt_ipv4) for node in topology.nodes] == ["172.20.20.2", "172.20.20.3"]
    assert str(topology.mgmt.gateway) == "172.20.20.1"


def test_binds_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "frr.conf").write_text("!")
    topology = load(tmp_path, lab_of('binds: ["frr.conf:/etc/frr/frr.conf:ro"]'))
    (bind,) = topology.node("r1").binds
    assert (bind.source, bind.target, bind.mode) == (
        tmp_path / "frr.conf",
        "/etc/frr/frr.conf",
        "ro",
    )


def test_links_are_read_in_both_forms(tmp_path: Path) -> None:
    links = """
    - endpoints: ["r1:eth1", "r2:eth1"]
      mtu: 1500
    - type: veth
      endpoints:
        - {node: r1, interface: eth2, mac: "02:00:00:00:00:01", ipv4: 10.0.0.0/31}
        - {node: r2, interface: eth2, ipv4: 10.0.0.1/31}
"""
    topology = load(tmp_path, lab_of(links=links))
    assert topology.links[0].mtu == 1500
    assert topology.links[1].a.mac == "02:00:00:00:00:01"
    assert topology.links[1].z.addresses == ("10.0.0.1/31",)
    batch = "\n".join(cabling.creation(topology))
    assert (
        "link add eth1 mtu 1500 netns clab-small-r1 type veth peer name eth1 mtu 1500 netns"
        in batch
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (lab_of().replace("kind: linux, ", "kind: nokia_srlinux, "), "kind nokia_srlinux"),
        (lab_of().replace("name: small", "name: ../x"), "lab name"),
        (lab_of().replace("name: small", "name: ''"), "lab name"),
        (lab_of(top='prefix: ""'), "empty prefix"),
        (lab_of("image: '{{ .image }}'"), "template"),
        (lab_of("image: ${IMAGE:=x}"), "variables"),
        (lab_of("network-mode: host"), "network-mode"),
        (lab_of("startup-config: r1.cfg"), "startup-config"),
        (lab_of("stages: {create: {}}"), "stages"),
        (lab_of('binds: ["absent:/x"]'), "does not exist"),
        (lab_of("mgmt-ipv4: 10.9.9.9"), "not in 172.20.20.0/24"),
        (lab_of("mgmt-ipv4: 172.20.20.1"), "gateway"),
        (lab_of(links='[{endpoints: ["r1:eth0", "r2:eth1"]}]'), "management interface"),
        (lab_of(links='[{endpoints: ["r1:eth1", "r3:eth1"]}]'), "no such node"),
        (lab_of(links='[{endpoints: ["r1:eth1", "host:veth1"]}]'), "own namespace"),
        (lab_of(links="[{type: vxlan, endpoint: {node: r1, interface: eth1}}]"), "type vxlan"),
        (lab_of(links='[{endpoints: ["r1:eth1", "r2:an-interface-name-too-long"]}]'), "impossible"),
        (
            lab_of(links='[{endpoints: ["r1:eth1","r2:eth1"]},{endpoints: ["r1:eth1","r2:eth2"]}]'),
            "two links",
        ),
        ("name: x\ntopology:\n  nodes: {r1: {}}\n", "no kind"),
        ("name: x\ntopology: {}\n", "no nodes"),
        ("- a\n- b\n", "containerlab file"),
        ("name: [\n", "not YAML"),
    ],
)  # fmt: skip
def test_what_cannot_run_is_refused_in_a_sentence(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(TopologyRefused, match=regex.escape(words)):
        load(tmp_path, text)


def test_an_unread_key_is_said_not_hidden(tmp_path: Path) -> None:
    assert load(tmp_path, lab_of("cmd: bash")).notices == ("r1: cmd mean nothing here, ignored",)


def no_reference() -> None:
    """Skip with the reason; never in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"no reference data at {REFERENCE}")
    pytest.skip(f"no reference data at {REFERENCE}")


def _validator() -> Any:
    """Draft 7 with patterns judged by `regex`: four of containerlab's are beyond Python's `re`."""

    def pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Any:
        if isinstance(instance, str) and not regex.search(pattern, instance):
            yield jsonschema.ValidationError(f"{instance!r} is not {pattern!r}")

    return validators.extend(  # type: ignore[no-untyped-call]  # not typed in its stubs
        jsonschema.Draft7Validator, {"pattern": pattern}
    )


@pytest.mark.reference
@pytest.mark.parametrize("file", [lab.containerlab.TELCO5, lab.containerlab.SRL_FRR])
def test_our_topologies_are_valid_to_containerlab(file: Path) -> None:
    schema = REFERENCE / "containerlab" / "clab.schema.json"
    if not schema.exists():
        no_reference()
    document = yaml.safe_load(file.read_text())
    found = _validator()(yaml.safe_load(schema.read_text())).iter_errors(document)
    assert [error.message for error in found] == []


def test_a_topology_with_vendors_images_is_refused_by_kind() -> None:
    with pytest.raises(TopologyRefused, match="srl1 is of kind nokia_srlinux"):
        topology_file.load(lab.containerlab.SRL_FRR)


@pytest.mark.reference
def test_every_example_of_containerlabs_is_read_or_refused_in_a_sentence() -> None:
    examples = sorted((REFERENCE / "containerlab" / "lab-examples").glob("*.clab.y*ml"))
    if not examples:
        no_reference()
    outcomes = {file.name: _outcome(file) for file in examples}
    assert all(len(words) > 20 for words in outcomes.values() if words), outcomes
    kinds = sum("is of kind" in words for words in outcomes.values())
    assert kinds > len(examples) / 2, outcomes


def _outcome(file: Path) -> str:
    try:
        topology_file.load(file)
    except TopologyRefused as refusal:
        return str(refusal)
    return ""


def test_the_image_has_the_packages_of_the_namespace_runner() -> None:
    recipe = (lab.containerlab.TELCO5.parent / "Containerfile").read_text()
    listed = regex.findall(r"^        ([a-z0-9-]+) \\$", recipe, regex.MULTILINE)
    assert sorted(listed) == sorted(PACKAGES["lab"])
