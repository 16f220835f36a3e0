"""`doctor`: what each check finds, and what that means for the exit code."""

from __future__ import annotations

import json

import pytest

from pithy_local.config import SandboxSettings
from pithy_local.doctor import Check, check_disk, check_sqlite
from pithy_local.executors.engine import Engine
from pithy_local.store.tasks import Tasks
from tests.cli.support import Cli, Ended
from tests.fakes.github import FakeGitHub
from tests.fakes.model import FakeModel

ALL = {"engine", "git", "model", "github", "disk", "sqlite"}


def checks(done: Ended) -> dict[str, Check]:
    return {entry["name"]: Check(**entry) for entry in done.json()}


def test_without_an_engine_the_docker_executor_is_not_fit(cli: Cli) -> None:
    cli.config.write_text("")
    done = cli("doctor", "--json")
    found = checks(done)
    assert done.code == 3
    assert found.keys() == ALL
    assert found["engine"].ok is False
    assert "DOCKER_HOST" in found["engine"].fix


def test_the_local_executor_needs_no_engine(cli: Cli) -> None:
    done = cli("doctor", "--json", env={"OPENAI_API_KEY": "sk-test-key"})
    found = checks(done)
    assert done.code == 0
    assert found["engine"].ok is None
    assert found["git"].ok is True
    assert found["git"].message.startswith("git ")


def test_a_silent_engine_is_named_with_the_systems_own_word(cli: Cli) -> None:
    engine = checks(cli("doctor", "--json", env={"DOCKER_HOST": "tcp://127.0.0.1:9"}))["engine"]
    assert engine.message == "the Docker engine does not answer at tcp://127.0.0.1:9: Connection refused"


def test_every_finding_that_is_not_fine_has_a_fix(cli: Cli) -> None:
    cli.config.write_text("")
    assert [check for check in checks(cli("doctor", "--json")).values() if check.ok is not True and not check.fix] == []


def test_a_missing_key_fails_and_says_what_to_set(cli: Cli) -> None:
    done = cli("doctor", "--json")
    assert done.code == 3
    assert "OPENAI_API_KEY" in checks(done)["model"].fix


def test_a_server_of_ones_own_needs_no_key(cli: Cli) -> None:
    with FakeModel() as model:
        done = cli("doctor", "--json", env={"OPENAI_BASE_URL": model.base_url})
        assert model.calls == []
    assert (done.code, checks(done)["model"].ok) == (0, True)


def test_a_server_that_does_not_answer_is_a_warning(cli: Cli) -> None:
    done = cli("doctor", "--json", env={"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"})
    assert (done.code, checks(done)["model"].ok) == (0, None)


@pytest.mark.parametrize(("content", "ok"), [(["a"], True), ("a", False), ([1], False), (None, False)])
def test_written_replies_are_looked_at(cli: Cli, content: object, ok: bool) -> None:
    replies = cli.config.parent / "replies.json"
    if content is not None:
        replies.write_text(json.dumps(content))
    cli.config.write_text(f'executor = "local"\n[model]\nprovider = "scripted"\n[model.scripted]\nfile = "{replies}"\n')
    assert checks(cli("doctor", "--json"))["model"].ok is ok


def github_check(cli: Cli, url: str, token: str) -> Check:
    return checks(cli("doctor", "--json", env={"GITHUB_API_URL": url, "GITHUB_TOKEN": token}))["github"]


def test_a_token_that_github_takes_is_fine(cli: Cli) -> None:
    with FakeGitHub() as github:
        github.add_token("ghp_good_token")
        assert github_check(cli, github.url, "ghp_good_token").ok is True


def test_a_token_that_github_refuses_fails(cli: Cli) -> None:
    with FakeGitHub() as github:
        github.add_token("ghp_good_token")
        found = github_check(cli, github.url, "ghp_wrong_token")
    assert found.ok is False
    assert "ghp_" not in found.message + found.fix
    assert "GITHUB_TOKEN" in found.fix


def test_offline_a_token_is_a_warning(cli: Cli) -> None:
    assert github_check(cli, "http://127.0.0.1:9", "ghp_good_token").ok is None


def test_no_token_is_a_warning(cli: Cli) -> None:
    assert checks(cli("doctor", "--json"))["github"].ok is None


def test_in_a_pipe_a_check_is_a_line(cli: Cli) -> None:
    lines = [line.split("\t") for line in cli("doctor").out.splitlines()]
    assert {line[0] for line in lines} == ALL
    assert {line[1] for line in lines} <= {"ok", "warning", "failed"}
    assert {len(line) for line in lines} == {4}


def test_on_a_terminal_the_fix_stands_below(cli: Cli) -> None:
    shown = cli.on_terminal("doctor", env={"NO_COLOR": "1"}).out
    assert "✗ failed   model" in shown
    assert " fix: Set OPENAI_API_KEY" in shown


def test_room_on_the_disk_is_measured(cli: Cli) -> None:
    cli.home.prepare()
    assert str(cli.home.root) in check_disk(cli.home).message


@pytest.mark.parametrize(("version", "ok"), [("3.40.1", None), ("3.51.2", None), ("3.51.3", True), ("3.60.0", True)])
def test_an_old_sqlite_is_a_warning(version: str, ok: bool | None) -> None:
    assert check_sqlite(version).ok is ok


@pytest.mark.docker
def test_with_an_engine_a_sealed_container_is_started_and_removed(
    cli: Cli, engine: Engine, sandbox_settings: SandboxSettings, sandbox_image: str
) -> None:
    cli.use_engine(sandbox_settings)
    done = cli("doctor", "--json", env={"OPENAI_API_KEY": "sk-test-key"})
    found = checks(done)
    assert done.code == 0
    assert "container, shared kernel" in found["engine"].message
    assert (found["image"].ok, found["sandbox"].ok) == (True, True)
    store = cli.store()
    label = {"label": f"pithy.instance={Tasks(store).instance}"}
    store.close()
    assert engine.api.containers(all=True, filters=label) == []
