"""`init`: what is asked, proposed and written, and that nothing is lost or leaks."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pithy_local import config
from pithy_local.config import SandboxSettings
from pithy_local.executors.engine import Engine
from tests.cli.support import PROCESS_TIMEOUT, Cli, Ended
from tests.fakes.model import FakeModel

KEY = "sk-test-key"
ENTER = ""
END = "\x04"
"""Ctrl-D: the end of the input."""


@pytest.fixture
def fresh(cli: Cli) -> Cli:
    """A command line whose configuration file is yet to be written, in a folder without a repository."""
    cli.config.unlink()
    (cli.home.root.parent / "elsewhere").mkdir()
    return cli


@pytest.fixture
def nowhere(fresh: Cli) -> Path:
    return fresh.home.root.parent / "elsewhere"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A work tree whose tests are pytest's."""
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    (folder / "src").mkdir()
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\n[tool.ruff]\n")
    return folder


@pytest.fixture
def model() -> Iterator[FakeModel]:
    with FakeModel(models=tuple(config.DEFAULT_MODELS.values())) as fake:
        yield fake


def answered(cli: Cli, lines: Sequence[str], *args: str, cwd: Path, env: dict[str, str] | None = None) -> Ended:
    """`init` on a terminal, the answers typed ahead; all that it shows is `out`."""
    ours, theirs = pty.openpty()
    os.write(ours, "".join(f"{line}\n" for line in lines).encode())
    terminal = cli.env | {"TERM": "xterm-256color", "NO_COLOR": "1"} | (env or {})
    with subprocess.Popen(
        cli.argv("init", *args), stdin=theirs, stdout=theirs, stderr=theirs, env=terminal, cwd=cwd
    ) as process:  # fmt: skip
        os.close(theirs)
        shown = b""
        while chunk := _read(ours):
            shown += chunk
        process.wait(timeout=PROCESS_TIMEOUT)
    os.close(ours)
    return Ended(code=process.returncode, out=shown.decode("utf-8", "replace").replace("\r\n", "\n"), err="")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # EIO: Linux's word for the end
        return b""


def written(cli: Cli) -> dict[str, Any]:
    return tomllib.loads(cli.config.read_text())


def test_yes_takes_the_defaults(fresh: Cli, nowhere: Path) -> None:
    done = fresh("init", "--yes", cwd=nowhere)
    assert (done.code, done.out) == (0, f"config\t{fresh.config}\n")
    assert config.load(str(fresh.config), {}) == config.Settings()
    assert "# attempts at once" in fresh.config.read_text()


def test_a_file_that_may_hold_passwords_is_for_its_owner_alone(fresh: Cli, nowhere: Path) -> None:
    fresh("init", "--yes", cwd=nowhere)
    assert stat.S_IMODE(fresh.config.stat().st_mode) == 0o600
    assert [path.name for path in fresh.config.parent.glob(".config.toml*")] == []


def test_the_folder_of_the_file_is_made(fresh: Cli, nowhere: Path) -> None:
    target = nowhere / "deep" / "down" / "config.toml"
    assert fresh("init", "--yes", "--config", str(target), cwd=nowhere).code == 0
    assert target.is_file()


def test_where_nobody_can_be_asked_it_needs_yes(fresh: Cli, nowhere: Path) -> None:
    done = fresh("init", cwd=nowhere)
    assert (done.code, "Add --yes" in done.error_lines[1]) == (2, True)
    assert not fresh.config.exists()


def test_no_input_asks_nothing_on_a_terminal_either(fresh: Cli, nowhere: Path) -> None:
    done = answered(fresh, [], "--no-input", cwd=nowhere)
    assert (done.code, "Add --yes" in done.out) == (2, True)


def test_a_configuration_that_is_there_is_kept(cli: Cli) -> None:
    before = cli.config.read_text()
    done = cli("init", "--yes", "--json")
    assert (done.code, done.error["code"], "--force" in done.error["hint"]) == (6, "refused", True)
    assert cli.config.read_text() == before


def test_force_keeps_what_was_chosen_there(fresh: Cli, nowhere: Path) -> None:
    fresh.config.write_text('concurrency = 7\npublish = "review"\n[notify]\nurls = ["mailto://a:b@c.org"]\n')
    assert fresh("init", "--yes", "--force", cwd=nowhere).code == 0
    settings = config.load(str(fresh.config), {})
    assert (settings.concurrency, settings.publish, settings.notify.urls) == (7, "review", ("mailto://a:b@c.org",))


def test_force_replaces_a_file_that_is_no_good(fresh: Cli, nowhere: Path) -> None:
    fresh.config.write_text("nonsense = 1\n")
    done = fresh("init", "--yes", "--force", cwd=nowhere)
    assert (done.code, "`nonsense`" in done.err) == (0, True)
    assert config.load(str(fresh.config), {}) == config.Settings()


def test_a_link_stays_a_link(fresh: Cli, nowhere: Path) -> None:
    kept = nowhere / "dotfiles.toml"
    kept.write_text("")
    fresh.config.symlink_to(kept)
    assert fresh("init", "--yes", "--force", cwd=nowhere).code == 0
    assert fresh.config.is_symlink()
    assert "executor" in kept.read_text()


def test_what_the_environment_says_does_not_get_into_the_file(fresh: Cli, nowhere: Path) -> None:
    done = fresh("init", "--yes", cwd=nowhere, env={"PITHY_EXECUTOR": "local", "OPENAI_API_KEY": ""})
    assert written(fresh)["executor"] == "docker"
    assert "PITHY_EXECUTOR" in done.err


def test_the_provider_whose_key_is_there_is_taken_and_the_key_is_not(
    fresh: Cli, nowhere: Path, model: FakeModel
) -> None:
    env = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": model.anthropic_url}
    done = fresh("init", "--yes", cwd=nowhere, env=env)
    assert (done.code, written(fresh)["model"]["provider"]) == (0, "anthropic")
    assert KEY not in done.out + done.err + fresh.config.read_text()


def test_verify_commands_go_to_the_repository(fresh: Cli, repo: Path) -> None:
    done = fresh("init", "--yes", cwd=repo / "src")
    file = repo / ".pithy.toml"
    assert done.out == f"config\t{fresh.config}\nrepository\t{file}\n"
    assert tomllib.loads(file.read_text()) == {"verify": ["pytest -q", "ruff check ."]}
    assert written(fresh)["sandbox"]["verify"] == []
    assert "commit it" in done.err


def test_the_rest_of_the_repositorys_file_stays(fresh: Cli, repo: Path) -> None:
    file = repo / ".pithy.toml"
    file.write_text('# ours\nprotected = ["deploy/**"]\n')
    assert fresh("init", "--yes", cwd=repo).code == 0
    assert tomllib.loads(file.read_text()) == {"verify": ["pytest -q", "ruff check ."], "protected": ["deploy/**"]}
    assert "# ours" in file.read_text()


@pytest.mark.parametrize("content", ['verify = ["make check"]\n', "verify = []\n", "nonsense\n"])
def test_a_repository_that_has_its_own_commands_is_left_alone(fresh: Cli, repo: Path, content: str) -> None:
    file = repo / ".pithy.toml"
    file.write_text(content)
    done = fresh("init", "--yes", cwd=repo)
    assert (done.code, file.read_text()) == (0, content)
    assert "it stays as it is" in done.err


def test_a_repositorys_file_that_cannot_be_read_stays(fresh: Cli, repo: Path) -> None:
    (repo / ".pithy.toml").mkdir()
    done = fresh("init", "--yes", cwd=repo)
    assert (done.code, "is no regular file: it stays as it is" in done.err) == (0, True)


def test_the_doctor_has_the_last_word(fresh: Cli, nowhere: Path) -> None:
    done = fresh("init", "--yes", "--json", cwd=nowhere)
    found = done.json()
    assert (done.code, found["config"], found["repository"]) == (0, str(fresh.config), None)
    assert {check["name"]: check["ok"] for check in found["checks"]}["model"] is False
    piped = fresh("init", "--yes", "--force", cwd=nowhere).err
    assert "model: openai gpt-4o: there is no OPENAI_API_KEY" in piped
    assert "no sandbox image yet: the Docker engine does not answer" in piped


def test_every_answer_is_kept(fresh: Cli, repo: Path, model: FakeModel) -> None:
    lines = ["local", "openai", model.base_url, "llama3", "y", "review", "2.5", "y", "n", "make e2e", "-", "y"]
    done = answered(fresh, lines, cwd=repo)
    assert done.code == 0, done.out
    settings = config.load(str(fresh.config), {})
    assert (settings.executor, settings.allow_unisolated, settings.publish) == ("local", True, "review")
    assert (settings.model.provider, settings.model.name, settings.model.openai.base_url) == (
        "openai", "llama3", model.base_url,
    )  # fmt: skip
    assert settings.budget.usd_per_day == 2.5
    assert tomllib.loads((repo / ".pithy.toml").read_text()) == {"verify": ["pytest -q", "make e2e"]}
    assert "✓ ok       git" in done.out


def test_enter_takes_the_defaults(fresh: Cli, repo: Path) -> None:
    done = answered(fresh, [ENTER] * 11, cwd=repo)
    assert done.code == 0, done.out
    assert config.load(str(fresh.config), {}) == config.Settings()
    assert (repo / ".pithy.toml").is_file()


def test_commands_for_all_repositories_are_the_users_own_wish(fresh: Cli, repo: Path) -> None:
    assert answered(fresh, [*[ENTER] * 9, "n"], cwd=repo).code == 0
    assert written(fresh)["sandbox"]["verify"] == ["pytest -q", "ruff check ."]
    assert not (repo / ".pithy.toml").exists()


def test_an_answer_that_cannot_be_is_asked_for_again(fresh: Cli, nowhere: Path) -> None:
    lines = ["podman", "docker", "openai", "example.org", ENTER, ENTER, ENTER, "-1", "0", ENTER]
    done = answered(fresh, lines, cwd=nowhere)
    assert done.code == 0, done.out
    assert "a URL starts with http:// or https://" in done.out
    assert config.load(str(fresh.config), {}) == config.Settings()


def test_a_no_leaves_the_file_that_is_there(cli: Cli) -> None:
    before = cli.config.read_text()
    done = answered(cli, ["n"], cwd=cli.config.parent)
    assert (done.code, cli.config.read_text()) == (1, before)


def test_nothing_is_written_before_the_last_answer(fresh: Cli, repo: Path) -> None:
    done = answered(fresh, [ENTER, ENTER, END], cwd=repo)
    assert done.code == 130
    assert not fresh.config.exists()
    assert not (repo / ".pithy.toml").exists()


@pytest.mark.docker
def test_the_image_is_built_when_wanted_and_looked_into(
    cli: Cli, engine: Engine, sandbox_settings: SandboxSettings, sandbox_image: str, nowhere: Path
) -> None:
    cli.use_engine(sandbox_settings)
    done = cli("init", "--yes", "--force", "--build", "--json", cwd=nowhere)
    checks = {check["name"]: check["ok"] for check in done.json()["checks"]}
    assert (done.code, checks["image"], checks["sandbox"]) == (0, True, True)
    assert written(cli)["sandbox"]["base_image"] == sandbox_settings.base_image


@pytest.mark.parametrize("linked", [False, True])
def test_what_is_no_file_is_never_replaced(fresh: Cli, nowhere: Path, linked: bool) -> None:
    pipe = nowhere / "pipe" if linked else fresh.config
    os.mkfifo(pipe)
    if linked:
        fresh.config.symlink_to(pipe)
    done = fresh("init", "--yes", "--force", cwd=nowhere)
    assert (done.code, done.error_lines[0]) == (2, f"pithy-local: error: {fresh.config} is no regular file")
    assert "--config" in done.error_lines[1]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert not fresh.home.root.exists()


def test_a_repositorys_file_that_is_no_file_stays(fresh: Cli, repo: Path) -> None:
    os.mkfifo(repo / ".pithy.toml")
    done = fresh("init", "--yes", cwd=repo)
    assert (done.code, "is no regular file: it stays as it is" in done.err) == (0, True)
    assert stat.S_ISFIFO((repo / ".pithy.toml").stat().st_mode)


def test_a_configuration_that_cannot_be_written_says_where_else(fresh: Cli, nowhere: Path) -> None:
    (nowhere / "file").write_text("")
    done = fresh("init", "--yes", "--config", str(nowhere / "file" / "config.toml"), cwd=nowhere)
    assert (done.code, "cannot be written: " in done.error_lines[0]) == (2, True)
    assert "--config" in done.error_lines[1]


@pytest.mark.parametrize("none", [ENTER, "-", "n", "No"])
def test_no_further_command_is_said_in_many_ways(fresh: Cli, nowhere: Path, none: str) -> None:
    done = answered(fresh, [*[ENTER] * 6, none], cwd=nowhere)
    assert done.code == 0, done.out
    assert written(fresh)["sandbox"]["verify"] == []
    assert "A command that must pass" in done.out
    assert "Another command" not in done.out


def test_a_further_command_is_asked_for_as_such(fresh: Cli, nowhere: Path) -> None:
    done = answered(fresh, [*[ENTER] * 6, "make e2e", "n"], cwd=nowhere)
    assert written(fresh)["sandbox"]["verify"] == ["make e2e"]
    assert done.out.count("Another command that must pass") == 1


@pytest.mark.parametrize("wrong", ["inf", "nan", "1e12"])
def test_a_budget_that_is_no_amount_is_asked_for_again(fresh: Cli, nowhere: Path, wrong: str) -> None:
    done = answered(fresh, [*[ENTER] * 5, wrong, "1.5", ENTER], cwd=nowhere)
    assert done.code == 0, done.out
    assert written(fresh)["budget"]["usd_per_day"] == 1.5


def test_yes_explains_no_question_that_it_does_not_ask(fresh: Cli, repo: Path) -> None:
    fresh.config.write_text('executor = "local"\n')
    done = fresh("init", "--yes", "--force", cwd=repo)
    for words in ("auto: push", "UNISOLATED: in", "there is no OPENAI_API_KEY in the environment: set it, or"):
        assert words not in done.err
