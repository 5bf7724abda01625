"""Parts that do not fit together, and values that tell nothing: said, never guessed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import pytest

from device_models import loader, model
from drivers import recognition, steps
from oss_agent import registry
from oss_agent.catalog import catalogue, specification
from oss_agent.spi import adoption
from oss_agent.spi.tree import ROOT, Step, Tree

CATALOGUE = catalogue.Specifications(specification.load(), {"as_number": "65000"})
DESCRIBED = "acme to <other.device>:<other.port>"
END = {"name": "acme", "vni": "10150", "port": "eth4", "rate": "20000"}


def part(device: str, template: str = "eline", **slots: str) -> adoption.Part:
    of = END if template == "eline" else {}
    return adoption.Part(device, template, {**of, **slots}, f"netconf /{device}/{template}")


@pytest.mark.parametrize(
    ("odd", "doubt"),
    [
        ({"name": "other"}, "name is told differently: acme on pe1, other on pe2"),
        ({"rate": "30000"}, "bandwidth is told differently: 20 on pe1, 30 on pe2"),
        ({"rate": "20001"}, "pe2 netconf /pe2/eline: rate 20001 is no multiple of 1000"),
        (
            {"description": "x"},
            f"pe2 netconf /pe2/eline: description is 'x': the design has {DESCRIBED!r}",
        ),
    ],
)
def test_what_two_ends_tell_otherwise_is_a_doubt(odd: Mapping[str, str], doubt: str) -> None:
    survey = CATALOGUE.recognise([part("pe1"), part("pe2", **odd)])
    (one,) = survey.candidates
    assert one.doubts == (doubt,)
    assert one.characteristics["aEnd"] == "pe1:eth4"


def test_ends_of_different_segments_are_different_services() -> None:
    survey = CATALOGUE.recognise([part("pe1"), part("pe2", vni="7")])
    assert sorted(one.claims["vni"] for one in survey.candidates) == ["10150", "7"]


@pytest.mark.parametrize(
    ("slots", "why"),
    [
        ({"vrf": "blue", "vni": "7"}, "vrf is 'blue': the design has 'vpn7'"),
        (
            {"vrf": "vpn7", "vni": "7", "as_number": "65001"},
            "says setting.as_number 65001, not 65000",
        ),
    ],
)
def test_what_no_design_makes_is_said(slots: Mapping[str, str], why: str) -> None:
    survey = CATALOGUE.recognise([part("pe1", "l3vpn", transit="100.64.0.1/10", **slots)])
    told = [*(doubt for one in survey.candidates for doubt in one.doubts)]
    told += [one.unfit for one in survey.unfit]
    assert any(why in one for one in told)


def test_an_evpn_segment_without_a_vpn_is_no_vpn() -> None:
    """An operator gave an E-Line's segment a target of its own: that is no L3VPN without sites."""
    route = {"vni": "10150", "as_number": "65000", "rd": "65000:1", "rt": "65000:2"}
    survey = CATALOGUE.recognise([part("pe1"), part("pe2"), part("pe1", "evpn-segment", **route)])

    assert [one.specification for one in survey.candidates] == ["eline"]
    (segment,) = survey.unfit
    assert segment.template == "evpn-segment"
    assert segment.unfit == "no port of the service that it would be part of was found"


def _interface(*lines: str) -> Tree:
    return Tree(Step("interface eth4"), children=tuple(Tree(steps.owned(line)) for line in lines))


def test_an_anchor_without_the_rest_names_what_lacks() -> None:
    driver = registry.installed().driver("sim_cli")
    profile = Tree(steps.owned("policy-map mbps-20"), children=(Tree(steps.owned("rate 20000")),))
    there = ("service internet acme", "ip address 203.0.113.1/30", "service-policy mbps-50")
    has = {"cli": Tree(ROOT, children=(_interface(*there), profile))}
    (one,) = driver.recognise(has, {"internet-access", "no-such"})
    assert one.unfit == "/ has policy-map mbps-20, which is no policy-map mbps-50"
    assert one.slots == {"name": "acme", "port": "eth4"}


def test_a_search_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = registry.installed().driver("sim_cli")
    slots = {**END, "description": "acme"}
    has = driver.instantiate("eline", slots)
    monkeypatch.setattr(recognition, "EACH", 3)
    (one,) = driver.recognise(has, {"eline"})
    assert one.unfit.startswith("it is not read within 3 tries")
    monkeypatch.setattr(recognition, "TRIES", 3)
    (one,) = driver.recognise(has, {"eline"})
    assert one.unfit.startswith("the 3 tries for eline on this device are spent")


def test_what_takes_too_many_tries_takes_none_from_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    driver = registry.installed().driver("sim_cli")
    has = [
        driver.instantiate(
            "l3vpn-peer", {"as_number": "65000", "vrf": vrf, "neighbor": "100.64.0.2"}
        )
        for vrf in ("vpn7", "vpn8")
    ]
    (odd,), (plain,) = (one["cli"].children for one in has)
    many = [Tree(steps.owned(f"neighbor 100.64.1.{n} remote-as 65000")) for n in range(30)]
    alike = dataclasses.replace(odd, children=(*odd.children, *many))
    monkeypatch.setattr(recognition, "EACH", 20)
    found = driver.recognise({"cli": Tree(ROOT, children=(alike, plain))}, {"l3vpn-peer"})
    fit = {one.slots["vrf"]: one.unfit for one in found}
    assert fit["vpn8"] == ""
    assert "not read within 20 tries" in fit["vpn7"]


def test_what_can_be_read_in_too_many_ways_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognition, "MANY", 1)
    driver = registry.installed().driver("sim_cli")
    slots = {"as_number": "65000", "vrf": "vpn7", "neighbor": "100.64.0.2"}
    (has,) = driver.instantiate("l3vpn-peer", slots)["cli"].children
    more = Tree(steps.owned("neighbor 100.64.0.3 remote-as 65000"))
    router = dataclasses.replace(has, children=(*has.children, more))
    (one,) = driver.recognise({"cli": Tree(ROOT, children=(router,))}, {"l3vpn-peer"})
    assert one.unfit == "it can be read in more than 1 ways"


def test_a_slot_that_a_line_has_twice_is_one_value() -> None:
    name = model.Word(slot="name")
    words = (model.Word(text="class"), name, model.Word(text="as"), name)
    slots = {"name": model.Slot(type=model.SlotType.NAME)}
    twice = model.Template(slots=slots, stores={"cli": (model.Line(line=words),)})
    platform = dataclasses.replace(loader.load("sim_cli"), templates={"twice": twice})
    lines = tuple(Tree(steps.owned(line)) for line in ("class a as a", "class a as b"))
    has = {"cli": Tree(ROOT, children=lines)}
    (one,) = recognition.recognise(platform, "cli", has, {"twice"}, lambda _path, _store: False)
    assert (one.slots, one.unfit) == ({"name": "a"}, "")
