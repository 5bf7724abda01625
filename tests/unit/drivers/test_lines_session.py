"""The rung of reversible lines on a simulated router: F-30 of reliability.md, and what goes beside."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from device_models import loader
from drivers import steps
from drivers.cli import difference
from drivers.cli.configuring import LinesDriver
from drivers.sim_cli.driver import DRIVER
from oss_agent.errors import (
    ChangeRejected,
    CommitUnknown,
    DeviceBusy,
    DeviceRefused,
    DeviceUnreachable,
    OrderRejected,
)
from oss_agent.fulfilment.trees import tree
from oss_agent.spi.device import Session
from oss_agent.spi.tree import EMPTY, ROOT, Edit, Operation, Step, Tree
from oss_agent.testing.simulated.history import Kind
from oss_agent.testing.simulated_cli import Echo, Faults, SimulatedCli

pytestmark = pytest.mark.anyio

ELINE = {"name": "acme", "vni": "10010", "port": "eth3", "rate": "2000"}
BY_HAND = "hostname pe1\nrouter bgp 65000\nneighbor 192.0.2.1 remote-as 65000"
# The four lines of an E-Line, and `exit`.
LINES = 5


def eline(**slots: str) -> Tree:
    return DRIVER.instantiate("eline", {**ELINE, **slots})["cli"]


def creation(**slots: str) -> tuple[Edit, ...]:
    return difference.between(EMPTY, eline(**slots))


@asynccontextmanager
async def router(faults: Faults | None = None) -> AsyncIterator[SimulatedCli]:
    async with SimulatedCli("pe1") as box, asyncio.timeout(300):
        box.change_by_hand(BY_HAND)
        box.faults = faults or Faults()
        yield box


@asynccontextmanager
async def talking(faults: Faults) -> AsyncIterator[tuple[SimulatedCli, Session]]:
    async with router(faults) as box, DRIVER.session(box.endpoint()) as session:
        yield box, session


ERRORS = [
    "% Invalid input detected at '^' marker.",
    "% Unknown command: vni 10010",
    "% Ambiguous command.",
    "% Command incomplete.",
    "% Can not configure the local system as neighbor",
    "Error: Unrecognized command found at '^' position.",
    "The route-map 'RM' does not exist.",
    "zebra is not running",
    "syntax error, expecting <command>",
    "ERROR: permission denied",
    "Command rejected: bad VLAN list",
    "Warning: the change takes effect after a reload",
    "what no list of errors would know",
    "\x1b[31m% Invalid\x1b[0m input",
]


@pytest.mark.parametrize("at", range(1, LINES + 1))
@pytest.mark.parametrize("error", ERRORS)
async def test_f30_every_refusal_anywhere_in_the_block_is_caught_and_taken_back(
    error: str, at: int
) -> None:
    async with talking(Faults(error_at=at, error=error)) as (box, session):
        before, native = await session.snapshot(), box.configuration.text()
        await session.edit(creation())
        with pytest.raises(ChangeRejected) as no:
            await session.commit()

        assert await session.snapshot() == before
    assert box.configuration.text() == native
    said = re.sub(r"\x1b\[\d+m", "", error)
    assert said in no.value.reason
    assert said in "".join(no.value.__notes__), "the transcript is kept"


@pytest.mark.parametrize("at", range(1, LINES + 1))
@pytest.mark.parametrize(
    "faults",
    [
        {"warning_at": 0},
        {"ask_at": 0},
        {"ask_at": 0, "question": "This will reset all sessions. Proceed? [confirm]"},
        {"ask_at": 0, "question": " --More-- "},
        {"rename_at": 0},
    ],
    ids=["warning", "question", "confirm", "pager", "prompt-changes"],
)
async def test_f30_what_the_device_says_instead_of_its_prompt_aborts_the_block(
    faults: dict[str, object], at: int
) -> None:
    chosen = {name: at if value == 0 else value for name, value in faults.items()}
    async with talking(Faults(**chosen)) as (box, session):  # type: ignore[arg-type] # from a table
        native = box.configuration.text()
        await session.edit(creation())
        with pytest.raises(ChangeRejected) as no:
            await session.commit()

        assert box.configuration.text() == native
        assert "service eline acme" in "".join(no.value.__notes__)
        # The session is as good as new, whatever the last conversation ended in.
        box.faults = Faults()
        await session.discard()
        await session.edit(creation())
        await session.commit()
        assert (await session.read(())).at(creation()[0].path) is not None


@pytest.mark.parametrize("at", range(1, LINES + 1))
@pytest.mark.parametrize("applies", [True, False])
async def test_f30_a_connection_lost_in_the_block_is_unknown_and_reading_back_tells(
    at: int, *, applies: bool
) -> None:
    async with talking(Faults(drop_at=at, drop_applies=applies)) as (box, session):
        await session.edit(creation())
        with pytest.raises(CommitUnknown):
            await session.commit()
        async with DRIVER.session(box.endpoint()) as again:
            found = await again.read(creation()[0].path)

        lines = box.configuration.lines.get("service eline acme", {})
        section = found.at(creation()[0].path)
        shown = set() if section is None else {child.step.keys[0][1] for child in section.children}
        assert shown == set(lines)


async def test_f30_an_undo_that_is_refused_is_unknown() -> None:
    async with talking(Faults(error_at=3, refuse_undo=True)) as (box, session):
        await session.edit(creation())
        with pytest.raises(CommitUnknown, match="taking it back"):
            await session.commit()

        assert "service eline acme" in box.configuration.lines


async def test_f30_a_line_that_is_silently_ignored_shows_when_it_is_read_back() -> None:
    async with talking(Faults(ignore_at=3)) as (_box, session):
        await session.edit(creation())
        await session.commit()

        path = creation()[0].path
        assert (await session.read(path)).at(path) != eline().at(path)


@pytest.mark.parametrize("echo", [Echo.OFF, Echo.GARBLED])
async def test_f30_a_line_that_is_not_echoed_as_sent_was_not_received_as_sent(echo: Echo) -> None:
    async with talking(Faults()) as (box, session):
        native = box.configuration.text()
        await session.edit(creation())
        await session.snapshot()
        box.faults = Faults(echo=echo)
        with pytest.raises((CommitUnknown, DeviceUnreachable)):
            await session.commit()

        assert box.configuration.text() == native, "the first command was no line of the block"


async def test_colours_slow_bytes_and_a_huge_configuration_are_all_understood(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "sim_cli"
    shutil.copytree(loader.SHIPPED / "sim_cli", folder)
    data = folder / "platform.yaml"
    data.write_text(data.read_text().replace("line_within: 5.0", "line_within: 60.0"))
    patient = LinesDriver("sim_cli", tmp_path)
    faults = Faults(ansi=True, byte_delay=0.0001)
    async with router(faults) as box, patient.session(box.endpoint()) as session:
        await session.edit(creation(description="slow and coloured"))
        await session.commit()
        box.faults = Faults(padding=20_000, ansi=True)
        path = creation()[0].path

        assert (await session.read(path)).at(path) == eline(description="slow and coloured").at(
            path
        )


async def test_a_pager_that_cannot_be_switched_off_makes_the_device_unreachable() -> None:
    async with talking(Faults(pager=3)) as (_box, session):
        with pytest.raises(DeviceUnreachable, match="waits for an answer"):
            await session.snapshot()


async def test_what_another_one_changed_meanwhile_is_left_alone_and_said() -> None:
    async with talking(Faults(error_at=4)) as (box, session):
        await session.edit(creation())
        box.faults = Faults(error_at=4)
        original = box.shows

        def shows(at: int | None) -> bool:
            now = original(at)
            if now:
                box.configuration.lines["hostname other"] = {}
            return now

        box.shows = shows  # type: ignore[method-assign] # somebody types in the same moment
        with pytest.raises(CommitUnknown, match="not as before"):
            await session.commit()

        assert "hostname other" in box.configuration.lines
        assert "service eline acme" not in box.configuration.lines


async def test_an_edit_that_does_not_fit_what_is_there_sends_nothing() -> None:
    async with talking(Faults()) as (box, session):
        box.change_by_hand("service eline acme\nvni 1")
        lines = len(box.history.of(Kind.EDIT))
        await session.edit(creation())
        with pytest.raises(ChangeRejected) as no:
            await session.commit()

        assert no.value.tag == "data-exists"
        assert len(box.history.of(Kind.EDIT)) == lines


async def test_what_was_ours_may_replace_what_took_its_place_and_nothing_else_may() -> None:
    async with talking(Faults()) as (box, session):
        box.change_by_hand("service eline acme\nvni 10010\nport eth3\nrate 7")
        before = box.configuration.text()
        await session.lock()
        rate = difference.between(eline(rate="1"), eline())[1]
        assert rate.operation is Operation.CREATE
        await session.edit([rate])
        for ask in (session.diff, session.commit):
            with pytest.raises(ChangeRejected, match="'rate 7' stands there, not ours") as no:
                await ask()
            assert (no.value.tag, box.configuration.text()) == ("data-exists", before)

        await session.discard()
        await session.edit(tree.regained([rate]))
        await session.commit()
        assert box.configuration.text() == before.replace("rate 7", "rate 2000")


async def test_configuration_mode_that_another_one_holds_is_busy_and_says_whose() -> None:
    async with talking(Faults(busy="root on vty 2")) as (_box, session):
        with pytest.raises(DeviceBusy) as busy:
            await session.lock()

        assert "root on vty 2" in (busy.value.holder or "")


async def test_lock_sees_another_session_in_configuration_mode() -> None:
    async with (
        talking(Faults()) as (box, session),
        DRIVER.session(box.endpoint()) as other,
        asyncio.TaskGroup() as tasks,
    ):
        typing = asyncio.Event()

        def shows(at: int | None) -> bool:
            typing.set()
            return at == 1

        await other.edit(creation())
        box.faults = Faults(hang_at=1)
        box.shows = shows  # type: ignore[method-assign] # it tells when a line has come
        hanging = tasks.create_task(other.commit())
        await typing.wait()
        with pytest.raises(DeviceBusy, match="somebody else"):
            await session.lock()
        hanging.cancel()


async def test_save_is_done_only_when_the_device_says_so() -> None:
    async with talking(Faults()) as (box, session):
        await session.edit(creation())
        await session.commit()
        await session.save()
        saved = box.configuration.text()
        await box.reboot()
        assert box.configuration.text() == saved


async def test_the_difference_shown_is_what_is_sent() -> None:
    async with talking(Faults()) as (box, session):
        await session.edit(creation())
        shown = await session.diff()
        await session.commit()
        sent = [entry.detail for entry in box.history.of(Kind.EDIT)]

    assert shown == DRIVER.render(creation())
    assert [line.strip() for line in shown.splitlines()] == [line for line in sent if line != "end"]


async def test_modify_leaves_exactly_the_difference() -> None:
    async with talking(Faults()) as (_box, session):
        await session.edit(creation())
        await session.commit()
        await session.edit(difference.between(eline(), eline(rate="5000", port="eth4")))

        assert await session.diff() == "service eline acme\n port eth4\n rate 5000\n exit\n"


@pytest.mark.parametrize("description", ["what?", "two  blanks", "éclair", " leading"])
def test_what_a_terminal_would_act_upon_is_refused_before_any_device(description: str) -> None:
    with pytest.raises(OrderRejected):
        eline(description=description)


@pytest.mark.parametrize("text", ["a\nno router bgp 65000", "a\x03", "", " a", "a?", "a\tb"])
async def test_no_line_can_hold_another_one(text: str) -> None:
    line = Tree(ROOT, children=(Tree(Step("line", (("text", text),))),))
    async with talking(Faults()) as (_box, session):
        with pytest.raises(ChangeRejected) as no:
            await session.edit(difference.between(EMPTY, line))

        assert no.value.tag == "invalid-value"
        assert await session.diff() == ""


async def test_a_broken_connection_is_made_again_for_reading_and_staged_edits_are_kept() -> None:
    async with talking(Faults()) as (box, session):
        await session.edit(creation())
        await box.cut()

        assert await session.diff() == DRIVER.render(creation())
        assert len(box.login_attempts) == 2


async def test_a_login_without_the_right_to_read_is_refused() -> None:
    async with router() as box, DRIVER.session(box.endpoint()) as session:
        box.running = lambda: "% Authorization failed\n"  # type: ignore[method-assign] # no right to read
        with pytest.raises(DeviceRefused, match="Authorization failed"):
            await session.snapshot()


@pytest.fixture
def needing(tmp_path: Path) -> LinesDriver:
    """The same platform where BGP must run before anything is put into it."""
    folder = tmp_path / "sim_cli"
    shutil.copytree(loader.SHIPPED / "sim_cli", folder)
    file = folder / "platform.yaml"
    needs = "    needs:\n      - {line: '^(router bgp [0-9]+)( vrf \\S+)?$', there: '\\1', why: set it up}\n"
    file.write_text(file.read_text().replace("    shared: ", f"{needs}    shared: ", 1))
    return LinesDriver("sim_cli", tmp_path)


def under(top: Step, *lines: str) -> Tree:
    owned = tuple(Tree(steps.owned(line)) for line in lines)
    return Tree(ROOT, children=(Tree(top, children=owned),))


@pytest.mark.parametrize(
    "top", [Step("router bgp 65001"), steps.owned("router bgp 65001 vrf acme")], ids=str
)
async def test_what_lines_stand_on_must_be_there_before_any_of_them_is_sent(
    needing: LinesDriver, top: Step
) -> None:
    """Entering it would make it, and nobody would take that back."""
    edits = difference.between(EMPTY, under(top, "neighbor 192.0.2.9 remote-as 65009"))
    async with router() as box, needing.session(box.endpoint()) as session:
        before = box.configuration.text()
        await session.lock()
        await session.edit(edits)
        with pytest.raises(ChangeRejected) as no:
            await session.validate()
        await session.discard()
        await session.validate()

        assert no.value.reason == (
            "'router bgp 65001' is not there ('router bgp 65000' is): set it up"
        )
        assert box.configuration.text() == before
        assert not box.history.of(Kind.COMMIT)


async def test_what_stands_is_built_on_and_taken_off(needing: LinesDriver) -> None:
    target = under(steps.owned("router bgp 65000 vrf acme"), "bgp router-id 192.0.2.1")
    async with router() as box, needing.session(box.endpoint()) as session:
        before = box.configuration.text()
        for edits in (difference.between(EMPTY, target), difference.between(target, EMPTY)):
            await session.edit(edits)
            await session.validate()
            await session.commit()

        assert box.configuration.text() == before
