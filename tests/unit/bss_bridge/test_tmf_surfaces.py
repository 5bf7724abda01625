"""The TM Forum surfaces over ports in memory: what is answered, judged by the official schemas."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bss_bridge import application
from bss_bridge.engine import surface, tmf630
from bss_bridge.resources import tmf635, tmf638, tmf639, tmf641, tmf642
from oss_agent import errors
from oss_agent.spi import catalogue, views
from tests.unit.bss_bridge import world

pytestmark = pytest.mark.anyio

ORDERS = "/tmf-api/serviceOrdering/v4/serviceOrder"
SERVICES = "/tmf-api/serviceInventory/v4/service"
SPEC_641 = "TMF641/TMF641-ServiceOrdering-v4.1.0.swagger.json"
SPECS_638 = (
    "TMF638/TMF638-ServiceInventory-v4.0.0.swagger.json",
    "TMF638/TMF638_Service_Inventory_Management_API_v4.0.0_swagger.json",
)
SPECS_639 = (
    "TMF639/TMF639-ResourceInventory-v4.0.0.swagger.json",
    "TMF639/TMF639_Resource_Inventory_Management_API_v4.0.0_swagger.json",
)
SPEC_642 = "TMF642/TMF642-Alarm-v4.0.0.swagger.json"
SPECS_635 = (
    "TMF635/TMF635-UsageManagement-v4.0.0.swagger.json",
    "TMF635/TMF635_Usage_Management_API_v4.0.0_swagger.json",
)


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[world.World]:
    async with world.world(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
async def still(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[world.World]:
    """One for all requests that must leave nothing behind, for a new one costs 0.1 s of CPU."""
    async with world.world(tmp_path_factory.mktemp("still")) as made:
        yield made


@pytest.fixture(scope="module")
async def filled(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[world.World]:
    """Seven orders for all who only read them."""
    async with world.world(tmp_path_factory.mktemp("filled")) as made:
        await fill(made)
        yield made


def mend_641(definitions: dict[str, Any]) -> None:
    """v4.1 requires an id that ServiceOrderItemRef does not define."""
    del definitions["ServiceOrderItemRef"]["required"]


def mend_642(definitions: dict[str, Any]) -> None:
    """The id is an integer in the schema and a string in the official sample."""
    definitions["Alarm"]["properties"]["id"]["type"] = "string"


async def test_posted_order_is_answered_with_its_place(it: world.World) -> None:
    answer = await it.http.post(ORDERS, json=world.ORDER, headers={"Idempotency-Key": "k-1"})
    body = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == body["href"] == f"{world.URL}{ORDERS}/1"
    request = it.orders.requests[0]
    assert (request.requester, request.idempotency_key) == ("acme", "k-1")
    assert request.items[0].path == "serviceOrderItem[0]"
    assert request.items[0].characteristics["a-end"] == {"device": "pe1", "port": "eth4"}
    assert (await it.http.get(f"{ORDERS}/1")).json() == body


async def test_what_the_sender_wrote_beside_our_model_is_given_back(it: world.World) -> None:
    sent = copy.deepcopy(world.ORDER)
    sent["serviceOrderItem"][0]["colour"] = "blue"
    sent["@schemaLocation"] = "https://bss.example.net/order.json"
    sent["@type"] = "AcmeOrder"
    body = (await it.http.post(ORDERS, json=sent)).json()
    service = body["serviceOrderItem"][0]["service"]
    assert body["@type"] == "AcmeOrder"
    assert body["@schemaLocation"] == sent["@schemaLocation"]
    assert body["relatedParty"] == sent["relatedParty"]
    assert body["note"] == sent["note"]
    assert body["serviceOrderItem"][0]["colour"] == "blue"
    assert service["serviceType"] == "CFS"
    assert service["serviceSpecification"]["href"] == f"{world.URL}/spec/e-line"
    assert service["serviceCharacteristic"][0]["id"] == "c1"


SITES = [
    {"name": "north", "port": "pe1:eth3", "address": "172.16.1.1/24", "bandwidth": 10},
    {"port": "pe2:eth3", "address": "172.16.2.1/24"},
]


@pytest.mark.reference
async def test_a_list_of_objects_comes_back_as_it_was_sent(it: world.World) -> None:
    sent = copy.deepcopy(world.ORDER)
    value = "serviceOrderItem[0].service.serviceCharacteristic[1]"
    put(sent, value, {"name": "sites", "value": SITES})
    body = (await it.http.post(ORDERS, json=sent)).json()
    world.judge(SPEC_641, "ServiceOrder", body)

    told = body["serviceOrderItem"][0]["service"]["serviceCharacteristic"][1]
    assert (told["name"], told["valueType"], told["value"]) == ("sites", "array", SITES)
    assert it.orders.requests[0].items[0].characteristics["sites"] == SITES
    shown = tmf638.render(world.service(characteristics={"sites": SITES}), world.LINKS)
    assert shown["serviceCharacteristic"][0]["value"] == SITES
    world.judge(SPECS_638[0], "Service", shown)


async def test_an_id_may_hold_a_slash(it: world.World) -> None:
    """As those of prefixes (``internet-v4:203.0.113.0/30``) and many vendors' ports do."""
    key = "internet-v4:203.0.113.0/30"
    it.services.rows.append(world.service(key))
    (body,) = (await it.http.get(SERVICES, params={"id": key})).json()

    assert (await it.http.get(body["href"])).json() == body


@pytest.mark.reference
async def test_posted_order_satisfies_the_official_schema(it: world.World) -> None:
    answer = await it.http.post(ORDERS, json=world.ORDER)
    world.judge(SPEC_641, "ServiceOrder", answer.json())


@pytest.mark.reference
async def test_order_with_errors_notes_and_milestones_satisfies_the_schema() -> None:
    body = tmf641.render(world.finished_order(), world.LINKS)
    world.judge(SPEC_641, "ServiceOrder", body, mend_641)
    assert [note["text"] for note in body["note"]] == [
        "hello",
        "item 1 evidence: ping ce1 failed: 10 of 10 lost",
        "item 1 waits: device pe2 is locked",
    ]


@pytest.mark.reference
@pytest.mark.parametrize("spec", SPECS_638)
@pytest.mark.parametrize("state", list(views.ServiceState))
async def test_service_satisfies_both_editions(spec: str, state: views.ServiceState) -> None:
    body = tmf638.render(world.service(state=state, cause="pe1:eth4 is down"), world.LINKS)
    world.judge(spec, "Service", body)
    assert {"id", "href", "state", "serviceDate", "serviceSpecification"} <= body.keys()


@pytest.mark.reference
@pytest.mark.parametrize("spec", SPECS_639)
@pytest.mark.parametrize("administrative", ["locked", "unlocked", "shuttingDown"])
@pytest.mark.parametrize("operational", ["enabled", "disabled"])
async def test_resource_satisfies_both_editions(
    spec: str, administrative: str, operational: str
) -> None:
    view = world.resource(administrative_state=administrative, operational_state=operational)
    body = tmf639.render(view, world.LINKS)
    world.judge(spec, "Resource", body)
    assert {
        "administrativeState",
        "operationalState",
        "usageState",
        "resourceStatus",
    } <= body.keys()


@pytest.mark.reference
async def test_a_state_the_specification_has_no_word_for_is_left_out() -> None:
    names = ("administrative_state", "operational_state", "usage_state", "resource_status")
    body = tmf639.render(world.resource(**dict.fromkeys(names, "odd")), world.LINKS)
    world.judge(SPECS_639[0], "Resource", body)
    assert "odd" not in body.values()


@pytest.mark.reference
@pytest.mark.parametrize("changes", [{}, {"state": "cleared", "cleared_at": world.NOW}])
async def test_alarm_satisfies_the_schema(changes: dict[str, Any]) -> None:
    body = tmf642.render(world.alarm(**changes), world.LINKS)
    world.judge(SPEC_642, "Alarm", body, mend_642)
    mandatory = {"id", "href", "state", "alarmType", "alarmedObject", "perceivedSeverity"}
    assert mandatory | {"probableCause", "sourceSystemId", "alarmRaisedTime"} <= body.keys()


@pytest.mark.reference
@pytest.mark.parametrize("spec", SPECS_635)
@pytest.mark.parametrize("gap", [None, "device restarted"])
async def test_usage_satisfies_the_schema_and_a_gap_is_not_zero(spec: str, gap: str | None) -> None:
    octets = None if gap else 5
    body = tmf635.render(world.usage(gap=gap, octets_in=octets, octets_out=octets))
    world.judge(spec, "Usage_Create", body)
    values = {one["name"]: one["value"] for one in body["usageCharacteristic"]}
    assert values.get("octetsIn") == octets
    assert values.get("gap") == gap
    assert ("octetsIn" in values) is (gap is None)


@pytest.mark.reference
@pytest.mark.parametrize(
    ("path", "spec", "definition"),
    [
        (SERVICES, SPECS_638[0], "Service"),
        ("/tmf-api/resourceInventoryManagement/v4/resource", SPECS_639[0], "Resource"),
        ("/tmf-api/alarmManagement/v4/alarm", SPEC_642, "Alarm"),
        ("/tmf-api/alarm/v4/alarm", SPEC_642, "Alarm"),
    ],
)
async def test_every_inventory_is_listed_and_read(
    still: world.World, path: str, spec: str, definition: str
) -> None:
    answer = await still.http.get(path)
    assert answer.status_code == 200
    mend = mend_642 if definition == "Alarm" else None
    for body in answer.json():
        world.judge(spec, definition, body, mend)
        one = await still.http.get(f"{path}/{body['id']}")
        assert one.json() == body
        chosen = await still.http.get(path, params={"fields": "state", "id": body["id"]})
        assert chosen.json()[0].keys() <= {"id", "href", "state"}
        assert len(chosen.json()) == 1


def mutations() -> list[tuple[str, Any, str]]:
    """(where in the order, what to put there, the field the refusal names)."""
    item = "serviceOrderItem[0]"
    service = f"{item}.service"
    value = f"{service}.serviceCharacteristic[0].value"
    long = "x" * 256
    return [
        ("id", "7", "id"),
        ("href", "x", "href"),
        ("state", "completed", "state"),
        ("orderDate", "2026-01-01T00:00:00Z", "orderDate"),
        ("completionDate", "2026-01-01T00:00:00Z", "completionDate"),
        ("serviceOrderItem", [], "serviceOrderItem"),
        ("serviceOrderItem", {}, "serviceOrderItem"),
        ("serviceOrderItem", None, "serviceOrderItem"),
        ("serviceOrderItem", [7], item),
        ("externalId", 7, "externalId"),
        ("externalId", "a\nb", "externalId"),
        ("externalId", long, "externalId"),
        ("externalId", "", "externalId"),
        ("description", "x" * 4097, "description"),
        ("description", "bell\a", "description"),
        ("requestedStartDate", "2026-01-01", "requestedStartDate"),
        ("requestedStartDate", "2026-01-01T00:00:00", "requestedStartDate"),
        ("requestedStartDate", 1767225600, "requestedStartDate"),
        ("requestedStartDate", "0001-01-01T00:00:00+14:00", "requestedStartDate"),
        ("relatedParty", {}, "relatedParty"),
        ("relatedParty", [{"role": "customer"}], "relatedParty[0].id"),
        ("relatedParty", ["acme"], "relatedParty[0]"),
        ("orderRelationship", [{"relationshipType": "dependency"}], "orderRelationship[0]"),
        (f"{item}.id", 1, f"{item}.id"),
        (f"{item}.state", "acknowledged", f"{item}.state"),
        (f"{item}.action", "create", f"{item}.action"),
        (f"{item}.action", ["add"], f"{item}.action"),
        (f"{item}.action", "modify", f"{service}.id"),
        (f"{item}.quantity", 2, f"{item}.quantity"),
        (f"{item}.appointment", {"id": "1"}, f"{item}.appointment"),
        (f"{item}.serviceOrderItem", [{}], f"{item}.serviceOrderItem"),
        (f"{item}.service", "e-line", service),
        (f"{service}.id", "s1", f"{service}.id"),
        (f"{service}.name", "acme\nhq", f"{service}.name"),
        (f"{service}.name", "acme\u2028hq", f"{service}.name"),
        (f"{service}.name", "acme\x1b[2J", f"{service}.name"),
        (f"{service}.state", "inactive", f"{service}.state"),
        (f"{service}.isServiceEnabled", False, f"{service}.isServiceEnabled"),
        (f"{service}.isServiceEnabled", "yes", f"{service}.isServiceEnabled"),
        (f"{service}.serviceSpecification", None, f"{service}.serviceSpecification"),
        (f"{service}.serviceSpecification.id", "", f"{service}.serviceSpecification.id"),
        (f"{service}.serviceCharacteristic[0].name", 3, f"{service}.serviceCharacteristic[0].name"),
        (f"{service}.serviceCharacteristic[1].name", "bandwidth", f"{service}.serviceCharacteristic"),
        (f"{service}.serviceCharacteristic[0]", {"name": "x"}, value),
        (value, "20\nno shutdown", value),
        (value, ["ok", "line\u0085break"], value),
        (value, {"a\nb": 1}, value),
        (value, {"deep": [{"text": "a\rb"}]}, value),
        (value, "fe80::1%eth0", value),
        (value, "fe80::1%eth0\n", value),
        (value, "fe80::1%eth0/64", value),
    ]  # fmt: skip


def put(document: Any, path: str, what: Any) -> None:
    """Set a dotted place such as ``a[0].b``."""
    steps: list[Any] = []
    for step in path.split("."):
        name, _, rest = step.partition("[")
        steps += [name, *(int(place) for place in rest.rstrip("]").split("][") if place)]
    for step in steps[:-1]:
        document = document[step]
    document[steps[-1]] = what


@pytest.mark.parametrize(("path", "what", "field"), mutations())
async def test_bad_order_is_refused_naming_the_field_and_stores_nothing(
    still: world.World, path: str, what: Any, field: str
) -> None:
    sent = copy.deepcopy(world.ORDER)
    put(sent, path, what)
    answer = await still.http.post(ORDERS, json=sent)
    body = answer.json()
    assert answer.status_code == 400, body
    assert body["field"].startswith(field), body
    assert body["field"] in body["reason"]
    assert still.orders.requests == []
    plan = await still.http.post("/api/v1/plan", json=sent)
    assert plan.json() == body


SUSPENDED, RESUMED = views.ServiceState.INACTIVE, views.ServiceState.ACTIVE
WISHED: list[tuple[dict[str, Any], views.ServiceState | None]] = [
    ({}, None),
    ({"state": "inactive"}, SUSPENDED),
    ({"isServiceEnabled": False}, SUSPENDED),
    ({"state": "inactive", "isServiceEnabled": False}, SUSPENDED),
    ({"state": "active"}, RESUMED),
    ({"isServiceEnabled": True}, RESUMED),
    ({"state": "active", "isServiceEnabled": True}, RESUMED),
]


@pytest.mark.parametrize(("said", "meant"), WISHED)
async def test_a_modify_says_by_state_or_flag_that_a_service_is_suspended_or_resumed(
    it: world.World, said: dict[str, Any], meant: views.ServiceState | None
) -> None:
    item = {"id": "1", "action": "modify", "service": {"id": "s1"} | said}
    answer = await it.http.post(ORDERS, json={"serviceOrderItem": [item]})
    assert answer.status_code == 201, answer.text
    assert it.orders.requests[0].items[0].service_state is meant
    shown = answer.json()["serviceOrderItem"][0]["service"]
    assert said.items() <= shown.items()


@pytest.mark.parametrize(
    ("action", "said", "field"),
    [
        ("modify", {"state": "inactive", "isServiceEnabled": True}, "isServiceEnabled"),
        ("modify", {"state": "active", "isServiceEnabled": False}, "isServiceEnabled"),
        ("modify", {"state": "terminated"}, "state"),
        ("modify", {"state": "suspended"}, "state"),
        ("delete", {"state": "inactive"}, "state"),
        ("delete", {"isServiceEnabled": True}, "isServiceEnabled"),
    ],
)
async def test_a_state_that_would_be_ignored_is_refused(
    still: world.World, action: str, said: dict[str, Any], field: str
) -> None:
    item = {"id": "1", "action": action, "service": {"id": "s1"} | said}
    answer = await still.http.post(ORDERS, json={"serviceOrderItem": [item]})
    assert answer.status_code == 400
    assert answer.json()["field"] == f"serviceOrderItem[0].service.{field}"
    assert still.orders.requests == []


@pytest.mark.parametrize(
    ("state", "flags"),
    [("designed", (False, False)), ("active", (True, True)), ("inactive", (True, False)),
     ("terminated", (False, False))],
)  # fmt: skip
def test_a_suspended_service_has_started_and_is_not_enabled(
    state: str, flags: tuple[bool, bool]
) -> None:
    view = world.service(state=views.ServiceState(state))
    body = tmf638.render(view, world.LINKS)
    assert (body["hasStarted"], body["isServiceEnabled"]) == flags


async def test_the_same_service_may_be_named_by_its_href(it: world.World) -> None:
    sent = copy.deepcopy(world.ORDER)
    put(sent, "serviceOrderItem[0].action", "delete")
    put(sent, "serviceOrderItem[0].service", {"href": f"{world.URL}{SERVICES}/s1"})
    assert (await it.http.post(ORDERS, json=sent)).status_code == 201
    assert it.orders.requests[0].items[0].service_id == "s1"


async def test_digest_ignores_spelling_and_sees_meaning(it: world.World) -> None:
    other = copy.deepcopy(world.ORDER)
    put(other, "serviceOrderItem[0].service.serviceCharacteristic[0].value", 21)
    turned = dict(reversed(list(world.ORDER.items())))
    for body in (world.ORDER, turned, other):
        await it.http.post(ORDERS, json=body)
    first, same, different = (request.body_digest for request in it.orders.requests)
    assert first == same != different
    assert len(first) == 64


@pytest.mark.parametrize("key", ["", "two words", "x" * 256, "é"])
async def test_bad_idempotency_key_is_refused(still: world.World, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode()}
    answer = await still.http.post(ORDERS, json=world.ORDER, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["field"] == "Idempotency-Key"


@pytest.mark.parametrize("plan", ["", " ", "zz", "8" * 63, "8" * 64 + ","])
async def test_a_plan_hash_that_is_none_orders_nothing(still: world.World, plan: str) -> None:
    answer = await still.http.post(ORDERS, json=world.ORDER, headers={"Plan-Hash": plan})
    assert answer.status_code == 400
    assert answer.json()["field"] == "Plan-Hash"
    assert still.orders.requests == []


async def test_plan_shows_the_dry_run_and_stores_nothing(it: world.World) -> None:
    answer = await it.http.post("/api/v1/plan", json=world.ORDER)
    assert answer.status_code == 200
    assert answer.json()[0]["service_name"] == "acme-hq-branch"
    assert it.orders.rows == []


@pytest.mark.parametrize("path", ["/api/v1/plan", ORDERS])
async def test_what_becomes_of_edits_by_hand_is_a_header_of_plan_and_order(
    it: world.World, path: str
) -> None:
    for policy in catalogue.OutOfBand:
        answer = await it.http.post(path, json=world.ORDER, headers={"Out-Of-Band": policy})
        assert answer.status_code in {200, 201}
        assert it.orders.requests.pop().by_hand == policy

    answer = await it.http.post(path, json=world.ORDER, headers={"Out-Of-Band": "overwrite"})
    assert (answer.status_code, answer.json()["field"]) == (400, "Out-Of-Band")
    assert it.orders.requests == []


@pytest.mark.reference
@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (errors.IdempotencyConflict("used", status=422, code="keyReused"), 422, "keyReused"),
        (errors.IdempotencyConflict("used", status=409, code="inUse"), 409, "inUse"),
        (errors.StoreUnavailable("disk full: /secret/path"), 503, "storeUnavailable"),
        (errors.Conflict("port is taken", holder="order 7"), 409, "conflict"),
        (errors.DeviceUnreachable("pe1", "no route"), 503, "deviceUnavailable"),
        (errors.DeviceRefused("pe1", "host key"), 502, "deviceRefused"),
        (errors.ProofFailed("secret"), 500, "internalError"),
        (RuntimeError("secret"), 500, "internalError"),
    ],
)
async def test_every_failure_has_the_error_form(
    it: world.World, failure: Exception, status: int, code: str
) -> None:
    it.orders.failure = failure
    answer = await it.http.post(ORDERS, json=world.ORDER)
    assert answer.status_code == status
    assert answer.json()["code"] == code
    assert "secret" not in answer.text
    world.judge(SPEC_641, "Error", answer.json())


@pytest.mark.reference
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", f"{ORDERS}/unknown", 404),
        ("GET", f"{ORDERS}/a%00b", 404),
        ("GET", f"{ORDERS}/a%0Ab", 404),
        ("GET", f"{ORDERS}/", 404),
        ("GET", "/tmf-api/alarm/v4/Alarm/a1", 404),
        ("DELETE", f"{ORDERS}/1", 405),
        ("PATCH", f"{ORDERS}/1", 404),
        ("PUT", ORDERS, 405),
        ("POST", SERVICES, 405),
        ("GET", f"{ORDERS}?limit=-1", 400),
        ("GET", f"{ORDERS}?limit=1e3", 400),
        ("GET", f"{ORDERS}?offset=x", 400),
        ("GET", f"{ORDERS}?state", 400),
        ("GET", f"{ORDERS}?state=%00", 400),
        ("GET", f"{ORDERS}?a..b=1", 400),
        ("GET", f"{ORDERS}?sort=-", 400),
        ("GET", f"{ORDERS}?state.regex=[ab]", 501),
        ("GET", f"{ORDERS}?state*=(a|b)", 501),
        ("GET", f"{ORDERS}?state.regex=[a", 400),
        ("GET", f"{ORDERS}?filter=$[0]", 501),
        ("GET", f"{ORDERS}?filter=$[?(@.state=='a'", 400),
        ("GET", f"{ORDERS}?fields=a..b", 400),
        ("GET", f"{ORDERS}/1?fields=a..b", 400),
        ("GET", "/api/v1/devices/unknown", 404),
        ("GET", "/api/v1/why", 400),
        ("GET", "/api/v1/devices?limit=x", 400),
        ("POST", "/api/v1/import", 400),
    ],
)
async def test_every_wrong_path_has_the_error_form(
    still: world.World, method: str, path: str, status: int
) -> None:
    answer = await still.http.request(method, path)
    assert answer.status_code == status
    world.judge(SPEC_641, "Error", answer.json())
    assert answer.json()["status"] == str(status)


async def test_405_names_every_method_of_the_path(still: world.World) -> None:
    assert (await still.http.delete(ORDERS)).headers["allow"] == "GET, HEAD, POST"


async def fill(it: world.World, count: int = 7) -> None:
    for number in range(count):
        body = copy.deepcopy(world.ORDER)
        body |= {"externalId": f"BSS-{number}", "priority": str(number % 3)}
        await it.http.post(ORDERS, json=body)


LISTS = [
    ("", "1234567"),
    ("externalId=BSS-2", "3"),
    ("externalId=BSS-2,BSS-4", "35"),
    ("externalId=BSS-2;BSS-4", "35"),
    ("externalId=BSS-2;externalId=BSS-4", "35"),
    ("externalId=BSS-2&externalId=BSS-4", "35"),
    ("externalId=%22BSS-2%22", "3"),
    ("externalId.eq=BSS-2", "3"),
    ("externalId.ne=BSS-2,BSS-4", "12467"),
    ("externalId!=BSS-2", "124567"),
    ("priority=1&externalId=BSS-1,BSS-2", "2"),
    ("priority.gt=0", "2356"),
    ("priority.gte=1", "2356"),
    ("priority%3E1", "36"),
    ("priority%3E%3D1", "2356"),
    ("priority>=1", "2356"),
    ("priority.lt=1", "147"),
    ("priority<=1", "12457"),
    ("orderDate=2026-11-21T10:05:00.000Z", "3"),
    ("orderDate=2026-11-21T12:05:00+02:00", "3"),
    ('orderDate="2026-11-21T10:05:00.000+00:00"', "3"),
    ("orderDate.gt=2026-11-21T10:07:00+00:00", "67"),
    ("serviceOrderItem.service.name=acme-hq-branch&id=4", "4"),
    ("externalId=BSS-2;id=5", "35"),
    ("externalId=BSS-2;id=5,6&priority=1", "5"),
    ("externalId=BSS-2;priority%3E1", "36"),
    ("id=3;externalId.ne=BSS-0,BSS-1", "34567"),
    ("externalId.regex=^BSS-.$&id=3,4", "34"),
    ("externalId.regex=S-2|6$", "37"),
    ("externalId*=^2", ""),
    ("externalId%3D~bss", ""),
    ("externalId=BSS-2;externalId.regex=5$", "36"),
    ("filter=$[?(@.externalId=='BSS-2')]", "3"),
    ("filter=$[?(@.externalId=='BSS-2' || @.id==5)]", "35"),
    ("filter=$[?(@.priority>'0' %26%26 (@.id=='2' || @.id==\"7\" || @.id=='3'))]", "23"),
    ("filter=$[?(@.serviceOrderItem[*]['service'].name=~'branch$')]&id.lt=3", "12"),
    ("serviceOrderItem.service.serviceCharacteristic.value=20&id=4", "4"),
    ("state=completed", ""),
    ("state=", ""),
    ("sort=-orderDate", "7654321"),
    ("sort=priority,-orderDate", "7415263"),
    ("sort=%2Bpriority,+orderDate", "1472536"),
    ("limit=2", "12"),
    ("limit=2&offset=4", "56"),
    ("offset=6&limit=5", "7"),
    ("offset=99", ""),
    ("limit=0", ""),
    ("limit=5000", "1234567"),
]


@pytest.mark.parametrize(("asked", "expected"), LISTS)
async def test_lists(filled: world.World, asked: str, expected: str) -> None:
    answer = await filled.http.get(f"{ORDERS}?{asked}")
    assert answer.status_code == 200, answer.text
    assert "".join(body["id"] for body in answer.json()) == expected
    assert answer.headers["x-result-count"] == str(len(expected))
    assert filled.orders.asked[-1].limit <= 1000


async def test_ne_of_several_values_asks_for_none_of_them() -> None:
    filters = tmf630.parse("state.ne=a,b&id=1,2", "t").query.filters
    assert [(f.operator.value, f.values) for f in filters] == [
        ("ne", ("a",)),
        ("ne", ("b",)),
        ("eq", ("1", "2")),
    ]


@pytest.mark.parametrize(
    ("offset", "limit", "total", "expected"),
    [
        (0, 10, 5, {}),
        (0, 5, 5, {}),
        (0, 0, 5, {}),
        (0, 3, 6, {"first": 0, "last": 3, "next": 3}),
        (3, 3, 6, {"first": 0, "last": 3, "prev": 0}),
        (2, 3, 7, {"first": 0, "last": 6, "prev": 0, "next": 5}),
        (99, 3, 7, {"first": 0, "last": 6, "prev": 96}),
        (5, 3, 0, {"first": 0, "last": 0, "prev": 2}),
    ],
)
async def test_pages_that_exist(
    offset: int, limit: int, total: int, expected: dict[str, int]
) -> None:
    assert surface.pages(offset, limit, total) == expected


async def test_links_lead_through_every_page(filled: world.World) -> None:
    answer = await filled.http.get(f"{ORDERS}?limit=3&externalId!=BSS-0&sort=-orderDate")
    seen = [body["id"] for body in answer.json()]
    while "next" in answer.links:
        answer = await filled.http.get(answer.links["next"]["url"])
        assert answer.headers["x-total-count"] == "6"
        seen += [body["id"] for body in answer.json()]
    assert "".join(seen) == "765432"
    assert "prev" in answer.links


async def test_link_header_cannot_be_broken_out_of(filled: world.World) -> None:
    answer = await filled.http.get(f'{ORDERS}?limit=2&id.ne=%3E;x"')
    assert set(answer.links) == {"first", "next", "last"}


async def test_fields_choose_and_identity_stays(it: world.World) -> None:
    await fill(it, 1)
    for asked, kept in (("state", {"state"}), ("none", set()), ("state,@type", {"state", "@type"})):
        for path in (ORDERS, f"{ORDERS}/1"):
            body = (await it.http.get(path, params={"fields": asked})).json()
            first = body[0] if isinstance(body, list) else body
            assert first.keys() == {"id", "href", *kept}
    posted = await it.http.post(f"{ORDERS}?fields=state", json=world.ORDER)
    assert posted.json().keys() == {"id", "href", "state"}


async def test_206_is_a_setting(tmp_path: Path) -> None:
    options = application.Options(paging=surface.Paging(default=2, partial_content=True))
    async with world.world(tmp_path, options) as it:
        await fill(it, 3)
        assert (await it.http.get(ORDERS)).status_code == 206
        assert (await it.http.get(f"{ORDERS}?limit=3")).status_code == 200


async def test_tenants_do_not_see_each_other(it: world.World) -> None:
    it.services.rows.append(world.service("foreign", tenant="other"))
    assert [one["id"] for one in (await it.http.get(SERVICES)).json()] == ["s1"]
    assert (await it.http.get(f"{SERVICES}/foreign")).status_code == 404


@pytest.mark.reference
async def test_resources_are_listed_by_kind_too(still: world.World) -> None:
    base = "/tmf-api/resourceInventoryManagement/v4"
    (body,) = (await still.http.get(f"{base}/physicalResource?name=pe1")).json()
    world.judge(SPECS_639[0], "PhysicalResource", body)
    assert body["href"] == f"{world.URL}{base}/physicalResource/dev-pe1"
    assert (await still.http.get(body["href"])).json() == body
    found = await still.http.get(f"{base}/physicalResource", params={"href": body["href"]})
    assert [one["id"] for one in found.json()] == ["dev-pe1"]
    assert (await still.http.get(f"{base}/logicalResource")).json() == []
    assert (await still.http.get(f"{base}/logicalResource/dev-pe1")).status_code == 404
