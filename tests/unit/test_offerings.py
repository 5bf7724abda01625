"""What a product becomes: its services, what they are told, what comes after what."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oss_agent import errors
from oss_agent.catalog import catalogue, collection, offering, offerings, reading
from oss_agent.spi import catalogue as spi
from oss_agent.spi import orders, products, views

LOADED = collection.load()
SERVICES = catalogue.Specifications(LOADED.services, {})
JUDGE, SHORT = SERVICES.check, SERVICES.short()
CATALOGUE = offerings.Offerings(LOADED.offerings, JUDGE, SHORT)
(BUNDLE,) = (one for one in LOADED.offerings if one.version == "1.0")
SITES = [
    {"port": "pe1:eth3", "address": "172.16.1.1/24"},
    {"port": "pe2:eth3", "address": "172.16.2.1/24"},
]
INTERNET = {"internetPort": "pe1:eth4", "internetBandwidth": 100}
LINE = {"lineAEnd": "pe1:eth5", "lineZEnd": "pe2:eth5", "lineBandwidth": 50}
WHOLE: dict[str, Any] = {"sites": SITES, **INTERNET, **LINE}
IDS = {"vpn": "s1", "internet": "s2", "line": "s3"}
PATH = "productOrderItem[0]"


def item(
    action: str = "add", name: str | None = "acme", version: str | None = None, **said: Any
) -> spi.ProductItem:
    return spi.ProductItem(
        "1", views.ItemAction(action), "business-bundle", version, name, said, PATH
    )


def now(said: Mapping[str, Any], version: str = "1.0") -> spi.ProductNow:
    (parts, _) = laid_out(CATALOGUE.decompose_product(item(**said)))
    services = {part: IDS[part] for part in parts}
    return spi.ProductNow("business-bundle", version, "acme", dict(said), services)


def laid_out(
    design: spi.ProductDesign,
) -> tuple[dict[str, Mapping[str, Any]], dict[str, set[str]]]:
    """What each part is told, and after which parts it comes."""
    parts = {one.item.id: one.part for one in design.parts}
    return (
        {one.part: one.item.characteristics for one in design.parts},
        {one.part: {parts[other] for other in one.after} for one in design.parts},
    )


def actions(design: spi.ProductDesign) -> dict[str, str]:
    return {one.part: one.item.action.value for one in design.parts}


def test_a_whole_bundle_becomes_three_services_the_vpn_first() -> None:
    design = CATALOGUE.decompose_product(item(**WHOLE))

    said, after = laid_out(design)
    assert said == {
        "vpn": {"sites": SITES},
        "internet": {"accessPort": "pe1:eth4", "bandwidth": 100},
        "line": {"aEnd": "pe1:eth5", "zEnd": "pe2:eth5", "bandwidth": 50},
    }
    assert after == {"vpn": set(), "internet": {"vpn"}, "line": {"vpn"}}
    first = design.parts[0].item
    assert (first.id, first.specification, first.specification_version, first.service_name) == (
        ("1.vpn", "l3vpn", "1.0", "acme-vpn")
    )
    assert (design.offering.id, design.name, design.ordered) == ("business-bundle", "acme", WHOLE)
    assert design.offering.active


def test_a_part_that_is_not_ordered_is_not_there() -> None:
    assert actions(CATALOGUE.decompose_product(item(sites=SITES))) == {"vpn": "add"}


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({**WHOLE, "colour": "red"}, "['colour']", "business-bundle has no such one; it has sites"),
    ({**WHOLE, "internetBandwidth": 30}, "[internetBandwidth]", "30 is not offered; there are 10"),
    ({**WHOLE, "internetBandwidth": True}, "[internetBandwidth]", "true is not offered"),
    ({**WHOLE, "lineBandwidth": 10.0}, "[lineBandwidth]", "10.0 is not offered"),
    ({**LINE}, "[sites]", "characteristic sites: it is missing"),
    ({"sites": SITES, "internetPort": "pe1:eth4"}, "[internetBandwidth]", "it is missing"),
    ({"sites": SITES, "lineZEnd": "pe1:eth4"}, "[lineZEnd]", "nothing without lineAEnd"),
    ({"sites": [*SITES, SITES[0]]}, "[sites][2].port", "pe1:eth3 is there twice"),
    ({**WHOLE, "lineZEnd": "pe1:eth6"}, "[lineZEnd]", "both ends are on pe1"),
    ({**WHOLE, "internetPort": 4}, "[internetPort]", "characteristic internetPort: 4 is not"),
]


@pytest.mark.parametrize(("said", "field", "why"), REFUSED)
def test_what_is_wrong_is_told_in_the_words_of_the_product(
    said: dict[str, Any], field: str, why: str
) -> None:
    with pytest.raises(errors.OrderRejected) as refused:
        CATALOGUE.decompose_product(item(**said))

    assert refused.value.field == f"{PATH}.product.productCharacteristic{field}"
    assert why in refused.value.reason
    assert refused.value.status == 400


@pytest.mark.parametrize("name", [None, "", "a b", "a" * 55, "acme\n"])
def test_a_name_leaves_room_for_those_of_the_services(name: str | None) -> None:
    with pytest.raises(errors.OrderRejected) as refused:
        CATALOGUE.decompose_product(item(name=name, sites=SITES))
    assert refused.value.field == f"{PATH}.product.name"


def test_a_modify_tells_only_what_changes_to_whom_it_concerns() -> None:
    design = CATALOGUE.decompose_product(
        item("modify", None, internetBandwidth=500, lineBandwidth=None), now(WHOLE)
    )

    said, _ = laid_out(design)
    assert actions(design) == {"internet": "modify", "line": "modify"}
    assert said == {"internet": {"bandwidth": 500}, "line": {"bandwidth": None}}
    assert {one.item.service_id for one in design.parts} == {"s2", "s3"}
    assert all(one.item.specification_version is None for one in design.parts)
    assert "lineBandwidth" not in design.ordered
    assert design.ordered["internetBandwidth"] == 500


def status(wanted: str, said: Mapping[str, Any] | None = None) -> spi.ProductItem:
    asked = dataclasses.replace(item("modify", None), characteristics=said or {})
    return dataclasses.replace(asked, status=products.ProductStatus(wanted))


def test_a_bundle_is_suspended_in_reverse_and_resumed_in_order_each_of_its_services() -> None:
    down = CATALOGUE.decompose_product(status("suspended"), now(WHOLE))
    assert [one.part for one in down.parts] == ["line", "internet", "vpn"]
    assert laid_out(down)[1] == {"line": set(), "internet": set(), "vpn": {"internet", "line"}}
    suspended = dataclasses.replace(now(WHOLE), suspended=True)
    up = CATALOGUE.decompose_product(status("active"), suspended)
    assert laid_out(up)[1] == {"vpn": set(), "internet": {"vpn"}, "line": {"vpn"}}
    for design, state in ((down, "inactive"), (up, "active")):
        assert {one.item.service_state for one in design.parts} == {views.ServiceState(state)}
        assert set(actions(design).values()) == {"modify"}
        assert all(one.item.characteristics == {} for one in design.parts)
        assert design.ordered == WHOLE


def test_a_suspended_product_is_changed_but_nothing_new_comes_to_it() -> None:
    suspended = dataclasses.replace(now({"sites": SITES, **LINE}), suspended=True)
    kept = CATALOGUE.decompose_product(item("modify", None, lineBandwidth=100), suspended)
    assert [one.item.service_state for one in kept.parts] == [None]
    assert actions(CATALOGUE.decompose_product(status("active", INTERNET), suspended)) == {
        "vpn": "modify",
        "internet": "add",
        "line": "modify",
    }
    for asked, product in (
        (dataclasses.replace(item("modify", None), characteristics=INTERNET), suspended),
        (status("suspended", INTERNET), dataclasses.replace(suspended, suspended=False)),
    ):
        with pytest.raises(errors.OrderRejected, match="bring internet into") as refused:
            CATALOGUE.decompose_product(asked, product)
        assert (refused.value.status, refused.value.field) == (409, f"{PATH}.product.status")


def test_what_goes_goes_before_what_comes_it_may_free_a_port() -> None:
    before = now({"sites": SITES, **LINE})
    change: dict[str, Any] = dict.fromkeys(LINE)
    change |= {"internetPort": "pe1:eth5", "internetBandwidth": 10}
    design = CATALOGUE.decompose_product(item("modify", None, **change), before)

    assert actions(design) == {"line": "delete", "internet": "add"}
    assert laid_out(design)[1] == {"line": set(), "internet": {"line"}}


def test_a_deleted_product_is_taken_down_in_reverse() -> None:
    design = CATALOGUE.decompose_product(item("delete", None), now(WHOLE))

    assert actions(design) == dict.fromkeys(("line", "internet", "vpn"), "delete")
    assert laid_out(design)[1] == {"line": set(), "internet": set(), "vpn": {"line", "internet"}}
    assert design.ordered == {}
    assert [one.item.service_id for one in design.parts] == ["s3", "s2", "s1"]


def test_nothing_new_means_nothing_to_do() -> None:
    design = CATALOGUE.decompose_product(item("modify", "acme", sites=SITES), now(WHOLE))
    assert (design.parts, design.ordered) == ((), WHOLE)


def test_to_mention_a_product_is_to_mention_its_living_services() -> None:
    of = now(WHOLE)
    design = CATALOGUE.decompose_product(item("noChange", "another", sites=1, strange=2), of)
    assert (design.name, design.ordered) == (of.name, WHOLE)
    assert [(one.part, one.item.service_id) for one in design.parts] == [*of.services.items()]
    assert {(one.item.action, one.after) for one in design.parts} == {("noChange", ())}


@pytest.mark.parametrize(
    ("asked", "has", "field"),
    [
        (item("modify"), None, "product.id"),
        (item("delete"), None, "product.id"),
        (item(**WHOLE), now(WHOLE), "product.id"),
        (item("modify", "other"), now(WHOLE), "product.name"),
        (item(version="7.0", **WHOLE), None, "productOffering"),
    ],
)
def test_a_product_keeps_what_it_is(
    asked: spi.ProductItem, has: spi.ProductNow | None, field: str
) -> None:
    with pytest.raises(errors.OrderRejected) as refused:
        CATALOGUE.decompose_product(asked, has)
    assert refused.value.field == f"{PATH}.{field}"


def _choices() -> st.SearchStrategy[dict[str, Any]]:
    speed = st.sampled_from([10, 100, 1000])
    internet = st.fixed_dictionaries(
        {"internetPort": st.just("pe1:eth4"), "internetBandwidth": speed}
    )
    line = st.fixed_dictionaries(
        {"lineAEnd": st.just("pe1:eth5"), "lineZEnd": st.sampled_from(["pe2:eth5", "pe2:eth6"])},
        optional={"lineBandwidth": speed},
    )
    parts = st.tuples(st.just({"sites": SITES}), st.just({}) | internet, st.just({}) | line)
    return parts.map(lambda some: {k: v for one in some for k, v in one.items()})


@given(_choices(), _choices())
def test_a_modify_makes_of_what_is_what_was_asked(
    had: dict[str, Any], wanted: dict[str, Any]
) -> None:
    product = now(had)
    change = {name: wanted.get(name) for name in {**had, **wanted}}
    design = CATALOGUE.decompose_product(item("modify", None, **change), product)

    parts = dict(laid_out(CATALOGUE.decompose_product(item(**had)))[0])
    for one in design.parts:
        told = one.item.characteristics
        if one.item.action is views.ItemAction.DELETE:
            del parts[one.part]
        else:
            whole = {**parts.get(one.part, {}), **told}
            parts[one.part] = {k: v for k, v in whole.items() if v is not None}
    assert parts == laid_out(CATALOGUE.decompose_product(item(**wanted)))[0]
    assert design.ordered == wanted
    done: set[str] = set()
    for one in design.parts:
        assert set(one.after) <= done, "it comes after what is not before it"
        done.add(one.item.id)


def _later(**update: Any) -> offerings.Offerings:
    """The bundle 1.0 retired, and a 2.0 beside it."""
    newer = BUNDLE.model_copy(update={"version": "2.0", **update})
    retired = BUNDLE.model_copy(update={"status": "retired"})
    return offerings.Offerings([retired, newer], JUDGE, SHORT)


def test_a_product_keeps_its_version_until_a_modify_names_another() -> None:
    later = _later(
        characteristics={n: c for n, c in BUNDLE.characteristics.items() if n != "lineBandwidth"}
    )
    kept = later.decompose_product(item("modify", None, lineBandwidth=10), now(WHOLE))
    assert kept.offering.version == "1.0"
    assert later.decompose_product(item("delete", None), now(WHOLE)).offering.version == "1.0"

    with pytest.raises(errors.OrderRejected, match="has no such one"):
        later.decompose_product(item("modify", None, "2.0"), now(WHOLE))
    moved = later.decompose_product(item("modify", None, "2.0", lineBandwidth=None), now(WHOLE))
    assert (moved.offering.version, actions(moved)) == ("2.0", {"line": "modify"})

    assert later.decompose_product(item(sites=SITES)).offering.version == "2.0"
    with pytest.raises(errors.OrderRejected, match=r"1\.0 is retired"):
        later.decompose_product(item(version="1.0", sites=SITES))
    assert later.offering("business-bundle").version == "2.0"
    assert not later.offering("business-bundle", "1.0").active


def anything(asked: orders.ItemRequest, /, *, kept: bool = False) -> None:
    del asked, kept


def test_a_part_moves_with_the_version_of_its_service() -> None:
    vpn = BUNDLE.services["vpn"].model_copy(update={"version": "3.0"})
    later = offerings.Offerings(
        [
            BUNDLE,
            BUNDLE.model_copy(
                update={"version": "2.0", "services": {**BUNDLE.services, "vpn": vpn}}
            ),
        ],
        anything,
        {},
    )
    design = later.decompose_product(item("modify", None, "2.0"), now(WHOLE))
    (part,) = design.parts
    assert (part.part, part.item.specification_version) == ("vpn", "3.0")
    assert part.item.characteristics == {}


def test_an_unknown_offering_is_not_found() -> None:
    with pytest.raises(errors.NotFound):
        CATALOGUE.offering("moon")
    assert {one.id for one in CATALOGUE.offerings()} == {"business-bundle"}


def test_the_bundle_whose_pools_there_are_is_sold() -> None:
    asked = item(sites=SITES)
    for more, version in (([], "1.0"), (["vpn-rt"], "1.0"), (["vpn-rt", "vpn-rd"], "1.1")):
        pools = ["vpn-vni", "vpn-transit", *more]
        services = catalogue.Specifications(LOADED.services, {}, (), pools)
        sold = offerings.Offerings(LOADED.offerings, services.check, services.short())
        design = sold.decompose_product(asked)
        assert design.offering.version == sold.offering("business-bundle").version == version
        assert [part.item.specification_version for part in design.parts] == [version]
        if version == "1.0":
            with pytest.raises(errors.OrderRejected, match=r"pools? .*vpn-rd"):
                sold.decompose_product(item(version="1.1", sites=SITES))


SPOILT = [
    ("after: [vpn]", "after: [wan]", "services.internet.after[0]: there is no service wan"),
    ("when: lineAEnd", "when: lineEnd", "services.line.when: there is no characteristic lineEnd"),
    (
        "vpn: {specification: l3vpn",
        "vpn: {specification: l4vpn",
        "no service specification l4vpn 1.0",
    ),
    (
        "[line.zEnd]",
        "[line.end]",
        "characteristics.lineZEnd.sets[0]: eline 1.0 has no end; it has aEnd",
    ),
    ("[line.zEnd]", "[wire.zEnd]", "there is no service wire in it; there are vpn, internet, line"),
    ("[line.zEnd]", "[line.aEnd]", "line.aEnd is set by lineAEnd too"),
    ("[line.zEnd]", "[line.vni]", "services.line: eline 1.0 needs zEnd (second end"),
    ("[line.zEnd]", "[line]", "must be written as the pattern"),
    (
        "values: [10, 20",
        "values: [ten, 20",
        "internet.bandwidth does not take it: 'ten' is not a whole",
    ),
    (
        'vpn: {specification: l3vpn, version: "1.0"}',
        'vpn: {specification: l3vpn, version: "1.0", after: [line]}',
        "vpn, internet, line come after each other",
    ),
    (
        "when: internetPort",
        "when: internetPort\n    fixed: {colour: red}",
        "internet-access 1.0 has no colour",
    ),
    (
        "when: internetPort",
        "when: internetPort\n    fixed: {bandwidth: 7}",
        "internet.bandwidth is fixed: a sender cannot set it",
    ),
]


@pytest.mark.parametrize(("before", "after", "told"), SPOILT)
def test_an_offering_that_does_not_fit_its_services_is_refused(
    tmp_path: Path, before: str, after: str, told: str
) -> None:
    shipped = Path(collection.__file__).parent / "shipped" / "offerings"
    text = (shipped / "business-bundle-1.0.yaml").read_text(encoding="utf-8")
    assert before in text
    folder = tmp_path / "offerings"
    folder.mkdir()
    odd = text.replace(before, after, 1).replace('version: "1.0"', 'version: "1.9"', 1)
    (folder / "odd.yaml").write_text(odd, encoding="utf-8")

    found = [str(one) for one in collection.check(collection.shipped(), tmp_path).mistakes]
    assert any(told in one for one in found), found
    assert all(f"{folder / 'odd.yaml'}:" in one for one in found)


def test_what_cannot_be_taken_back_must_come_last() -> None:
    services = {(one.id, one.version): one for one in LOADED.services}
    final = {
        (one.id, one.version): one.model_copy(update={"reversible": one.id != "eline"})
        for one in LOADED.resources
    }
    found: list[tuple[reading.Place, str]] = list(offering.misfits(BUNDLE, services, final))
    assert found == [
        (("services", "line"), "eline cannot be taken back: it must come after all others")
    ]
    line = BUNDLE.services["line"].model_copy(update={"after": ["vpn", "internet"]})
    last = BUNDLE.model_copy(update={"services": {**BUNDLE.services, "line": line}})
    assert not list(offering.misfits(last, services, final))
