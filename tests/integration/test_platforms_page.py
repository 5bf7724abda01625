"""docs/platforms.md does what it says: its commands are run and its files written as they stand."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.integration import announced

PAGE = Path(__file__).parents[2] / "docs" / "platforms.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"# (\S+\.(?:yaml|py))\n")


@dataclass(slots=True)
class Reader:
    """Somebody who follows the page, with a shell."""

    at: Path
    environment: dict[str, str]

    def run(self, command: str) -> str:
        """The output of one command; pip's part is done without a network."""
        words = shlex.split(command)
        if words[0] == "cd":
            self.at /= words[1]
            return ""
        if words[0] == "pip":
            self.environment = announced.installed(self.at, self.at.name)
            return ""
        program = ["oss_agent" if words[0] == "oss-agent" else words[0], *words[1:]]
        return self._done(["-m", *program])

    def _done(self, words: list[str]) -> str:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=self.at,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout


def steps(console: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of a block, each with the lines that it is said to print."""
    for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        command, *said = part.splitlines()
        yield command, said


def shown(line: str, output: str) -> bool:
    """Do the words of the line stand in one line of the output, in this order?"""
    wanted = ".*".join(map(re.escape, line.split()))
    return any(re.search(wanted, one) for one in output.splitlines())


def test_following_the_page_makes_a_platform(tmp_path: Path) -> None:
    reader = Reader(tmp_path, dict(os.environ))
    blocks = _BLOCK.findall(PAGE.read_text())
    ran = []
    for kind, content in blocks:
        named = _NAMED.match(content)
        if kind == "console":
            for command, said in steps(content):
                output = reader.run(command)
                assert [line for line in said if not shown(line, output)] == [], output
                ran.append(command)
        elif named:
            file = reader.at / named[1]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)

    assert len(ran) == 6, ran
    assert (tmp_path / "acme_os" / "tests" / "test_eline.py").is_file()


def test_a_line_that_is_not_printed_is_noticed() -> None:
    assert shown("a  c", "x\na b c\n")
    assert not shown("c a", "a b c")
    assert list(steps("$ one\n  said\n$ two\n")) == [("one", ["  said"]), ("two", [])]


def test_the_page_is_found_from_the_front() -> None:
    assert "docs/platforms.md" in (PAGE.parents[1] / "README.md").read_text()
    assert "docs/platforms.md" in (PAGE.parents[1] / "CONTRIBUTING.md").read_text()
