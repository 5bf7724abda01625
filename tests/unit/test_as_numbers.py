"""Values that carry another AS number than the network's are told at the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from oss_agent import settings
from oss_agent.app import pools


def _told(folder: Path, text: str) -> tuple[str, ...]:
    file = folder / "agent.toml"
    file.write_text(text, encoding="utf-8")
    return pools.of_other_numbers(settings.load(file))


_RD = 'pools = [{name = "rd", first = 1, last = 9, kind = "rd", administrator = "%s"}]\n'
_OURS = '[catalogue]\nas_number = 64512\ninternet_community = "64512:100"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ()),
        (_RD % "64512" + _OURS, ()),
        (_RD % "192.0.2.1" + _OURS, ()),
        (_RD % "65000" + _OURS, ("rd (65000)",)),
        (
            "[catalogue]\nas_number = 64512\n",
            ("vpn-rd (65000)", "vpn-rt (65000)", "catalogue.internet_community (65000:100)"),
        ),
    ],
)
def test_what_carries_another_number_is_named(
    tmp_path: Path, text: str, told: tuple[str, ...]
) -> None:
    assert _told(tmp_path, text) == told
