"""What a pool gives is told for what it is: addresses and prefixes are no numbers."""

from __future__ import annotations

import pytest

from inventory.pools import pool_values, pool_views, pools


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        (pool_values.Form(1, 9, None, None, None, pool_values.Kind.VNI, None), "vni"),
        (pool_values.Form(1, 9, None, None, None, pool_values.Kind.NUMBER, None), "number"),
        (
            pool_values.Form(0, 0, "192.0.2.0/24", None, None, pool_values.Kind.NUMBER, None),
            "address",
        ),
        (
            pool_values.Form(0, 0, "192.0.2.0/24", 30, None, pool_values.Kind.NUMBER, None),
            "prefix",
        ),
        (
            pool_values.Form(0, 0, "192.0.2.0/24", 28, 30, pool_values.Kind.NUMBER, None),
            "prefix",
        ),
    ],
)
def test_a_pool_is_of_what_it_gives(form: pool_values.Form, kind: str) -> None:
    pool = pools.Pool("p", "default", 300.0, 86400.0, form.kind, pool_values.of(form))

    assert pool_views.kind_of(pool) == kind
