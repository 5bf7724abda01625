"""Decides that Arista EOS is its data plus the NAPALM kit, with configuration sessions as the lock."""

from drivers.arista_eos import box
from drivers.napalm_adapter.driver import NapalmDriver

DRIVER = NapalmDriver("arista_eos", box.made)
