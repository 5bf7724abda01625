"""The reducer's laws: duplicates and reordering change nothing, old polls never win over traps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import stateful as state
from hypothesis import strategies as st

from oss_agent.assurance import reduce
from oss_agent.spi import alarms
from oss_agent.spi.views import AlarmView, Severity

_T0 = datetime(2026, 1, 1, tzinfo=UTC)
_KEY = alarms.AlarmKey("pe1:eth4", "communicationsAlarm", "linkDown")


def _fault(severity: Severity = Severity.CRITICAL, text: str = "down") -> alarms.Fault:
    return alarms.Fault(_KEY, severity, "Port", "ifOperStatus down", text)


def _at(seconds: float) -> datetime:
    return _T0 + timedelta(seconds=seconds)


class Device:
    """A device whose port fails and heals, and reboots; what is heard of it comes as it likes."""

    def __init__(self) -> None:
        self.order = reduce.Order()
        self.alarm: AlarmView | None = None
        self.raised = 0

    def poll(self, started: float, time: reduce.DeviceTime, *, down: bool) -> bool:
        order = self.order.with_reading(reduce.Reading(started, time))
        if order is None:
            return False
        self.order = order
        at, new_id = _at(started), str(self.raised)
        change = (
            reduce.report(self.alarm, _fault(), at, new_id=new_id)
            if down
            else reduce.clear(self.alarm, at)
        )
        if change is not None:
            self.raised += change.kind is reduce.Kind.RAISED
            self.alarm = change.alarm
        return True

    def trap(self, arrived: float, time: reduce.DeviceTime) -> None:
        self.order = self.order.with_hint(reduce.Hint(arrived, time))

    @property
    def open(self) -> bool:
        return self.alarm is not None and self.alarm.state != reduce.CLEARED


_POLLS = st.lists(st.booleans(), min_size=1, max_size=8)


@given(_POLLS, st.data())
def test_the_newest_poll_decides_in_any_order_and_number(
    downs: list[bool], data: st.DataObject
) -> None:
    polls = [(float(n), reduce.DeviceTime(_T0, n * 100), down) for n, down in enumerate(downs)]
    heard = [
        *data.draw(st.lists(st.sampled_from(polls), max_size=12)),
        *data.draw(st.permutations(polls)),
    ]
    device = Device()
    for started, time, down in heard:
        device.poll(started, time, down=down)

    assert device.open is downs[-1]


@given(_POLLS)
def test_hearing_everything_twice_is_hearing_it_once(downs: list[bool]) -> None:
    once, twice = Device(), Device()
    for n, down in enumerate(downs):
        time = reduce.DeviceTime(_T0, n * 100)
        once.poll(float(n), time, down=down)
        twice.poll(float(n), time, down=down)
        twice.poll(float(n), time, down=down)

    assert once.alarm == twice.alarm


@given(st.integers(0, 100), st.integers(0, 100), st.booleans())
def test_a_poll_that_began_before_a_trap_clears_nothing(
    trap_uptime: int,
    poll_uptime: int,
    rebooted: bool,  # noqa: FBT001  drawn
) -> None:
    device = Device()
    device.poll(0.0, reduce.DeviceTime(_T0, 0), down=True)
    boot = _at(60) if rebooted else _T0
    device.trap(5.0, reduce.DeviceTime(_T0, trap_uptime))

    believed = device.poll(4.0, reduce.DeviceTime(boot, poll_uptime), down=False)

    newer = rebooted or poll_uptime > trap_uptime
    assert believed is newer
    assert device.open is not newer
    assert device.poll(6.0, reduce.DeviceTime(_T0, 0), down=False), "one after the trap counts"


class Machine(state.RuleBasedStateMachine):
    """One port against a model that knows the truth; traps may lie about their time."""

    def __init__(self) -> None:
        super().__init__()
        self.device = Device()
        self.now = 0.0
        self.boot = _T0
        self.down = False
        self.in_flight: list[tuple[float, reduce.DeviceTime, bool]] = []
        self.done: list[tuple[float, reduce.DeviceTime, bool]] = []
        self.newest: tuple[float, bool] | None = None
        self.last_trap = -1.0

    def _time(self) -> reduce.DeviceTime:
        return reduce.DeviceTime(
            self.boot, round((_at(self.now) - self.boot).total_seconds() * 100)
        )

    @state.rule(seconds=st.floats(0.01, 100))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @state.rule()
    def flap(self) -> None:
        self.down = not self.down

    @state.rule()
    def reboot(self) -> None:
        self.boot = _at(self.now)

    @state.rule()
    def begin_poll(self) -> None:
        self.now += 0.01
        self.in_flight.append((self.now, self._time(), self.down))

    @state.rule(data=st.data())
    def end_poll(self, data: st.DataObject) -> None:
        pool = [*self.in_flight, *self.done]
        if not pool:
            return
        poll = data.draw(st.sampled_from(pool))
        if poll in self.in_flight:
            self.in_flight.remove(poll)
            self.done.append(poll)
        believed = self.device.poll(poll[0], poll[1], down=poll[2])
        if believed:
            assert self.newest is None or poll[0] > self.newest[0]
            self.newest = poll[0], poll[2]
        elif self.newest is None or poll[0] > self.newest[0]:
            assert poll[0] < self.last_trap, "only a trap may discard a newer poll"

    @state.rule(lie=st.one_of(st.none(), st.integers(0, 2**32 - 1)))
    def trap(self, lie: int | None) -> None:
        self.now += 0.01
        known = self.device.order.read.time if self.device.order.read else None
        uptime = self._time().uptime if lie is None else lie
        self.device.trap(self.now, reduce.device_time(known, _at(self.now), uptime))
        self.last_trap = self.now

    @state.invariant()
    def the_newest_believed_poll_decides(self) -> None:
        assert self.device.open is (self.newest is not None and self.newest[1])

    @state.invariant()
    def a_cleared_alarm_says_when(self) -> None:
        alarm = self.device.alarm
        if alarm is not None:
            assert (alarm.cleared_at is not None) is (alarm.state == reduce.CLEARED)
            assert alarm.raised_at <= alarm.changed_at


TestMachine = Machine.TestCase


@given(st.floats(-9, 9), st.integers(0, 2**31))
def test_the_same_boot_keeps_its_value_although_the_estimate_jitters(
    jitter: float, uptime: int
) -> None:
    known = reduce.DeviceTime(_T0, 0)
    at = _T0 + timedelta(milliseconds=uptime * 10) + timedelta(seconds=jitter)

    assert reduce.device_time(known, at, uptime) == reduce.DeviceTime(_T0, uptime)


def test_a_cleared_alarm_is_never_set_again() -> None:
    first = reduce.report(None, _fault(), _at(0), new_id="a")
    assert first is not None
    cleared = reduce.clear(first.alarm, _at(1))
    assert cleared is not None

    again = reduce.report(cleared.alarm, _fault(), _at(2), new_id="b")

    assert again is not None
    assert (again.kind, again.alarm.id, again.alarm.count) == (reduce.Kind.RAISED, "b", 1)
    assert reduce.clear(cleared.alarm, _at(3)) is None


def test_an_update_keeps_what_the_alarm_was_raised_with() -> None:
    first = reduce.report(None, _fault(), _at(0), new_id="a")
    assert first is not None

    worse = reduce.report(first.alarm, _fault(Severity.MINOR, "x"), _at(2), new_id="b")
    same = reduce.report(first.alarm, _fault(), _at(0), new_id="b")
    later = reduce.report(first.alarm, _fault(), _at(5), new_id="b")

    assert worse is not None
    assert (worse.kind, worse.alarm.state) == (reduce.Kind.UPDATED, "updated")
    assert (worse.alarm.id, worse.alarm.raised_at) == ("a", _at(0))
    assert same is None
    assert later is not None
    assert (later.kind, later.alarm.count) == (reduce.Kind.REPEATED, 2)
