"""Decides what a new platform begins with: a package of its own that installs, and whose tests pass.

It starts as a copy of the data of the platform that the simulated device speaks, so that whoever
makes it a real one changes one thing at a time, with the contract suite green in between.
"""

from __future__ import annotations

import keyword
import re
import string
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources, util
from pathlib import Path

from oss_agent import registry
from oss_agent.errors import ConfigurationError
from oss_agent.platforms import quality

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST = 40


class Kind(StrEnum):
    """Which kit talks to the platform."""

    NETCONF = "netconf"
    LINES = "lines"
    NETMIKO = "netmiko"
    NAPALM = "napalm"


@dataclass(frozen=True, slots=True)
class _Kit:
    """What a kind is made of.

    ``model`` is the shipped platform whose data it starts from, with ``swaps`` (old, new) made;
    ``peer`` the template of the device that its tests talk to.
    """

    model: str
    peer: str
    imports: str
    driver: str
    swaps: tuple[tuple[str, str], ...] = ()


_KITS = {
    Kind.NETCONF: _Kit(
        "sim_netconf",
        "peer_netconf.py",
        "from drivers.netconf.driver import NetconfDriver",
        'NetconfDriver("$name", data=Path(__file__).parent / "models")',
    ),
    Kind.LINES: _Kit(
        "sim_cli",
        "peer_lines.py",
        "from drivers.cli.configuring import LinesDriver",
        'LinesDriver("$name", data=Path(__file__).parent / "models")',
    ),
    Kind.NETMIKO: _Kit(
        "sim_cli",
        "peer_lines.py",
        "from drivers.netmiko_adapter.driver import NetmikoDriver",
        'NetmikoDriver("$name", data=Path(__file__).parent / "models")',
        (
            (
                "command_line:\n",
                "netmiko: {device_type: cisco_ios}  # netmiko's name for it\ncommand_line:\n",
            ),
        ),
    ),
    Kind.NAPALM: _Kit(
        "arista_eos",
        "peer_napalm.py",
        "from drivers.arista_eos import box\nfrom drivers.napalm_adapter.driver import NapalmDriver",
        'NapalmDriver("$name", box.made, data=Path(__file__).parent / "models")',
        # The suite waits for the lock of a holder that died.
        (("lock_for: 300\n", "lock_for: 5  # seconds; 300 once the tests do not wait for it\n"),),
    ),
}


def new(name: str, kind: Kind, path: Path) -> tuple[Path, ...]:
    """Write the package to ``path/name``; the files. ConfigurationError when it may not be."""
    root = path / name
    _refuse(name, root)
    files = content(name, kind)
    for place, text in files.items():
        file = root / place
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        except OSError as wrong:
            raise ConfigurationError(f"{file} cannot be written: {wrong.strerror}") from wrong
    return tuple(root / place for place in files)


def content(name: str, kind: Kind) -> dict[str, str]:
    """What the files hold, by their place in the package."""
    kit = _KITS[kind]
    words = {"name": name, "kind": kind.value, "imports": kit.imports, "model": kit.model}
    words["driver"] = string.Template(kit.driver).substitute(name=name)
    return {
        "pyproject.toml": _filled("pyproject.toml", words),
        "README.md": _filled("readme.md", words),
        f"{name}/__init__.py": f'"""The platform {name} for oss-agent."""\n',
        f"{name}/driver.py": _filled("driver.py", words),
        f"{name}/quality.yaml": _filled("quality.yaml", words) + _trial(kit),
        f"{name}/models/{name}/platform.yaml": _data(name, kit),
        "tests/peer.py": _filled(kit.peer, words),
        "tests/test_contract.py": _filled("test_contract.py", words),
    }


def _refuse(name: str, root: Path) -> None:
    if len(name) > _LONGEST or not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise ConfigurationError(
            f"{name!r} cannot be a platform: use lower-case letters, digits and single _ between "
            f"them, beginning with a letter, at most {_LONGEST} (vendor_system, as nokia_srlinux)"
        )
    if name in registry.installed().platforms:
        raise ConfigurationError(f"there is a driver for {name} already: choose another name")
    if root.exists():
        raise ConfigurationError(f"{root} exists already: choose another name or --path")
    if util.find_spec(name) is not None:
        raise ConfigurationError(f"{name} would hide a Python package of that name: choose another")


def _filled(template: str, words: dict[str, str]) -> str:
    file = resources.files("oss_agent.platforms").joinpath("scaffold", f"{template}.txt")
    return string.Template(file.read_text("utf-8")).substitute(words)


def _trial(kit: _Kit) -> str:
    """What may be tried on a device, as the data that it is begun from have it."""
    shipped = resources.files(f"drivers.{kit.model}").joinpath(quality.FILE).read_text("utf-8")
    return shipped[shipped.index(f"\n{quality.TRIAL}:") + 1 :]


def _data(name: str, kit: _Kit) -> str:
    shipped = resources.files("device_models").joinpath(kit.model, "platform.yaml")
    lines = shipped.read_text("utf-8").splitlines(keepends=True)
    kept = (line for line in lines if not line.startswith(("# ", "platform:", "title:")))
    head = (
        f"# Begun as a copy of {kit.model}: make it say what your platform is, a part at a time.\n"
        f"platform: {name}\ntitle: {name} (tell people what it is)\n"
    )
    text = "".join(kept)
    for old, new_words in kit.swaps:
        text = text.replace(old, new_words, 1)
    return head + text
