"""docs/configuration.md lists every setting with the reason that the code gives, and no other."""

from __future__ import annotations

import ast
import itertools
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from oss_agent import settings

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "configuration.md"
SECTIONS = {
    "http": "Http",
    "http.tokens": "Token",
    "store": "Store",
    "flow": "Flow",
    "fulfilment": "Fulfilment",
    "fulfilment.windows": "Window",
    "orders": "Orders",
    "snmp": "Snmp",
    "discovery": "Discovery",
    "backup": "Backup",
    "assurance": "Assurance",
    "catalogue": "Catalogue",
    "pools": "Pool",
    "billing": "Billing",
    "connectors": "Connector",
    "outbox": "Outbox",
    "log": "Log",
}


def documented() -> Iterator[tuple[str, str]]:
    """(section.name, its docstring) of every field, as the source has them."""
    files = sorted(Path(settings.__file__).parent.glob("*.py"))
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    classes = {
        node.name: node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)
    }
    for section, name in SECTIONS.items():
        body = classes[name].body
        for field, words in itertools.pairwise(body):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                assert isinstance(words, ast.Expr), f"{section}.{field.target.id} has no words"
                text = ast.literal_eval(words.value)
                yield f"{section}.{field.target.id}", " ".join(textwrap.dedent(text).split())


def rows() -> dict[str, str]:
    """(section.name, its words) of every row of the page's tables."""
    found: dict[str, str] = {}
    section = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"### `\[+([a-z.]+)\]+`", line):
            section = heading[1]
        elif row := re.match(r"\| `([a-z_]+)` \| (.*) \| (.*) \|$", line):
            found[f"{section}.{row[1]}"] = row[3]
    return found


def test_every_setting_is_on_the_page_in_the_words_of_the_code() -> None:
    in_code = {name: words.replace("``", "`") for name, words in documented()}

    assert rows() == in_code


def test_the_example_on_the_page_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = re.search(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert example is not None
    file = tmp_path / "oss-agent.toml"
    file.write_text(example[1])
    monkeypatch.delenv("OSS_AGENT_HTTP__PORT", raising=False)

    assert settings.load(file).http.tokens[0].name == "bss"
