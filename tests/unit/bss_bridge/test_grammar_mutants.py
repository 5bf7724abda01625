"""Breaks the server on purpose: what checks filters, sorting, paging and fields must notice each."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from bss_bridge.engine import clauses, etags, regex, surface, tmf630
from oss_agent.spi.query import Operator, Page, Query
from tests.unit.bss_bridge import test_tmf_surfaces as surfaces
from tests.unit.bss_bridge import world

pytestmark = pytest.mark.anyio

ORDERS = surfaces.ORDERS


@pytest.fixture
async def it(tmp_path: Path) -> AsyncIterator[world.World]:
    async with world.world(tmp_path) as made:
        await surfaces.fill(made)
        yield made


async def difference(http: httpx.AsyncClient) -> str | None:
    """The first question that is answered wrongly; None when all are answered right."""
    for asked, expected in surfaces.LISTS:
        answer = await http.get(f"{ORDERS}?{asked}")
        seen = "".join(body["id"] for body in answer.json())
        if seen != expected or answer.headers["x-result-count"] != str(len(expected)):
            return asked
    return await _paging(http) or await _selection(http)


async def _paging(http: httpx.AsyncClient) -> str | None:
    answer = await http.get(f"{ORDERS}?limit=3&externalId!=BSS-0&sort=-orderDate")
    pages = [[body["id"] for body in answer.json()]]
    while "next" in answer.links and len(pages) < 4:
        answer = await http.get(answer.links["next"]["url"])
        pages.append([body["id"] for body in answer.json()])
    if pages != [["7", "6", "5"], ["4", "3", "2"]] or answer.headers["x-total-count"] != "6":
        return "pages"
    first = await http.get(answer.links["prev"]["url"]) if "prev" in answer.links else answer
    return None if [body["id"] for body in first.json()] == pages[0] else "prev"


async def _selection(http: httpx.AsyncClient) -> str | None:
    for asked, names in (("state,id", {"state"}), ("none", set[str]())):
        for path in (ORDERS, f"{ORDERS}/1"):
            body = (await http.get(f"{path}?fields={asked}")).json()
            one = body[0] if isinstance(body, list) else body
            if one.keys() != {"id", "href"} | names:
                return f"fields={asked}"
    nested = (await http.get(f"{ORDERS}/1?fields=serviceOrderItem.action")).json()
    if nested["serviceOrderItem"] != [{"action": "add"}]:
        return "nested fields"
    tag = (await http.get(f"{ORDERS}/1")).headers["etag"]
    other = (await http.get(f"{ORDERS}/2")).headers["etag"]
    again = await http.get(f"{ORDERS}/1", headers={"If-None-Match": tag})
    return None if again.status_code == 304 and tag != other else "etag"


async def test_the_server_as_it_is_answers_all_right(it: world.World) -> None:
    assert await difference(it.http) is None


Ask = Callable[[Query], Query]


def _mistaken(one: Operator, other: Operator) -> Ask:
    """Every condition with the one operator is asked with the other."""

    def ask(query: Query) -> Query:
        kept = (
            dataclasses.replace(f, operator=other) if f.operator is one else f
            for f in query.filters
        )
        return dataclasses.replace(query, filters=tuple(kept))

    return ask


PLAIN: dict[str, Ask] = {
    "filters are dropped": lambda q: dataclasses.replace(q, filters=()),
    "the first filter is dropped": lambda q: dataclasses.replace(q, filters=q.filters[1:]),
    "groups are dropped": lambda q: dataclasses.replace(q, either=()),
    "a group is its first condition": lambda q: dataclasses.replace(
        q, either=(), filters=(*q.filters, *(group[0] for group in q.either))
    ),
    "only the first value counts": lambda q: dataclasses.replace(
        q, filters=tuple(dataclasses.replace(f, values=f.values[:1]) for f in q.filters)
    ),
    "sort is dropped": lambda q: dataclasses.replace(q, sort=()),
    "sort knows one key": lambda q: dataclasses.replace(q, sort=q.sort[:1]),
    "sort only ascends": lambda q: dataclasses.replace(
        q, sort=tuple(dataclasses.replace(s, descending=False) for s in q.sort)
    ),
    "offset is dropped": lambda q: dataclasses.replace(q, offset=0),
    "offset is one more": lambda q: dataclasses.replace(q, offset=q.offset + 1),
    "limit is dropped": lambda q: dataclasses.replace(q, limit=1000),
    "limit is one less": lambda q: dataclasses.replace(q, limit=max(q.limit - 1, 0)),
}
SWAPS: dict[str, Ask] = {
    f"{one.value} is {other.value}": _mistaken(one, other)
    for one, other in (
        (Operator.EQ, Operator.NE),
        (Operator.NE, Operator.EQ),
        (Operator.GT, Operator.GTE),
        (Operator.GTE, Operator.GT),
        (Operator.LT, Operator.LTE),
        (Operator.LTE, Operator.LT),
        (Operator.LIKE, Operator.EQ),
    )
}


QUERIES: dict[str, Ask] = {**PLAIN, **SWAPS}


@pytest.mark.parametrize("name", QUERIES)
async def test_a_question_that_is_changed_on_the_way_is_noticed(
    it: world.World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    find = it.orders.find

    async def other(asked: Query) -> Page[Any]:
        return await find(QUERIES[name](asked))

    monkeypatch.setattr(it.orders, "find", other)
    assert await difference(it.http) is not None


Body = dict[str, Any]
Names = Sequence[str] | None


def _quoted(piece: str) -> str:
    return piece


def _no_pages(offset: int, limit: int, total: int) -> dict[str, int]:
    del offset, limit, total
    return {}


def _same_page(offset: int, limit: int, total: int) -> dict[str, int]:
    del limit, total
    return {"next": offset}


def _all_fields(body: Body, names: Names) -> Body:
    del names
    return body


def _no_identity(body: Body, names: Names) -> Body:
    return body if names is None else {name: body[name] for name in names if name in body}


def _ored(parts: Iterable[clauses.Clauses]) -> clauses.Clauses:
    return tuple(one for part in parts for one in part)[:1]


def _anded(parts: Iterable[clauses.Clauses]) -> clauses.Clauses:
    return tuple(one for part in parts for one in part)


def _anchored(pattern: str, field: str) -> tuple[str, ...]:
    del field
    return (pattern.strip("^$"),)


def _one_tag(body: Body) -> str:
    del body
    return '"1"'


def _never(current: str, if_none_match: str | None) -> bool:
    del current, if_none_match
    return False


PATCHES: dict[str, tuple[Any, str, object]] = {
    "quotes stay": (tmf630, "_plain", _quoted),
    "every page is the only one": (surface, "pages", _no_pages),
    "the next page is this one": (surface, "pages", _same_page),
    "fields are dropped": (tmf630, "select", _all_fields),
    "id is not kept": (tmf630, "select", _no_identity),
    "of all that must hold one does": (clauses, "both", _ored),
    "or is and": (clauses, "either", _anded),
    "a pattern is anchored": (regex, "like", _anchored),
    "one tag for all": (etags, "tag", _one_tag),
    "nothing is ever held": (etags, "unchanged", _never),
}


@pytest.mark.parametrize("name", PATCHES)
async def test_a_broken_part_is_noticed(
    it: world.World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    holder, attribute, broken = PATCHES[name]
    monkeypatch.setattr(holder, attribute, broken)
    assert await difference(it.http) is not None


async def test_a_lost_total_is_noticed(it: world.World, monkeypatch: pytest.MonkeyPatch) -> None:
    find = it.orders.find

    async def other(asked: Query) -> Page[Any]:
        page = await find(asked)
        return Page(page.items, len(page.items))

    monkeypatch.setattr(it.orders, "find", other)
    assert await difference(it.http) == "pages"


@pytest.mark.reference
@pytest.mark.parametrize("broken", [{"state": 7}, {"orderDate": "today"}, {"serviceOrderItem": {}}])
async def test_an_answer_beside_the_specification_fails_the_test_that_asked(
    it: world.World, monkeypatch: pytest.MonkeyPatch, broken: dict[str, Any]
) -> None:
    """The hook of the tests' client judges every answer, asked for or not."""
    whole = tmf630.select

    def mixed(body: Body, names: Names) -> Body:
        return whole(body | broken, names)

    monkeypatch.setattr(tmf630, "select", mixed)
    for path in (ORDERS, f"{ORDERS}/1"):
        with pytest.raises(AssertionError):
            await it.http.get(path)
