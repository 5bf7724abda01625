"""A walk over any lawful agent reads the whole table; over a lying one it ends, and says so."""

from __future__ import annotations

import bisect
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from drivers.snmp import ber, message, walk
from oss_agent.spi import snmp

_UPTIME: snmp.Oid = (1, 3, 6, 1, 2, 1, 1, 3, 0)
_TABLE: snmp.Oid = (1, 3, 6, 1, 2, 1, 2, 2, 1)
_MAX_ROWS = 200


@dataclass
class _Agent:
    """RFC 3416 4.2.3 over a sorted view, with a limit on what fits in one message."""

    view: dict[snmp.Oid, int]
    fits: int = 10_000
    too_big: bool = False

    def answer(self, question: walk.Question) -> message.Reply:
        names = sorted(self.view)
        asked = [ber.oid(oid) for oid in question.columns]
        binds = [self._after(names, ber.oid(oid)) for oid in question.once]
        for _ in range(question.rows):
            row = [self._after(names, oid) for oid in asked]
            binds += row
            asked = [oid for oid, _ in row]
        if len(binds) > self.fits and self.too_big:
            return message.Reply(message.TOO_BIG, (), ())
        binds = binds[: self.fits]
        return message.Reply(
            0, tuple(ber.of_oid(oid) for oid, _ in binds), [value for _, value in binds]
        )

    @staticmethod
    def _next(names: list[snmp.Oid], oid: snmp.Oid) -> snmp.Oid | None:
        at = bisect.bisect_right(names, oid)
        return names[at] if at < len(names) else None

    def _after(self, names: list[snmp.Oid], oid: snmp.Oid) -> tuple[snmp.Oid, int | None]:
        found = self._next(names, oid)
        return (oid, None) if found is None else (found, self.view[found])


def _run(
    plan: snmp.PollPlan,
    answer: Callable[[walk.Question], message.Reply],
    memory: walk.Memory | None = None,
) -> tuple[walk.Walk, int]:
    going = walk.Walk(plan, memory or walk.Memory(), max_rows=_MAX_ROWS)
    asked = 0
    while (question := going.question()) is not None:
        asked += 1
        assert asked < 3_000, "a walk must end"
        if not going.take(answer(question)):
            break
    return going, asked


_INDEX = st.lists(st.one_of(st.integers(0, 300), st.integers(0, 2**32 - 1)), min_size=1, max_size=3)
_CELLS = st.dictionaries(
    st.tuples(st.integers(1, 12), _INDEX.map(tuple)), st.integers(0, 9), max_size=60
)


def _view(cells: dict[tuple[int, snmp.Oid], int], *, beyond: bool) -> dict[snmp.Oid, int]:
    view = {(*_TABLE, column, *index): value for (column, index), value in cells.items()}
    view[_UPTIME] = 4711
    if beyond:
        view[(1, 3, 6, 1, 9, 9)] = 1
    return view


def test_an_uptime_that_is_no_time_ticks_is_none() -> None:
    """A Counter64 in its place fits no column of a database."""
    agent = _Agent({_UPTIME: 2**64 - 1, (*_TABLE, 1, 1): 1})
    going, _ = _run(snmp.PollPlan({"1": (*_TABLE, 1)}), agent.answer)

    assert going.uptime is None
    assert going.partial


@given(
    cells=_CELLS,
    wanted=st.sets(st.integers(1, 14), min_size=1, max_size=12),
    beyond=st.booleans(),
    fits=st.integers(3, 60),
    too_big=st.booleans(),
)
def test_every_cell_of_a_lawful_agent_is_read(
    *,
    cells: dict[tuple[int, snmp.Oid], int],
    wanted: set[int],
    beyond: bool,
    fits: int,
    too_big: bool,
) -> None:
    agent = _Agent(_view(cells, beyond=beyond), fits, too_big=too_big)
    plan = snmp.PollPlan({str(column): (*_TABLE, column) for column in sorted(wanted)})
    memory = walk.Memory()
    for _ in range(2):  # the second time by the remembered grids and shape
        going, _ = _run(plan, agent.answer, memory)

        index, columns = going.rows()

        assert not going.partial
        assert going.uptime == 4711
        assert list(index) == sorted({i for c, i in cells if c in wanted})
        for column in wanted:
            assert list(columns[str(column)]) == [cells.get((column, i)) for i in index]


_NAMES = st.one_of(
    st.tuples(st.integers(1, 4), st.integers(0, 20)).map(lambda ci: (*_TABLE, *ci)),
    st.just(_UPTIME),
    st.just((1, 3)),
)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 0, 0, 1, 5]),
            st.lists(st.tuples(_NAMES, st.one_of(st.none(), st.integers(0, 9))), max_size=30),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_a_walk_ends_whatever_it_is_told(
    lies: list[tuple[int, list[tuple[snmp.Oid, int | None]]]],
) -> None:
    turn = 0

    def answer(_: walk.Question) -> message.Reply:
        nonlocal turn
        status, binds = lies[turn % len(lies)]
        turn += 1
        oids = tuple(ber.of_oid(oid) for oid, _ in binds)
        return message.Reply(status, oids, [value for _, value in binds])

    plan = snmp.PollPlan({str(column): (*_TABLE, column) for column in (1, 2, 3)})
    going, asked = _run(plan, answer)

    index, columns = going.rows()
    assert asked < 300
    assert all(len(cells) == len(index) for cells in columns.values())


def _reply(*binds: tuple[snmp.Oid, int | None]) -> message.Reply:
    return message.Reply(0, tuple(ber.of_oid(oid) for oid, _ in binds), [v for _, v in binds])


def test_an_agent_that_turns_in_circles_is_left() -> None:
    circle = [((*_TABLE, 1, row), row) for row in (1, 2, 3)]
    going, asked = _run(
        snmp.PollPlan({"a": (*_TABLE, 1)}), lambda _: _reply((_UPTIME, 1), *circle, *circle)
    )

    assert (going.partial, going.disordered, asked) == (True, 1, 1)
    assert list(going.rows()[0]) == [(1,), (2,), (3,)]


def test_an_agent_that_gives_the_same_full_reply_again_is_left() -> None:
    same = _reply((_UPTIME, 1), *(((*_TABLE, 1, row), row) for row in range(1, 11)))
    going, asked = _run(snmp.PollPlan({"a": (*_TABLE, 1)}), lambda _: same)

    assert (going.partial, going.disordered, asked) == (True, 1, 2)
    assert len(going.rows()[0]) == 10


def test_an_endless_table_ends_at_the_row_cap() -> None:
    def answer(question: walk.Question) -> message.Reply:
        at = ber.oid(question.columns[0])
        last = at[-1] if len(at) > len(_TABLE) + 1 else 0
        return _reply((_UPTIME, 1), *(((*_TABLE, 1, last + i), i) for i in range(1, 11)))

    going, _ = _run(snmp.PollPlan({"a": (*_TABLE, 1)}), answer)

    assert going.partial
    assert len(going.rows()[0]) == _MAX_ROWS


def test_a_cell_left_out_in_mid_row_shifts_nothing() -> None:
    """Columns a, b, c; the agent leaves b.1 out of the reply altogether."""
    agent = _Agent(_view({(c, (r,)): c * 10 + r for c in (1, 2, 3) for r in (1, 2)}, beyond=True))

    def answer(question: walk.Question) -> message.Reply:
        whole = agent.answer(question)
        left_out = ber.of_oid((*_TABLE, 2, 1))
        kept = [b for b in zip(whole.oids, whole.values, strict=True) if b[0] != left_out]
        return message.Reply(0, tuple(oid for oid, _ in kept), [value for _, value in kept])

    going, _ = _run(snmp.PollPlan({str(c): (*_TABLE, c) for c in (1, 2, 3)}), answer)

    index, columns = going.rows()
    assert list(index) == [(1,), (2,)]
    assert {k: list(v) for k, v in columns.items()} == {
        "1": [11, 12],
        "2": [None, 22],
        "3": [31, 32],
    }


def test_a_restart_in_mid_walk_shows() -> None:
    uptimes = iter((500, 3))
    agent = _Agent(_view({(1, (row,)): row for row in range(1, 16)}, beyond=False))

    def answer(question: walk.Question) -> message.Reply:
        agent.view[_UPTIME] = next(uptimes)
        return agent.answer(question)

    going, _ = _run(snmp.PollPlan({"a": (*_TABLE, 1)}), answer)

    assert going.restarted


def test_too_big_halves_rows_then_columns_and_is_remembered() -> None:
    memory = walk.Memory()
    agent = _Agent(_view({(c, (1,)): 1 for c in range(1, 9)}, beyond=True), fits=5, too_big=True)
    going, _ = _run(
        snmp.PollPlan({str(c): (*_TABLE, c) for c in range(1, 9)}), agent.answer, memory
    )

    assert not going.partial
    assert memory.shape == walk.Shape(columns=2, rows=1)


def test_an_agent_without_sys_up_time_is_not_read() -> None:
    going, asked = _run(snmp.PollPlan({"a": (*_TABLE, 1)}), lambda _: _reply(((1, 3), 1)))

    assert (going.uptime, asked) == (None, 1)
