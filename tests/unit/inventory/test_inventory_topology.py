"""Links with their evidence: agreement, one-sidedness, lies, clones, declarations."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from inventory.facts import port_words
from inventory.topology import topology
from inventory.topology.neighbour_identity import Known, Seen

_AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
_PE1 = Known("pe1", "4:00000000aa01", (port_words.Port("eth1", mac="02:00:00:00:00:01"),))
_P1 = Known(
    "p1",
    "4:00000000aa02",
    (port_words.Port("eth2", mac="02:00:00:00:00:02"), port_words.Port("eth3")),
)
_KNOWN = [_PE1, _P1]
_PE1_SEES = Seen(("pe1", "eth1"), "4:00000000aa02", "eth2", "", "p1", _AT)
_P1_SEES = Seen(("p1", "eth2"), "4:00000000aa01", "02:00:00:00:00:01", "", "pe1", _AT)
_DECLARED = topology.Declared(("pe1", "eth1"), ("p1", "eth2"), "lab demo", _AT)


def _evidence(
    declared: list[topology.Declared], seen: list[Seen], known: list[Known]
) -> list[tuple[str, str, str]]:
    return [
        (f"{link.a_device}:{link.a_port}", f"{link.z_device}:{link.z_port}", link.evidence)
        for link in topology.links(declared, seen, known)
    ]


def test_both_ends_agree_by_name_and_by_mac() -> None:
    assert _evidence([], [_PE1_SEES, _P1_SEES], _KNOWN) == [
        ("p1:eth2", "pe1:eth1", "LLDP, both ends agree")
    ]


def test_one_end_alone_is_one_sided() -> None:
    assert _evidence([], [_PE1_SEES], _KNOWN) == [
        ("p1:eth2", "pe1:eth1", "LLDP, one-sided: only pe1:eth1 sees it")
    ]


def test_a_declared_link_says_who_declared_it() -> None:
    assert _evidence([_DECLARED], [_PE1_SEES, _P1_SEES], _KNOWN) == [
        ("p1:eth2", "pe1:eth1", "declared by lab demo; LLDP, both ends agree")
    ]


def test_a_declared_link_that_lldp_contradicts_shows_both() -> None:
    elsewhere = replace(_PE1_SEES, port_id="eth3")

    assert _evidence([_DECLARED], [elsewhere], _KNOWN) == [
        ("p1:eth2", "pe1:eth1", "declared by lab demo"),
        ("p1:eth3", "pe1:eth1", "LLDP, one-sided: only pe1:eth1 sees it"),
    ]


def test_the_port_is_found_by_its_description_when_its_id_is_local() -> None:
    described = replace(_PE1_SEES, port_id="7", port_description="eth2")

    assert len(_evidence([], [described], _KNOWN)) == 1


def test_a_cloned_chassis_is_nobody() -> None:
    clone = replace(_P1, device="p2")

    (link,) = topology.links([], [_PE1_SEES], [*_KNOWN, clone])

    assert (link.a_device, link.z_device) == (_P1.chassis, "pe1")
    assert link.reason.endswith("p1 and p2 have its chassis id")


def test_a_name_is_believed_only_when_no_chassis_contradicts() -> None:
    liar = replace(_PE1_SEES, chassis="4:00000000dead")

    (stranger,) = topology.links([], [liar], _KNOWN)
    assert stranger.a_device == liar.chassis
    silent = replace(_P1, chassis=None)
    (link,) = topology.links([], [liar], [_PE1, silent])
    assert link.a_device == "p1"


def test_a_port_that_sees_itself_makes_no_link() -> None:
    loop = Seen(("pe1", "eth1"), "4:00000000aa01", "eth1", "", "pe1", _AT)

    assert _evidence([], [loop], _KNOWN) == []


def _cdp(device_id: str, name: str) -> Seen:
    return Seen(("pe1", "eth1"), f"cdp:{device_id.encode().hex()}", "Gi0/1", "", name, _AT)


def test_boxes_behind_one_port_are_one_only_where_nothing_tells_them_apart() -> None:
    by_lldp = replace(_PE1_SEES, chassis="4:00000000beef", system_name="core")

    def nodes(*seen: Seen) -> int:
        return len({link.a_device for link in topology.links([], seen, [_PE1])})

    assert nodes(by_lldp, _cdp("core(S1)", "core")) == 1
    assert nodes(by_lldp, _cdp("core", "core")) == 1
    assert nodes(_cdp("core(S1)", "core"), _cdp("core(S2)", "core")) == 2
    assert nodes(_cdp("a", "Switch"), _cdp("b", "Switch")) == 2
    assert nodes(by_lldp, replace(by_lldp, chassis="4:00000000cafe"), _cdp("core", "core")) == 3
