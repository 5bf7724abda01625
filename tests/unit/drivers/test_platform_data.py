"""Platform data: complete, refused with the place when wrong, and judged by quality files."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

import device_models
import drivers
from device_models import loader, model
from oss_agent.errors import ConfigurationError

ROOT = Path(device_models.__file__).parent
DRIVERS = Path(drivers.__file__).parent
PLATFORMS = sorted(file.parent.name for file in ROOT.glob("*/platform.yaml"))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_folder_is_named_for_its_platform_and_its_files_load(platform: str) -> None:
    data = loader.load(platform)

    assert data.platform == platform
    assert data.capabilities


@pytest.mark.parametrize("platform", PLATFORMS)
def test_commands_use_declared_slots_of_harmless_types(platform: str) -> None:
    for kind, reading in loader.load(platform).observe.items():
        used = {word.slot for word in reading.command if word.slot}
        assert used <= set(reading.slots), kind
        types = {reading.slots[name].type for name in used}
        assert model.SlotType.DESCRIPTION not in types, kind


@pytest.mark.parametrize("platform", PLATFORMS)
def test_expressions_compile_with_one_group(platform: str) -> None:
    for reading in loader.load(platform).observe.values():
        for value in reading.values.values():
            assert value.regex is None or re.compile(value.regex).groups == 1


@pytest.mark.parametrize("platform", PLATFORMS)
def test_templates_use_their_slots_and_fit_the_schema(platform: str) -> None:
    data = loader.load(platform)
    for template in data.templates.values():
        commands = [slot for lines in template.stores.values() for slot in _line_slots(lines)]
        used = {*_slots(template.tree), *commands}
        assert used <= set(template.slots)
        # Where there is no command line, what only a command line needs is taken and left out.
        assert data.command_line is None or used == set(template.slots)
        for path, node in _paths(template.tree):
            assert tuple(node.keys) == data.configuration.lists.get(path, ())
            if not node.keys and node.value is None:
                assert path in data.configuration.containers


def _slots(nodes: tuple[model.Node, ...]) -> list[str]:
    words = [w for n in nodes for w in (*n.keys.values(), *([n.value] if n.value else []))]
    below = [slot for n in nodes for slot in _slots(n.children)]
    return [w.slot for w in words if w.slot] + below


def _line_slots(lines: tuple[model.Line, ...]) -> list[str]:
    below = [slot for line in lines for slot in _line_slots(line.children)]
    return [word.slot for line in lines for word in line.words if word.slot] + below


def _paths(nodes: tuple[model.Node, ...], above: str = "") -> list[tuple[str, model.Node]]:
    here = [(f"{above}{n.name}", n) for n in nodes]
    return here + [found for path, n in here for found in _paths(n.children, f"{path}/")]


def test_the_simulated_device_has_the_lab_routers_configuration_and_questions() -> None:
    router, simulated = loader.load("frr_linux"), loader.load("sim_netconf")

    # It has more: lists that users order, for the laws.
    ours, theirs = simulated.configuration, router.configuration
    assert theirs.namespaces.items() <= ours.namespaces.items()
    assert theirs.lists.items() <= ours.lists.items()
    assert theirs.containers <= ours.containers
    assert (theirs.shared, theirs.volatile) == (ours.shared, ours.volatile)
    assert set(simulated.templates) == set(router.templates)
    for name, template in router.templates.items():
        assert simulated.templates[name] == dataclasses.replace(template, stores={})
    assert set(router.observe) <= set(simulated.observe)
    # What it announces by NETCONF is real; nothing behind it is.
    assert model.Channel.SSH_EXEC not in {r.channel for r in simulated.observe.values()}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("platform: x\n", "title"),
        ("platform: x\ntitle: t\ncapabilities: [fly]\n", "capabilities.0"),
        ("platform: x\ntitle: t\ncapabilities: []\nnetconf: {locks: [startup]}\n", "netconf.locks"),
        ("platform: x\ntitle: t\ncapabilities: []\ntypo: 1\n", "typo"),
        ("- a\n- b\n", "must hold a mapping"),
        ("a: [", "cannot be read"),
        ("a: !!python/object/apply:os.getcwd []", "cannot be read"),
    ],
)
def test_wrong_data_are_refused_with_their_place(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "platform.yaml").write_text(text)

    with pytest.raises(ConfigurationError, match=why):
        loader.load("x", tmp_path)


def test_a_missing_platform_names_its_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"platform\.yaml cannot be read"):
        loader.load("nobody", tmp_path)


@pytest.mark.parametrize(
    "wrong",
    [
        "observe: {q: {channel: ssh-exec, values: {v: {regex: '(a)', path: []}}}}",
        "observe: {q: {channel: ssh-exec, values: {v: {}}}}",
        "observe: {q: {channel: ssh-exec, command: [{}]}}",
        "observe: {q: {channel: telnet}}",
    ],
)
def test_ambiguous_readings_are_refused(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "x").mkdir()
    head = "platform: x\ntitle: t\ncapabilities: []\n"
    (tmp_path / "x" / "platform.yaml").write_text(head + wrong)

    with pytest.raises(ConfigurationError, match="observe"):
        loader.load("x", tmp_path)


@pytest.mark.parametrize(
    ("netconf", "what_to_do"),
    [
        ("{pause: 0.06}", "netconf: .*`pause`.*write `knocks: true`"),
        ("{knocks: true, pipeline: 1}", "netconf: .*`pipeline` must be 2 or more, and it is 1"),
    ],
)
def test_what_cannot_be_spoken_says_what_to_write(
    tmp_path: Path, netconf: str, what_to_do: str
) -> None:
    (tmp_path / "x").mkdir()
    head = "platform: x\ntitle: t\ncapabilities: []\n"
    (tmp_path / "x" / "platform.yaml").write_text(f"{head}netconf: {netconf}\n")

    with pytest.raises(ConfigurationError, match=what_to_do):
        loader.load("x", tmp_path)


def test_who_is_asked_one_thing_at_a_time_need_not_knock(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    head = "platform: x\ntitle: t\ncapabilities: []\n"
    (tmp_path / "x" / "platform.yaml").write_text(f"{head}netconf: {{pipeline: 1}}\n")

    assert loader.load("x", tmp_path).netconf.pipeline == 1
