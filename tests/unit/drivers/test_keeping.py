"""What a whole configuration is, and what of it nobody may see."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from device_models import model
from drivers import keeping

_SHOWN = yaml.safe_load((Path(__file__).parent / "data" / "secret_lines.yaml").read_text("utf-8"))
_KEPT = model.Keeping(ends="^end$", secrets=(r"^ *wavelength (?P<secret>\S+)",))


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("enable secret 5 $1$mERr$hx5rVt7rPNoS4wqbXKX7m0", "enable secret 5 <>"),
        ("username admin privilege 15 password 7 0822455D0A16", "username admin privilege 15 password 7 <>"),
        (" neighbor 192.0.2.1 password s3cret word", " neighbor 192.0.2.1 password <>"),
        (" ip ospf message-digest-key 1 md5 7 00071A15", " ip ospf message-digest-key 1 md5 7 <>"),
        (" password cipher %^%#abc%^%#", " password cipher <>"),
        ("snmp-server community public RO 10", "snmp-server community <> RO 10"),
        ("snmp-agent community read cipher abc", "snmp-agent community read cipher <>"),
        ("snmp-server host 192.0.2.9 version 2c public", "snmp-server host 192.0.2.9 version 2c <>"),
        ("tacacs-server host 192.0.2.3 key 7 0822", "tacacs-server host 192.0.2.3 key 7 <>"),
        ("    <encrypted-password>$6$x</encrypted-password>", "    <encrypted-password><></encrypted-password>"),
        ('<community xmlns="urn:x">public</community>', '<community xmlns="urn:x"><></community>'),
        (" key 7 0822455D0A16", " key 7 <>"),
        (" key 7 0822", " key <>"),
        (" key cleartext", " key <>"),
        ("snmp-server host 192.0.2.9 public", "snmp-server host 192.0.2.9 <>"),
        ("snmp-server host 192.0.2.9 traps public udp-port 7", "snmp-server host 192.0.2.9 traps <> udp-port 7"),
        ("snmp-server host 192.0.2.9 traps version 2c public", "snmp-server host 192.0.2.9 traps version 2c <>"),
        ("snmp-server user ann ops v3 auth sha A1 priv aes 128 B2", "snmp-server user ann ops v3 auth <>"),
        ("snmp-agent usm-user v3 ann authentication-mode sha cipher A1", "snmp-agent usm-user v3 ann authentication-mode <>"),
        (" wavelength 1550", " wavelength <>"),
    ],
)  # fmt: skip
def test_secrets_are_known_as_makers_write_them(line: str, shown: str) -> None:
    assert keeping.masked(f"a\n{line}\nend\n", _KEPT, lambda _: "<>") == f"a\n{shown}\nend\n"


@pytest.mark.parametrize(
    "line",
    [
        "service password-encryption",
        " set community 65000:100",
        "bgp community-list standard c permit 65000:1",
        "  <community>65000:100</community>",
        " ip ospf authentication message-digest",
        "interface Ethernet1",
        "key chain core",
        " key 1",
        "snmp-server host 192.0.2.9 vrf MGMT",
        "snmp-server user ann ops v3",
    ],
)
def test_what_is_no_secret_is_shown(line: str) -> None:
    assert keeping.masked(line, _KEPT, lambda _: "<>") == line


@pytest.mark.parametrize(
    ("system", "line"), [(system, line) for system, lines in _SHOWN.items() for line in lines]
)
def test_secrets_are_known_in_lines_of_many_systems(system: str, line: str) -> None:
    configuration = line.replace("«", "").replace("»", "")
    shown = re.sub("«.*»", "<>", line)
    assert keeping.masked(configuration, _KEPT, lambda _: "<>") == shown, system


def test_a_private_key_is_masked_over_its_lines() -> None:
    key = " -----BEGIN EC PRIVATE KEY-----\n MHcCAQEE\n\n oAoGCCqG\n -----END EC PRIVATE KEY-----"
    rest = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\nend"
    shown = " -----BEGIN EC PRIVATE KEY-----\n<>\n\n<>\n -----END EC PRIVATE KEY-----"
    assert keeping.masked(f"a\n{key}\n{rest}", _KEPT, lambda _: "<>") == f"a\n{shown}\n{rest}"
    line = 'key "-----BEGIN PRIVATE KEY-----\\nMHcC\\n-----END PRIVATE KEY-----"\nend'
    assert keeping.masked(line, _KEPT, lambda _: "<>") == 'key "-----BEGIN PRIVATE KEY-----<>\nend'
    broken = "-----BEGIN PRIVATE KEY-----\nMHcC\nend"
    assert keeping.masked(broken, _KEPT, lambda _: "<>").endswith("-----\n<>\n<>"), "it never ends"


def test_each_secret_is_named_by_what_it_is() -> None:
    text = "username a password one\nusername b password two\n"
    assert keeping.masked(text, _KEPT, str.upper).splitlines()[1] == "username b password TWO"


def test_a_line_without_end_holds_nobody_up() -> None:
    first = ("password", "<password", "snmp-server host ", "radius ", "snmp-server community ")
    others = (
        "set snmp community",
        "set snmp ",
        "psk ",
        "psk=",
        "vrrp 1 authentication ",
        "server-private ",
    )
    hashes = ("sha1 0", "$9$", "authentication-mode md5 ", "snmp-agent target-host ", "community ")
    words = (
        *first,
        *others,
        *hashes,
        "snmp-server user auth ",
        "key ",
        "snmp-server host a traps ",
    )
    for word in words:
        keeping.masked(word * (60_000 // len(word)), _KEPT, lambda _: "<>")
    assert keeping.masked("x" * 70_000, _KEPT, lambda _: "<>") == "<>"


def test_a_whole_configuration_ends_as_its_platform_says() -> None:
    assert keeping.lacking("hostname a\nend\n", _KEPT) == ""
    assert "'hostname a'" in keeping.lacking("hostname a\n", _KEPT)
    assert keeping.lacking("", _KEPT) == "it is empty"
    assert "'username a password <secret>'" in keeping.lacking("username a password hunter2", _KEPT)
    assert keeping.lacking("", model.Keeping()) == ""
