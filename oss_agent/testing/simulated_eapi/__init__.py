"""A simulated Arista EOS device behind its eAPI (JSON-RPC over HTTP or HTTPS), for adapters.

It keeps configuration sessions as EOS does, knows nothing of our drivers, and moves no packet::

    async with SimulatedEos("leaf1") as box:
        box.endpoint("arista_eos")
"""

from oss_agent.testing.simulated_eapi.device import SimulatedEos as SimulatedEos
from oss_agent.testing.simulated_eapi.faults import Faults as Faults
