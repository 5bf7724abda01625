"""What a platform's data say of drift: which rule counts, and what is never shown."""

from __future__ import annotations

import pydantic
import pytest

from device_models import drift, loader, model
from oss_agent.spi.drift import Decision
from oss_agent.spi.tree import Path, Step

_FORM = pydantic.TypeAdapter[model.Platform](model.Platform)
_DATA = {
    "rules": [
        {"path": "services/*/description", "decision": "ignore"},
        {"path": "services/eline", "decision": "revert"},
        {"line": r"^ntp server", "decision": "adopt"},
    ],
}


def _judgement(**data: object) -> drift.PlatformDrift:
    whole: dict[str, object] = {"platform": "p", "title": "P", "capabilities": [], "drift": data}
    whole["netconf"] = {"kept": {"secrets": [r"^pin (?P<secret>\S+)"]}}
    platform = _FORM.validate_python(whole)
    return drift.PlatformDrift(lambda _: platform)


def _path(*names: str, **keys: str) -> Path:
    return (*(Step(name) for name in names[:-1]), Step(names[-1], tuple(keys.items())))


@pytest.mark.parametrize(
    ("path", "decision"),
    [
        (_path("services", "vrf", "description"), Decision.IGNORE),
        (_path("services", "eline", name="acme"), Decision.REVERT),
        (_path("services", "eline", "vni"), None),
        (_path("line", text="ntp server 192.0.2.1"), Decision.ADOPT),
        (_path("line", text="no ntp server"), None),
        ((), None),
    ],
)
def test_the_first_rule_that_fits_a_node_counts(path: Path, decision: Decision | None) -> None:
    assert _judgement(**_DATA).decision("p", "", path) is decision


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password hunter2", "password ******"),
        ("neighbor 192.0.2.1 password 7 094F471A1A0A", "neighbor 192.0.2.1 password 7 ******"),
        ("enable secret 5 $1$x", "enable secret 5 ******"),
        ("hashed-passphrase hunter2", "hashed-passphrase ******"),
        ("community private", "community ******"),
        ("pre-shared-key ascii-text", "pre-shared-key ******"),
        ("snmp-server community private ro", "snmp-server community ****** ro"),
        ("set community 65000:100", "set community 65000:100"),
        ("pin 1234", "pin ******"),
        ("vni 10100", "vni 10100"),
    ],
)
def test_secrets_are_never_shown(text: str, shown: str) -> None:
    assert _judgement(**_DATA).masked("p", "", text) == shown


def test_a_platform_whose_data_are_elsewhere_is_judged_without_rules() -> None:
    judgement = drift.PlatformDrift()
    assert judgement.decision("somebody_elses", "", _path("services", "eline")) is None
    assert judgement.masked("somebody_elses", "", "password hunter2") == "password ******"


@pytest.mark.parametrize(
    "data",
    [
        {"rules": [{"decision": "ignore"}]},
        {"rules": [{"path": "a", "line": "b", "decision": "ignore"}]},
        {"rules": [{"path": "a", "decision": "perhaps"}]},
        {"rules": [{"line": "(", "decision": "ignore"}]},
    ],
)
def test_wrong_data_are_refused(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"rule|decision|expression|group"):
        _judgement(**data)


def test_the_shipped_platforms_report_what_they_say_nothing_of() -> None:
    platforms = [
        place.name for place in loader.SHIPPED.iterdir() if (place / "platform.yaml").exists()
    ]
    assert platforms
    judgement = drift.PlatformDrift()
    path = _path("services", "eline", name="acme")
    assert {judgement.decision(one, "", path) for one in platforms} == {None}
