"""What of a device's configuration is drift, and what is nobody's business."""

from __future__ import annotations

import hypothesis
from hypothesis import strategies as st

from inventory.drift import drift
from oss_agent.spi import tree
from oss_agent.spi.drift import Decision, Difference, Kind
from oss_agent.spi.tree import Step, Tree


def leaf(name: str, value: str) -> Tree:
    return Tree(Step(name), value)


def entry(name: str, key: str, *children: Tree) -> Tree:
    return Tree(Step(name, (("name", key),)), children=children)


def eline(name: str = "acme", vni: str = "10100", *more: Tree) -> Tree:
    return entry("eline", name, leaf("vni", vni), leaf("port", "eth4"), *more)


def config(*services: Tree, **containers: Tree) -> Tree:
    of = [Tree(Step("services"), children=services)] if services else []
    return Tree(tree.ROOT, children=(*of, *containers.values()))


OURS = (drift.Part("s1", config(eline())),)


def found(
    now: Tree, parts: tuple[drift.Part, ...] = OURS, rules: drift.Rules | None = None
) -> list[Difference]:
    return list(drift.compare("netconf", parts, now, rules or drift.Rules()))


def test_as_it_was_read_back_is_no_difference() -> None:
    assert found(config(eline())) == []


def test_what_stands_beside_ours_is_nobodys_business() -> None:
    beside = Tree(Step("system"), children=(leaf("contact", "noc"),))
    assert found(config(eline(), eline("foreign", "7"), system=beside)) == []


def test_a_leaf_with_another_value_is_changed() -> None:
    (one,) = found(config(eline(vni="10177")))
    assert (one.kind, one.path) == (Kind.CHANGED, "/services/eline[name=acme]/vni")
    assert (one.was, one.now, one.services, one.mark) == ("10100", "10177", ("s1",), "")


def test_an_entry_that_is_gone_is_missing_once_and_whole() -> None:
    (one,) = found(config())
    assert (one.kind, one.path) == (Kind.MISSING, "/services/eline[name=acme]")
    assert one.was == "port eth4, vni 10100"


def test_what_nobody_ordered_inside_an_entry_of_ours_is_extra() -> None:
    options = Tree(Step("options"), children=(leaf("mtu", "1400"),))
    there = found(config(eline("acme", "10100", leaf("rate", "5"), options)))
    assert [(one.kind, one.path, one.now) for one in there] == [
        (Kind.EXTRA, "/services/eline[name=acme]/options/mtu", "1400"),
        (Kind.EXTRA, "/services/eline[name=acme]/rate", "5"),
    ]


def test_a_shared_node_is_told_once_with_all_its_owners() -> None:
    profile = Tree(Step("profiles"), children=(entry("rate-profile", "50M", leaf("rate", "50")),))
    parts = tuple(drift.Part(one, config(profiles=profile)) for one in ("s2", "s1"))
    (one,) = found(Tree(tree.ROOT), parts)
    assert one.services == ("s1", "s2")


def _rules(*names: str) -> Tree:
    steps = tuple(Step("rule", (("name", name),)) for name in names)
    policy = Tree(Step("policy"), children=tuple(Tree(one) for one in steps), order=steps)
    return Tree(tree.ROOT, children=(policy,))


def test_only_the_order_of_our_own_entries_counts() -> None:
    parts = (drift.Part("s1", _rules("b", "a")),)
    assert found(_rules("x", "b", "y", "a"), parts) == []
    (one,) = found(_rules("a", "x", "b"), parts)
    assert (one.kind, one.path) == (Kind.CHANGED, "/policy")
    assert one.was == "the order rule[name=b], rule[name=a]"
    (gone,) = found(_rules("b", "x"), parts)
    assert (gone.kind, gone.path) == (Kind.MISSING, "/policy/rule[name=a]")


def test_the_order_of_a_list_at_the_top_has_owners_too() -> None:
    first, second = (Step("rule", (("name", name),)) for name in "ab")
    rules = (Tree(first), Tree(second))
    parts = (drift.Part("s1", Tree(tree.ROOT, children=rules, order=(first, second))), *OURS)
    now = Tree(tree.ROOT, children=(*rules, *config(eline()).children), order=(second, first))
    (one,) = found(now, parts)
    assert (one.kind, one.path, one.services) == (Kind.CHANGED, "/", ("s1",))


def test_what_is_read_begins_where_our_part_begins() -> None:
    parts = (*OURS, drift.Part("s2", _rules("b")), drift.Part("s3", config(eline("three"))))
    assert [tree.path_text(path) for path in drift.starts(parts)] == [
        "/policy",
        "/services/eline[name=acme]",
        "/services/eline[name=three]",
    ]


def test_a_path_that_is_never_judged_is_left_out_with_all_below_it() -> None:
    def decide(path: tree.Path) -> Decision | None:
        names = "/".join(step.name for step in path)
        return {"services/eline": Decision.IGNORE, "services/eline/vni": Decision.REVERT}.get(names)

    (one,) = found(config(eline("acme", "7", leaf("rate", "5"))), rules=drift.Rules(decide))
    assert (one.path, one.decision) == ("/services/eline[name=acme]/vni", Decision.REVERT)


def _without_hunter(text: str) -> str:
    return text.replace("hunter", "*")


def test_secrets_are_masked_and_told_apart_all_the_same() -> None:
    parts = (drift.Part("s1", config(eline("acme", "1", leaf("password", "hunter2")))),)

    def of(password: str) -> Difference:
        now = config(eline("acme", "1", leaf("password", password)))
        (one,) = found(now, parts, drift.Rules(mask=_without_hunter))
        return one

    one, two = of("hunter3"), of("hunter4")
    assert (one.was, one.now) == ("*2", "*3")
    assert one.mark != two.mark
    assert one == of("hunter3")


def test_what_a_device_writes_reaches_nobody_as_it_is() -> None:
    (one,) = found(config(eline(vni="\x1b[31m" + "x" * 100_000)))
    assert one.now == "[31m" + "x" * 196
    assert one.mark


_VALUES = st.sampled_from("123")
_SERVICES = st.lists(
    st.builds(eline, st.sampled_from("abc"), _VALUES), max_size=3, unique_by=lambda t: t.step
)


@hypothesis.given(_SERVICES, _SERVICES)
@hypothesis.settings(max_examples=50)
def test_nothing_differs_exactly_where_what_is_ours_is_alike(
    ours: list[Tree], now: list[Tree]
) -> None:
    parts = tuple(drift.Part(f"s{number}", config(one)) for number, one in enumerate(ours))
    told = found(config(*now), parts)
    there = {one.step: one for one in now}
    unlike = {
        tree.path_text((Step("services"), one.step)) for one in ours if there.get(one.step) != one
    }
    assert {one.path.removesuffix("/vni") for one in told} == unlike
