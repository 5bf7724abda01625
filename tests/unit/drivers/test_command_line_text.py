"""What a command line shows, read: structure by indentation, terminals' tricks, nothing endless."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from device_models import loader, model
from drivers import steps
from drivers.cli import block, delivery, difference, running, terminal
from drivers.cli.configuring import store_of
from drivers.cli.grammar import Grammar
from oss_agent.errors import ConfigurationError
from oss_agent.spi.tree import EMPTY, ROOT, Step, Tree

FRR = Grammar(store_of(loader.load("frr_linux")).grammar)
SHOWN = """\
Building configuration...

Current configuration:
!
frr version 8.4.4
router bgp 65000
 neighbor 192.0.2.1 remote-as 65001
 !
 address-family ipv4 unicast
  network 203.0.113.0/24
 exit-address-family
exit
!
router bgp 65000 vrf acme
exit
!
end
"""


def line(text: str, *below: Tree) -> Tree:
    return Tree(steps.owned(text), children=below)


def test_frr_text_is_sections_that_nobody_owns_and_lines_that_somebody_may() -> None:
    family = Tree(Step("address-family ipv4 unicast"), children=(line("network 203.0.113.0/24"),))
    router = Tree(
        Step("router bgp 65000"), children=(line("neighbor 192.0.2.1 remote-as 65001"), family)
    )
    wanted = Tree(
        ROOT, children=(line("frr version 8.4.4"), router, line("router bgp 65000 vrf acme"))
    )

    assert running.read(SHOWN, FRR) == wanted
    assert running.snapshot(SHOWN, FRR).startswith("!\nfrr version")


def test_a_section_that_comes_twice_is_one() -> None:
    twice = "interface eth1\n description a\ninterface eth1\n shutdown\n"

    (interface,) = running.read(twice, FRR).children
    assert [steps.text(child.step) for child in interface.children] == ["description a", "shutdown"]


def test_what_is_nested_beyond_reason_is_refused() -> None:
    with pytest.raises(running.Unreadable, match="sections deep"):
        running.read("".join(f"{' ' * depth}x\n" for depth in range(40)), FRR)


@pytest.mark.parametrize(
    ("received", "seen"),
    [
        ("\x1b[?2004h\x1b[1mpe1#\x1b[0m ", "pe1# "),
        ("vnii\b \b 1\r\n", "vni 1\n"),
        ("garbage\rpe1# \x1b[K", "pe1#"),
        ("\x1b]0;title\x07a\x00\x07b", "ab"),
    ],
)
def test_a_terminals_line_is_what_a_person_would_see(received: str, seen: str) -> None:
    assert terminal.plain(received) == seen


def test_a_policy_is_there_before_it_is_named_and_goes_after() -> None:
    router = Tree(
        Step("router bgp 65000"),
        children=(
            line("neighbor 192.0.2.1 remote-as 65001"),
            line("neighbor 192.0.2.1 description a"),
            Tree(
                Step("address-family ipv4 unicast"),
                children=(line("neighbor 192.0.2.1 route-map RM in"),),
            ),
        ),
    )
    wanted = Tree(ROOT, children=(router, line("route-map RM permit 10")))

    coming = block.text(block.commands(difference.between(EMPTY, wanted), FRR)).split("\n")
    going = block.text(block.commands(difference.between(wanted, EMPTY), FRR)).split("\n")
    assert coming[0] == "route-map RM permit 10"
    assert coming.index(" neighbor 192.0.2.1 remote-as 65001") < coming.index(
        " neighbor 192.0.2.1 description a"
    )
    assert going[-2] == "no route-map RM permit 10"
    assert going.index(" no neighbor 192.0.2.1 description") < going.index(
        " no neighbor 192.0.2.1 remote-as 65001"
    )


def test_lines_share_a_flight_only_within_one_section() -> None:
    network = [line(f"network 10.{n}.0.0/16") for n in range(12)]
    router = Tree(
        Step("router bgp 65000"),
        children=(Tree(Step("address-family ipv4 unicast"), children=tuple(network)),),
    )
    edits = difference.between(EMPTY, Tree(ROOT, children=(router,)))

    flights = [len(batch) for batch in delivery.batches(block.commands(edits, FRR), 10)]
    assert flights == [1, 1, 10, 2, 1, 1]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [({"prompt": "("}, "not a regular expression"), ({"windows": 1}, "windows")],
)
def test_a_wrong_shell_is_refused_with_its_place(
    wrong: dict[str, object], why: str, tmp_path: Path
) -> None:
    shell = {"prompt": "x", "show": "s", "enter": "e", "end": "e", **wrong}
    data = {
        "platform": "wrong",
        "title": "wrong",
        "capabilities": ["configure"],
        "command_line": {"store": "cli", "grammar": {}, "shell": shell},
    }
    (tmp_path / "wrong").mkdir()
    (tmp_path / "wrong" / "platform.yaml").write_text(yaml.safe_dump(data))
    with pytest.raises(ConfigurationError, match=why):
        loader.load("wrong", tmp_path)


def test_a_platform_without_a_command_line_says_so() -> None:
    platform = model.Platform("p", "p", frozenset())
    with pytest.raises(ConfigurationError, match="no `command_line`"):
        store_of(platform)
