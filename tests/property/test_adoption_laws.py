"""Finding is designing backwards: what a design puts on devices is found as what was ordered."""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oss_agent import registry
from oss_agent.catalog import catalogue, specification
from oss_agent.fulfilment.intent import adoption as zero_diff
from oss_agent.fulfilment.intent import plan
from oss_agent.fulfilment.trees import tree
from oss_agent.spi import adoption, device, ledger, orders, views
from oss_agent.spi import catalogue as spi_catalogue
from oss_agent.spi.tree import EMPTY, Path, Tree, path_text

SETTINGS = {"as_number": "65000", "internet_community": "65000:100"}
CATALOGUE = catalogue.Specifications(specification.load(), SETTINGS)
DEVICES = ("pe1", "pe2", "pe3")
PORTS = tuple(f"eth{n}" for n in range(6))
PLATFORMS = ("sim_netconf", "sim_cli", "frr_linux")
EVERYWHERE = [f"{name}:{port}" for name in DEVICES for port in PORTS]

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True)
bandwidths = st.integers(1, 100_000)
vnis = st.integers(1, 2**24 - 1)


def item(one: adoption.Candidate) -> orders.ItemRequest:
    """The order item that a candidate is."""
    return orders.ItemRequest(
        "1",
        views.ItemAction.ADD,
        one.specification,
        one.version,
        "s1",
        one.name,
        one.characteristics,
        "serviceOrderItem[0]",
        claims=one.claims,
    )


def candidate(
    kind: str,
    name: str,
    characteristics: Mapping[str, Any],
    claims: Mapping[str, str],
    version: str = "1.0",
) -> adoption.Candidate:
    return adoption.Candidate("", kind, version, name, characteristics, claims)


@st.composite
def elines(draw: st.DrawFn) -> adoption.Candidate:
    ends = draw(st.permutations(DEVICES))[:2]
    said: dict[str, Any] = {
        end: f"{name}:{draw(st.sampled_from(PORTS))}"
        for end, name in zip(("aEnd", "zEnd"), sorted(ends), strict=True)
    }
    if draw(st.booleans()):
        said["bandwidth"] = draw(bandwidths)
    return candidate("eline", draw(names), said, {"vni": str(draw(vnis))})


@st.composite
def accesses(draw: st.DrawFn) -> adoption.Candidate:
    number = draw(st.integers(0, 2**14 - 1))
    prefix = ipaddress.ip_network((int(ipaddress.ip_address("203.0.0.0")) + 4 * number, 30))
    said = {"accessPort": draw(st.sampled_from(EVERYWHERE)), "bandwidth": draw(bandwidths)}
    return candidate("internet-access", draw(names), said, {"prefix": str(prefix)}, "1.1")


@st.composite
def vpns(draw: st.DrawFn) -> adoption.Candidate:
    ports = draw(st.lists(st.sampled_from(EVERYWHERE), min_size=2, max_size=6, unique=True))
    sites: list[dict[str, Any]] = []
    for number, port in enumerate(sorted(ports)):
        # A site's name is told by its description alone: one that all have, or the site has none.
        one: dict[str, Any] = {"port": port, "address": f"172.16.{number}.1/24"}
        if draw(st.booleans()):
            one["name"] = draw(names)
        if draw(st.booleans()):
            one["bandwidth"] = draw(bandwidths)
        sites.append(one)
    claims = {"vni": str(draw(vnis))}
    used = sorted({port.partition(":")[0] for port in ports})
    claims |= {f"transit.{name}": f"100.64.0.{n}/10" for n, name in enumerate(used, start=1)}
    return candidate("l3vpn", draw(names), {"sites": sites}, claims)


@st.composite
def targeted_vpns(draw: st.DrawFn) -> adoption.Candidate:
    one = draw(vpns())
    used = [name.partition(".")[2] for name in one.claims if name.startswith("transit.")]
    numbers = draw(
        st.lists(st.integers(0, 2**32 - 1), min_size=len(used) + 1, max_size=len(used) + 1)
    )
    rt, *rds = (f"65000:{number}" for number in numbers)
    routes = {f"rd.{name}": rd for name, rd in zip(used, rds, strict=True)}
    return dataclasses.replace(one, version="1.1", claims={**one.claims, **routes, "rt": rt})


services = st.one_of(elines(), accesses(), vpns())


def drivers(platform: str) -> dict[str, device.Driver]:
    return dict.fromkeys(DEVICES, registry.installed().driver(platform))


def wanted(one: adoption.Candidate, platform: str) -> Mapping[plan.Place, Tree]:
    """What it is on devices of a platform."""
    asked = item(one)
    CATALOGUE.check(asked)
    ports = {port: ledger.PortFact(port) for port in PORTS}
    known = {
        name: ledger.DeviceFact(name, platform, trusted=True, managed=True, ports=ports)
        for name in DEVICES
    }
    needs = {need.name: need.wanted or "" for need in CATALOGUE.needs(asked)}
    design = CATALOGUE.decompose(asked, ledger.Snapshot(known, {}), needs)
    return plan.wanted(design, drivers(platform))


def found(has: Mapping[plan.Place, Tree], platform: str) -> adoption.Survey:
    """What is found where devices have this."""
    parts: list[adoption.Part] = []
    for name in DEVICES:
        stores = {store: one for (where, store), one in has.items() if where == name}
        for one in drivers(platform)[name].recognise(stores, CATALOGUE.templates()):
            at = f"{one.store} {path_text(one.at)}"
            parts.append(adoption.Part(name, one.template, one.slots, at, one.unfit))
    return CATALOGUE.recognise(parts)


def differences(
    one: adoption.Candidate, has: Mapping[plan.Place, Tree], platform: str
) -> tuple[str, ...]:
    """All that stands in the way of adopting it where devices have this."""
    those = drivers(platform)
    changes = [
        plan.change(
            plan.Intent(name, store, platform, EMPTY, want, policy=spi_catalogue.OutOfBand.AS_IS),
            tree.part(has.get((name, store), EMPTY), tree.roots(want)),
            those[name],
        )
        for (name, store), want in wanted(one, platform).items()
    ]
    return zero_diff.differences(changes)


@pytest.mark.parametrize("platform", PLATFORMS)
@settings(max_examples=12, deadline=None)
@given(one=services)
def test_what_a_design_puts_there_is_found_as_it_was_ordered(
    platform: str, one: adoption.Candidate
) -> None:
    has = wanted(one, platform)
    survey = found(has, platform)
    assert [dataclasses.replace(c, id="", parts=()) for c in survey.candidates] == [one]
    assert survey.unfit == ()
    assert differences(survey.candidates[0], has, platform) == ()


@pytest.mark.parametrize("platform", ["sim_cli", "frr_linux"])
@settings(max_examples=6, deadline=None)
@given(one=targeted_vpns())
def test_a_vpn_with_a_target_of_its_own_is_found_in_the_version_that_has_one(
    platform: str, one: adoption.Candidate
) -> None:
    has = wanted(one, platform)
    (found_,) = found(has, platform).candidates
    assert dataclasses.replace(found_, id="", parts=()) == one
    assert differences(found_, has, platform) == ()


def _leaves(node: Tree, path: Path = ()) -> Iterator[tuple[Path, Tree]]:
    for child in node.children:
        here = (*path, child.step)
        if child.value is not None or (child.step.keys and not child.children):
            yield here, child
        yield from _leaves(child, here)


def _without(node: Tree, path: Path) -> Tree:
    """The same without one node."""
    children = tuple(
        _without(child, path[1:]) if child.step == path[0] else child
        for child in node.children
        if (child.step,) != path
    )
    return dataclasses.replace(node, children=children)


@pytest.mark.parametrize("platform", PLATFORMS)
@settings(max_examples=12, deadline=None)
@given(one=services, data=st.data())
def test_without_one_leaf_it_is_refused_with_its_path(
    platform: str, one: adoption.Candidate, data: st.DataObject
) -> None:
    has = dict(wanted(one, platform))
    every = [(place, path) for place, whole in has.items() for path, _ in _leaves(whole)]
    place, path = data.draw(st.sampled_from(every))
    has[place] = _without(has[place], path)
    (told,) = differences(one, has, platform)
    assert told.startswith(f"{place[0]} {place[1]} {path_text(path)} is not there")


@pytest.mark.parametrize("platform", PLATFORMS)
@settings(max_examples=6, deadline=None)
@given(
    several=st.lists(
        elines(),
        min_size=2,
        max_size=4,
        unique_by=(lambda one: one.name, lambda one: one.claims["vni"]),
    )
)
def test_services_beside_each_other_are_told_apart(
    platform: str, several: list[adoption.Candidate]
) -> None:
    has: dict[plan.Place, Tree] = {}
    for one in several:
        for place, want in wanted(one, platform).items():
            has[place] = tree.merge([has.get(place, EMPTY), want])
    survey = found(has, platform)
    told = sorted((c.name, c.claims["vni"]) for c in survey.candidates)
    assert told == sorted((one.name, one.claims["vni"]) for one in several)
    assert all(differences(c, has, platform) == () for c in survey.candidates)
