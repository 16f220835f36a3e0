"""git is started with nothing inherited, and dies before the runner does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from runner.errors import GitError
from runner.gitio import Git
from tests.support import make_repo


def shell(git: Git, command: str) -> str:
    """What a shell started by git says: it sees what git sees."""
    return git.run("-c", f"alias.probe=!{command}", "probe").decode()


def test_git_sees_no_key_and_no_configuration_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("PITHY_HOST_TOKEN", "token-canary")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".gitconfig").write_text("[user]\n\tname = Canary\n")

    git = Git(cwd=make_repo(tmp_path / "r", {"a": "a\n"}))

    assert "canary" not in shell(git, "env").lower()
    assert git.attempt("config", "user.name").code == 1
    assert git.run("ls-files") == b"a\n"


@pytest.mark.skipif(sys.platform != "linux", reason="oom_score_adj is Linux's")
def test_a_git_process_is_the_first_to_go_when_memory_runs_out(tmp_path: Path) -> None:
    git = Git(cwd=make_repo(tmp_path / "r", {"a": "a\n"}))

    assert shell(git, "cat /proc/self/oom_score_adj") == "1000\n"


def test_a_folder_above_is_never_taken_for_the_repository(tmp_path: Path) -> None:
    (make_repo(tmp_path / "r", {"a": "a\n"}) / "sub").mkdir()

    with pytest.raises(GitError, match="not a git repository"):
        Git(cwd=tmp_path / "r/sub").run("status")


def test_a_failure_carries_gits_own_words(tmp_path: Path) -> None:
    with pytest.raises(GitError, match="git rev-parse failed: fatal: ambiguous argument 'nowhere'"):
        Git(cwd=make_repo(tmp_path / "r", {"a": "a\n"})).run("rev-parse", "nowhere")
