"""`doctor`: what each check finds, and what that means for the exit code."""

from __future__ import annotations

import json
import re
import signal
import socket

import pytest

from pithy_local.config import SandboxSettings
from pithy_local.doctor import Check
from pithy_local.errors import ErrorCode
from pithy_local.executors.engine import Engine
from pithy_local.store.tasks import Tasks
from tests.cli.support import Cli, Ended
from tests.fakes.github import FakeGitHub
from tests.fakes.model import FakeModel
from tests.support import wait_until

ALWAYS = {"python", "git", "engine", "model", "github", "disk", "home", "mirrors", "sqlite"}


def checks(done: Ended) -> dict[str, Check]:
    return {entry["name"]: Check(**entry) for entry in done.json()}


def test_without_an_engine_the_docker_executor_is_not_fit(cli: Cli) -> None:
    cli.config.write_text("")
    done = cli("doctor", "--json")
    found = checks(done)
    assert done.code == 3
    assert found.keys() == ALWAYS
    assert found["engine"].ok is False
    assert "DOCKER_HOST" in found["engine"].fix


def test_the_local_executor_needs_no_engine(cli: Cli) -> None:
    with FakeModel() as model:
        done = cli("doctor", "--json", env={"OPENAI_API_KEY": "sk-test-key", "OPENAI_BASE_URL": model.base_url})
    assert done.code == 0
    assert checks(done)["engine"].ok is None
    assert "sk-test-key" not in done.out + done.err


def test_a_silent_engine_is_named_with_the_systems_own_word(cli: Cli) -> None:
    engine = checks(cli("doctor", "--json", env={"DOCKER_HOST": "tcp://127.0.0.1:9"}))["engine"]
    assert engine.message == "the Docker engine does not answer at tcp://127.0.0.1:9: Connection refused"


@pytest.mark.parametrize("host", ["tcp://x:y", "nonsense", "unix:///none.sock"])
def test_an_engines_address_that_is_none_is_a_finding(cli: Cli, host: str) -> None:
    engine = checks(cli("doctor", "--json", env={"DOCKER_HOST": host}))["engine"]
    assert engine.message.startswith(f"the Docker engine does not answer at {host}: ")


def test_an_engine_that_hangs_does_not_keep_the_doctor(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        engine = checks(cli("doctor", "--json", env={"DOCKER_HOST": host}))["engine"]
    assert (engine.ok, "does not answer" in engine.message) == (None, True)


def test_every_finding_that_is_not_fine_has_a_fix(cli: Cli) -> None:
    cli.config.write_text("")
    assert [check for check in checks(cli("doctor", "--json")).values() if check.ok is not True and not check.fix] == []


def test_a_home_that_cannot_be_opened_is_one_finding_of_all(cli: Cli) -> None:
    cli.home.root.write_text("a file is in the way")
    done = cli("doctor", "--json")
    found = checks(done)
    assert (done.code, done.err, set(found)) == (3, "", ALWAYS)
    assert found["home"].message == f"cannot use the data directory {cli.home.root}: File exists"
    assert (found["home"].ok, found["home"].fix) == (False, ErrorCode.STORE.hint)


def test_a_damaged_queue_is_one_finding_of_all(cli: Cli) -> None:
    cli.home.prepare().queue_db.write_bytes(b"no database" * 1000)
    done = cli("doctor", "--json")
    found = checks(done)
    assert (done.code, set(found)) == (3, ALWAYS)
    assert (found["home"].ok, "pithy-local backup" in found["home"].fix) == (False, True)


def test_a_wrong_configuration_is_no_finding(cli: Cli) -> None:
    cli.config.write_text("nonsense = 1")
    done = cli("doctor", "--json")
    assert (done.code, done.out, done.error["code"]) == (2, "", "config")


def test_a_missing_key_fails_and_says_what_to_set(cli: Cli) -> None:
    done = cli("doctor", "--json")
    assert done.code == 3
    assert "OPENAI_API_KEY" in checks(done)["model"].fix


@pytest.mark.parametrize(("content", "ok"), [(["a"], True), ("a", False), ([1], False), (None, False)])
def test_written_replies_are_looked_at(cli: Cli, content: object, ok: bool) -> None:
    replies = cli.config.parent / "replies.json"
    if content is not None:
        replies.write_text(json.dumps(content))
    cli.config.write_text(f'executor = "local"\n[model]\nprovider = "scripted"\n[model.scripted]\nfile = "{replies}"\n')
    assert checks(cli("doctor", "--json"))["model"].ok is ok


def test_no_token_is_a_warning(cli: Cli) -> None:
    assert checks(cli("doctor", "--json"))["github"].ok is None


def test_a_clock_that_is_wrong_is_seen_beside_githubs(cli: Cli) -> None:
    with FakeGitHub() as github:
        github.add_token("ghp_good_token")
        github.clock_offset = -300.0
        done = cli("doctor", "--json", env={"GITHUB_API_URL": github.url, "GITHUB_TOKEN": "ghp_good_token"})
    found = checks(done)
    assert (found["github"].ok, found["clock"].ok) == (True, None)
    assert "ghp_good_token" not in done.out + done.err


def test_a_proxy_and_certificates_that_the_environment_names_are_checked(cli: Cli) -> None:
    env = {"HTTPS_PROXY": "nonsense", "SSL_CERT_FILE": "/none.pem"}
    found = checks(cli("doctor", "--json", env=env))
    assert (found["proxy"].ok, found["certificates"].ok) == (False, False)


def test_in_a_pipe_a_check_is_a_line(cli: Cli) -> None:
    lines = [line.split("\t") for line in cli("doctor").out.splitlines()]
    assert {line[0] for line in lines} == ALWAYS
    assert {line[1] for line in lines} <= {"ok", "warning", "failed"}
    assert {len(line) for line in lines} == {4}


def test_on_a_terminal_the_fix_stands_below(cli: Cli) -> None:
    shown = cli.on_terminal("doctor", env={"NO_COLOR": "1"}).out
    assert "✗ failed   model" in shown
    assert " fix: Set OPENAI_API_KEY" in shown


@pytest.mark.docker
def test_with_an_engine_a_sealed_container_is_looked_at_from_inside_and_removed(
    cli: Cli, engine: Engine, sandbox_settings: SandboxSettings, sandbox_image: str
) -> None:
    cli.use_engine(sandbox_settings)
    with FakeModel() as model:
        done = cli("doctor", "--json", env={"OPENAI_BASE_URL": model.base_url, "OPENAI_API_KEY": "sk-test-key"})
    found = checks(done)
    assert done.code == 0
    assert "isolation: " in found["engine"].message
    held = re.search(r"(\d+) of (\d+) checks hold", found["sandbox"].message)
    assert held is not None
    assert int(held[1]) == int(held[2]) >= 40
    assert (found["image"].ok, found["sandbox"].ok) == (True, True)
    assert {"limits", "memory", "processors", "storage"} <= found.keys()
    store = cli.store()
    label = {"label": f"pithy.instance={Tasks(store).instance}"}
    store.close()
    assert engine.api.containers(all=True, filters=label) == []


@pytest.mark.docker
def test_a_doctor_that_is_interrupted_takes_its_container_along(
    cli: Cli, engine: Engine, sandbox_settings: SandboxSettings, sandbox_image: str
) -> None:
    cli.use_engine(sandbox_settings)
    store = cli.store()
    label = f"pithy.instance={Tasks(store).instance}"
    store.close()
    doctor = cli.start("doctor")
    running = {"label": label, "status": "running"}
    wait_until(lambda: engine.api.containers(filters=running), what="the doctor's container")
    doctor.send_signal(signal.SIGINT)
    doctor.communicate(timeout=100)
    assert doctor.returncode == 130
    assert engine.api.containers(all=True, filters={"label": label}) == []
