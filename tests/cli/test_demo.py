"""`demo`: a commit in a real git repository, or no exit code 0."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pithy_local.config import SandboxSettings
from pithy_local.executors.engine import Engine
from pithy_local.paths import Home
from pithy_local.store import Store
from pithy_local.store.tasks import Tasks
from tests.cli.support import Cli, Ended
from tests.support import branch_sha, git


def sample(cli: Cli, number: int = 1) -> Path:
    return cli.home.root / "demo" / f"sample-{number}"


def delivered(cli: Cli, done: Ended) -> str:
    """The demo's commit, which its repository must have. Returns the branch."""
    assert done.code == 0, done.err
    _, branch, sha = done.out.splitlines()[0].split("\t")
    assert branch_sha(sample(cli), branch) == sha
    return branch


def test_without_an_engine_it_says_unisolated_and_makes_the_commit(cli: Cli) -> None:
    cli.config.write_text("")
    done = cli("demo")
    branch = delivered(cli, done)
    assert "the Docker engine does not answer at unix://" in done.err
    assert "UNISOLATED" in done.err
    assert "slugs.py" in done.out
    assert git("log", "--format=%s", f"main..{branch}", cwd=sample(cli)).startswith("Pithy Jaunt: slugify")


def test_its_change_mends_the_bug_and_passes_its_test(cli: Cli, tmp_path: Path) -> None:
    branch = delivered(cli, cli("demo"))
    for revision, result in (("main", "hello--world-"), (branch, "hello-world")):
        code = git("show", f"{revision}:slugs.py", cwd=sample(cli))
        (tmp_path / "slugs.py").write_text(code)
        command = [sys.executable, "-Bc", "import slugs; print(slugs.slugify('Hello, World!'))"]
        said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=True)
        assert said.stdout.strip() == result


def test_the_users_own_queue_is_not_touched(cli: Cli) -> None:
    delivered(cli, cli("demo"))
    assert cli("list").out == ""
    assert len(cli("list", "--home", str(cli.home.root / "demo")).out.splitlines()) == 1


def test_a_data_directory_that_it_makes_is_private(cli: Cli) -> None:
    delivered(cli, cli("demo"))
    assert cli.home.root.stat().st_mode & 0o777 == 0o700


def test_a_second_demo_has_a_repository_of_its_own(cli: Cli) -> None:
    assert [cli("demo").code, cli("demo", "--json").json()["status"]] == [0, "completed"]
    assert sample(cli, 2).is_dir()


def test_where_it_fails_each_command_of_the_hint_works(cli: Cli) -> None:
    cli.config.write_text('timeout = "1ms"\n')
    done = cli("demo")
    (command,) = re.findall("`pithy-local ([^`]*)`", done.error_lines[-1])
    assert (done.code, " logs " in command) == (1, True)
    assert cli(*shlex.split(command)).out != ""


def test_docker_asked_for_but_absent_is_exit_3_and_leaves_nothing(cli: Cli) -> None:
    done = cli("demo", "--executor", "docker")
    assert (done.code, done.out) == (3, "")
    assert not sample(cli).exists()


@pytest.mark.docker
def test_with_an_engine_it_runs_in_a_sealed_container(
    cli: Cli, engine: Engine, sandbox_settings: SandboxSettings, sandbox_image: str
) -> None:
    cli.use_engine(sandbox_settings)
    done = cli("demo")
    delivered(cli, done)
    assert "UNISOLATED" not in done.err
    store = Store(Home(root=cli.home.root / "demo"))
    label = {"label": f"pithy.instance={Tasks(store).instance}"}
    store.close()
    assert engine.api.containers(all=True, filters=label) == []
