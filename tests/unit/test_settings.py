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
        ("[http]\nport = 1\nport = 2\n", r"at line 3, column"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, where: str) -> None:
    file = tmp_path / "oss-agent.toml"
    file.write_text(text)
    with pytest.raises(errors.ConfigurationError, match=where):
        settings.load(file)


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
