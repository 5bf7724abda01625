"""An error says its field once and gives advice that fits what happened."""

from __future__ import annotations

from bss_bridge.engine import problem
from oss_agent import errors


def body(reason: str, field: str, status: int, code: str) -> dict[str, object]:
    refused = errors.OrderRejected(reason, field=field, status=status, code=code)
    return problem.of_error(refused).body()


def test_a_reason_that_names_its_field_does_not_get_it_twice() -> None:
    assert body("limit must be a number", "limit", 400, "x")["reason"] == "limit must be a number"
    assert body("limit: no", "limit", 400, "x")["reason"] == "limit: no"
    assert body("must be a number", "limit", 400, "x")["reason"] == "limit: must be a number"
    assert body("limits differ", "limit", 400, "x")["reason"] == "limit: limits differ"


def test_the_advice_on_keys_is_given_for_keys_only() -> None:
    used = body("used", "Idempotency-Key", 422, "idempotencyConflict")
    owned = body("port pe1:eth3 is taken", "aEnd", 422, "portOwned")

    assert used["message"] == "Use a new Idempotency-Key for a new request."
    assert "Idempotency-Key" not in str(owned["message"])
