"""Trees become XML and come back the same; edits touch what they name and nothing else."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_models import model
from drivers import selection
from drivers.netconf import canonical, configuration, document, trees, undoing
from drivers.netconf.driver import NetconfDriver
from oss_agent.spi.tree import EMPTY, ROOT, Edit, Operation, Place, Step, Tree

NS = "urn:oss-agent:lab:services"
OPERATION = "{urn:ietf:params:xml:ns:netconf:base:1.0}operation"
SCHEMA = model.Schema(
    namespaces={"services": NS, "ports": NS, "policy": "urn:other"},
    lists={
        "services/eline": ("name",),
        "services/eline/hop": ("index", "side"),
        "ports/port": ("name",),
        "policy/rule": ("name",),
    },
    containers=frozenset({"services", "ports", "policy", "policy/options"}),
    ordered_by_user=frozenset({"policy/rule"}),
    volatile=("ports/*/counter",),
)

# What XML can carry unchanged; it makes newlines of carriage returns.
TEXTS = st.text(
    st.characters(
        codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"
    ),
    max_size=20,
)


def leaf(name: str, value: str) -> Tree:
    return Tree(Step(name), value)


def entry(name: str, key: str, *children: Tree) -> Tree:
    return Tree(Step(name, (("name", key),)), children=children)


@st.composite
def elines(draw: st.DrawFn) -> Tree:
    leaves = draw(st.dictionaries(st.sampled_from(["vni", "port", "rate", "description"]), TEXTS))
    hops = draw(st.lists(st.tuples(TEXTS, TEXTS), unique=True, max_size=3))
    children = [leaf(name, value) for name, value in leaves.items()]
    steps = [Step("hop", (("index", index), ("side", side))) for index, side in hops]
    return entry("eline", draw(TEXTS), *children, *(Tree(step) for step in steps))


@st.composite
def contents(draw: st.DrawFn) -> Tree:
    found = draw(st.lists(elines(), max_size=4, unique_by=lambda t: t.step))
    ports = draw(st.lists(TEXTS, max_size=3, unique=True))
    services = Tree(Step("services"), children=tuple(found))
    below = tuple(entry("port", name, leaf("enabled", "true")) for name in ports)
    tops = [t for t in (services, Tree(Step("ports"), children=below)) if t.children]
    return Tree(ROOT, children=tuple(tops))


def creation(tree: Tree) -> list[Edit]:
    return [Edit(Operation.CREATE, (top.step,), top) for top in tree.children]


def data_of(tree: Tree) -> document.Element:
    """The tree's XML as it goes over the wire and comes back."""
    config = configuration.edit_config(creation(tree), SCHEMA)
    return document.parse(document.serialise(config))


@given(contents())
def test_tree_to_xml_to_tree_is_identity(tree: Tree) -> None:
    assert trees.read(data_of(tree), SCHEMA) == tree


@given(contents(), st.randoms())
def test_canonical_text_ignores_the_order_of_keyed_entries(tree: Tree, random: Random) -> None:
    shuffled = data_of(tree)
    for parent in shuffled.iter():
        parent[:] = random.sample(list(parent), len(parent))

    assert canonical.text(shuffled, SCHEMA) == canonical.text(data_of(tree), SCHEMA)


@given(contents(), contents())
def test_canonical_text_is_equal_only_for_equal_trees(one: Tree, two: Tree) -> None:
    texts = [canonical.text(data_of(tree), SCHEMA) for tree in (one, two)]

    assert (texts[0] == texts[1]) == (one == two)
    assert (canonical.difference(*texts) == "") == (one == two)


@given(contents())
def test_only_keeps_what_is_at_the_path(tree: Tree) -> None:
    for top in tree.children:
        for child in top.children:
            kept = selection.only(tree, [(top.step, child.step)])
            assert kept.at((top.step, child.step)) == child
            assert sum(len(t.children) for t in kept.children) == 1
    assert selection.only(tree, [(Step("absent"), Step("x"))]) == EMPTY
    every = [(top.step, child.step) for top in tree.children for child in top.children]
    full = tuple(top for top in tree.children if top.children)
    assert selection.only(tree, [*every, (Step("absent"),)]) == Tree(tree.step, None, full)


def test_a_leaf_lists_value_is_no_condition_for_what_is_asked_beside_it() -> None:
    values = [(Step("services"), Step("tag", ((".", value),))) for value in ("one", "two")]
    eline = (Step("services"), Step("eline", (("name", "acme"),)))
    asked = configuration.subtree_filter([*values, eline], SCHEMA)

    (services,) = asked
    assert [(document.local(one), one.text) for one in services] == [("tag", None), ("eline", None)]


def test_an_edit_of_a_container_touches_only_what_it_lists() -> None:
    services = Tree(Step("services"), children=(entry("eline", "a", leaf("vni", "1")),))

    config = configuration.edit_config(
        [Edit(Operation.DELETE, (Step("services"),), was=services)], SCHEMA
    )

    top = config[0]
    assert top.get(OPERATION) is None
    assert [(document.local(e), e.get(OPERATION)) for e in top] == [("eline", "delete")]
    assert [document.content(e) for e in top[0]] == ["a"]


def test_edits_below_the_same_entry_share_it_and_marked_entries_stay_apart() -> None:
    path = (Step("services"), Step("eline", (("name", "a"),)))
    edits = [
        Edit(Operation.REPLACE, (*path, Step("vni")), leaf("vni", "2"), leaf("vni", "1")),
        Edit(Operation.DELETE, (*path, Step("rate")), was=leaf("rate", "5")),
        Edit(Operation.CREATE, (path[0], Step("eline", (("name", "b"),))), entry("eline", "b")),
    ]

    config = configuration.edit_config(edits, SCHEMA)

    first, second = config[0]
    assert [(document.local(e), e.get(OPERATION)) for e in first] == [
        ("name", None),
        ("vni", "replace"),
        ("rate", "delete"),
    ]
    assert second.get(OPERATION) == "create"
    assert configuration.default_operation(edits) == "merge"
    assert configuration.default_operation(edits[:2]) == "none"


@pytest.mark.parametrize(
    "data",
    [
        f'<data><services xmlns="{NS}"><eline><vni>1</vni></eline></services></data>',
        f'<data><services xmlns="{NS}">{"<eline><name>a</name></eline>" * 2}</services></data>',
        f'<data><services xmlns="{NS}"><x>1</x><x>2</x></services></data>',
        f'<data><services xmlns="{NS}">{"<x>" * 100}{"</x>" * 100}</services></data>',
    ],
)
def test_a_configuration_that_does_not_fit_is_a_mismatch(data: str) -> None:
    with pytest.raises(trees.Mismatch):
        trees.read(document.parse(data.encode()), SCHEMA)


def test_unknown_top_nodes_and_empty_containers_are_none_of_ours() -> None:
    data = document.parse(
        f'<data><nacm xmlns="urn:x"><a>1</a></nacm><services xmlns="{NS}"> </services>'
        f'<ports xmlns="urn:not:ours"><port/></ports></data>'.encode()
    )

    assert trees.read(data, SCHEMA) == EMPTY


def test_an_edit_outside_the_schema_is_refused() -> None:
    stray = Edit(Operation.CREATE, (Step("system"),), leaf("system", "x"))

    with pytest.raises(trees.Mismatch, match=r"/system is not in the platform's schema"):
        configuration.edit_config([stray], SCHEMA)


def test_canonical_text_sees_foreign_changes_but_no_volatile_ones() -> None:
    def of(enabled: str, counter: str, foreign: str) -> str:
        text = (
            f'<data xmlns:z="urn:z"><ports xmlns="{NS}"><port><name>p</name><enabled>{enabled}'
            f'</enabled><counter>{counter}</counter></port></ports><z:f z:at="{counter}">{foreign}'
            "</z:f></data>"
        )
        schema = model.Schema(lists=SCHEMA.lists, volatile=("ports/port/counter",))
        return canonical.text(document.parse(text.encode()), schema)

    assert of("true", "1", "x") == of("true", "2", "x")
    assert of("true", "1", "x") != of("true", "1", "y")
    assert of("true", "1", "x") != of("false", "1", "x")


def test_canonical_text_keeps_the_order_that_users_chose() -> None:
    def of(*names: str) -> str:
        rules = "".join(f"<rule><name>{n}</name></rule>" for n in names)
        return canonical.text(
            document.parse(f'<data><policy xmlns="urn:other">{rules}</policy></data>'.encode()),
            SCHEMA,
        )

    assert of("a", "b") != of("b", "a")


def test_render_is_pure_and_holds_no_message_id() -> None:
    driver = NetconfDriver("frr_linux")
    tree = driver.instantiate("eline", {"name": "acme", "vni": "10", "port": "eth4"})
    edits = creation(tree["netconf"])

    assert driver.render(edits) == driver.render(edits)
    assert "message-id" not in driver.render(edits)
    assert driver.render([]) == ""
    assert "<rate>" not in driver.render(edits)


def rules(*names: str) -> Tree:
    steps = tuple(Step("rule", (("name", name),)) for name in names)
    policy = Tree(Step("policy"), children=tuple(Tree(step) for step in steps), order=steps)
    return Tree(ROOT, children=(policy,))


def rule(name: str) -> Step:
    return Step("rule", (("name", name),))


def test_an_entry_is_put_where_rfc_7950_says_how() -> None:
    policy = Step("policy")
    edits = [
        Edit(Operation.CREATE, (policy, rule("b")), Tree(rule("b")), place=Place(None)),
        Edit(Operation.MOVE, (policy, rule("a")), place=Place(rule("it's")), left=Place(None)),
        Edit(Operation.REPLACE, (policy, rule("a"), Step("action")), leaf("action", "deny")),
    ]
    first, second = configuration.edit_config(edits, SCHEMA)[0]
    yang = "{urn:ietf:params:xml:ns:yang:1}"

    assert (first.get(OPERATION), first.get(f"{yang}insert")) == ("create", "first")
    assert (second.get(OPERATION), second.get(f"{yang}insert")) == ("merge", "after")
    assert second.get(f"{yang}key") == '[k:name="it\'s"]'
    assert second.nsmap["k"] == "urn:other"
    assert second[1].get(OPERATION) == "replace"
    assert configuration.default_operation(edits[1:]) == "none"


def test_a_key_that_no_xpath_literal_can_hold_is_refused() -> None:
    odd = Edit(Operation.MOVE, (Step("policy"), rule("a")), place=Place(rule("'\"")))

    with pytest.raises(ValueError, match="both kinds of quotes"):
        configuration.edit_config([odd], SCHEMA)


def test_what_is_read_keeps_the_order_of_users_and_sorts_all_else() -> None:
    entries = "".join(f"<rule><name>{name}</name></rule>" for name in ("b", "c", "a"))
    data = document.parse(f'<data><policy xmlns="urn:other">{entries}</policy></data>'.encode())

    assert trees.read(data, SCHEMA) == rules("b", "c", "a") != rules("a", "b", "c")


def test_a_leaf_list_is_read_and_written_by_value() -> None:
    schema = model.Schema(
        namespaces={"tags": "urn:t"},
        lists={"tags/tag": (".",)},
        containers=frozenset({"tags"}),
        ordered_by_user=frozenset({"tags/tag"}),
    )
    data = document.parse(b'<data><tags xmlns="urn:t"><tag>z</tag><tag>a</tag></tags></data>')
    found = trees.read(data, schema).children[0]
    z, a = found.order
    moved = Edit(Operation.MOVE, (found.step, z), place=Place(a), left=Place(None))
    element = configuration.edit_config([moved], schema)[0][0]

    assert (z, a) == (Step("tag", ((".", "z"),)), Step("tag", ((".", "a"),)))
    assert element.text == "z"
    assert element.get("{urn:ietf:params:xml:ns:yang:1}value") == "a"


def test_what_was_touched_is_read_once_and_put_back_by_the_least() -> None:
    services, acme = Step("services"), Step("eline", (("name", "acme"),))
    path = (services, acme)
    vni, rate = leaf("vni", "1"), leaf("rate", "5")
    before = Tree(ROOT, children=(Tree(services, children=(Tree(acme, children=(vni,)),)),))
    now = Tree(ROOT, children=(Tree(services, children=(Tree(acme, children=(vni, rate)),)),))
    edits = [
        Edit(Operation.CREATE, (*path, rate.step), rate),
        Edit(Operation.DELETE, path, was=before.at(path)),
        Edit(Operation.MOVE, (Step("policy"), rule("a")), place=Place(None)),
    ]

    assert undoing.touched(edits, SCHEMA) == ((Step("policy"),), path)
    assert undoing.restoration(before, before, [path]) == ()
    assert undoing.restoration(EMPTY, now, [path]) == (
        Edit(Operation.DELETE, path, was=now.at(path)),
    )
    assert undoing.restoration(now, EMPTY, [(services,)]) == (
        Edit(Operation.CREATE, (services,), now.at((services,))),
    )
    assert undoing.restoration(before, now, [(services,)]) == (
        Edit(Operation.REPLACE, path, before.at(path), now.at(path)),
    )
