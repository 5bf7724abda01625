"""A simulated router that is configured by command lines, over a real SSH server on loopback.

Its interpreter of sections and negation is its own, apart from the drivers' serialiser: where both
agree, two readings of such a command line agree.
"""

from oss_agent.testing.simulated_cli.device import SimulatedCli as SimulatedCli
from oss_agent.testing.simulated_cli.faults import Echo as Echo
from oss_agent.testing.simulated_cli.faults import Faults as Faults
