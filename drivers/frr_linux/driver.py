"""Decides that the lab router (FRR on Linux) is its data plus the NETCONF kit."""

from drivers.netconf.driver import NetconfDriver

DRIVER = NetconfDriver("frr_linux")
