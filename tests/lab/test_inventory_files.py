"""The files other tools import, in containerlab's formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import lab.containerlab
from lab import inventory_files, topology_file
from lab.topology import Topology

LOGINS = """
name: logins
topology:
  {defaults}
  nodes:
    r2: {{kind: linux, {second}}}
    r1: {{kind: linux, {first}}}
"""
SET = "credentials: {username: u, password: p}"


@pytest.fixture
def telco5_file() -> Topology:
    return topology_file.load(lab.containerlab.TELCO5)


def load(tmp_path: Path, defaults: str = "", first: str = "", second: str = "") -> Topology:
    file = tmp_path / "logins.clab.yml"
    file.write_text(LOGINS.format(defaults=defaults, first=first, second=second))
    return topology_file.load(file)


def test_topology_data_has_what_importers_read(telco5_file: Topology, tmp_path: Path) -> None:
    macs = {("p1", "eth1"): "02:00:00:00:00:01"}
    data = json.loads(inventory_files.topology_data(telco5_file, tmp_path, macs))
    assert (data["name"], data["type"], data["ssh-pub-keys"]) == ("telco5", "clab", [])
    assert data["clab"]["config"]["prefix"] == "clab"
    assert data["clab"]["config"]["mgmt"]["ipv4-subnet"] == "172.20.20.0/24"
    node = data["nodes"]["pe3"]
    assert node["longname"] == "clab-telco5-pe3"
    assert node["mgmt-ipv4-prefix-length"] == 24
    assert node["labels"]["platform"] == "frr_linux"
    assert node["labels"]["clab-node-kind"] == node["kind"] == "linux"
    assert isinstance(node["index"], str)
    assert data["links"][0]["endpoints"] == {
        "a": {"node": "p1", "interface": "eth1", "mac": "02:00:00:00:00:01", "peer": "z"},
        "z": {"node": "p2", "interface": "eth1", "mac": "", "peer": "a"},
    }
    assert "admin" not in json.dumps(data)


def ansible(topology: Topology) -> Any:
    return yaml.safe_load(inventory_files.ansible(topology))["all"]


def test_a_kinds_login_is_written_once_for_the_kind(telco5_file: Topology) -> None:
    children = ansible(telco5_file)["children"]
    assert children["linux"]["vars"] == {"ansible_user": "admin", "ansible_password": "admin"}
    assert children["linux"]["hosts"]["clab-telco5-p1"] == {"ansible_host": "172.20.20.11"}
    nornir = yaml.safe_load(inventory_files.nornir(telco5_file))
    assert nornir["p1"] == {
        "username": "admin", "password": "admin", "platform": "linux", "hostname": "172.20.20.11",
    }  # fmt: skip


def test_a_default_login_is_for_all_and_nornir_does_not_see_it(tmp_path: Path) -> None:
    topology = load(tmp_path, defaults=f"defaults: {{{SET}}}")
    assert ansible(topology)["vars"]["ansible_user"] == "u"
    assert "vars" not in ansible(topology)["children"]["linux"]
    assert yaml.safe_load(inventory_files.nornir(topology))["r1"]["username"] is None


def test_a_nodes_own_login_is_written_at_the_host(tmp_path: Path) -> None:
    hosts = ansible(load(tmp_path, first=SET))["children"]["linux"]["hosts"]
    assert hosts["clab-logins-r1"]["ansible_user"] == "u"
    assert (
        "ansible_user" not in hosts["clab-logins-r2"] or not hosts["clab-logins-r2"]["ansible_user"]
    )


def test_labels_make_groups(tmp_path: Path) -> None:
    labels = "labels: {ansible-group: edge, ansible-no-host-var: 'true', nornir-group-a: core}"
    topology = load(tmp_path, first=labels)
    assert ansible(topology)["children"]["edge"]["hosts"] == {"clab-logins-r1": {}}
    assert yaml.safe_load(inventory_files.nornir(topology))["r1"]["groups"] == ["core"]


def test_known_hosts_has_both_ports(telco5_file: Topology) -> None:
    text = inventory_files.known_hosts(telco5_file, {"p1": "ssh-ed25519 AAAA p1\n"})
    assert text == "172.20.20.11 ssh-ed25519 AAAA\n[172.20.20.11]:830 ssh-ed25519 AAAA\n"


def test_only_our_files_are_removed(telco5_file: Topology, tmp_path: Path) -> None:
    place = tmp_path / "clab-telco5"
    inventory_files.write(place, telco5_file, {}, {})
    (place / "theirs").touch()
    inventory_files.remove(place)
    assert [path.name for path in place.iterdir()] == ["theirs"]
    (place / "theirs").unlink()
    inventory_files.remove(place)
    assert not place.exists()
