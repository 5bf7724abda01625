"""The catalogue's files fit together and fit the platforms; what does not is said with its line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from device_models import loader
from oss_agent import errors
from oss_agent.catalog import collection, resource

SHIPPED = Path(collection.__file__).parent / "shipped"
RESOURCES = {(one.id, one.version): one for one in collection.load().resources}
TEMPLATES = {
    rule.template: RESOURCES[rule.specification, rule.version]
    for one in (*collection.load().services, *collection.load().ordered)
    for _, _, rule in one.rules
}
PLATFORMS = sorted(
    folder.parent.name for folder in Path(loader.__file__).parent.glob("*/platform.yaml")
)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A catalogue folder of somebody's own: a copy of the shipped one, to spoil."""
    shutil.copytree(SHIPPED, tmp_path / "own")
    return tmp_path / "own"


def edit(file: Path, before: str, after: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after, 1), encoding="utf-8")


def mistakes(*folders: Path) -> list[str]:
    return [str(one) for one in collection.check(*folders).mistakes]


def _schema(of: resource.Resource) -> dict[str, tuple[str, int, int, bool]]:
    return {
        name: (
            one.type,
            one.minimum or 0,
            2**32 - 1 if one.maximum is None else one.maximum,
            one.required,
        )
        for name, one in of.characteristics.items()
    }


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_platform_has_the_slots_that_the_resource_specifications_say(platform: str) -> None:
    templates = loader.load(platform).templates
    slots = {
        name: {
            slot: (of.type.value, of.minimum, of.maximum, not of.optional)
            for slot, of in template.slots.items()
        }
        for name, template in templates.items()
    }
    assert slots == {name: _schema(TEMPLATES[name]) for name in slots}


def test_every_shipped_template_belongs_to_a_service_some_platform_can_build() -> None:
    built = {name for platform in PLATFORMS for name in loader.load(platform).templates}
    assert set(TEMPLATES) <= built


def test_the_shipped_catalogue_has_no_mistake() -> None:
    assert mistakes(SHIPPED) == []


SPOILT = {
    "a slot that the resource has not": (
        ("services/eline-1.0.yaml", "          rate: {from", "          speed: {from"),
        (
            "34: resource_facing[0].resources[0].slots.speed: resource specification "
            "eline 1.0 has no speed; it has name, vni, port, rate, description"
        ),
    ),
    "a slot that is not filled": (
        ("services/eline-1.0.yaml", "          vni: {from: pool.vni}\n", ""),
        (
            "30: resource_facing[0].resources[0].slots: resource specification eline "
            "1.0 needs vni (VXLAN network identifier (RFC 7348)): fill it"
        ),
    ),
    "a resource that nobody specified": (
        ("services/eline-1.0.yaml", "specification: eline\n", "specification: wire\n"),
        (
            "26: resource_facing[0].resources[0].specification: there is no resource "
            "specification wire 1.0; there are eline 1.0, evpn-segment 1.0, internet-access 1.0, l3vpn 1.0, "
            "l3vpn-peer 1.0, l3vpn-site 1.0, port-label 1.0, port-off 1.0"
        ),
    ),
    "a type that no slot has": (
        ("resources/l3vpn-peer-1.0.yaml", "type: address", "type: colour"),
        (
            "10: characteristics.neighbor.type: must be name, description, uint, ifname, address, "
            "interface, prefix, community or route"
        ),
    ),
    "a resource ordered where it has no port": (
        ("resources/port-off-1.0.yaml", "at: port", "at: description"),
        "7: orderable.at: description is no required characteristic of type ifname",
    ),
    "a resource of which a sender could not say everything": (
        ("resources/port-off-1.0.yaml", "type: description", "type: community"),
        (
            "10: characteristics.description: a sender cannot say community; of one by itself there "
            "are name, description, uint"
        ),
    ),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_mistake_is_told_with_file_line_place_and_what_to_do(own: Path, case: str) -> None:
    (file, before, after), told = SPOILT[case]
    edit(own / file, before, after)
    assert f"{own / file}:{told}" in mistakes(own)


def test_every_mistake_of_every_file_is_told_at_once(own: Path) -> None:
    edit(own / "services/eline-1.0.yaml", "kind: ping", "kind: astrology")
    edit(own / "services/l3vpn-1.0.yaml", "ends: [sites]", "ends: [site]")
    (own / "resources" / "odd.yaml").write_text("{", encoding="utf-8")
    (own / "resources" / "raw.yaml").write_bytes(b"\xff\xfe")
    files = [Path(one.partition(":")[0]).name for one in mistakes(own)]
    assert files == ["eline-1.0.yaml", "l3vpn-1.0.yaml", "odd.yaml", "raw.yaml"]


@pytest.mark.parametrize(
    ("value", "why"),
    [("2026-02-30", "day "), ("9" * 5_000, "Exceeds the limit")],
    ids=["a day that is none", "a number without end"],
)
def test_a_value_that_is_none_is_a_mistake_as_any_other(own: Path, value: str, why: str) -> None:
    edit(own / "services/eline-1.0.yaml", "updated: 2026-11-22", f"updated: {value}")
    (told,) = mistakes(own)
    assert told.startswith(f"{own / 'services/eline-1.0.yaml'}:1: a date or a number in it is none")
    assert why in told


def test_a_folder_that_cannot_be_looked_into_is_a_mistake(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refused)
    (told,) = mistakes(own)
    assert told.startswith(f"{own}:1: it cannot be looked into: Permission denied")


def test_what_an_own_folder_has_twice_is_refused_with_both_files(own: Path) -> None:
    folder = _only(own, "services/eline-1.0.yaml")
    file = "services/eline-1.0.yaml"
    assert mistakes(SHIPPED, folder) == [
        (
            f"{folder / file}:4: version: eline 1.0 is there twice, also in {SHIPPED / file}: remove "
            "one, or number it anew"
        )
    ]


def test_a_folder_that_has_nothing_to_say_is_not_passed_over(own: Path) -> None:
    for folder in (own / "nothing", own / "services"):
        (told,) = mistakes(SHIPPED, folder)
        assert told.startswith(f"{folder}:1: no folder with services, resources, offerings in it")


def _only(own: Path, file: str) -> Path:
    folder = own.parent / "only" / Path(file).parent
    folder.mkdir(parents=True)
    shutil.copy(own / file, folder)
    return folder.parent


def test_versions_stand_side_by_side_and_the_daemon_takes_an_own_folder(own: Path) -> None:
    folder = _only(own, "services/eline-1.0.yaml")
    file = folder / "services" / "eline-1.0.yaml"
    edit(file, 'version: "1.0"', 'version: "1.10"')
    found = collection.load(folder).services
    assert [one.version for one in found if one.id == "eline"] == ["1.0", "1.10"]
    edit(file, "kind: ping", "kind: astrology")
    with pytest.raises(errors.ConfigurationError, match="nothing judges astrology"):
        collection.load(folder)
