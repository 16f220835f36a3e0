"""`.pithy.toml`: what it may say, how mistakes are told, and that it only adds and tightens."""

from __future__ import annotations

import pytest

from pithy_local.config import GitSettings, SandboxSettings, Settings
from pithy_local.errors import ErrorCode, PithyError
from pithy_local.repo_settings import EXPECTED, RepoSettings, merge, parse


def refused(content: bytes) -> PithyError:
    with pytest.raises(PithyError) as caught:
        parse(content)
    error = caught.value
    assert error.code is ErrorCode.REPO_ANALYSIS
    assert error.message.startswith("`.pithy.toml` ")
    assert "on the base branch" in error.hint
    assert (error.message + error.hint).isprintable()
    assert len(error.message) < 300
    return error


def test_no_file_and_an_empty_file_say_nothing() -> None:
    assert parse(None) == parse(b"") == RepoSettings()


def test_everything_that_can_be_said() -> None:
    text = 'verify = ["pytest -q", "ruff check ä"]\nprotected = ["migrations/**"]\nnetwork = "sealed"\n'
    assert parse(text.encode()) == RepoSettings(
        verify=("pytest -q", "ruff check ä"), protected=("migrations/**",), network="sealed"
    )


@pytest.mark.parametrize(
    ("key", "hint"),
    [("verfy", "Did you mean `verify`?"), ("Protected", "Did you mean `protected`?"),
     ("model", "The keys are verify, protected, network."), ("setup", "The keys are verify, protected, network.")],
)  # fmt: skip
def test_an_unknown_key_is_named_with_the_nearest_valid_one(key: str, hint: str) -> None:
    error = refused(f"{key} = []\n".encode())
    assert f"`{key}`" in error.message
    assert hint in error.hint


def test_a_table_of_the_users_configuration_is_an_unknown_key() -> None:
    assert "`sandbox`" in refused(b'[sandbox]\nnetwork = "open"\n').message


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('verify = "pytest"', "verify"), ("verify = [1]", "verify"), ('verify = [""]', "verify"),
        ('verify = ["  "]', "verify"), ('verify = ["' + "x" * 2001 + '"]', "verify"),
        ("verify = [" + '"true",' * 51 + "]", "verify"), ("protected = {}", "protected"),
        ("protected = [" + '"a",' * 501 + "]", "protected"), ('network = "allowlist"', "network"),
        ('network = ""', "network"), ("network = false", "network"), ("[verify]\na = 1", "verify"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_with_what_belongs_there(text: str, key: str) -> None:
    error = refused(text.encode())
    assert f"`{key}`" in error.message
    assert EXPECTED[key] in error.hint


@pytest.mark.parametrize(
    "content", [b"verify = [", b"\xff\xfe", b"a = 1\na = 2\n", b"verify = ['\0']", b"a = " + b"1" * 9000]
)
def test_what_is_no_toml_is_said(content: bytes) -> None:
    assert "is not valid TOML" in refused(content).message


def test_a_hostile_key_is_shown_safe_and_short() -> None:
    refused(b'"\\u001b[2J' + b"x" * 5000 + b'" = 1\n')


def test_a_deeply_nested_file_is_an_error_like_any_other() -> None:
    refused(b"verify = " + b"[" * 30_000)


def user(**sandbox: object) -> Settings:
    return Settings(sandbox=SandboxSettings(**sandbox), git=GitSettings(protected=("ci/**",)))  # type: ignore[arg-type]


def test_commands_and_patterns_are_added_once() -> None:
    merged = merge(user(verify=("make test", "ruff")), RepoSettings(verify=("ruff", "mypy"), protected=("a", "ci/**")))
    assert merged.sandbox.verify == ("make test", "ruff", "mypy")
    assert merged.git.protected == ("ci/**", "a")


@pytest.mark.parametrize(
    ("mine", "theirs", "result"),
    [
        ("sealed", "open", "sealed"), ("open", "sealed", "sealed"), ("open", None, "open"), ("open", "open", "open"),
        ("sealed", None, "sealed"), ("sealed", "sealed", "sealed"),
    ],
)  # fmt: skip
def test_the_stricter_network_counts(mine: str, theirs: str | None, result: str) -> None:
    repo = RepoSettings(network=theirs)  # type: ignore[arg-type]
    assert merge(user(network=mine), repo).sandbox.network == result


def test_nothing_else_changes() -> None:
    settings = user(verify=("x",), network="open", cpus=3.0)
    assert merge(settings, RepoSettings()) == settings
