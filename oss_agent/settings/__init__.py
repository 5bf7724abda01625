"""Every setting, in one frozen tree: TOML file first, then environment, each with unit and reason.

``OSS_AGENT_HTTP__PORT=9000`` overrides ``[http] port``. Nothing else in the agent reads the
environment. A secret is never a value here: it is a reference, ``file:PATH`` or ``env:NAME``,
resolved where it is used.
"""

from oss_agent.settings.catalogue import Catalogue
from oss_agent.settings.http import Http, Token
from oss_agent.settings.loading import load
from oss_agent.settings.machine import Flow, Log, Store
from oss_agent.settings.network import Assurance, Backup, Discovery, Snmp
from oss_agent.settings.orders import WEEK, Fulfilment, Orders, Window
from oss_agent.settings.outside import environment, resolve, unresolved
from oss_agent.settings.pools import Pool
from oss_agent.settings.telling import Billing, Connector, Outbox
from oss_agent.settings.tree import Settings

__all__ = [
    "WEEK",
    "Assurance",
    "Backup",
    "Billing",
    "Catalogue",
    "Connector",
    "Discovery",
    "Flow",
    "Fulfilment",
    "Http",
    "Log",
    "Orders",
    "Outbox",
    "Pool",
    "Settings",
    "Snmp",
    "Store",
    "Token",
    "Window",
    "environment",
    "load",
    "resolve",
    "unresolved",
]
