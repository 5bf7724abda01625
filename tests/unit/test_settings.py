from __future__ import annotations

from pathlib import Path

import pytest

from oss_agent import errors, settings
from oss_agent.settings import places


def test_defaults_are_an_embedded_daemon_on_loopback() -> None:
    tree = settings.load()

    assert tree.http.bind == "127.0.0.1"
    assert tree.store_url.startswith("sqlite:///")
    assert tree.flow_url != tree.store_url


def test_a_file_is_read_and_the_environment_overrides_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "oss-agent.toml"
    file.write_text('[http]\nport = 9000\n[billing]\nurl = "http://b/"\n')
    monkeypatch.setenv("OSS_AGENT_HTTP__PORT", "9001")

    tree = settings.load(file)

    assert tree.http.port == 9001
    assert tree.billing.url == "http://b/"


def test_one_setting_moves_rows_and_motor_to_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSS_AGENT_STORE__URL", "postgresql+psycopg://h/db")

    tree = settings.load()

    assert tree.store_url == tree.flow_url == "postgresql+psycopg://h/db"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[http]\nprot = 1\n", "http.prot"),
        ("[http]\nport = 70000\n", "http.port"),
        ('[http]\nbind = "0.0.0.0"\n', "no http.tokens"),
        ('[billing]\ntoken = "hunter2"\n', "billing.token"),
        ("nonsense = 1\n", "nonsense: there is no such setting"),
        ('[billing]\nurl = "nonsense"\n', "billing.url: must be an http"),
        ("[fulfilment]\nconfirm_within = 30\n", "more than half of confirm_within 30 s"),
        ('[[pools]]\nname = "a"\nfirst = 2\nlast = 1\n', "first 2 is above last 1"),
        ('[[pools]]\nname = "a"\n', "either first and last, or a prefix"),
        ('[[pools]]\nname = "a"\nfirst = 1\n', "either first and last, or a prefix"),
        ('[[pools]]\nname = "a"\nfirst = 1\nlast = 2\nlength = 3\n', "has a length"),
        ('[[pools]]\nname = "a"\nprefix = "192.0.2.1/24"\n', "pools.0.prefix"),
        ('[[pools]]\nname = "a"\nprefix = "192.0.2.0/24"\nlength = 8\n', "no prefixes of length 8"),
        ("[catalogue]\nas_number = 0\n", "catalogue.as_number"),
        ('[catalogue]\ninternet_community = "65536:1"\n', "two numbers from 0 to 65535"),
        ("this is not toml", "oss-agent.toml"),
    ],
)
def test_a_wrong_file_is_named_with_its_field(tmp_path: Path, text: str, names: str) -> None:
    file = tmp_path / "oss-agent.toml"
    file.write_text(text)

    with pytest.raises(errors.ConfigurationError, match=names):
        settings.load(file)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[http]\n# which\nport = 70000\n", "oss-agent.toml:3: http.port: "),
        (
            '[[pools]]\nname = "a"\nfirst = 1\nlast = 2\n\n[[pools]]\nname = "b"\n',
            "toml:6: pools.1: ",
        ),
        ('[log]\nlevel = "info"\n\n[http]  # here\nprot = 1\n', "toml:5: http.prot: there is no"),
        ("http.port = 70000\n", "toml:1: http.port: "),
        ("nonsense = 1\n", "toml:1: nonsense: "),
        ("[http]\nport = 1\nport = 2\n", r":3: it is no TOML: Cannot overwrite a value"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, where: str) -> None:
    file = tmp_path / "oss-agent.toml"
    file.write_text(text)
    with pytest.raises(errors.ConfigurationError, match=where):
        settings.load(file)


MANY = """
[http]
port = 70000
bind = "0.0.0.0"
tokens = [{name = "b"}]
[fulfilment]
retry = "soon"
confirm_within = 30
nonsense = 1
[[pools]]
name = "a"
first = 2
last = 1
length = 8
[[pools]]
name = 7
first = 9
last = 1
kind = "nothing"
[log]
level = 7
[[connectors]]
name = "lago"
kind = "lago"
[[connectors]]
name = "lago"
kind = "killbill"
url = "ftp://x"
"""


def test_every_mistake_is_told_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "oss-agent.toml"
    file.write_text(MANY)
    monkeypatch.setenv("OSS_AGENT_HTPP__PORT", "9001")
    monkeypatch.setenv("OSS_AGENT_SNMP__RETRIES", "many")
    monkeypatch.setenv("OSS_AGENT_ORDERS", "hold")
    with pytest.raises(errors.ConfigurationError) as refused:
        settings.load(file)

    said = str(refused.value).removeprefix("settings: ").split("; ")
    for one in (
        "environment: OSS_AGENT_HTPP__PORT: there is no section htpp",
        "environment: OSS_AGENT_SNMP__RETRIES: snmp.retries: must be a whole number",
        "environment: OSS_AGENT_ORDERS: orders: must be a table",
        "toml:3: http.port: must be 65535 or less",
        "toml:5: http.tokens.0.secret: is missing: add it",
        "toml:7: fulfilment.retry: must be a number",
        "toml:9: fulfilment.nonsense: there is no such setting, see docs/configuration.md",
        "toml:6: fulfilment: prove_within 20 s is more than half of confirm_within 30 s",
        "toml:10: pools.0: first 2 is above last 1",
        "toml:10: pools.0: only a pool with a prefix has a length",
        "toml:16: pools.1.name: must be text",
        "toml:19: pools.1.kind: must be number, vlan, vni, as, rd or rt",
        "toml:21: log.level: must be debug, info, warning or error",
        "toml:22: connectors.0: lago needs a url",
        "connectors.1: killbill needs credential, api_key and api_secret",
        "connectors.1.url: must be an http:// or https:// URL with a host",
    ):
        assert sum(one in words for words in said) == 1, (one, said)
    # without its tokens, which are wrong themselves, nobody knows whether the door is open
    assert "no http.tokens" not in str(refused.value)
    assert "Input" not in str(refused.value)


def test_two_connectors_of_one_name_are_told_beside_all_else(tmp_path: Path) -> None:
    file = tmp_path / "oss-agent.toml"
    one = '[[connectors]]\nname = "lago"\nkind = "lago"\nurl = "https://lago.example"\n'
    file.write_text(f"[http]\nport = -1\n{one}{one}")
    with pytest.raises(
        errors.ConfigurationError, match=r"http\.port: must be 0 or more"
    ) as refused:
        settings.load(file)
    assert "connectors: two connectors are named lago" in str(refused.value)


def test_every_secret_that_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORD", "w0rd")
    references = ("env:WORD", "env:ABSENT_WORD", f"file:{tmp_path}/none", "env:ABSENT_WORD")

    said = list(settings.unresolved(references))

    assert [words.partition(": ")[0] for words in said] == [
        "secret env:ABSENT_WORD",
        f"secret file:{tmp_path}/none",
    ]


def test_a_mistake_of_the_environment_is_not_looked_for_in_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "oss-agent.toml"
    file.write_text("[http]\nport = 9000\n")
    monkeypatch.setenv("OSS_AGENT_HTTP__PORT", "nine")
    with pytest.raises(
        errors.ConfigurationError, match=r"environment: OSS_AGENT_HTTP__PORT: http\.port"
    ):
        settings.load(file)


def test_what_stands_in_a_long_string_is_no_key() -> None:
    text = 'a = """\n[http]\nport = 1\n"""\n[http]\nport = 2\n'
    assert places.lines(text) == {("a",): 1, ("http",): 5, ("http", "port"): 6}


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(errors.ConfigurationError, match="not a file"):
        settings.load(tmp_path / "absent.toml")


def test_beyond_loopback_is_allowed_with_a_token(tmp_path: Path) -> None:
    file = tmp_path / "oss-agent.toml"
    file.write_text('[http]\nbind = "0.0.0.0"\ntokens = [{name = "b", secret = "env:B"}]\n')

    assert settings.load(file).http.tokens[0].tenant == "default"


def test_the_tree_is_frozen() -> None:
    tree = settings.load()

    with pytest.raises(ValueError, match="frozen"):
        tree.http.port = 1


def test_secrets_come_by_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret"
    file.write_text("s3cret\n")
    monkeypatch.setenv("WORD", "w0rd")

    assert settings.resolve(f"file:{file}") == "s3cret"
    assert settings.resolve("env:WORD") == "w0rd"
    with pytest.raises(errors.ConfigurationError, match="not set"):
        settings.resolve("env:ABSENT_WORD")
    with pytest.raises(errors.ConfigurationError, match="No such file"):
        settings.resolve("file:/nowhere/at/all")


def test_a_misspelt_section_of_the_environment_is_no_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OSS_AGENT_HTPP__PORT", "9001")

    with pytest.raises(errors.ConfigurationError, match="no section htpp; there are store"):
        settings.load()


def test_a_setting_of_the_environment_with_one_underscore_is_no_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OSS_AGENT_HTTP_PORT", "9001")

    with pytest.raises(
        errors.ConfigurationError, match="part a section from its setting: OSS_AGENT_HTTP__PORT"
    ):
        settings.load()


def test_what_the_command_line_reads_of_the_environment_is_no_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("API", "TOKEN", "CONFIG", "DEVICE_PASSWORD", "DEVICE_COMMUNITY"):
        monkeypatch.setenv(f"OSS_AGENT_{name}", "x")
    for name in ("PORT", "BIND", "URL", "LEVEL", "TOKEN", "INTERVAL"):  # of other programs
        monkeypatch.setenv(name, "8080")

    assert settings.load().http.port == settings.Settings().http.port


def test_what_is_no_toml_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "oss-agent.toml"
    file.write_text("data = 'd'\n[http\n")

    with pytest.raises(
        errors.ConfigurationError, match=r"oss-agent\.toml:2: it is no TOML: Expected"
    ):
        settings.load(file)


def test_a_list_in_the_environment_that_is_no_json_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSS_AGENT_HTTP__TOKENS", "hunter2")

    with pytest.raises(errors.ConfigurationError, match=r"environment: .*written as JSON"):
        settings.load()


def test_a_secret_given_as_a_value_is_not_repeated(tmp_path: Path) -> None:
    file = tmp_path / "oss-agent.toml"
    file.write_text('[billing]\ntoken = "hunter2"\n')

    with pytest.raises(errors.ConfigurationError, match="file:PATH or env:NAME") as refused:
        settings.load(file)
    assert "hunter2" not in str(refused.value)
