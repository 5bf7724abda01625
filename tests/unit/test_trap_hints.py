"""What a trap gives reason to look at: a card, a neighbour, a restart; whatever is unknown, the configuration."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from oss_agent.app import hints
from oss_agent.assurance import traps
from oss_agent.spi import snmp
from oss_agent.spi.onboarding import About

_GENERIC = (1, 3, 6, 1, 6, 3, 1, 1, 5)


@pytest.mark.parametrize(
    ("oid", "about"),
    [
        ((*_GENERIC, 1), About.WHOLE),
        ((*_GENERIC, 2), About.WHOLE),
        ((1, 3, 6, 1, 2, 1, 47, 2, 0, 1), About.PARTS),
        ((1, 0, 8802, 1, 1, 2, 0, 0, 1), About.NEIGHBOURS),
        # ciscoConfigManEvent, and one that nobody knows.
        ((1, 3, 6, 1, 4, 1, 9, 9, 43, 2, 0, 1), About.CONFIGURATION),
        ((1, 3, 6, 1, 4, 1, 99_999), About.CONFIGURATION),
        ((*_GENERIC, 3), None),
        ((*_GENERIC, 5), None),
        ((1, 3, 6, 1, 2, 1, 15, 0, 1), None),
    ],
)
def test_what_is_looked_at(oid: snmp.Oid, about: About | None) -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    assert traps.about(snmp.Trap("192.0.2.1", at, 0.0, b"c", 1, oid, ())) is about


def test_who_looks_anew_hears_of_everything_and_who_reads_of_what_may_be_configured() -> None:
    looked: list[tuple[str, About]] = []
    read: list[str] = []
    told = hints.Hints()
    with pytest.raises(RuntimeError, match="nowhere to go"):
        told.changed("pe1")
    told.go_to(lambda device, about: looked.append((device, about)), read.append)
    told.changed("pe1", About.PARTS)
    told.changed("pe2", About.CONFIGURATION)
    told.changed("pe3")
    told.reconfigured("pe4")
    assert looked == [("pe1", About.PARTS), ("pe2", About.CONFIGURATION), ("pe3", About.WHOLE)]
    assert read == ["pe2", "pe3", "pe4"]
