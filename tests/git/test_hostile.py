"""Repositories that want to run something on the host: nothing of theirs runs, and they are worked on all the same."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pithy_local.git.bundle import bundle
from pithy_local.git.commit import make_commit
from pithy_local.git.push import push
from pithy_local.git.remote import check_local, parse_repo
from tests.git.conftest import TASK, diff_of, fetched
from tests.support import branch_sha, commit_files, git

HOOKS = (
    "applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-applypatch", "post-checkout", "post-commit",
    "post-index-change", "post-merge", "post-receive", "post-rewrite", "post-update", "pre-applypatch", "pre-auto-gc",
    "pre-commit", "pre-merge-commit", "pre-push", "pre-rebase", "pre-receive", "prepare-commit-msg", "proc-receive",
    "push-to-checkout", "reference-transaction", "sendemail-validate", "update",
)  # fmt: skip


def every_hook(folder: Path, canary: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in HOOKS:
        (folder / name).write_text(f"#!/bin/sh\necho {name} >> {canary}\nexit 0\n")
        (folder / name).chmod(0o755)


def git_hooks(work: Path, canary: Path) -> None:
    every_hook(work / ".git" / "hooks", canary)


def tracked_hooks(work: Path, canary: Path) -> None:
    every_hook(work / ".husky", canary)
    commit_files(work, {".husky/readme": "x\n"})
    git("config", "core.hooksPath", "../.husky", cwd=work)
    canary.unlink(missing_ok=True)


def command_config(work: Path, canary: Path) -> None:
    """Every configuration that names a command and could be read while a repository is served."""
    command = f"touch {canary};:"
    for key in (
        "core.fsmonitor", "core.sshCommand", "core.gitProxy", "core.pager", "core.editor", "core.alternateRefsCommand",
        "uploadpack.packObjectsHook", "diff.external", "filter.x.clean", "filter.x.smudge", "filter.x.process",
        "merge.x.driver", "gpg.program", "credential.helper", "gc.recentObjectsHook", "remote.origin.uploadpack",
        "remote.origin.receivepack", "receive.procReceiveRefs", "alias.upload-pack", "trailer.x.command",
    ):  # fmt: skip
        git("config", key, command, cwd=work)
    git("config", "gc.auto", "1", cwd=work)
    git("config", "receive.autogc", "true", cwd=work)


def included_config(work: Path, canary: Path) -> None:
    extra = work / "extra"
    extra.write_text(f"[core]\n\tfsmonitor = touch {canary}\n\thooksPath = {work}/hooks\n")
    every_hook(work / "hooks", canary)
    git("config", "include.path", str(extra), cwd=work)
    git("config", "includeIf.gitdir:/.path", str(extra), cwd=work)


def attributes(work: Path, canary: Path) -> None:
    for key in ("filter.x.clean", "filter.x.smudge", "diff.x.command", "diff.x.textconv", "merge.x.driver"):
        git("config", key, f"touch {canary}; cat", cwd=work)
    commit_files(work, {".gitattributes": "* filter=x diff=x merge=x\n", "a.txt": "a\n"})
    canary.unlink(missing_ok=True)


def promised_objects(work: Path, canary: Path) -> None:
    """A partial clone that fetches what is missing by a command of its own choice."""
    missing = git("rev-parse", "HEAD:src/util.py", cwd=work)
    git("config", "extensions.partialClone", "evil", cwd=work)
    git("config", "remote.evil.promisor", "true", cwd=work)
    git("config", "remote.evil.url", str(work.parent / "nowhere"), cwd=work)
    git("config", "remote.evil.uploadpack", f"touch {canary};:", cwd=work)
    git("config", "core.repositoryFormatVersion", "1", cwd=work)
    assert missing


@pytest.mark.parametrize(
    "trap", [git_hooks, tracked_hooks, command_config, included_config, attributes, promised_objects]
)
def test_a_work_tree_runs_nothing_of_its_own(work: Path, tmp_path: Path, trap: Callable[[Path, Path], None]) -> None:
    canary = tmp_path / "canary"
    diff = diff_of(work, lambda clone: (clone / "new.txt").write_text("new\n"))
    trap(work, canary)
    check_local(work)
    mirror = fetched(tmp_path, parse_repo(str(work)))
    name, base = mirror.resolve_base(None)
    bundle(mirror, TASK, name, base, tmp_path / "repo.tar")
    sha = make_commit(mirror, TASK, base, diff, message="Pithy Jaunt: x", protected=()).sha
    push(mirror, sha, f"pj/{TASK}")
    assert branch_sha(work, f"pj/{TASK}") == sha
    assert not canary.exists(), canary.read_text()


def test_missing_objects_are_not_fetched_by_a_command_of_the_repository(work: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    missing = git("rev-parse", "HEAD:src/util.py", cwd=work)
    promised_objects(work, canary)
    (work / ".git" / "objects" / missing[:2] / missing[2:]).unlink()
    with pytest.raises(Exception, match="cannot be reached"):
        fetched(tmp_path, parse_repo(str(work)))
    assert not canary.exists()


def test_a_bare_repository_is_a_server_whose_own_rules_run(bare: Path, work: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    every_hook(bare / "hooks", canary)
    mirror = fetched(tmp_path, parse_repo(str(bare)))
    diff = diff_of(work, lambda clone: (clone / "new.txt").write_text("new\n"))
    sha = make_commit(
        mirror, TASK, mirror.resolve_base(None)[1], diff, message="Pithy Jaunt: x", protected=()
    ).sha  # fmt: skip
    assert not canary.exists()
    push(mirror, sha, f"pj/{TASK}")
    assert "pre-receive" in canary.read_text().split()


def test_a_hostile_working_directory_has_no_say(
    mirror_folder: Path, bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = mirror_folder.parent / "canary"
    git("init", "-q", str(mirror_folder.parent))
    git("config", "url.ext::touch.insteadOf", str(bare), cwd=mirror_folder.parent)
    command_config(mirror_folder.parent, canary)
    monkeypatch.chdir(mirror_folder.parent)
    assert fetched(mirror_folder, parse_repo(str(bare))).default_branch() == "main"
    assert not canary.exists()


@pytest.fixture
def mirror_folder(tmp_path: Path) -> Path:
    """A data directory inside somebody's repository."""
    folder = tmp_path / "outer" / "home"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository to somebody else")
@pytest.mark.parametrize("kind", ["work", "bare"])
def test_a_repository_of_another_user_is_worked_on_when_it_is_named(
    kind: str, work: Path, bare: Path, tmp_path: Path
) -> None:
    repo = work if kind == "work" else bare
    diff = diff_of(work, lambda clone: (clone / "new.txt").write_text("new\n"))
    for path in (repo, *repo.rglob("*")):
        os.chown(path, 12345, 12345, follow_symlinks=False)
    mirror = fetched(tmp_path, parse_repo(str(repo)))
    sha = make_commit(
        mirror, TASK, mirror.resolve_base(None)[1], diff, message="Pithy Jaunt: x", protected=()
    ).sha  # fmt: skip
    push(mirror, sha, f"pj/{TASK}")
    found = git("-c", "safe.directory=*", "--git-dir", str(repo / ".git" if kind == "work" else repo), "show-ref")
    assert f"{sha} refs/heads/pj/{TASK}" in found.splitlines()
