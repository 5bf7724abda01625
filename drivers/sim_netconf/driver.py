"""Decides that the simulated device is its data plus the NETCONF kit; no packet ever moves there."""

from drivers.netconf.driver import NetconfDriver

DRIVER = NetconfDriver("sim_netconf")
