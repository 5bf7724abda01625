"""The laws of trees for command lines, on an interpreter that is not ours.

``simulated_cli.interpreter`` knows modes, ``no`` and what goes with what; it shares no code with the
serialiser. hier-config is the second opinion on what a difference is.
"""

from __future__ import annotations

import dataclasses
import itertools

from hier_config import HConfig, Platform, get_hconfig
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device_models import loader
from drivers import steps
from drivers.cli import block, difference, running
from drivers.cli.configuring import store_of
from drivers.cli.grammar import Grammar
from oss_agent.fulfilment.trees import tree as trees
from oss_agent.spi.tree import EMPTY, ROOT, Edit, Operation, Step, Tree
from oss_agent.testing.simulated_cli.interpreter import Configuration, Interpreter

GRAMMAR = Grammar(store_of(loader.load("sim_cli")).grammar)
BASE = "hostname pe1\nrouter bgp 65000\nbgp router-id 192.0.2.255"
FOREIGN = "bgp router-id 192.0.2.255"

# A busy machine is no reason to fail.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

_NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,9}", fullmatch=True)
_TEXT = st.from_regex(r"[!->@-~]{1,8}( [!->@-~]{1,8}){0,2}", fullmatch=True)
_PEERS = st.sampled_from([f"192.0.2.{n}" for n in range(1, 6)])
_NUMBERS = st.integers(1, 65535)


def line(text: str, *below: Tree) -> Tree:
    return Tree(steps.owned(text), children=below)


@st.composite
def elines(draw: st.DrawFn) -> list[Tree]:
    names = draw(st.lists(_NAMES, unique=True, max_size=3))
    return [line(f"service eline {name}", *draw(eline_lines())) for name in names]


@st.composite
def eline_lines(draw: st.DrawFn) -> list[Tree]:
    texts = [f"vni {draw(_NUMBERS)}", f"port eth{draw(st.integers(0, 9))}"]
    texts += [f"rate {draw(_NUMBERS)}"] if draw(st.booleans()) else []
    texts += [f"description {draw(_TEXT)}"] if draw(st.booleans()) else []
    return [line(text) for text in texts]


@st.composite
def neighbours(draw: st.DrawFn) -> list[Tree]:
    """A BGP process: what is said of a neighbour needs it, here and in the address family."""
    here: list[Tree] = []
    family: list[Tree] = [line(f"network 10.{n}.0.0/16") for n in draw(st.sets(st.integers(0, 3)))]
    for peer in draw(st.lists(_PEERS, unique=True, max_size=3)):
        here.append(line(f"neighbor {peer} remote-as {draw(_NUMBERS)}"))
        if draw(st.booleans()):
            here.append(line(f"neighbor {peer} description {draw(_TEXT)}"))
        if draw(st.booleans()):
            family.append(line(f"neighbor {peer} activate"))
        if draw(st.booleans()):
            name, way = draw(_NAMES), draw(st.sampled_from(["in", "out"]))
            family.append(line(f"neighbor {peer} route-map {name} {way}"))
    return [*here, Tree(Step("address-family ipv4 unicast"), children=tuple(family))]


@st.composite
def policies(draw: st.DrawFn) -> list[Tree]:
    heads = [
        f"route-map {name} permit 10" for name in draw(st.lists(_NAMES, unique=True, max_size=2))
    ]
    return [
        line(head, *(line(f"set metric {draw(_NUMBERS)}") for _ in range(draw(st.integers(0, 1)))))
        for head in heads
    ]


@st.composite
def configurations(draw: st.DrawFn) -> Tree:
    """A whole configuration, with what is nobody's in it."""
    router = Tree(Step("router bgp 65000"), children=(line(FOREIGN), *draw(neighbours())))
    vpn = line("router bgp 65000 vrf acme", *draw(neighbours()))
    vpns = [vpn] if draw(st.booleans()) else []
    top = (line("hostname pe1"), router, *vpns, *draw(elines()), *draw(policies()))
    return trees.normal(Tree(ROOT, children=top))


class Device:
    """The interpreter, with configuration mode around every block."""

    def __init__(self) -> None:
        self.configuration = Configuration()
        self.type(BASE)

    def type(self, lines: str) -> None:
        hand = Interpreter(self.configuration)
        hand.enter()
        for text in lines.splitlines():
            assert hand.take(text) == "", text
        self.depth = len(hand.places)

    def carry_out(self, edits: tuple[Edit, ...]) -> None:
        self.type(block.text(block.commands(edits, GRAMMAR)))
        assert self.depth == 1, "a block ends where it began"

    def tree(self) -> Tree:
        return running.read(self.configuration.text(), GRAMMAR)


@patient
@given(configurations(), configurations())
def test_the_lines_of_a_difference_lead_from_one_configuration_to_the_other(
    one: Tree, two: Tree
) -> None:
    device = Device()
    device.carry_out(trees.diff(device.tree(), one))
    assert device.tree() == one
    device.carry_out(trees.diff(one, two))
    assert device.tree() == two


@patient
@given(configurations(), configurations())
def test_undo_is_the_identity_byte_for_byte_and_reapply_is_silent(one: Tree, two: Tree) -> None:
    device = Device()
    device.carry_out(trees.diff(device.tree(), one))
    before = device.configuration.text()
    edits = trees.diff(one, two)
    device.carry_out(edits)
    assert block.commands(trees.diff(device.tree(), two), GRAMMAR) == ()
    device.carry_out(trees.invert(edits))
    assert device.configuration.text() == before


@patient
@given(elines(), neighbours(), policies())
def test_disjoint_changes_commute(lines: list[Tree], peers: list[Tree], maps: list[Tree]) -> None:
    router = [Tree(Step("router bgp 65000"), children=tuple(peers))]
    changes = [
        trees.diff(EMPTY, Tree(ROOT, children=tuple(part))) for part in (lines, router, maps)
    ]
    found = set()
    for order in itertools.permutations(changes):
        device = Device()
        for edits in order:
            device.carry_out(edits)
        found.add(device.configuration.text())
    assert len(found) == 1


@patient
@given(configurations(), configurations())
def test_our_own_tree_arithmetic_agrees_with_the_agents(one: Tree, two: Tree) -> None:
    """The session compares by its own difference: it must not know another one."""
    assert difference.applied(one, trees.diff(one, two), GRAMMAR.setting) == two
    assert difference.between(one, two) == trees.diff(one, two)
    assert difference.restricted(two, one, trees.diff(one, two)) == one


@patient
@given(configurations())
def test_a_configuration_survives_being_shown_and_read(one: Tree) -> None:
    device = Device()
    device.carry_out(trees.diff(device.tree(), one))
    shown = device.configuration.text()
    hostile = (
        "\x1b[31mBuilding configuration...\r\n" + shown.replace("\n", "   \r\n") + "\x00end\r\n"
    )

    assert running.read(hostile.replace("\x1b[31m", ""), GRAMMAR) == one
    assert running.snapshot(shown, GRAMMAR) == shown


@patient
@given(st.text(max_size=400))
def test_no_text_that_a_device_shows_breaks_the_reader(shown: str) -> None:
    try:
        found = running.read(shown, GRAMMAR)
    except running.Unreadable:
        return
    assert running.read(shown, GRAMMAR) == found


_BY_TEXT = Grammar(dataclasses.replace(GRAMMAR.data, replaces=(), negations=()))


@patient
@given(configurations(), configurations())
def test_hier_config_foresees_the_same_outcome(one: Tree, two: Tree) -> None:
    """It knows no line that replaces another one, so all are taken back and sent."""
    edits = trees.diff(one, two)
    foreseen = _paths(one)
    # In two steps: it takes no configuration in which a section comes twice.
    for operation in (Operation.DELETE, Operation.CREATE):
        part = [edit for edit in edits if edit.operation is operation]
        lines = block.text(block.commands(part, _BY_TEXT))
        foreseen = foreseen.future(get_hconfig(Platform.GENERIC, _without_exits(lines)))

    found = {tuple(child.path()) for child in foreseen.all_children()}
    wanted = {tuple(child.path()) for child in _paths(two).all_children()}
    # A section that nobody owns and that became empty is no configuration.
    empty = {
        ("router bgp 65000", "address-family ipv4 unicast"),
        ("router bgp 65000 vrf acme", "address-family ipv4 unicast"),
    }
    assert found - empty == wanted - empty


def _paths(configuration: Tree) -> HConfig:
    return get_hconfig(Platform.GENERIC, "".join(_indented(configuration, 0)))


def _indented(node: Tree, depth: int) -> list[str]:
    found: list[str] = []
    for child in node.children:
        found.append(f"{' ' * depth}{steps.text(child.step)}\n")
        found += _indented(child, depth + 1)
    return found


def _without_exits(lines: str) -> str:
    return "".join(f"{text}\n" for text in lines.splitlines() if text.strip() != "exit")
