"""Where an attempt builds on: the pinned commit, the settings that hold there, and nothing left behind."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from pithy_local.errors import LeaseLost, PithyError
from pithy_local.lifecycle import source
from pithy_local.lifecycle.host import Host
from pithy_local.lifecycle.source import Source
from pithy_local.lifecycle.workbench import Workbench
from pithy_local.store.tasks import Tasks
from tests.lifecycle.bench import hosted, queue
from tests.support import commit_files, git


@pytest.fixture
def host(bench: Workbench, repo: Path) -> Iterator[Host]:
    with hosted(bench, queue(bench, repo)) as made:
        yield made


def push(repo: Path, files: dict[str, str]) -> str:
    """The base branch goes on; where it stands then."""
    clone = repo.parent / "clone"
    if not clone.exists():
        git("clone", "-q", str(repo), str(clone))
    commit_files(clone, files)
    git("push", "-q", "origin", "HEAD", cwd=clone)
    return git("rev-parse", "HEAD", cwd=clone)


def pins(bench: Workbench) -> str:
    [mirror] = bench.home.mirrors.glob("*/repo.git")
    return git("for-each-ref", "refs/pithy", cwd=mirror)


def test_the_newest_commit_of_the_base_is_pinned(bench: Workbench, repo: Path, host: Host) -> None:
    sha = push(repo, {"new.txt": "new\n"})

    src = source.prepare(bench, host, None)

    assert (src.base, src.base_sha) == ("main", sha)
    task = Tasks(bench.store).get(host.lease.task.id)
    assert (task.base, task.base_sha) == ("main", sha)


def test_a_change_that_is_there_keeps_its_base(bench: Workbench, repo: Path, host: Host) -> None:
    before = git("rev-parse", "main", cwd=repo)
    push(repo, {"new.txt": "new\n"})

    assert source.prepare(bench, host, before).base_sha == before


def test_a_base_that_is_gone_says_what_to_do(bench: Workbench, host: Host) -> None:
    with pytest.raises(PithyError) as caught:
        source.prepare(bench, host, "a" * 40)

    assert caught.value.code.word == "repo_analysis"
    assert "retry ID --feedback" in caught.value.hint


def test_flags_come_before_the_configuration_and_the_repository_adds(bench: Workbench, repo: Path) -> None:
    push(repo, {".pithy.toml": 'verify = ["make check"]\nprotected = ["migrations/**"]\nnetwork = "sealed"\n'})
    sandbox = msgspec.structs.replace(bench.settings.sandbox, verify=("configured",), network="open")
    bench.settings = msgspec.structs.replace(bench.settings, sandbox=sandbox)

    with hosted(bench, queue(bench, repo, verify=("asked",))) as asked:
        with_flag = source.prepare(bench, asked, None).settings
    with hosted(bench, queue(bench, repo)) as plain:
        without = source.prepare(bench, plain, None).settings

    assert with_flag.sandbox.verify == ("asked", "make check")
    assert without.sandbox.verify == ("configured", "make check")
    assert with_flag.sandbox.network == "sealed"
    assert "migrations/**" in with_flag.git.protected
    assert set(bench.settings.git.protected) < set(with_flag.git.protected)


def test_the_file_is_read_from_the_pinned_commit_alone(bench: Workbench, repo: Path, host: Host) -> None:
    before = git("rev-parse", "main", cwd=repo)
    push(repo, {".pithy.toml": 'verify = ["make check"]\n'})

    assert source.prepare(bench, host, before).settings.sandbox.verify == ()


def test_a_packed_repository_holds_one_branch_and_is_gone_afterwards(bench: Workbench, host: Host) -> None:
    src = source.prepare(bench, host, None)

    with source.packed(bench, host, src, src.base, src.base_sha) as path:
        with tarfile.open(path) as tar:
            names = tar.getnames()
        assert all(name.split("/")[0] == "repo.git" for name in names)
        assert path.is_relative_to(bench.home.scratch)

    assert list(bench.home.scratch.iterdir()) == []


def end(bench: Workbench, host: Host, src: Source, error: Exception) -> str:
    """An attempt packs its repository and ends with `error`; what git kept for it until then."""
    kept = ""
    with suppress(type(error)), source.pinned(host, src):
        with source.packed(bench, host, src, src.base, src.base_sha):
            kept = pins(bench)
        raise error
    return kept


def test_what_is_kept_for_the_task_goes_with_the_attempt(bench: Workbench, host: Host) -> None:
    src = source.prepare(bench, host, None)

    before = end(bench, host, src, PithyError(message="anything"))

    assert host.lease.task.id in before
    assert pins(bench) == ""


def test_what_is_somebody_elses_by_now_stays(bench: Workbench, host: Host) -> None:
    src = source.prepare(bench, host, None)

    end(bench, host, src, LeaseLost(host.lease.task.id))

    assert host.lease.task.id in pins(bench)
