"""Decides what a node's configuration files say, from the environment the topology file gives it.

Runs inside the node, on the node's own Python with nothing installed: in a namespace and in a
container the same. What each variable means:

LAB_LOOPBACK   router id and VXLAN source, without prefix length
LAB_ADDRESSES  core links, "eth1=10.0.0.0/31 eth2=..."
LAB_INTERNET   the port towards the Internet and its address, whose net BGP announces, "eth5=..."
LAB_BGP_PEERS  iBGP neighbours; LAB_BGP_CLIENTS those of them we reflect for
LAB_TRAP_SINK  where SNMP traps go
ELINE_VNI_MAX  refuse a larger VNI at commit
"""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path

AS_NUMBER = 65000

# datacenter: sessions the operator adds in a VRF have timers of seconds too, not of minutes
_ROUTER = """\
frr defaults datacenter
hostname {name}
service integrated-vtysh-config
agentx
! with kernel nexthop objects a flap of a multipath link leaves rejected routes behind (FRR 8.4)
no zebra nexthop kernel enable
!
interface lo
 ip address {loopback}/32
 ip ospf area 0
!
{core}{internet}router ospf
 ospf router-id {loopback}
 timers throttle spf 10 100 1000
!
router bgp {number}
 bgp router-id {loopback}
 no bgp default ipv4-unicast
 timers bgp 3 9
{neighbours} address-family ipv4 unicast
{networks}{unicast} exit-address-family
 address-family l2vpn evpn
{evpn}  advertise-all-vni
 exit-address-family
!
"""

_CORE = """\
interface {name}
 ip address {address}
 ip ospf area 0
 ip ospf network point-to-point
 ip ospf hello-interval 1
 ip ospf dead-interval 4
!
"""

_INTERNET = """\
interface {name}
 ip address {address}
!
"""

_NEIGHBOUR = """\
 neighbor {peer} remote-as {number}
 neighbor {peer} update-source lo
 neighbor {peer} timers connect 2
"""

_IF_INDEX, _ADMIN, _OPER = (f".1.3.6.1.2.1.2.2.1.{column}" for column in (1, 7, 8))
_SNMPD = f"""\
agentAddress udp:161
sysName {{name}}
rocommunity public
rwcommunity private
view all included .1
master agentx
agentXSocket /var/agentx/master
agentXPerms 0777 0777 frr frr
trap2sink {{sink}} public
# the internal user is what makes the monitors below work
createUser _internal SHA "internalpass" AES "internalpass"
iquerySecName _internal
rouser _internal
createUser labv3 SHA "labv3auth1" AES "labv3priv1"
rouser labv3 priv
# numeric: Debian ships no MIB files. Own monitors: linkUpDownNotifications looks only every 60 s
notificationEvent linkUpTrap .1.3.6.1.6.3.1.1.5.4 {_IF_INDEX} {_ADMIN} {_OPER}
notificationEvent linkDownTrap .1.3.6.1.6.3.1.1.5.3 {_IF_INDEX} {_ADMIN} {_OPER}
monitor -r 1 -e linkUpTrap "Generate linkUp" {_OPER} != 2
monitor -r 1 -e linkDownTrap "Generate linkDown" {_OPER} == 2
"""

_LLDPD = """\
configure system hostname {name}
configure lldp tx-interval 5
configure system interface pattern eth*,!eth0
"""

_SSHD = """\
{ports}HostKey /etc/ssh/lab_host_key
PidFile /run/sshd.pid
UsePAM no
UseDNS no
PrintMotd no
PermitRootLogin yes
PasswordAuthentication yes
KbdInteractiveAuthentication no
AuthorizedKeysFile /run/oss-lab/authorized_keys
StrictModes no
MaxStartups 100:30:200
MaxSessions 100
LogLevel INFO
Subsystem netconf "/usr/sbin/netconf-subsystem --ncxserver-sockname=830@/run/ncxserver.sock"
"""

_LIMITS = """\
module oss-lab-limits {{
  yang-version 1;
  namespace "urn:oss-agent:lab:limits";
  prefix lim;

  import oss-lab-services {{
    prefix oss;
  }}

  organization "oss-agent lab";
  contact "The lab folder of oss-agent.";
  description "What this router's hardware would not carry.";

  revision 2026-01-01 {{
    description "A largest VNI.";
  }}

  deviation /oss:services/oss:eline/oss:vni {{
    description "Tunnel identifiers above the limit are refused when the change is committed.";
    deviate add {{
      must ". <= {limit}" {{
        error-message "vni out of range";
        error-app-tag "invalid-value";
      }}
    }}
  }}
}}
"""


def router(env: Mapping[str, str], name: str) -> dict[str, str]:
    """Return a router's files by path."""
    files = {
        "/etc/frr/frr.conf": _frr(env, name),
        "/etc/frr/vtysh.conf": "service integrated-vtysh-config\n",
        # vtysh asks PAM about people who are not root, and its own answer is noise
        "/etc/pam.d/frr": "account sufficient pam_permit.so\nauth sufficient pam_permit.so\n",
        "/etc/snmp/lab_snmpd.conf": _SNMPD.format(name=name, sink=env["LAB_TRAP_SINK"]),
        "/etc/lldpd.d/lab.conf": _LLDPD.format(name=name),
        "/etc/ssh/lab_sshd_config": _SSHD.format(ports="Port 22\nPort 830\n"),
    }
    if "ELINE_VNI_MAX" in env:
        limits = _LIMITS.format(limit=int(env["ELINE_VNI_MAX"]))
        files["/etc/oss-lab/oss-lab-limits.yang"] = limits
    return files


def host() -> dict[str, str]:
    """Return a customer host's files by path."""
    return {"/etc/ssh/lab_sshd_config": _SSHD.format(ports="Port 22\n")}


def _frr(env: Mapping[str, str], name: str) -> str:
    core, internet = (_ports(env.get(name, "")) for name in ("LAB_ADDRESSES", "LAB_INTERNET"))
    nets = [ipaddress.ip_interface(address).network for _, address in internet]
    peers = env["LAB_BGP_PEERS"].split()
    clients = set(env.get("LAB_BGP_CLIENTS", "").split())
    family = {peer: _activate(peer, reflect=peer in clients) for peer in peers}
    return _ROUTER.format(
        name=name,
        loopback=env["LAB_LOOPBACK"],
        number=AS_NUMBER,
        core="".join(_CORE.format(name=port, address=address) for port, address in core),
        internet="".join(
            _INTERNET.format(name=port, address=address) for port, address in internet
        ),
        networks="".join(f"  network {net}\n" for net in nets),
        neighbours="".join(_NEIGHBOUR.format(peer=peer, number=AS_NUMBER) for peer in peers),
        unicast="".join(family.values()),
        evpn="".join(family.values()),
    )


def _ports(pairs: str) -> list[tuple[str, str]]:
    """Read "eth1=10.0.0.0/31 eth2=..."."""
    return [(port, address) for port, _, address in (pair.partition("=") for pair in pairs.split())]


def _activate(peer: str, *, reflect: bool) -> str:
    lines = f"  neighbor {peer} activate\n"
    return lines + (f"  neighbor {peer} route-reflector-client\n" if reflect else "")


def main() -> None:
    """Write the files of this node's role."""
    name = socket.gethostname()
    role = os.environ["LAB_ROLE"]
    files = router(os.environ, name) if role == "router" else host()
    for path, text in files.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text, encoding="utf-8")
    if role == "router":
        _give_to_frr()


def _give_to_frr() -> None:
    """Let the operator's vtysh read and `write memory`: both run as that user, of group frr."""
    folder = Path("/etc/frr")
    folder.chmod(0o775)
    for path in (folder, *folder.iterdir()):
        shutil.chown(path, "frr", "frr")
        if path.is_file():
            path.chmod(0o660)


if __name__ == "__main__":
    main()
