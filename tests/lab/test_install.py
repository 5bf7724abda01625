"""What is installed, where, and the sentence when it cannot be."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from pathlib import Path

import pytest

from lab import install, layer
from lab.errors import LabUnavailable


def test_the_servers_that_would_act_on_the_system_are_not_installed() -> None:
    everything = [package for packages in install.PACKAGES.values() for package in packages]
    assert not [package for package in everything if package.startswith("netconfd-module")]


def test_a_package_is_left_out_when_the_machine_has_what_it_is_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def only_initdb(name: str) -> Path | None:
        return Path("/x") if name == "initdb" else None

    monkeypatch.setattr(install, "machine_program", only_initdb)
    assert install.wanted(("tests",)) == ("prometheus",)


def test_an_unknown_set_names_the_known() -> None:
    with pytest.raises(LabUnavailable, match="there are lab, tests"):
        install.wanted(("nonsense",))


def test_a_changed_list_or_release_is_another_layer() -> None:
    names = {
        layer.key(("a", "b"), "debian12", "amd64"),
        layer.key(("a",), "debian12", "amd64"),
        layer.key(("a", "b"), "debian13", "amd64"),
    }
    assert len(names) == 3
    assert layer.key(("b", "a"), "debian12", "amd64") in names


def test_the_cache_is_where_its_owner_says() -> None:
    assert layer.cache_home({"XDG_CACHE_HOME": "/big"}) == Path("/big/oss-agent/lab")


def nowhere(_program: str, **_keys: str) -> None:
    """A machine with no programs."""


@pytest.mark.parametrize(
    ("module", "attribute", "value", "words"),
    [
        (os, "geteuid", lambda: 1000, "needs root"),
        (sys, "platform", "darwin", "needs Linux"),
        (shutil, "which", nowhere, "unshare is not installed"),
    ],
)
def test_why_a_lab_cannot_run_is_said(
    monkeypatch: pytest.MonkeyPatch, module: object, attribute: str, value: object, words: str
) -> None:
    if os.geteuid() != 0 and "root" not in words and "Linux" not in words:
        pytest.skip("only root gets that far")
    monkeypatch.setattr(module, attribute, value)
    with pytest.raises(LabUnavailable, match=words):
        install.ensure()


@pytest.mark.lab
@pytest.mark.usefixtures("lab_ground")
def test_two_that_install_at_once_get_the_same_layer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(install, "PACKAGES", {"lab": ()})  # the way, without the download
    found: list[Path] = []
    both = [threading.Thread(target=lambda: found.append(install.ensure().path)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(found) == 2
    assert len(set(found)) == 1
    assert (found[0] / "complete").exists()


@pytest.mark.lab
@pytest.mark.usefixtures("lab_ground")
def test_a_dry_run_says_what_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def here(_env: object) -> list[Path]:
        return [tmp_path]

    monkeypatch.setattr(layer, "places", here)
    assert "to be installed: frr " in install.plan()
    assert list(tmp_path.iterdir()) == []
