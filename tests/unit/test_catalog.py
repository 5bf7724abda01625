"""What can be ordered, what is refused and with which field, and what an E-Line becomes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from oss_agent import errors
from oss_agent.catalog import catalogue, forms, specification
from oss_agent.spi import ledger, orders, proof, views

SHIPPED = Path(specification.__file__).parent / "shipped" / "services"
CATALOGUE = catalogue.Specifications(specification.load(), {})
GOOD: dict[str, Any] = {"aEnd": "pe1:eth4", "zEnd": "pe2:eth4", "bandwidth": 20}


def item(name: str | None = "acme", **characteristics: Any) -> orders.ItemRequest:
    return orders.ItemRequest(
        id="1",
        action=views.ItemAction.ADD,
        specification="eline",
        specification_version=None,
        service_id=None,
        service_name=name,
        characteristics=characteristics or GOOD,
        path="serviceOrderItem[0]",
    )


def device(name: str, number: int, **ports: ledger.PortFact) -> ledger.DeviceFact:
    known = {"eth4": ledger.PortFact("eth4"), "eth5": ledger.PortFact("eth5"), **ports}
    return ledger.DeviceFact(
        name, "sim", trusted=True, managed=True, router_id=f"10.0.0.{number}", ports=known
    )


def snapshot(*devices: ledger.DeviceFact) -> ledger.Snapshot:
    both = devices or (device("pe1", 1), device("pe2", 2))
    return ledger.Snapshot({one.name: one for one in both}, {})


CHARACTERISTIC = "serviceOrderItem[0].service.serviceCharacteristic"
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({**GOOD, "bandwidth": True}, "bandwidth"),
    ({**GOOD, "bandwidth": "20"}, "bandwidth"),
    ({**GOOD, "bandwidth": 20.0}, "bandwidth"),
    ({**GOOD, "bandwidth": None}, "bandwidth"),
    ({**GOOD, "bandwidth": 0}, "bandwidth"),
    ({**GOOD, "bandwidth": 100_001}, "bandwidth"),
    ({**GOOD, "vni": 16_777_216}, "vni"),
    ({**GOOD, "vni": 0}, "vni"),
    ({**GOOD, "colour": "red"}, "'colour'"),
    ({"aEnd": "pe1:eth4"}, "zEnd"),
    ({**GOOD, "aEnd": ["pe1:eth4"]}, "aEnd"),
    ({**GOOD, "aEnd": "pe1"}, "aEnd"),
    ({**GOOD, "aEnd": "pe1:eth4\n"}, "aEnd"),
    ({**GOOD, "aEnd": "pe1:eth4 up"}, "aEnd"),
    ({**GOOD, "aEnd": "fe80::1%eth0:eth4"}, "aEnd"),
    ({**GOOD, "aEnd": "pe1:eth\x1b4"}, "aEnd"),
    ({**GOOD, "aEnd": "pe\uff11:eth4"}, "aEnd"),
    ({**GOOD, "zEnd": "pe1:eth4"}, "zEnd"),
    ({**GOOD, "zEnd": "pe1:eth5"}, "zEnd"),
]


@pytest.mark.parametrize(("characteristics", "field"), REFUSED)
def test_a_wrong_characteristic_is_refused_by_its_field(
    characteristics: dict[str, Any], field: str
) -> None:
    with pytest.raises(errors.OrderRejected) as refused:
        CATALOGUE.check(item(**characteristics))

    assert refused.value.field == f"{CHARACTERISTIC}[{field}]"


@pytest.mark.parametrize(
    ("sent", "word"), [(True, "true"), (None, "null"), ({"a": None}, '{"a": null}')]
)
def test_a_wrong_value_is_shown_as_it_was_sent(sent: Any, word: str) -> None:
    with pytest.raises(errors.OrderRejected, match="is not a whole number") as refused:
        CATALOGUE.check(item(**{**GOOD, "bandwidth": sent}))
    assert f": {word} is not" in refused.value.reason
    assert refused.value.status == 400
    assert refused.value.reason.isprintable()


@pytest.mark.parametrize(
    "name", [None, "", " acme", "acme\n", "-acme", "a" * 64, "ac me", "acmé", "a%b"]
)
def test_a_name_outside_the_grammar_is_refused(name: str | None) -> None:
    with pytest.raises(errors.OrderRejected) as refused:
        CATALOGUE.check(item(name))

    assert refused.value.field == "serviceOrderItem[0].service.name"


@pytest.mark.parametrize(("what", "version"), [("l4vpn", None), ("eline", "9.9")])
def test_an_unknown_specification_is_refused(what: str, version: str | None) -> None:
    asked = dataclasses.replace(item(), specification=what, specification_version=version)

    with pytest.raises(errors.OrderRejected, match=r"eline 1\.0") as refused:
        CATALOGUE.check(asked)

    assert refused.value.field == "serviceOrderItem[0].service.serviceSpecification"


def test_a_good_item_names_its_specification_and_its_pool_need() -> None:
    assert CATALOGUE.check(item()) == views.SpecificationRef("eline", "1.0", "E-Line")
    (need,) = CATALOGUE.needs(item(**GOOD, vni=4711))
    assert (need.name, need.pool, need.wanted) == ("vni", "core-vni", "4711")


def test_an_eline_becomes_two_ends_with_mirrored_predicates() -> None:
    design = CATALOGUE.decompose(item(), snapshot(), {"vni": "10100"})

    a, z = design.resources
    assert (a.rfs, a.device, a.template, a.ports) == ("eline-end", "pe1", "eline", ("eth4",))
    assert a.slots == {
        "name": "acme",
        "vni": "10100",
        "port": "eth4",
        "rate": "20000",
        "description": "acme to pe2:eth4",
    }
    assert z.slots["description"] == "acme to pe1:eth4"
    assert [(m.device, m.port) for m in design.meters] == [("pe1", "eth4"), ("pe2", "eth4")]
    remotes = [p.params["remote"] for p in design.predicates if p.kind == "evpn-remote-vtep"]
    assert remotes == ["10.0.0.2", "10.0.0.1"]
    assert [p.kind for p in design.predicates].count("config-equal") == 2
    assert all(p.phase is proof.Phase.HELD for p in design.predicates)
    assert design.characteristics == {**GOOD, "vni": 10100}


def test_without_bandwidth_the_rate_is_left_out() -> None:
    design = CATALOGUE.decompose(
        item(aEnd="pe1:eth4", zEnd="pe2:eth4"), snapshot(), {"vni": "10100"}
    )

    assert all("rate" not in one.slots for one in design.resources)


def test_ping_needs_a_test_point_at_both_ends() -> None:
    b1 = ledger.PortFact("eth4", test_point=ledger.TestPoint("b1", "192.0.2.1"))
    b2 = ledger.PortFact("eth4", test_point=ledger.TestPoint("b2", "192.0.2.2"))
    one_sided = CATALOGUE.decompose(
        item(), snapshot(device("pe1", 1, eth4=b1), device("pe2", 2)), {"vni": "10100"}
    )
    both = CATALOGUE.decompose(
        item(), snapshot(device("pe1", 1, eth4=b1), device("pe2", 2, eth4=b2)), {"vni": "10100"}
    )

    lacking = [p.unobservable for p in one_sided.predicates if p.kind == "ping"]
    assert lacking == ["no test point at pe2:eth4"] * 2
    pings = [p for p in both.predicates if p.kind == "ping"]
    assert [(p.device, p.params["target"]) for p in pings] == [
        ("b1", "192.0.2.2"),
        ("b2", "192.0.2.1"),
    ]
    assert all(p.params["count"] == "10" and p.expect == {"loss_max": 0.0} for p in pings)
    assert all(p.need is proof.Need.IF_OBSERVABLE for p in pings)


@pytest.mark.parametrize(
    ("here", "there", "target"),
    [
        (("192.0.2.1/24",), ("10.9.9.9/24", "192.0.2.2/24"), "192.0.2.2"),
        (("192.0.2.1",), ("10.9.9.9/24",), "10.9.9.9"),
        ((), ("10.9.9.9/24",), "10.9.9.9"),
    ],
)
def test_on_one_ethernet_that_address_is_pinged_which_shares_a_network(
    here: tuple[str, ...], there: tuple[str, ...], target: str
) -> None:
    b1 = ledger.PortFact("eth4", test_point=ledger.TestPoint("b1", "192.0.2.1", here))
    b2 = ledger.PortFact("eth4", test_point=ledger.TestPoint("b2", "10.9.9.9", there))
    design = CATALOGUE.decompose(
        item(), snapshot(device("pe1", 1, eth4=b1), device("pe2", 2, eth4=b2)), {"vni": "10100"}
    )

    pings = {p.device: p.params["target"] for p in design.predicates if p.kind == "ping"}
    assert pings["b1"] == target


def test_hosts_of_different_networks_prove_nothing_about_an_eline() -> None:
    """How a customer numbers his hosts is no fault of the line."""
    b1 = ledger.PortFact("eth4", test_point=ledger.TestPoint("b1", "192.0.2.1", ("192.0.2.1/24",)))
    a2 = ledger.PortFact("eth4", test_point=ledger.TestPoint("a2", "10.9.9.9", ("10.9.9.9/24",)))
    known = snapshot(device("pe1", 1, eth4=b1), device("pe2", 2, eth4=a2))
    design = CATALOGUE.decompose(item(), known, {"vni": "10100"})

    pings = [p for p in design.predicates if p.kind == "ping"]
    assert {p.unobservable for p in pings} == {
        "test points b1 and a2 share no network",
        "test points a2 and b1 share no network",
    }


def test_an_unknown_loopback_makes_a_must_predicate_unobservable() -> None:
    nameless = dataclasses.replace(device("pe2", 2), router_id=None)
    design = CATALOGUE.decompose(item(), snapshot(device("pe1", 1), nameless), {"vni": "10100"})

    (lacking,) = [p for p in design.predicates if p.unobservable and p.kind != "ping"]
    assert lacking.unobservable == "the router id of pe2 is not known"
    assert lacking.need is proof.Need.MUST


OWNED = ledger.PortFact("eth4", owner="s7", owner_order="7")
CORE = ledger.PortFact("eth4", use="it is linked to p1:eth2")
STATE: list[tuple[dict[str, Any], ledger.Snapshot, str, str]] = [
    ({**GOOD, "zEnd": "pe9:eth4"}, snapshot(), "zEnd", "no device pe9"),
    ({**GOOD, "zEnd": "pe2:eth9"}, snapshot(), "zEnd", "no port eth9"),
    (
        GOOD,
        snapshot(dataclasses.replace(device("pe1", 1), trusted=False), device("pe2", 2)),
        "aEnd",
        "not trusted",
    ),
    (
        GOOD,
        snapshot(dataclasses.replace(device("pe1", 1), managed=False), device("pe2", 2)),
        "aEnd",
        "not managed",
    ),
    (
        GOOD,
        snapshot(device("pe1", 1), device("pe2", 2, eth4=OWNED)),
        "zEnd",
        r"belongs to service s7 \(order 7\)",
    ),
    (
        GOOD,
        snapshot(device("pe1", 1, eth4=CORE), device("pe2", 2)),
        "aEnd",
        "pe1:eth4 is not a customer's: it is linked to p1:eth2",
    ),
]


@pytest.mark.parametrize(("characteristics", "known", "field", "why"), STATE)
def test_what_depends_on_state_passes_the_check_and_is_refused_by_decomposition(
    characteristics: dict[str, Any], known: ledger.Snapshot, field: str, why: str
) -> None:
    asked = item(**characteristics)
    CATALOGUE.check(asked)

    with pytest.raises(errors.OrderRejected, match=why) as refused:
        CATALOGUE.decompose(asked, known, {"vni": "10100"})

    assert refused.value.field == f"{CHARACTERISTIC}[{field}]"


def test_a_port_that_is_already_ours_is_no_obstacle() -> None:
    ours = dataclasses.replace(item(), service_id="s7")
    known = snapshot(device("pe1", 1), device("pe2", 2, eth4=OWNED))

    assert CATALOGUE.decompose(ours, known, {"vni": "10100"}).name == "acme"


def test_a_file_may_say_what_to_do_about_other_peoples_edits(tmp_path: Path) -> None:
    shipped = SHIPPED / "eline-1.0.yaml"
    text = shipped.read_text(encoding="utf-8")
    (tmp_path / "eline.yaml").write_text(f"{text}\nout_of_band: revert\n", encoding="utf-8")
    told = catalogue.Specifications(specification.load(tmp_path), {})

    assert CATALOGUE.decompose(item(), snapshot(), {"vni": "1"}).out_of_band == "abort"
    assert told.decompose(item(), snapshot(), {"vni": "1"}).out_of_band == "revert"


BROKEN = {
    r"odd.yaml:33: resource_facing\[0\].resources\[0\].slots.port: nothing is called end.colour per "
    r"pair; there are name, characteristic.aEnd,": ("{from: end.port}", "{from: end.colour}"),
    r"odd.yaml:46: predicates\[3\].kind: nothing judges astrology": (
        "kind: ping",
        "kind: astrology",
    ),
    r"odd.yaml:18: ends\[1\]: bEnd is not among the characteristics; there are aEnd, zEnd": (
        "ends: [aEnd, zEnd]",
        "ends: [aEnd, bEnd]",
    ),
    r"odd.yaml:26: resource_facing\[0\].resources\[0\].template: it is missing: add it": (
        "template: eline\n        per",
        "per",
    ),
    "odd.yaml:20: colour: nothing of this name is known": (
        "apart: true\n",
        "apart: true\ncolour: red\n",
    ),
    "characteristics.zEnd: the end zEnd must be a required port": (
        "zEnd: {type: port, required: true",
        "zEnd: {type: port",
    ),
    "nothing is called other.port per end": (
        "port: {from: end.port}}",
        "port: {from: other.port}}",
    ),
    "nothing is called end.address per pair": (
        "{from: end.port}\n          rate",
        "{from: end.address}\n          rate",
    ),
    "nothing is called setting.weather": ("{from: pool.vni}\n", "{from: setting.weather}\n"),
    "exactly one resource": (
        "        per: pair\n        slots",
        "        per: device-pair\n        slots",
    ),
    r"odd.yaml:\d+: characteristics.vni: sites have fields": (
        "vni: {type: integer, minimum: 1, maximum: 16777215",
        "vni: {type: sites",
    ),
    r"slots.port: it is no reference: write \{from: WORD\}": ("{from: end.port}\n", "end.port\n"),
    r"slots.port.from: must be text": (
        "{from: end.port}\n          rate",
        "{from: 7}\n          rate",
    ),
    "odd.yaml:20: apart: it is there twice: remove one": (
        "apart: true\n",
        "apart: true\napart: false\n",
    ),
    "version: must be written as the pattern": ('version: "1.0"\nupdated', 'version: "1"\nupdated'),
    "resource_facing: must not be empty": (
        "resource_facing:\n",
        "resource_facing: []\nunused:\n",
    ),
}


@pytest.mark.parametrize(("complaint", "change"), BROKEN.items())
def test_a_wrong_file_is_refused_at_start_by_name(
    complaint: str, change: tuple[str, str], tmp_path: Path
) -> None:
    shipped = SHIPPED / "eline-1.0.yaml"
    text = shipped.read_text(encoding="utf-8")
    assert change[0] in text
    (tmp_path / "odd.yaml").write_text(text.replace(*change), encoding="utf-8")

    with pytest.raises(errors.ConfigurationError, match=complaint) as wrong:
        specification.load(tmp_path)

    assert "odd.yaml" in str(wrong.value)


@pytest.mark.parametrize("text", ["{", "- 1\n", "", "a: \x00\n"])
def test_a_file_that_is_no_mapping_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "odd.yaml").write_text(text, encoding="utf-8")

    with pytest.raises(errors.ConfigurationError, match=r"odd\.yaml"):
        specification.load(tmp_path)


def test_two_files_of_one_version_are_refused(tmp_path: Path) -> None:
    shipped = SHIPPED / "eline-1.0.yaml"
    for name in ("one.yaml", "two.yaml"):
        (tmp_path / name).write_bytes(shipped.read_bytes())

    with pytest.raises(errors.ConfigurationError, match="twice"):
        specification.load(tmp_path)


def test_a_retired_version_takes_no_new_service_and_keeps_those_it_has() -> None:
    (old,) = (one for one in specification.load() if one.id == "eline")
    retired = old.model_copy(update={"status": "retired"})
    both = catalogue.Specifications([retired, old.model_copy(update={"version": "0.9"})], {})
    asked = dataclasses.replace(item(), specification_version="1.0")

    assert both.check(item()).version == "0.9"
    with pytest.raises(errors.OrderRejected, match=r"1\.0 is retired: order 0\.9") as refused:
        both.check(asked)
    assert refused.value.field == "serviceOrderItem[0].service.serviceSpecification"
    for action in (views.ItemAction.MODIFY, views.ItemAction.DELETE):
        assert both.check(dataclasses.replace(asked, action=action)).version == "1.0"
    with pytest.raises(errors.OrderRejected, match="order another"):
        catalogue.Specifications([retired], {}).check(item())


def test_a_service_whose_ports_are_not_monitored_has_no_meters() -> None:
    (shipped,) = (one for one in specification.load() if one.id == "eline")
    unseen = shipped.model_copy(update={"monitoring": forms.Monitoring(ports="none")})
    told = catalogue.Specifications([unseen], {})

    assert len(CATALOGUE.decompose(item(), snapshot(), {"vni": "1"}).meters) == 2
    assert told.decompose(item(), snapshot(), {"vni": "1"}).meters == ()
