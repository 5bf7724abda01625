"""Decides how a simulated network looks as a lab directory: the files containerlab would write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from oss_agent.testing.simulated.network import SimulatedNetwork
from oss_agent.testing.simulated.topology import Node

_KIND = "sim_netconf"


def write(network: SimulatedNetwork, directory: Path) -> None:
    """Write topology-data.json, both inventories and known_hosts, for ``oss-agent import``."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in files(network).items():
        (directory / name).write_text(text)


def files(network: SimulatedNetwork) -> dict[str, str]:
    """File name to text. JSON is YAML: the inventories need no YAML writer."""
    return {
        "topology-data.json": _json(_topology(network)),
        "ansible-inventory.yml": _json(_ansible(network)),
        "nornir-simple-inventory.yml": _json(_nornir(network)),
        "known_hosts": "".join(_known_hosts(network)),
    }


def _json(data: object) -> str:
    return json.dumps(data, indent=2) + "\n"


def _topology(network: SimulatedNetwork) -> dict[str, Any]:
    topology = network.topology
    nodes = {node.name: _node(network, place, node) for place, node in enumerate(topology.nodes, 1)}
    return {
        "name": topology.name,
        "type": "clab",
        "clab": {
            "config": {
                "prefix": "sim",
                "mgmt": {"network": "loopback", "ipv4-subnet": "127.0.0.0/8"},
            }
        },
        "ssh-pub-keys": [],
        "nodes": nodes,
        "links": _links(network),
    }


def _node(network: SimulatedNetwork, place: int, node: Node) -> dict[str, Any]:
    long = _long(network, node)
    return {
        "index": str(place),
        "shortname": node.name,
        "longname": long,
        "fqdn": f"{node.name}.{network.topology.name}.io",
        "group": node.role,
        "labdir": "",
        "kind": _KIND,
        "image": "",
        "mgmt-net": "",
        "mgmt-intf": "",
        "mgmt-ipv4-address": node.address,
        "mgmt-ipv4-prefix-length": 8,
        "mgmt-ipv6-address": "",
        "mgmt-ipv6-prefix-length": 0,
        "mac-address": "",
        "labels": _labels(network, node),
        "port-bindings": [],
    }


def _labels(network: SimulatedNetwork, node: Node) -> dict[str, str]:
    device = network.devices[node.name]
    return {
        "role": node.role,
        "site": node.site,
        "platform": device.platform,
        "router-id": node.router_id,
        "ssh-port": str(device.port),
        "netconf-port": str(device.port),
        "snmp-port": str(network.agents[node.name].port),
        "snmp-community": network.agents[node.name].community,
        "clab-node-name": node.name,
        "clab-node-kind": _KIND,
        "containerlab": network.topology.name,
    }


def _links(network: SimulatedNetwork) -> list[dict[str, Any]]:
    def end(node: str, port: str, peer: str) -> dict[str, str]:
        mac = network.agents[node].router.ports[port].mac
        return {"node": node, "interface": port, "mac": mac.hex(":"), "peer": peer}

    return [
        {
            "endpoints": {
                "a": end(link.a_node, link.a_port, "z"),
                "z": end(link.z_node, link.z_port, "a"),
            }
        }
        for link in network.topology.links
    ]


def _ansible(network: SimulatedNetwork) -> dict[str, Any]:
    hosts = {
        _long(network, node): {
            "ansible_host": node.address,
            **_login(network, node, "ansible_user", "ansible_password"),
        }
        for node in network.topology.nodes
    }
    return {
        "all": {
            "vars": {"ansible_httpapi_use_proxy": False},
            "children": {_KIND: {"hosts": hosts}},
        }
    }


def _nornir(network: SimulatedNetwork) -> dict[str, Any]:
    return {
        node.name: {
            **_login(network, node, "username", "password"),
            "platform": _KIND,
            "hostname": node.address,
        }
        for node in network.topology.nodes
    }


def _login(network: SimulatedNetwork, node: Node, user: str, word: str) -> dict[str, str]:
    login = network.devices[node.name].login
    return {user: login.username, word: login.password}


def _known_hosts(network: SimulatedNetwork) -> list[str]:
    devices = [(node.address, network.devices[node.name]) for node in network.topology.nodes]
    return [f"[{address}]:{device.port} {device.host_key}\n" for address, device in devices]


def _long(network: SimulatedNetwork, node: Node) -> str:
    return f"sim-{network.topology.name}-{node.name}"
