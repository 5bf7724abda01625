"""What a configuration that is kept is judged and shown by: where it ends, what in it is secret."""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

from pydantic import AfterValidator
from pydantic.dataclasses import dataclass

from device_models.model.written import STRICT, Expression


def _names_a_secret(expression: str) -> str:
    if "secret" not in re.compile(expression).groupindex:
        raise ValueError(f"{expression!r} has no group (?P<secret>...)")
    return expression


Secret: TypeAlias = Annotated[Expression, AfterValidator(_names_a_secret)]
"""An expression over one line whose group ``secret`` is what nobody may see."""


SECRETS: tuple[Secret, ...] = (
    (
        r"(?i)\b(?:password|passwd|secret|passphrase|key-string|pre-shared-key|shared-key|server-key|session-key"
        r"|privacy-key|community-name|md5|auth(?:entication)?-key)"
        r"\s+(?:(?:cipher|encrypted|simple|plain|irreversible-cipher|\d)\s+)?(?P<secret>\S.*)$"
    ),
    r"(?i)(?:password|passwd|passphrase|psk|secret|shared-key|auth-key)=(?P<secret>\S.*)$",
    r"(?i)^\s*snmp-(?:server|agent)\s+community\s+(?:(?:read|write|ro|rw|cipher)\s+)*(?P<secret>\S+)",
    r"(?i)^\s*snmp-server\s+host\s.*?\sversion\s+(?:1|2c|3\s+\S+)\s+(?P<secret>\S+)",
    (
        r"(?i)^\s*snmp-server\s+host\s+\S+\s+(?:(?:traps|informs)\s+)?"
        r"(?!(?:traps|informs|version|vrf|use-vrf|udp-port|source-interface)\b)(?P<secret>\S+)"
    ),
    (
        r"(?i)^\s*snmp-(?:server\s+user|agent\s+(?:remote-engineid\s+\S+\s+)?usm-user)\s.*?"
        r"\s(?:auth|priv|authentication-mode|privacy-mode)\s+(?P<secret>\S.*)$"
    ),
    r"(?i)^\s*snmp-agent\s+target-host\s.*?\ssecurityname\s+(?:cipher\s+)?(?P<secret>\S+)",
    r"(?i)^\s*set\s+(?:\S+\s+\S+\s+)?snmp\s+community\s+(?P<secret>\S+)",
    r"(?i)^\s*community\s+(?!\d+:\d+\b)(?P<secret>[^\s;]+)(?:\s*\{|;)\s*$",
    r"(?i)^\s*(?:ro|rw|trap)community6?\s+(?P<secret>\S+)",
    r"(?i)^\s*key\s+(?:\d\s+)?(?P<secret>(?!chain\b|\d+\s*$)\S.*)$",
    r"(?i)^\s*(?:tacacs|radius|crypto isakmp|server-private).*?\bkey\s+(?:\d\s+)?(?P<secret>\S.*)$",
    (
        r"(?i)^\s*(?:vrrp|standby|glbp)\s+\d+\s+(?:peer\s+)?authentication\s+(?:(?:text|ietf-md5)\s+)?"
        r"(?P<secret>\S.*)$"
    ),
    (
        r"(?i)\bauthentication-mode\s+(?:simple|md5|hmac-[\w-]{1,20})\s+(?:\d+\s+)?(?:(?:plain|cipher)\s+)?"
        r"(?P<secret>\S.*)$"
    ),
    r"(?i)^\s*ip\s+(?:rip\s+authentication\s+string|nhrp\s+authentication)\s+(?P<secret>\S.*)$",
    r"(?i)\bmessage-digest-key\s+\d+\s+\S+\s+(?:\d\s+)?(?P<secret>\S.*)$",
    r"(?i)\bsha1?\s+(?:\d\s+)?(?P<secret>[0-9A-F]{20,}\S*)",
    r"(?i)\bpsk\s+(?:(?:ascii|hex|pass-phrase|cipher|simple|encrypted|\d)\s+)*(?P<secret>\S.*)$",
    (
        r"(?i)^\s*<[\w.-]{0,80}(?:password|secret|passphrase|private-key|psk|key-?string|shared-key|text-name"
        r"|authentication-key|auth-key|encrypted|hexadecimal-string)[\w.-]{0,80}(?: [^>]*)?>(?P<secret>[^<]+)"
    ),
    r"(?i)^\s*<[\w.-]{0,80}community[\w.-]{0,80}(?: [^>]*)?>(?!\d+:\d+<)(?P<secret>[^<]+)",
    r"(?P<secret>\"?\$(?:\d{1,2}|2[aby]|y|sha1)\$\S+)",
)
"""What is a secret on whatever platform: the words that makers and RFCs have for passwords, keys and
SNMP communities, and last what looks like a hash of one. A platform names what it has besides; it can take none of these away."""


@dataclass(frozen=True, slots=True, config=STRICT)
class Keeping:
    """What a configuration that is kept is judged and shown by.

    * ``ends``: what the last line of a whole one matches; "" where the protocol itself tells that
      nothing is missing, as NETCONF's framing does.
    * ``secrets``: what is secret in a line beside ``SECRETS``.
    """

    ends: Expression = ""
    secrets: tuple[Secret, ...] = ()
