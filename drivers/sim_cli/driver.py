"""Decides that the simulated command-line router is its data plus the command-line kit."""

from drivers.cli.configuring import LinesDriver

DRIVER = LinesDriver("sim_cli")
