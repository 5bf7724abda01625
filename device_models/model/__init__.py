"""Decides what may be said about a platform: the shape of its data files, as frozen values.

Validated where the bytes enter (pydantic), so a typing error in a data file is refused with its
place.
"""

from device_models.model.adapters import Napalm, Netmiko
from device_models.model.command_line import CommandLine, Grammar, Need, Negation, Shell
from device_models.model.judging import Drift, DriftRule
from device_models.model.keeping import SECRETS, Keeping, Secret
from device_models.model.netconf import Netconf
from device_models.model.platform import Platform
from device_models.model.reading import Alternative, Channel, Extract, Reading, Rows, Value
from device_models.model.templates import Line, Node, Schema, Slot, SlotType, Template, Word
from device_models.model.written import Expression

__all__ = [
    "SECRETS",
    "Alternative",
    "Channel",
    "CommandLine",
    "Drift",
    "DriftRule",
    "Expression",
    "Extract",
    "Grammar",
    "Keeping",
    "Line",
    "Napalm",
    "Need",
    "Negation",
    "Netconf",
    "Netmiko",
    "Node",
    "Platform",
    "Reading",
    "Rows",
    "Schema",
    "Secret",
    "Shell",
    "Slot",
    "SlotType",
    "Template",
    "Value",
    "Word",
]
