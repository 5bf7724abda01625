"""schemathesis reads our own OpenAPI document and asks the whole daemon what it allows.

It must find nothing: no fault, no status, content or body that the document does not have, and every
refusal is one of TMF630's error bodies.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.core import failures
from schemathesis.core.result import Ok
from schemathesis.openapi import checks as openapi_checks

from tests.property import living_agent

VARIABLE = "OSS_AGENT_ASKED"
EXAMPLES = 3
"""Of each operation in every run: its parameters and bodies are tried, and it stays quick."""
UNSERVED = 501
"""Said in a sentence, with what to do instead: no fault."""
_PATIENCE = 300.0
_SETTINGS = hypothesis.settings(
    max_examples=int(os.environ.get(VARIABLE, EXAMPLES)),
    deadline=None,
    database=None,
    derandomize=VARIABLE not in os.environ,
    phases=[hypothesis.Phase.generate],
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.filter_too_much],
)


# hypothesis believes that a strategy drew it; it is the daemon, which lives beside them
@pytest.mark.filterwarnings("ignore:Do not use the `random` module")
def test_what_our_document_allows_is_answered_as_the_document_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with living_agent.living(tmp_path) as (loop, agent):
        asked, found = loop.run(asyncio.to_thread(_ask_everything, agent.url))

    assert not found, "\n".join(found)
    assert len(asked) > 80
    assert {201, 400, 404} <= {status for _, status in asked}


def _ask_everything(url: str) -> tuple[Counter[tuple[str, int]], list[str]]:
    """Every operation, a few times: how often each answered what, and what was wrong with it."""
    asked: Counter[tuple[str, int]] = Counter()
    found: list[str] = []

    def one(case: schemathesis.Case[Any]) -> None:
        answer = case.call(base_url=url, timeout=_PATIENCE)
        asked[f"{case.method} {case.path}", answer.status_code] += 1
        found.extend(_judge(case, answer))

    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    # HEAD is what GET is without its body, and has its own test over all paths.
    for operation in schema.exclude(method="HEAD").get_all_operations():
        assert isinstance(operation, Ok), operation
        _SETTINGS(hypothesis.given(operation.ok().as_strategy())(one))()
    return asked, found


def _judge(case: schemathesis.Case[Any], answer: schemathesis.Response) -> Iterator[str]:
    """What schemathesis finds, but for two things.

    A 501 is no fault here; and what a filter, a date or an order may say is more than a schema can.
    """
    try:
        case.validate_response(answer)
    except failures.FailureGroup as group:
        for one in group.exceptions:
            unserved = answer.status_code == UNSERVED and isinstance(one, failures.ServerError)
            if not unserved and not isinstance(one, openapi_checks.RejectedPositiveData):
                yield f"{case.method} {case.path} {answer.status_code}: {type(one).__name__} {one}"
