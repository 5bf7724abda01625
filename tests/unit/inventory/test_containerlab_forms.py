"""Every form that containerlab leaves of a lab: alone, together, contradicting, and none of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inventory.containerlab import containerlab, containerlab_kinds
from inventory.containerlab.containerlab_said import Link, Login
from oss_agent import errors

_DATA = Path(__file__).parent / "data" / "forms"
_KINDS = containerlab_kinds.load()


def _files(*names: str) -> dict[str, str]:
    return {name: (_DATA / name).read_text() for name in names}


def _form(lab: containerlab.Lab) -> list[tuple[str, str, str]]:
    return [(one.file, one.form, str(one)) for one in lab.said]


def test_a_topology_file_inherits_as_containerlab_does() -> None:
    lab = containerlab.read(_files("demo.clab.yml"))

    assert _form(lab) == [
        ("demo.clab.yml", "containerlab topology file", "lab demo, 6 nodes, 2 links")
    ]
    pe1, pe2, spine1, srl1 = lab.devices
    assert (pe1.kind, pe1.platform, pe1.role, pe1.site) == ("linux", "frr_linux", "pe", "west")
    assert (pe1.address, pe1.ports, pe1.router_id) == (
        "172.20.20.21",
        {"netconf": 8300},
        "10.255.0.11",
    )
    assert (pe1.login, pe1.community) == (Login("admin", "0123"), "lab-ro")
    assert (pe2.address, pe2.site) == ("3fff:172:20:20::22", "north")
    assert pe2.login == Login("own", None), "a login is taken whole, not put together"
    assert (spine1.kind, spine1.platform, spine1.role) == ("arista_ceos", "arista_eos", "other")
    assert srl1.login == Login("everyone", "weakest")
    assert [name for name, _ in lab.refused] == ["late"]
    assert "containerlab inspect" in lab.refused[0][1]
    assert [name for name, _ in lab.left_out] == ["br0"]
    assert lab.links == (
        Link("pe1", "eth1", "pe2", "eth1"),
        Link("pe2", "eth2", "spine1", "eth1"),
    )


@pytest.mark.parametrize(
    ("file", "form"),
    [
        ("inspect-now.json", "containerlab inspect"),
        ("inspect-older.json", "containerlab inspect, an older form"),
        ("inspect-list.json", "containerlab inspect, an older form"),
    ],
)
def test_what_inspect_says_is_read_in_every_form(file: str, form: str) -> None:
    lab = containerlab.read(_files(file))

    assert (lab.name, lab.said[0].form) == ("demo", form)
    r1 = lab.devices[0]
    assert (r1.name, r1.kind, r1.platform, r1.address) == (
        "r1",
        "arista_ceos",
        "arista_eos",
        "172.20.20.2",
    )
    assert (r1.login, r1.login_note) == (
        Login("admin", "admin"),
        "login of a fresh Arista EOS, container",
    )


def test_a_container_that_does_not_run_is_said_and_one_without_address_refused() -> None:
    lab = containerlab.read(_files("inspect-now.json"))

    assert lab.devices[1].address == "3fff:172:20:20::3"
    assert lab.devices[1].note == "its container is exited"
    assert [name for name, _ in lab.refused] == ["r3"]


def test_piped_text_is_known_by_its_shape() -> None:
    for file in ("inspect-now.json", "demo.clab.yml", "nornir-simple-inventory.yml"):
        (text,) = _files(file).values()
        lab = containerlab.read({"standard input": text}, lab="demo")
        assert lab.said[0].form == containerlab.read({file: text}, lab="demo").said[0].form


def test_an_inventory_alone_needs_the_name_of_its_lab() -> None:
    files = _files("ansible-inventory.yml")
    with pytest.raises(errors.OrderRejected, match="say so with --lab NAME"):
        containerlab.read(files)
    lab = containerlab.read(files, lab="demo")

    assert [(one.name, one.kind, one.login.username) for one in lab.devices] == [
        ("r1", "arista_ceos", "admin"),
        ("r2", "nokia_srlinux", "other"),
    ]
    assert [name for name, _ in lab.refused] == ["r3"]


def test_what_nornir_calls_a_platform_is_a_kind_or_may_be_several() -> None:
    lab = containerlab.read(_files("nornir-simple-inventory.yml"), lab="demo")

    assert [(one.name, one.kind) for one in lab.devices] == [("r2", "sros")]
    assert lab.refused == (
        (
            "r1",
            "it may be arista_ceos, arista_veos: import topology-data.json, which tells the kind",
        ),
    )


def test_several_files_fill_one_another() -> None:
    files = _files("ansible-inventory.yml", "inspect-now.json")
    nornir = _files("nornir-simple-inventory.yml")["nornir-simple-inventory.yml"]
    files["nornir-simple-inventory.yml"] = nornir.replace("sros", "nokia_srlinux")
    r1, r2 = containerlab.read(files).devices

    assert (r1.kind, r1.login) == ("arista_ceos", Login("admin", "admin"))
    assert (r2.name, r2.kind, r2.login) == ("r2", "nokia_srlinux", Login("other", "word"))


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("ansible-inventory.yml", "172.20.20.2", "172.20.20.9", "r1 has another IPv4 address"),
        ("ansible-inventory.yml", "::3", "::4", "r2 has another IPv6 address"),
        ("ansible-inventory.yml", "ansible_user: admin", "ansible_user: root", "another user name"),
        ("ansible-inventory.yml", ": word", ": secret-word", "r2 has another password"),
        ("ansible-inventory.yml", "arista_ceos", "cisco_xrd", "r1 has another kind"),
        ("ansible-inventory.yml", "demo-r1", "demo-r9", "has the node r9, which inspect-now.json"),
        ("inspect-now.json", '"demo', '"other', "inspect-now.json is of lab other, --lab of demo"),
    ],
)
def test_a_contradiction_is_named_and_nothing_is_taken(
    file: str, old: str, new: str, words: str
) -> None:
    files = _files("ansible-inventory.yml", "inspect-now.json")
    nornir = _files("nornir-simple-inventory.yml")["nornir-simple-inventory.yml"]
    files["nornir-simple-inventory.yml"] = nornir.replace("sros", "nokia_srlinux")
    containerlab.read(files, lab="demo")  # as they are they agree
    files[file] = files[file].replace(old, new)

    with pytest.raises(errors.OrderRejected, match=words) as told:
        containerlab.read(files, lab="demo")
    assert "secret-word" not in told.value.reason


def test_links_that_two_files_tell_otherwise_are_a_contradiction() -> None:
    (text,) = _files("demo.clab.yml").values()
    ends = {"a": {"node": "pe1", "interface": "e9"}, "z": {"node": "srl1", "interface": "e1"}}
    names = ("pe1", "pe2", "spine1", "srl1", "br0", "late")
    nodes = {name: {"longname": f"lab-demo-{name}"} for name in names}
    data = {"name": "demo", "nodes": nodes, "links": [{"endpoints": ends}]}

    with pytest.raises(
        errors.OrderRejected,
        match=r"topology-data\.json links pe1 and srl1, demo\.clab\.yml does not",
    ):
        containerlab.read({"topology-data.json": json.dumps(data), "demo.clab.yml": text})


def test_two_files_of_one_form_are_refused() -> None:
    (text,) = _files("inspect-now.json").values()
    with pytest.raises(errors.OrderRejected, match=r"a\.json and b\.json are both containerlab"):
        containerlab.read({"a.json": text, "b.json": text})


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("x.clab.yml", "name: {{ .name }}\ntopology: {}", "is a template"),
        ("x.clab.gotmpl", "name: a", "is a template"),
        ("x.clab.yml", "name: ${LAB:=a}\ntopology: {nodes: {}}", "a variable in its name"),
        ("x.clab.yml", "topology: {nodes: {}}", "no usable name"),
        ("x.clab.yml", "name: a\ntopology: {nodes: {r1: 5}}", "no usable name or no object"),
        ("x.clab.yml", "name: a\ntopology: {nodes: {r1: {}}, links: [{type: new}]}", "number 0"),
        ("x.clab.yml", "name: a\ntopology: {nodes: {}, links: [{endpoints: [a, b]}]}", "end 'a:'"),
        ("x.clab.yml", "name: a\nkinds: &x {}\ntopology: *x", "aliases are not accepted"),
        ("x.yml", "some: thing", "has some at its top, which is no form that is read here"),
        ("x.yml", "- some", "does not hold an object"),
        ("x.yml", "", "is empty"),
        ("x.json", "{}", "has nothing at its top"),
        ("x.json", '[{"name": "r1", "interfaces": []}]', "a list of something else"),
        (
            "x.json",
            '{"a": [{"lab_name": "a"}], "b": [{"lab_name": "b"}]}',
            "one lab and is of a, b",
        ),
        ("x.json", '{"a": [{"lab_name": "a", "name": "a b"}]}', "no usable name"),
        ("x.json", '{"a": [{"lab_name": "../a", "name": "r1"}]}', "no usable name"),
        (
            "x.json",
            '{"a": [{"lab_name": "a", "name": "r"}, {"lab_name": "a", "name": "r"}]}',
            "twice",
        ),
        ("x", "\0", "is not readable YAML"),
    ],
)
def test_what_is_no_form_is_refused_with_a_sentence(name: str, text: str, words: str) -> None:
    with pytest.raises(errors.OrderRejected, match=words):
        containerlab.read({name: text})


def test_a_variable_refuses_the_node_that_needs_it() -> None:
    text = "name: a\ntopology: {nodes: {r1: {kind: linux, mgmt-ipv4: '${IP:=10.0.0.1}'}}}"
    lab = containerlab.read({"a.clab.yml": text})
    assert lab.refused == (("r1", "what is needed of r1 holds a variable (${…}): write it out"),)


def test_kinds_are_told_once_and_former_names_lead_to_them() -> None:
    assert _KINDS.meant("vr-sros") == _KINDS.meant("nokia_sros") == {"nokia_sros"}
    assert len(_KINDS.meant("cisco_iosxr")) > 1
    assert _KINDS.meant("sim_netconf") == {"sim_netconf"}
    assert _KINDS.meant("") == frozenset()
