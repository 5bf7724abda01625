"""A lab directory's files, current and older, and what hostile ones are answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inventory.containerlab import containerlab
from inventory.containerlab.containerlab_said import Link, Login
from inventory.words import host_keys
from oss_agent import errors

_DATA = Path(__file__).parent / "data"
_TOPOLOGY = "topology-data.json"


def _files(case: str) -> dict[str, str]:
    return {path.name: path.read_text() for path in (_DATA / case).iterdir()}


def _lab(**changes: Any) -> dict[str, str]:
    """The older lab with its topology changed."""
    files = _files("older")
    return files | {_TOPOLOGY: json.dumps(json.loads(files[_TOPOLOGY]) | changes)}


def _node(**changes: Any) -> dict[str, str]:
    node = {"kind": "linux", "mgmt-ipv4-address": "172.20.20.2", "longname": "clab-demo-r1"}
    alone = {"nornir-simple-inventory.yml": ""}  # it would tell what the node leaves out
    return _lab(nodes={"r1": node | changes}, links=[]) | alone


def test_the_current_template_is_read() -> None:
    lab = containerlab.read(_files("current"))

    pe1, srl1, b1 = lab.devices
    assert (lab.name, pe1.name, pe1.platform, pe1.role, pe1.site) == (
        "demo",
        "pe1",
        "frr_linux",
        "pe",
        "north",
    )
    assert pe1.ports == {"ssh": 2222, "netconf": 8300, "snmp": 1161}
    assert (pe1.community, pe1.router_id) == ("lab-ro", "10.255.0.11")
    assert (srl1.platform, srl1.address, srl1.community) == (
        "nokia_srlinux",
        "3fff:172:20:20::3",
        None,
    )
    assert b1.platform == "linux_host"
    assert lab.refused == ()
    assert lab.left_out == (("br0", "it is a bridge of the lab's machine"),)
    assert lab.links == (
        Link("pe1", "eth1", "srl1", "ethernet-1/1"),
        Link("b1", "eth1", "pe1", "eth4"),
    )


def test_logins_are_resolved_host_then_group_then_all_then_nornir() -> None:
    pe1, srl1, b1 = containerlab.read(_files("current")).devices

    assert pe1.login == Login("admin", "own: word")
    assert b1.login == Login("admin", "0123")  # text, as it is written
    assert srl1.login == Login("spine", "weakest")
    r1, r2 = containerlab.read(_files("older")).devices
    assert (r1.login, r2.login) == (Login("admin", "admin"), Login("", None))


def test_a_secret_is_never_in_a_representation() -> None:
    assert "own: word" not in repr(containerlab.read(_files("current")))
    assert "lab-ro" not in repr(containerlab.read(_files("current")))


def test_a_key_counts_only_at_the_ports_of_the_device() -> None:
    pe1, srl1, b1 = containerlab.read(_files("current")).devices

    assert [key.split()[0] for key in pe1.host_keys] == ["ssh-ed25519"]
    assert (
        host_keys.fingerprint(pe1.host_keys[0])
        == "SHA256:IGkPJYFqArwMYr6sWn779QgMAp8ttUy57vJbk5DLoiU"
    )
    assert [key.split()[0] for key in b1.host_keys] == ["ecdsa-sha2-nistp256"]
    assert srl1.host_keys == ()


def test_the_older_template_of_links_is_read() -> None:
    assert containerlab.read(_files("older")).links == (Link("r1", "eth1", "r2", "eth1"),)


def test_a_directory_without_topology_is_refused() -> None:
    with pytest.raises(errors.OrderRejected, match=r"topology-data\.json is missing"):
        containerlab.read({})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "../x"}, "no usable name"),
        ({"nodes": []}, "has no object 'nodes'"),
        ({"nodes": {"a b": {}}}, "no usable name"),
        ({"nodes": {"../../etc": {}}}, "no usable name"),
        ({"nodes": {"r1": 1}}, "no usable name"),
        ({"links": {}}, "has no list 'links'"),
        ({"links": ["r1:eth1"]}, "is no object"),
        ({"links": [{"a": {"node": "r1", "interface": "eth1\n"}}]}, "with the end"),
    ],
)
def test_a_file_of_the_wrong_shape_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(errors.OrderRejected, match=words) as told:
        containerlab.read(_lab(**changes))
    assert told.value.field == _TOPOLOGY


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mgmt-ipv4-address": ""}, "no management address"),
        ({"mgmt-ipv4-address": "fe80::1%eth0\nhost x"}, "is no IP address"),
        ({"mgmt-ipv4-address": "172.20.20.2/24"}, "is no IP address"),
        ({"mgmt-ipv4-address": 5}, "no management address"),
        ({"kind": "linux; reboot"}, "kind 'linux; reboot' is not usable"),
        ({"labels": {"ssh-port": "0"}}, "is no port"),
        ({"labels": {"netconf-port": "830 "}}, "is no port"),
        ({"labels": {"snmp-port": "65536"}}, "is no port"),
        ({"labels": {"router-id": "1.2.3"}}, "router-id '1.2.3' is no IP address"),
        ({"labels": {"snmp-community": "a\nb"}}, "snmp-community is not one printable line"),
        ({"labels": {"site": "x" * 200}}, "label site"),
        ({"labels": {"site": 7}}, "labels are not a mapping of text to text"),
        ({"labels": {"platform": "a/b"}}, "label platform 'a/b' is not usable"),
    ],
)
def test_a_node_that_cannot_be_used_is_refused_alone(changes: dict[str, Any], words: str) -> None:
    lab = containerlab.read(_node(**changes))

    assert lab.devices == ()
    ((name, reason),) = lab.refused
    assert (name, words in reason) == ("r1", True), reason


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("|1|abc=|def= ssh-ed25519 AAAA", "hashed host name"),
        ("@revoked * ssh-ed25519 AAAA", "marker '@revoked'"),
        (
            "* ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDyUvZTn9WvXBMk90XycZLGbQqYdlbM/QB0z5JfEoVx1",
            "wildcards and negations",
        ),
        ("172.20.20.2", "holds no public key"),
        ("172.20.20.2 ssh-dss AAAA", "holds no public key"),
        ("172.20.20.2 ssh-ed25519 AAAA", "holds no public key"),
        (
            "172.20.20.2 ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIDyUvZTn9WvXBMk90XycZLGbQqYdlbM/QB0z5JfEoVx1",
            "holds no public key",
        ),
    ],
)
def test_a_known_hosts_line_that_cannot_be_read_is_named(line: str, words: str) -> None:
    with pytest.raises(errors.OrderRejected, match=words) as told:
        containerlab.read(_files("older") | {"known_hosts": f"\n{line}\n"})
    assert told.value.field == "known_hosts line 2"
