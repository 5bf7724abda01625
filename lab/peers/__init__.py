"""Real servers on loopback for tests of other rooms: each a context manager that leaves nothing.

They run in this machine's network namespace but in a root of their own, from the lab's layer, so
nothing is installed and no file of the machine is written. A killed test run takes them along:
they end when the pipe to the process that started them closes.
"""

from lab.peers.frr import FrrPeer, frr
from lab.peers.netconfd import NetconfPeer, netconfd
from lab.peers.postgres import PostgresPeer, postgres
from lab.peers.promtool import promtool
from lab.peers.snmpd import SnmpPeer, snmpd

__all__ = [
    "FrrPeer",
    "NetconfPeer",
    "PostgresPeer",
    "SnmpPeer",
    "frr",
    "netconfd",
    "postgres",
    "promtool",
    "snmpd",
]
