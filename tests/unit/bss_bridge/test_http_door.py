"""Hostile bodies, tokens and permissions: what the door lets through."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pytest
from fastapi import APIRouter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bss_bridge import application
from bss_bridge.engine import access as tokens
from bss_bridge.engine import door, intake
from oss_agent import errors
from oss_agent.spi import access
from tests.unit.bss_bridge import world

pytestmark = pytest.mark.anyio
Ask: TypeAlias = Callable[[str, str, bytes], httpx.Response]

ORDERS = "/tmf-api/serviceOrdering/v4/serviceOrder"
JSON = {"Content-Type": "application/json"}
SECRETS = {role: f"{role.value}-0123456789abcdef" for role in access.Role}


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
async def locked(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[world.World]:
    """The same behind tokens."""
    async with world.world(tmp_path_factory.mktemp("locked"), guarded()) as made:
        yield made


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """One world for every example: what came before is no excuse for a fault."""
    with asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        opened = world.world(tmp_path_factory.mktemp("asked"))
        it = runner.run(stack.enter_async_context(opened))
        # What we do not model is given back as it came, of a wrong kind, too.
        it.http.event_hooks = {}
        yield lambda method, path, content: runner.run(
            it.http.request(method, path, content=content, headers=JSON)
        )
        runner.run(stack.aclose())


def nested(depth: int) -> bytes:
    return b'{"a":' + b"[" * depth + b"]" * depth + b"}"


BODIES: list[tuple[str, bytes, int]] = [
    ("empty", b"", 400),
    ("cut", b'{"a":', 400),
    ("trailing", b"{} {}", 400),
    ("array", b"[]", 400),
    ("text", b'"x"', 400),
    ("NaN", b'{"a":NaN}', 400),
    ("Infinity", b'{"a":-Infinity}', 400),
    ("huge float", b'{"a":1e999}', 400),
    ("huge integer", b'{"a":' + b"9" * 5000 + b"}", 400),
    ("twenty digits", b'{"a":99999999999999999999}', 400),
    ("duplicate", b'{"description":"a","description":"b"}', 400),
    ("inner duplicate", b'{"a":{"b":1,"b":1}}', 400),
    ("escaped duplicate", b'{"b":1,"\\u0062":1}', 400),
    ("lone surrogate", b'{"a":"\\ud800"}', 400),
    ("surrogate name", b'{"\\udc00":1}', 400),
    ("NUL", b'{"a":"\\u0000"}', 400),
    ("escape", b'{"a":"\\u001b[2J"}', 400),
    ("C1", b'{"a":"\\u009b"}', 400),
    ("not UTF-8", b'{"a":"\xff"}', 400),
    ("UTF-16", '{"a":1}'.encode("utf-16"), 400),
    ("BOM", b"\xef\xbb\xbf{}", 400),
    ("deep", nested(intake.DEPTH), 400),
    ("very deep", nested(100_000), 400),
    ("wide", json.dumps({"a": [0] * 1001}).encode(), 400),
    ("wide object", json.dumps({str(n): 0 for n in range(1001)}).encode(), 400),
    ("large", b'{"a":"' + b"x" * (1 << 20) + b'"}', 413),
]


@pytest.mark.parametrize(
    ("body", "status"), [(b, s) for _, b, s in BODIES], ids=[n for n, _, _ in BODIES]
)
@pytest.mark.parametrize("path", [ORDERS, "/api/v1/plan", "/tmf-api/serviceOrdering/v4/hub"])
async def test_hostile_bodies(still: world.World, path: str, body: bytes, status: int) -> None:
    answer = await still.http.post(path, content=body, headers=JSON)
    assert answer.status_code == status, answer.text
    assert answer.json()["code"] == ("bodyTooLarge" if status == 413 else "invalidJson")
    assert still.orders.requests == []


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "application/xml", "application/json; charset=latin-1", "x" * 9000, "json"],
)
async def test_other_media_types_are_415(still: world.World, kind: str) -> None:
    body = json.dumps(world.ORDER).encode()
    answer = await still.http.post(ORDERS, content=body, headers={"Content-Type": kind})
    assert answer.status_code == 415
    assert answer.json()["code"] == "unsupportedMediaType"


@pytest.mark.parametrize("kind", ["application/json;charset=UTF-8", "Application/JSON"])
async def test_json_by_any_spelling_is_taken(it: world.World, kind: str) -> None:
    body = json.dumps(world.ORDER).encode()
    answer = await it.http.post(ORDERS, content=body, headers={"Content-Type": kind})
    assert answer.status_code == 201


def test_depth_and_width_bounds_are_exact() -> None:
    assert intake.document(nested(intake.DEPTH - 1))
    assert intake.document(json.dumps({"a": [0] * 1000}).encode())
    with pytest.raises(errors.OrderRejected, match="deeper"):
        intake.document(nested(intake.DEPTH))


async def test_a_body_without_length_is_cut_off_while_it_streams(it: world.World) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1 << 16
            yield b" " * (1 << 16)

    answer = await it.http.post(ORDERS, content=endless(), headers=JSON)
    assert answer.status_code == 413
    assert sent <= 2 << 20


async def test_announced_length_is_refused_before_a_byte_is_read(it: world.World) -> None:
    headers = JSON | {"Content-Length": "9" * 5000}
    answer = await it.http.post(ORDERS, content=b"{}", headers=headers)
    assert answer.status_code == 413


async def test_a_body_that_stalls_is_408(tmp_path: Path) -> None:
    options = application.Options(limits=door.Limits(seconds=0.05))

    async def stalls() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    async with world.world(tmp_path, options) as it:
        answer = await it.http.post(ORDERS, content=stalls(), headers=JSON)
        assert answer.status_code == 408


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
NAMES = st.sampled_from(
    [
        *("id", "href", "name", "state", "action", "service", "serviceOrderItem", "relatedParty"),
        *(
            "serviceCharacteristic",
            "serviceSpecification",
            "value",
            "externalId",
            "note",
            "quantity",
        ),
        *("requestedStartDate", "orderRelationship", "callback", "query", "files", "device"),
    ]
)
DOCUMENTS = st.dictionaries(NAMES, JSON_VALUES, max_size=6)


def order_like(item: Any, service: Any, order: Any) -> dict[str, Any]:
    """A good order with attributes overwritten at each of its levels."""
    good: dict[str, Any] = world.ORDER["serviceOrderItem"][0]
    mixed = good | item | {"service": good["service"] | service}
    whole: dict[str, Any] = world.ORDER | order | {"serviceOrderItem": [mixed]}
    return whole


ORDERS_LIKE = st.builds(order_like, DOCUMENTS, DOCUMENTS, DOCUMENTS)
PATHS = [
    ORDERS,
    "/api/v1/plan",
    "/tmf-api/serviceInventory/v4/hub",
    "/api/v1/import",
    "/api/v1/discover",
    "/api/v1/devices/pe1/trust",
]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(body=DOCUMENTS | ORDERS_LIKE | JSON_VALUES, path=st.sampled_from(PATHS))
def test_no_document_makes_a_fault(ask: Ask, body: Any, path: str) -> None:
    content = json.dumps(body).encode("utf-8", "surrogatepass")
    _no_fault(ask("POST", path, content))


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    content=st.binary(max_size=60)
    | st.text(alphabet='{}[]",:0-9eE\\unaul.tr \ud800é', max_size=60).map(
        lambda text: text.encode("utf-8", "surrogatepass")
    ),
    path=st.sampled_from(PATHS),
)
def test_no_bytes_make_a_fault(ask: Ask, content: bytes, path: str) -> None:
    _no_fault(ask("POST", path, content))


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    asked=st.text(alphabet='ab.=<>!*~;,"%&+-0123T: \\()[]@é', max_size=40),
    path=st.sampled_from([ORDERS, f"{ORDERS}/1", "/api/v1/devices", "/api/v1/why"]),
)
def test_no_query_makes_a_fault(ask: Ask, asked: str, path: str) -> None:
    quoted = asked.replace("é", "%E9%00" if len(asked) % 2 else "%C3%A9")
    _no_fault(ask("GET", f"{path}?{quoted}", b""))


async def test_an_attribute_that_is_null_is_not_there(tmp_path: Path) -> None:
    body = order_like({"note": None}, {"serviceOrderItem": None}, {"category": None})
    async with world.world(tmp_path) as it:  # which judges the answer by the official schema
        answer = await it.http.post(ORDERS, json=body)
    assert answer.status_code == 201
    assert "serviceOrderItem" not in answer.json()["serviceOrderItem"][0]["service"]


def _no_fault(answer: httpx.Response) -> None:
    assert answer.status_code < 500 or answer.status_code == 501, answer.text
    if answer.is_error:
        assert answer.json()["@type"] == "Error"


# --- tokens and permissions -------------------------------------------------------------------


def guarded() -> application.Options:
    """One token per role."""
    pairs = [(secret, access.Caller(role, "north", (role,))) for role, secret in SECRETS.items()]
    return application.Options(tokens=tokens.Tokens.of(pairs))


@pytest.mark.parametrize(
    "header",
    [
        [],
        [("Authorization", "")],
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer ")],
        [("Authorization", "Bearer wrong-0123456789abcdef")],
        [("Authorization", f"Basic {SECRETS[access.Role.ADMIN]}")],
        [("Authorization", f"Bearer {SECRETS[access.Role.ADMIN]}x")],
        [("Authorization", f"Bearer {SECRETS[access.Role.ADMIN]}")] * 2,
    ],
)
@pytest.mark.parametrize("path", [ORDERS, "/nowhere", "/docs", "/openapi.json", "/metrics"])
async def test_without_a_known_token_there_is_nothing(
    locked: world.World, header: list[tuple[str, str]], path: str
) -> None:
    answer = await locked.http.get(path, headers=header)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["@type"] == "Error"
    assert (await locked.http.get("/healthz", headers=header)).status_code == 200


async def test_a_token_brings_its_tenant_and_its_name(tmp_path: Path) -> None:
    async with world.world(tmp_path, guarded()) as it:
        headers = {"Authorization": f"bearer {SECRETS[access.Role.ORDERER]}"}
        sent = {k: v for k, v in world.ORDER.items() if k != "relatedParty"}
        answer = await it.http.post(ORDERS, json=sent, headers=headers)
        assert answer.status_code == 201
        assert (it.orders.requests[0].tenant, it.orders.requests[0].requester) == (
            "north",
            "orderer",
        )


def operations(document: dict[str, Any]) -> list[tuple[str, str, access.Permission | None]]:
    """(method, path, declared permission) of every operation in the API's own document."""
    return [
        (method, path, operation.get(access.DECLARATION))
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


async def test_every_route_declares_a_permission_and_enforces_it(tmp_path: Path) -> None:
    async with world.world(tmp_path, guarded()) as it:
        found = operations(it.app.openapi())
        assert len(found) > 25
        for method, path, permission in found:
            assert permission in set(access.Permission), path
            for role, secret in SECRETS.items():
                headers = {"Authorization": f"Bearer {secret}"}
                answer = await it.http.request(method, path, headers=headers)
                may = permission in access.ROLES[role]
                assert (answer.status_code != 403) is may, (method, path, role)
    # Secrets are part of an answer that others may have without them (test_backup_surface.py).
    asked = set(access.Permission) - {access.Permission.SECRETS}
    assert {permission for _, _, permission in found} == asked


CHANGES: dict[str, dict[str, Any]] = {"hold": {}, "release": {}, "approve": {"hash": world.PLAN}}


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize(
    ("order", "whose"), [("17", access.Role.ORDERER), ("ro17", access.Role.OPERATOR)]
)
async def test_who_may_change_an_order_goes_by_its_kind(
    locked: world.World, order: str, whose: access.Role, what: str
) -> None:
    for role, secret in SECRETS.items():
        headers = {"Authorization": f"Bearer {secret}"}
        path = f"/api/v1/orders/{order}/{what}"
        answer = await locked.http.post(path, json=CHANGES[what], headers=headers)
        may = role in {whose, access.Role.ADMIN}
        assert answer.status_code == (404 if may else 403), role


def test_a_route_without_a_permission_cannot_be_served() -> None:
    forgotten = APIRouter()

    @forgotten.get("/open")
    async def leak() -> None:
        """Nobody said who may."""

    outer = APIRouter()
    outer.include_router(forgotten)
    for router in (forgotten, outer):
        with pytest.raises(errors.ConfigurationError, match="permission"):
            tokens.require_declarations([router])
    assert leak is not None


@pytest.mark.parametrize("pairs", [["short"], ["0123456789abcdef", "0123456789abcdef"]])
def test_weak_or_repeated_tokens_are_a_configuration_error(pairs: list[str]) -> None:
    caller = access.Caller("x", "t", ())
    with pytest.raises(errors.ConfigurationError, match=r"http\.tokens"):
        tokens.Tokens.of((token, caller) for token in pairs)


def test_tokens_are_not_kept_readable() -> None:
    assert SECRETS[access.Role.ADMIN] not in repr(guarded())
