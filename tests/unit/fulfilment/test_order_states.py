"""Small decisions of fulfilment, as tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from oss_agent import errors
from oss_agent.fulfilment import failpoints, limits
from oss_agent.fulfilment.record import codec, life_cycle, states
from oss_agent.fulfilment.talk import contact
from oss_agent.fulfilment.turn import waits
from oss_agent.spi import catalogue, clock, proof, views

State = views.OrderState
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("items", "order"),
    [
        ([State.ACKNOWLEDGED] * 2, State.ACKNOWLEDGED),
        ([State.ACKNOWLEDGED, State.IN_PROGRESS], State.IN_PROGRESS),
        ([State.ACKNOWLEDGED, State.REJECTED], State.ACKNOWLEDGED),
        ([State.COMPLETED, State.IN_PROGRESS], State.IN_PROGRESS),
        ([State.HELD, State.IN_PROGRESS, State.PENDING], State.IN_PROGRESS),
        ([State.HELD, State.PENDING, State.ACKNOWLEDGED], State.PENDING),
        ([State.HELD, State.ACKNOWLEDGED, State.COMPLETED], State.HELD),
        ([State.COMPLETED] * 2, State.COMPLETED),
        ([State.FAILED] * 2, State.FAILED),
        ([State.REJECTED] * 2, State.REJECTED),
        ([State.CANCELLED] * 2, State.CANCELLED),
        ([State.COMPLETED, State.FAILED], State.PARTIAL),
        ([State.COMPLETED, State.REJECTED], State.PARTIAL),
        ([State.FAILED, State.REJECTED], State.FAILED),
    ],
)
def test_an_order_is_what_its_items_make_it(items: list[State], order: State) -> None:
    assert life_cycle.derive(items) is order


@pytest.mark.parametrize(
    ("before", "after", "steps"),
    [
        (State.ACKNOWLEDGED, State.ACKNOWLEDGED, []),
        (State.ACKNOWLEDGED, State.REJECTED, [State.REJECTED]),
        (State.ACKNOWLEDGED, State.FAILED, [State.IN_PROGRESS, State.FAILED]),
        (State.ACKNOWLEDGED, State.HELD, [State.IN_PROGRESS, State.HELD]),
        (State.PENDING, State.HELD, [State.IN_PROGRESS, State.HELD]),
        (State.HELD, State.COMPLETED, [State.IN_PROGRESS, State.COMPLETED]),
        (State.PENDING_CANCELLATION, State.CANCELLED, [State.CANCELLED]),
    ],
)
def test_an_order_moves_along_the_diagram_and_no_step_is_left_out(
    before: State, after: State, steps: list[State]
) -> None:
    assert list(life_cycle.path(before, after)) == steps


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (State.COMPLETED, State.IN_PROGRESS),
        (State.PENDING_CANCELLATION, State.COMPLETED),
        (State.ASSESSING_CANCELLATION, State.CANCELLED),
        (State.IN_PROGRESS, State.ACKNOWLEDGED),
        (State.IN_PROGRESS, State.REJECTED),
    ],
)
def test_a_way_that_the_diagram_does_not_have_is_a_fault(before: State, after: State) -> None:
    with pytest.raises(errors.AgentError, match=f"from {before} to {after}"):
        life_cycle.path(before, after)


def test_the_diagram_ends_in_the_final_states_and_only_there() -> None:
    assert set(State) - set(life_cycle.NEXT) == {state for state in State if state.final}
    assert {state for follows in life_cycle.NEXT.values() for state in follows} == set(State)


@pytest.mark.parametrize(
    ("error", "cause", "transient"),
    [
        (errors.DeviceUnreachable("pe1", "x"), states.Cause.UNREACHABLE, True),
        (errors.CommitUnknown("pe1", "x"), states.Cause.UNREACHABLE, True),
        (errors.DeviceBusy("pe1", "x"), states.Cause.BUSY, True),
        (errors.DeviceRefused("pe1", "x"), states.Cause.REFUSED, False),
        (errors.ChangeRejected("pe1", "x"), states.Cause.REJECTED, False),
        (errors.Conflict("x"), states.Cause.CONFLICT, False),
    ],
)
def test_an_error_says_what_happens_next(
    error: errors.AgentError, cause: states.Cause, *, transient: bool
) -> None:
    assert waits.cause_of(error) is cause
    assert cause.transient is transient


def test_a_deadline_of_another_boot_counts_as_expired() -> None:
    deadline = states.Deadline(NOW + timedelta(seconds=60), clock.BootTime("a", 100.0))

    assert deadline.left(clock.BootTime("a", 40.0)) == 60.0
    assert not deadline.expired(clock.BootTime("a", 99.9))
    assert deadline.expired(clock.BootTime("a", 100.0))
    assert deadline.expired(clock.BootTime("b", 0.0))


def test_pauses_double_up_to_a_minute_and_the_vote_takes_half_the_timer_at_most() -> None:
    bounds = limits.Limits(confirm_within=30.0, prove_within=20.0, retry=5.0)

    assert [bounds.pause(tries) for tries in range(5)] == [5.0, 10.0, 20.0, 40.0, 60.0]
    assert bounds.pause(10_000) == 60.0
    assert bounds.proving == 15.0


def test_a_design_survives_the_journal() -> None:
    design = catalogue.Design(
        specification=views.SpecificationRef("eline", "1.0", "E-Line"),
        name="acme",
        characteristics={"bandwidth": 20, "vni": 10100},
        pools={"vni": "10100"},
        resources=(
            catalogue.ResourceIntent("eline-end", "pe1", "eline", {"vni": "10100"}, ("eth4",)),
        ),
        predicates=(
            proof.Predicate(
                "ping",
                "b1",
                {"target": "192.0.2.1"},
                {"loss_max": 0.0, "flag": True, "word": "1"},
                proof.Phase.AFTER,
                proof.Need.IF_OBSERVABLE,
                "no test point",
            ),
        ),
        meters=(catalogue.MeterPoint("pe1", "eth4"),),
    )

    again = codec.design_from_json(codec.design_to_json(design))

    assert again == design
    assert again.predicates[0].expect["flag"] is True


def test_failpoints_are_armed_by_the_environment_alone() -> None:
    points = failpoints.from_environment({failpoints.VARIABLE: "journal.held.after:raise"})

    points.hit("journal.held.before")
    with pytest.raises(failpoints.Crash):
        points.hit("journal.held.after")
    assert points.passed == {"journal.held.before": 1, "journal.held.after": 1}
    failpoints.from_environment({}).hit("journal.held.after")


@pytest.mark.parametrize("text", ["x", "x:explode", ":"])
def test_a_misspelt_failpoint_is_refused(text: str) -> None:
    with pytest.raises(errors.ConfigurationError):
        failpoints.from_environment({failpoints.VARIABLE: text})


@pytest.mark.anyio
async def test_the_first_error_of_several_tasks_comes_out_as_itself() -> None:
    async def fine() -> int:
        return 1

    async def broken() -> int:
        raise errors.DeviceBusy("pe1", "locked", holder="session 7")

    assert await contact.together([fine(), fine()]) == (1, 1)
    with pytest.raises(errors.DeviceBusy):
        await contact.together([fine(), broken(), broken()])


@pytest.mark.parametrize("state", State)
def test_nothing_leads_back_once_an_order_has_begun(state: State) -> None:
    assert life_cycle.onward(state, begun=False) is state
    on = life_cycle.onward(state, begun=True)
    instead = {State.ACKNOWLEDGED: State.IN_PROGRESS, State.REJECTED: State.FAILED}
    assert on is instead.get(state, state)
    assert on in {State.IN_PROGRESS, *life_cycle.NEXT[State.IN_PROGRESS], state}
