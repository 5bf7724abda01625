"""TMF633 and TMF634 over the shipped catalogue: every body by the official schemas, read only."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from bss_bridge.engine import surface
from bss_bridge.resources import catalogues
from oss_agent.catalog import collection, resource, shelf, specification
from tests.unit.bss_bridge import world

pytestmark = pytest.mark.anyio
SERVICES = "/tmf-api/serviceCatalogManagement/v4/serviceSpecification"
CANDIDATES = "/tmf-api/serviceCatalogManagement/v4/serviceCandidate"
RESOURCES = "/tmf-api/resourceCatalog/v4/resourceSpecification"
SCHEMAS = {
    SERVICES: ("TMF633/TMF633-ServiceCatalog-v4.0.0.swagger.json", "ServiceSpecification"),
    CANDIDATES: ("TMF633/TMF633-ServiceCatalog-v4.0.0.swagger.json", "ServiceCandidate"),
    RESOURCES: (
        "TMF634/TMF634-ResourceCatalog-v4.1.0.swagger.json",
        "LogicalResourceSpecification",
    ),
}
MANDATORY = {"id", "href", "name", "lifecycleStatus", "lastUpdate", "@type"}


def _with_a_later_eline() -> collection.Collection:
    """The shipped catalogue, and an E-Line 1.9, a 1.10, and a 2.0 that is retired."""
    found = collection.load()
    (eline,) = (one for one in found.services if one.id == "eline")
    later: list[specification.Specification] = [
        eline.model_copy(update={"version": "1.9"}),
        eline.model_copy(update={"version": "1.10"}),
        eline.model_copy(update={"version": "2.0", "status": "retired"}),
    ]
    resources: tuple[resource.Resource, ...] = found.resources
    return collection.Collection((*found.services, *later), resources, found.offerings)


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[world.World]:
    shown = shelf.Shelf(_with_a_later_eline())
    routers = catalogues.routers(shown, world.LINKS, surface.Paging())
    async with world.world(tmp_path, extra=routers) as made:
        yield made


async def found(it: world.World, path: str, **asked: str) -> list[dict[str, Any]]:
    answer = await it.http.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    several: list[dict[str, Any]] = answer.json()
    assert answer.headers["x-total-count"] == str(len(several))
    return several


@pytest.mark.reference
@pytest.mark.parametrize("path", SCHEMAS)
async def test_every_body_satisfies_the_official_schema(it: world.World, path: str) -> None:
    several = await found(it, path)
    assert several
    for body in several:
        world.judge(*SCHEMAS[path], body)
        assert set(body) >= MANDATORY
        assert (await it.http.get(body["href"])).json() == body


async def test_a_service_relies_on_parts_that_are_made_of_resources(it: world.World) -> None:
    vpn = (await it.http.get(f"{SERVICES}/l3vpn")).json()
    assert (vpn["@type"], vpn["@baseType"], vpn["isBundle"]) == (
        "CustomerFacingServiceSpecification", "ServiceSpecification", False,
    )  # fmt: skip
    (part,) = vpn["serviceSpecRelationship"]
    assert (part["id"], part["version"], part["relationshipType"]) == (
        "l3vpn-router", "1.1", "reliesOn",
    )  # fmt: skip
    router = (await it.http.get(part["href"])).json()
    assert router["@type"] == "ResourceFacingServiceSpecification"
    made_of = [(await it.http.get(one["href"])).json() for one in router["resourceSpecification"]]
    assert [one["id"] for one in made_of] == ["l3vpn", "evpn-segment", "l3vpn-site", "l3vpn-peer"]
    vni = next(c for c in made_of[0]["resourceSpecCharacteristic"] if c["name"] == "vni")
    assert vni["configurable"] is False
    assert vni["resourceSpecCharacteristicValue"][0]["valueTo"] == 16_777_215


async def test_characteristics_say_what_an_order_may_say(it: world.World) -> None:
    vpn = (await it.http.get(f"{SERVICES}/l3vpn")).json()
    told = {one["name"]: one for one in vpn["specCharacteristic"]}
    assert list(told) == [
        "sites", "sites.name", "sites.port", "sites.address", "sites.bandwidth", "vni",
        "routeTarget",
    ]  # fmt: skip
    assert (told["sites"]["valueType"], told["sites"]["minCardinality"]) == ("array", 1)
    (bounds,) = told["sites"]["characteristicValueSpecification"]
    assert (bounds["valueFrom"], bounds["valueTo"]) == (2, 16)
    assert told["vni"]["minCardinality"] == 0
    assert re.fullmatch(told["routeTarget"]["regex"], "65000:20000001")
    assert told["sites.port"]["regex"].startswith("[A-Za-z0-9]")


async def test_an_id_alone_is_the_newest_active_version(it: world.World) -> None:
    several = await found(it, SERVICES, id="eline", sort="-version")
    assert [(one["version"], one["lifecycleStatus"]) for one in several] == [
        ("2.0", "Retired"), ("1.10", "Active"), ("1.9", "Active"), ("1.0", "Active"),
    ]  # fmt: skip
    assert len({one["href"] for one in several}) == 4
    assert (await it.http.get(f"{SERVICES}/eline")).json() == several[1]
    plain = await it.http.get(f"{SERVICES}/eline:(version=2.0)")
    quoted = await it.http.get(f"{SERVICES}/{quote('eline:(version=2.0)', safe='')}")
    assert plain.json() == quoted.json() == several[0]
    assert several[0]["href"].startswith(world.URL)


NOT_THERE = ("moon", "eline:(version=7.0)", "eline:(version=)", "%00", "a%2Fb")


async def test_what_is_not_there_is_not_found(it: world.World) -> None:
    for path in (SERVICES, RESOURCES, RESOURCES.replace("/resourceS", "/ResourceS")):
        for key in NOT_THERE:
            answer = await it.http.get(f"{path}/{key}")
            assert (answer.status_code, answer.json()["code"]) == (404, "notFound"), answer.url


FILTERS: list[tuple[dict[str, str], set[str]]] = [
    ({"lifecycleStatus": "Retired"}, {"eline", "eline-end"}),
    ({"serviceSpecRelationship.id": "l3vpn-router"}, {"l3vpn"}),
    ({"resourceSpecification.id": "l3vpn-site"}, {"l3vpn-router"}),
    ({"name.regex": "^Inter"}, {"internet-access", "internet-access-router"}),
    (
        {"@type": "CustomerFacingServiceSpecification", "version": "1.0"},
        {"eline", "internet-access", "l3vpn"},
    ),
    ({"filter": "$[?(@.id=='l3vpn' || @.name=='E-Line end')]"}, {"l3vpn", "eline-end"}),
    ({"isBundle": "true"}, set()),
    ({"lastUpdate.lt": "2026-01-01T00:00:00Z"}, set()),
]


async def test_filters_hold(it: world.World) -> None:
    for asked, ids in FILTERS:
        assert {one["id"] for one in await found(it, SERVICES, **asked)} == ids, asked


async def test_pages_and_fields(it: world.World) -> None:
    answer = await it.http.get(f"{SERVICES}?limit=2&offset=2&fields=name&sort=id")
    assert answer.headers["x-total-count"] == "16"
    assert [set(one) for one in answer.json()] == [{"id", "href", "name"}] * 2
    whole = [one["id"] for one in await found(it, SERVICES, sort="id")]
    assert [one["id"] for one in answer.json()] == whole[2:4]
    assert whole == sorted(whole)


async def test_a_name_that_nothing_has_is_refused(it: world.World) -> None:
    for asked in ("colour=red", "sort=colour", "id=eline;colour=red"):
        answer = await it.http.get(f"{SERVICES}?{asked}")
        assert answer.status_code == 400, asked
        assert "colour" in answer.json()["reason"]


@pytest.mark.parametrize("stem", ["service", "resource"])
async def test_catalogs_and_categories_refuse_it_too(it: world.World, stem: str) -> None:
    base = (SERVICES if stem == "service" else RESOURCES).rpartition("/")[0]
    for kind in ("Catalog", "Category"):
        path = f"{base}/{stem}{kind}"
        for asked in ("colour=red", "sort=colour", "filter=$[?(@.colour=='red')]"):
            answer = await it.http.get(f"{path}?{asked}")
            assert (answer.status_code, answer.json()["field"]) == (400, "colour"), answer.url
        assert [one["id"] for one in await found(it, path, id="all")] == ["all"]
        assert await found(it, path, name="other") == []


async def test_nothing_can_be_changed_by_a_request(it: world.World) -> None:
    for path in SCHEMAS:
        for method in ("POST", "PATCH", "DELETE", "PUT"):
            place = path if method == "POST" else f"{path}/eline"
            answer = await it.http.request(method, place, json={"name": "other"})
            assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD"), (
                method,
                place,
            )
            assert answer.json()["code"] == "methodNotAllowed"


async def test_only_what_can_be_ordered_is_a_candidate(it: world.World) -> None:
    several = await found(it, CANDIDATES, version="1.0")
    assert {one["id"] for one in several} == {"eline", "internet-access", "l3vpn"}
    for one in several:
        spec = (await it.http.get(one["serviceSpecification"]["href"])).json()
        assert (spec["id"], spec["version"]) == (one["id"], one["version"])


@pytest.mark.reference
async def test_from_a_catalog_one_walks_to_every_specification(it: world.World) -> None:
    for kind, path in (("Service", SERVICES), ("Resource", RESOURCES)):
        base, stem = path.rpartition("/")[0], kind.lower()
        file = SCHEMAS[path][0]
        (catalog,) = await found(it, f"{base}/{stem}Catalog", name=f"The {stem} catalog")
        world.judge(file, f"{kind}Catalog", catalog)
        category = (await it.http.get(catalog["category"][0]["href"])).json()
        world.judge(file, f"{kind}Category", category)
        assert {"id", "href", "name", "lifecycleStatus", "lastUpdate"} <= category.keys()
        reached = set()
        for ref in category[f"{stem}Candidate"]:
            candidate = (await it.http.get(ref["href"])).json()
            world.judge(file, f"{kind}Candidate", candidate)
            shown = (await it.http.get(candidate[f"{stem}Specification"]["href"])).json()
            reached.add((shown["id"], shown["version"]))
        listed = await found(it, f"{base}/{stem}Candidate")
        assert reached == {(one["id"], one["version"]) for one in listed} != set()
        for method in ("PATCH", "DELETE"):
            answer = await it.http.request(method, catalog["href"], json={"name": "x"})
            assert answer.status_code == 405
