"""`config show`, `path` and `check`."""

from __future__ import annotations

import tomllib

import pytest

from tests.cli.support import Cli


def test_show_prints_the_settings_in_force_as_toml(cli: Cli) -> None:
    cli.config.write_text("concurrency = 3\n")
    shown = tomllib.loads(cli("config", "show", env={"PITHY_EXECUTOR": "local"}).out)
    assert (shown["concurrency"], shown["executor"], shown["model"]["provider"]) == (3, "local", "openai")


def test_show_as_json_is_an_object(cli: Cli) -> None:
    assert cli("config", "show", "--json").json()["sandbox"]["pids"] == 512


def test_show_prints_no_secret(cli: Cli) -> None:
    env = {"OPENAI_API_KEY": "sk-canary-1", "GITHUB_TOKEN": "ghp-canary-2"}
    assert "canary" not in cli("config", "show", env=env).out + cli("config", "show", "--json", env=env).out


def test_show_prints_no_address_of_a_notification(cli: Cli) -> None:
    cli.config.write_text('[notify]\nurls = ["mailto://me:canary@example.org", "ntfy://canary-topic"]\n')
    shown = cli("config", "show").out
    assert "canary" not in shown + cli("config", "show", "--json").out
    assert tomllib.loads(shown)["notify"]["urls"] == ["mailto://***", "ntfy://***"]


def test_show_prints_no_secret_of_webhooks(cli: Cli) -> None:
    cli.config.write_text('[serve]\nwebhook_secret = "canary-of-webhooks"\n')

    assert tomllib.loads(cli("config", "show").out)["serve"]["webhook_secret"] == "***"


def test_check_finds_an_address_that_nothing_can_be_sent_to(cli: Cli) -> None:
    cli.config.write_text('[notify]\nurls = ["ntfy://topic", "mailtoo://me:canary@example.org"]\n')
    done = cli("config", "check", "--json")
    assert (done.code, done.error["code"]) == (2, "config")
    assert done.error["message"].startswith(f"{cli.config}: notify.urls: ")
    assert "canary" not in done.err


def test_path_names_the_file_in_force(cli: Cli) -> None:
    assert cli("config", "path").out == f"{cli.config}\n"
    assert cli("config", "path", "--config", "/none/c.toml").out == "/none/c.toml\n"


def test_path_without_a_name_lies_in_the_users_configuration_directory(cli: Cli) -> None:
    done = cli("config", "path", "--json", env={"PITHY_CONFIG": ""})
    assert done.json()["path"].endswith("pithy-local/config.toml")
    assert done.json()["exists"] is False


@pytest.mark.parametrize("verb", ["list", "config show", "config check", "doctor", "stats", "run"])
def test_a_file_that_was_named_and_is_not_there_is_said_by_every_verb(cli: Cli, verb: str) -> None:
    done = cli(*verb.split(), env={"PITHY_CONFIG": "/none/c.toml"})
    assert (done.code, done.error_lines[0]) == (
        2, "pithy-local: error: /none/c.toml: cannot be read: No such file or directory"
    )  # fmt: skip
    assert "pithy-local init" in done.error_lines[1]


def test_path_says_what_it_means_that_a_file_is_not_there(cli: Cli) -> None:
    named = cli("config", "path", env={"PITHY_CONFIG": "/none/c.toml"})
    assert (named.code, named.out) == (0, "/none/c.toml\n")
    assert "cannot go on without it" in named.err
    assert "pithy-local init" in named.err
    assert "the defaults hold" in cli("config", "path", env={"PITHY_CONFIG": ""}).err


def test_check_says_that_all_is_well(cli: Cli) -> None:
    done = cli("config", "check")
    assert (done.code, done.out, done.err) == (0, "", f"{cli.config}: ok\n")
    assert cli("config", "check", "-q").err == ""


def test_check_names_an_unknown_key(cli: Cli) -> None:
    cli.config.write_text("concurency = 3\n")
    done = cli("config", "check")
    assert done.code == 2
    assert done.error_lines == [
        f"pithy-local: error: {cli.config}: unknown key `concurency`", "hint: Did you mean `concurrency`?"
    ]  # fmt: skip


def test_check_as_json_is_a_json_error(cli: Cli) -> None:
    cli.config.write_text("=\n")
    done = cli("config", "check", "--json")
    assert (done.code, done.error["code"]) == (2, "config")


def test_check_knows_the_keys_of_the_dashboard(cli: Cli) -> None:
    cli.config.write_text('[keys]\n"task.cancl" = "X"\n')
    done = cli("config", "check")
    assert done.code == 2
    assert done.error_lines == [
        "pithy-local: error: [keys]: there is no action `task.cancl`", "hint: Did you mean `task.cancel`?"
    ]  # fmt: skip


def test_check_knows_the_themes_of_the_dashboard(cli: Cli) -> None:
    cli.config.write_text('theme = "noord"\n')
    done = cli("config", "check")
    assert done.code == 2
    assert done.error_lines[0] == "pithy-local: error: there is no theme `noord`"
