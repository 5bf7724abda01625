"""Decides that the lab router (FRR on Linux) is its data plus two kits: NETCONF, and vtysh's lines."""

from drivers.cli.configuring import LinesDriver
from drivers.netconf.driver import NetconfDriver
from drivers.stores import StoresDriver

DRIVER = StoresDriver((NetconfDriver("frr_linux"), LinesDriver("frr_linux")))
