"""Simulated devices for tests and demonstrations: shipped, importable by outside drivers.

Real SSH servers on loopback with their own NETCONF framing and datastores, apart from the drivers
and from the agent's tree code: where client and simulator agree, two readings of the RFC agree.
"""

from oss_agent.testing.simulated.device import SimulatedDevice as SimulatedDevice
from oss_agent.testing.simulated.faults import Faults as Faults
from oss_agent.testing.simulated.faults import Greeting as Greeting
from oss_agent.testing.simulated.history import Entry as Entry
from oss_agent.testing.simulated.history import Kind as Kind
from oss_agent.testing.simulated.lab_services import LAB_SERVICES as LAB_SERVICES
from oss_agent.testing.simulated.lab_services import vni_ceiling as vni_ceiling
from oss_agent.testing.simulated.mangling import Mangling as Mangling
from oss_agent.testing.simulated.network import SimulatedNetwork as SimulatedNetwork
from oss_agent.testing.simulated.offer import OFFERS as OFFERS
from oss_agent.testing.simulated.offer import UNSAFE as UNSAFE
from oss_agent.testing.simulated.offer import Offer as Offer
from oss_agent.testing.simulated.ssh import Login as Login
from oss_agent.testing.simulated.topology import TELCO5 as TELCO5
