"""The official v4 specifications as a judge of whatever the surfaces answer."""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import jsonschema
import pytest

Repair = Callable[[dict[str, Any]], None]


def mend_641(definitions: dict[str, Any]) -> None:
    """v4.1 requires an id that ServiceOrderItemRef does not define."""
    definitions["ServiceOrderItemRef"].pop("required", None)


def mend_642(definitions: dict[str, Any]) -> None:
    """The id is an integer in the schema and a string in the official sample."""
    definitions["Alarm"]["properties"]["id"]["type"] = "string"


def mend_statuses(definitions: dict[str, Any]) -> None:
    """The product status aborted is written with a space behind it."""
    statuses = definitions["ProductStatusType"]["enum"]
    statuses[:] = [word.strip() for word in statuses]


SURFACES: Final[Mapping[str, tuple[str, ...]]] = {
    "productOrderingManagement/v4": (
        "TMF622/TMF622_Product_Ordering_Management_API_v4.0.0_swagger.json",
    ),
    "serviceCatalogManagement/v4": ("TMF633/TMF633-ServiceCatalog-v4.0.0.swagger.json",),
    "resourceCatalog/v4": ("TMF634/TMF634-ResourceCatalog-v4.1.0.swagger.json",),
    "usageManagement/v4": (
        "TMF635/TMF635-UsageManagement-v4.0.0.swagger.json",
        "TMF635/TMF635_Usage_Management_API_v4.0.0_swagger.json",
    ),
    "productInventory/v4": ("TMF637/TMF637_Product_Inventory_Management_API_v4.0.0_swagger.json",),
    "serviceInventory/v4": (
        "TMF638/TMF638-ServiceInventory-v4.0.0.swagger.json",
        "TMF638/TMF638_Service_Inventory_Management_API_v4.0.0_swagger.json",
    ),
    "resourceInventoryManagement/v4": (
        "TMF639/TMF639-ResourceInventory-v4.0.0.swagger.json",
        "TMF639/TMF639_Resource_Inventory_Management_API_v4.0.0_swagger.json",
    ),
    "ServiceActivationAndConfiguration/v4": (
        "TMF640/TMF640-ServiceActivation-v4.0.0.swagger.json",
    ),
    "serviceOrdering/v4": ("TMF641/TMF641-ServiceOrdering-v4.1.0.swagger.json",),
    "alarmManagement/v4": ("TMF642/TMF642-Alarm-v4.0.0.swagger.json",),
    "alarm/v4": ("TMF642/TMF642-Alarm-v4.0.0.swagger.json",),
    "resourceOrdering/v4": ("TMF652/TMF652-ResourceOrder-v4.0.0.swagger.json",),
    "resourceOrderingManagement/v4": (
        "TMF652/TMF652_Resource_Order_Management_API_v4.0.0_swagger.json",
    ),
    "serviceTestManagement/v4": ("TMF653/TMF653_Service_Test_Management_API_v4.2.0_swagger.json",),
    "event/v4": ("TMF688/TMF688-Event-v4.0.0.swagger.json",),
}
"""Each base path under ``/tmf-api/`` and the editions that judge it."""
MENDED: Final[Mapping[str, Repair]] = {
    "TMF622": mend_statuses,
    "TMF637": mend_statuses,
    "TMF641": mend_641,
    "TMF642": mend_642,
}
"""What the official files say against themselves; the answers are never mended."""
_ERRORS: Final = "TMF641/TMF641-ServiceOrdering-v4.1.0.swagger.json"
_REFUSED: Final = 400
_ANSWERED: Final = ("/tmf-api/", "/api/")
"""Where refusals have TMF630's form; readiness says in its own form what is not ready."""


def reference() -> Path:
    """The official specifications, or a skip that says why; never a skip in CI."""
    root = _root()
    if not (root / "tmf").is_dir():
        if os.environ.get("CI") == "true":
            raise FileNotFoundError(root / "tmf")
        pytest.skip(f"no reference data in {root}: set OSS_AGENT_REFERENCE")
    return root / "tmf"


def _root() -> Path:
    return Path(os.environ.get("OSS_AGENT_REFERENCE") or Path(__file__).parents[4] / "shared/data")


def judge(file: str, definition: str, answer: Any, repair: Repair | None = None) -> None:
    """Validate an answer against a definition of an official swagger; ``repair`` mends the file."""
    _require(file, {"$ref": f"#/definitions/{definition}"}, answer, repair)


async def watch(response: httpx.Response) -> None:
    """An httpx hook: every answer of a surface is what its specification promises.

    Without the reference files nothing is judged here; tests that need them skip and say so.
    """
    if not (_root() / "tmf").is_dir() and os.environ.get("CI") != "true":
        return
    await response.aread()
    request = response.request
    if request.method == "HEAD":
        assert not response.content
        return
    if response.status_code >= _REFUSED and request.url.path.startswith(_ANSWERED):
        judge(_ERRORS, "Error", response.json())
        assert response.json()["status"] == str(response.status_code)
    whole = response.status_code < _REFUSED and "fields" not in request.url.params
    if not whole or not response.content:
        return
    for file, schema in promised(request.method, request.url.path, response.status_code):
        _require(file, schema, response.json(), MENDED.get(file.partition("/")[0]))


def promised(method: str, path: str, status: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """(file, schema) of each edition that speaks about this method, path and status."""
    found = re.fullmatch(r"/tmf-api/(\w+/v4)(/.*)", path)
    for file in SURFACES.get(found[1], ()) if found else ():
        for template, methods in document(file)["paths"].items():
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
            if found and re.fullmatch(pattern, found[2]):
                answers = methods.get(method.lower(), {}).get("responses", {})
                yield from ((file, one) for one in _schema(answers, status))


def _schema(answers: Mapping[str, Any], status: int) -> Iterator[dict[str, Any]]:
    schema = answers.get(str(status), {}).get("schema")
    if schema is not None:
        yield schema


@functools.cache
def document(file: str) -> dict[str, Any]:
    """An official specification as it is published: shared, never to be changed."""
    found: dict[str, Any] = json.loads((reference() / file).read_text(encoding="utf-8"))
    return found


def definition(file: str, name: str) -> dict[str, Any]:
    """One definition of an official specification."""
    found: dict[str, Any] = document(file)["definitions"][name]
    return found


@functools.cache
def _definitions(file: str, repair: Repair | None) -> dict[str, Any]:
    definitions: dict[str, Any] = json.loads(json.dumps(document(file)["definitions"]))
    if repair is not None:
        repair(definitions)
    return definitions


def _require(file: str, schema: dict[str, Any], answer: Any, repair: Repair | None) -> None:
    whole = schema | {"definitions": _definitions(file, repair)}
    validator = jsonschema.Draft4Validator(whole, format_checker=_formats())
    found = [f"{list(e.absolute_path)}: {e.message}" for e in validator.iter_errors(answer)]
    assert not found


@functools.cache
def _formats() -> jsonschema.FormatChecker:
    checker = jsonschema.FormatChecker(formats=())

    @checker.checks("date-time", raises=ValueError)
    def moment(value: object) -> bool:
        """A real moment, ending in Z as TMF630 clients need it."""
        return not isinstance(value, str) or (
            value.endswith("Z") and bool(datetime.fromisoformat(value))
        )

    @checker.checks("uri")
    def uri(value: object) -> bool:
        return not isinstance(value, str) or bool(urlsplit(value).scheme)

    assert moment is not None
    assert uri is not None
    return checker
