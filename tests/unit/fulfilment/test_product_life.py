"""Product orders stay on the diagram of TMF622, products on that of TMF637, whatever happens below."""

from __future__ import annotations

from itertools import pairwise, product, starmap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.services import product_states
from oss_agent import errors
from oss_agent.fulfilment.ordering import product_status
from oss_agent.fulfilment.record import product_life
from oss_agent.spi.products import ProductStatus
from oss_agent.spi.views import OrderState, ServiceState

S, P, V = OrderState, ProductStatus, ServiceState
BELOW = {
    S.ACKNOWLEDGED: {S.IN_PROGRESS, S.REJECTED, S.CANCELLED, S.ASSESSING_CANCELLATION},
    S.IN_PROGRESS: {
        *(S.PENDING, S.HELD, S.COMPLETED, S.FAILED, S.PARTIAL, S.CANCELLED),
        S.ASSESSING_CANCELLATION,
    },
    S.PENDING: {S.IN_PROGRESS, S.CANCELLED, S.ASSESSING_CANCELLATION},
    S.HELD: {S.IN_PROGRESS, S.CANCELLED, S.ASSESSING_CANCELLATION},
    S.ASSESSING_CANCELLATION: {
        *(S.ACKNOWLEDGED, S.IN_PROGRESS, S.PENDING, S.HELD, S.PENDING_CANCELLATION),
    },
    S.PENDING_CANCELLATION: {S.CANCELLED},
}
"""TMF641's diagram, written down here a second time: a service order walks it."""


@st.composite
def walks(draw: st.DrawFn) -> list[OrderState]:
    """A way of a service order from its acknowledgement."""
    way = [S.ACKNOWLEDGED]
    for _ in range(draw(st.integers(0, 12))):
        after = sorted(BELOW.get(way[-1], set()))
        if not after:
            break
        way.append(draw(st.sampled_from(after)))
    return way


@given(walks())
def test_whatever_way_the_service_order_goes_the_product_order_stays_on_its_own(
    way: list[OrderState],
) -> None:
    shown = [S.ACKNOWLEDGED]
    for state in way:
        shown.extend(product_life.steps(shown[-1], state))
    assert all(after in product_life.NEXT[before] for before, after in pairwise(shown))
    assert shown[-1].final is way[-1].final


def test_a_final_order_does_not_come_back() -> None:
    with pytest.raises(errors.AgentError, match="cannot go from completed"):
        product_life.steps(S.COMPLETED, S.IN_PROGRESS)


@pytest.mark.parametrize(
    ("below", "shown"),
    [
        ([S.ACKNOWLEDGED, S.ACKNOWLEDGED], S.ACKNOWLEDGED),
        ([S.ACKNOWLEDGED, S.REJECTED], S.IN_PROGRESS),
        ([S.COMPLETED, S.IN_PROGRESS], S.IN_PROGRESS),
        ([S.COMPLETED, S.HELD], S.HELD),
        ([S.HELD, S.IN_PROGRESS], S.IN_PROGRESS),
        ([S.COMPLETED, S.COMPLETED], S.COMPLETED),
        ([S.COMPLETED, S.FAILED], S.FAILED),
        ([S.CANCELLED, S.CANCELLED], S.CANCELLED),
        ([S.CANCELLED, S.FAILED], S.FAILED),
        ([S.REJECTED], S.FAILED),
        ([S.PARTIAL], S.FAILED),
    ],
)
def test_an_item_is_what_its_services_items_make_it(
    below: list[OrderState], shown: OrderState
) -> None:
    assert product_life.item_state(below) is shown


@pytest.mark.parametrize(
    ("before", "services", "going_on", "failed", "after"),
    [
        (P.PENDING_ACTIVE, [V.ACTIVE, V.DESIGNED], True, False, P.PENDING_ACTIVE),
        (P.PENDING_ACTIVE, [V.ACTIVE, V.ACTIVE], False, False, P.ACTIVE),
        (P.PENDING_ACTIVE, [V.ACTIVE, None], False, True, P.PENDING_ACTIVE),
        (P.PENDING_ACTIVE, [None, None], False, True, P.ABORTED),
        (P.PENDING_ACTIVE, [None, None], False, False, P.CANCELLED),
        (P.PENDING_ACTIVE, [V.TERMINATED, None], False, True, P.ABORTED),
        (P.ACTIVE, [V.ACTIVE, V.DESIGNED], True, False, P.ACTIVE),
        (P.ACTIVE, [V.ACTIVE, V.INACTIVE], False, False, P.SUSPENDED),
        (P.SUSPENDED, [V.ACTIVE, V.ACTIVE], False, False, P.ACTIVE),
        (P.ACTIVE, [V.ACTIVE, V.TERMINATED], True, False, P.PENDING_TERMINATE),
        (P.PENDING_TERMINATE, [V.TERMINATED, V.TERMINATED], False, False, P.TERMINATED),
        (P.ACTIVE, [V.TERMINATED], False, False, P.TERMINATED),
        (P.TERMINATED, [V.ACTIVE], False, False, P.TERMINATED),
    ],
)
def test_a_product_is_what_its_services_make_it(
    before: ProductStatus,
    services: list[ServiceState | None],
    going_on: bool,  # noqa: FBT001  a row of the table
    failed: bool,  # noqa: FBT001  a row of the table
    after: ProductStatus,
) -> None:
    found = product_status.status(before, services, going_on=going_on, failed=failed)
    assert found is after


@given(
    st.sampled_from(P),
    st.lists(st.sampled_from([*V, None]), min_size=1, max_size=4),
    st.booleans(),
    st.booleans(),
)
def test_no_move_of_a_product_that_is_not_over_leaves_the_diagram(
    before: ProductStatus,
    services: list[ServiceState | None],
    going_on: bool,  # noqa: FBT001  drawn
    failed: bool,  # noqa: FBT001  drawn
) -> None:
    after = product_status.status(before, services, going_on=going_on, failed=failed)
    reachable = {before}
    for one, two in product(P, repeat=2):
        if one in reachable and product_states.legal(one, two):
            reachable.add(two)
    # A part that is terminated does not come back, nor does a suspended product end at once:
    # those pairs of a status and states do not occur.
    gone = before is P.PENDING_TERMINATE and V.TERMINATED not in services
    assert gone or product_states.legal(before, after) or after in reachable
    steps = (before, *product_status.steps(before, after))
    assert steps[-1] is after
    living = before in {P.PENDING_ACTIVE, P.ACTIVE, P.SUSPENDED}
    assert not living or all(starmap(product_states.legal, pairwise(steps)))
