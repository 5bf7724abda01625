"""Decides that a Linux host is its data plus the command kit: a test point, never configured."""

from drivers.cli.driver import ProbeDriver

DRIVER = ProbeDriver("linux_host")
