"""Environment, limits, deadlines and checkpoints of git children."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.git.adapter import LOCAL, Credential, Git, git_version
from pithy_local.git.userconfig import prepare_home
from tests.support import make_repo, wait_until


@pytest.fixture
def fenced(tmp_path: Path) -> Git:
    """git in an empty repository, with a private home."""
    repo = make_repo(tmp_path / "repo", {"a.txt": "a\n"})
    home = prepare_home(tmp_path / "home", [])
    return Git(cwd=repo, home=home, git_dir=repo / ".git")


def shell(git: Git, script: str) -> tuple[str, ...]:
    """Arguments that let git run a shell script with the environment and limits that it has itself."""
    return ("-c", f"alias.probe=!{script}", "probe")


def test_a_child_sees_neither_secrets_nor_git_variables_of_this_process(
    fenced: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "GITHUB_TOKEN", "GIT_SSH_COMMAND", "GIT_EXTERNAL_DIFF", "GIT_TRACE_CURL"):
        monkeypatch.setenv(name, "canary")
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    seen = fenced.run(*shell(fenced, "env")).text
    assert "canary" not in seen
    assert "https_proxy=http://proxy.example:3128" in seen


def test_the_users_configuration_has_no_effect(fenced: Git, user_home: Path) -> None:
    (user_home / ".gitconfig").write_text("[alias]\n\tevil = !echo evil\n")
    assert fenced.run("evil", check=False).code != 0


def test_limits_hold_in_the_child(fenced: Git) -> None:
    said = fenced.run(*shell(fenced, "ulimit -v; ulimit -t; ulimit -f; ulimit -c")).text.split()
    assert said == [str(LOCAL.address_space >> 10), str(LOCAL.cpu), str(LOCAL.file_size >> 9), "0"]


def test_a_limit_above_what_the_system_allows_is_no_error(fenced: Git) -> None:
    script = ABOVE_ITS_OWN.format(cwd=str(fenced.cwd), home=str(fenced.home))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "true"), done.stderr


ABOVE_ITS_OWN = """
import resource
from pathlib import Path
from pithy_local.git.adapter import Git, Limits
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
beyond = Limits(address_space=1 << 62, cpu=60, file_size=1 << 30)
git = Git(cwd=Path({cwd!r}), home=Path({home!r}))
print(git.run("rev-parse", "--is-inside-work-tree", limits=beyond).text)
"""


def test_standard_input_and_output_are_bytes(fenced: Git) -> None:
    content = bytes(range(256)) * 2000
    sha = fenced.run("hash-object", "-w", "--stdin", stdin=content).text
    assert fenced.run("cat-file", "blob", sha).stdout == content


def test_a_command_that_reads_late_gets_all_of_its_input(fenced: Git) -> None:
    assert fenced.run(*shell(fenced, "sleep 0.4; wc -c"), stdin=bytes(3_000_000)).text == "3000000"


def test_a_deadline_ends_the_command_and_its_children(fenced: Git) -> None:
    for seconds in (0.3, 3.0, 30.0):  # a busy machine may need longer to start it
        result = fenced.run(*shell(fenced, "sleep 600 & echo $! ; wait"), timeout=seconds, check=False)
        assert result.timed_out
        if result.text:
            break
    assert not result.ok
    wait_until(lambda: not alive(int(result.text)), what="the child's end")


def test_what_a_checkpoint_raises_ends_the_command(fenced: Git, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"

    def checkpoint() -> None:
        if pid_file.exists() and pid_file.read_text().strip():
            raise InterruptedError("stop")

    with pytest.raises(InterruptedError):
        fenced.run(*shell(fenced, f"echo $$ > {pid_file}; sleep 600; true"), checkpoint=checkpoint)
    wait_until(lambda: not alive(int(pid_file.read_text())), what="the child's end")


def test_a_failure_is_an_error_with_gits_own_words(fenced: Git) -> None:
    with pytest.raises(PithyError) as caught:
        fenced.run("cat-file", "blob", "0" * 40)
    assert caught.value.code is ErrorCode.INTERNAL
    assert "0000" in caught.value.detail["git"]


def test_without_git_the_error_says_so(fenced: Git, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PithyError) as caught:
        fenced.run("version")
    assert caught.value.code is ErrorCode.GIT_MISSING


def test_a_git_that_is_too_old_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = tmp_path / "git"
    old.write_text("#!/bin/sh\necho git version 2.30.9\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(PithyError, match=r"2\.30\.9 is too old"):
        git_version()


def test_a_git_of_another_machine_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (foreign := tmp_path / "git").write_bytes(b"\x7fELF of another machine")
    foreign.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(PithyError, match="does not work") as caught:
        git_version()
    assert caught.value.code is ErrorCode.GIT_MISSING


def test_the_version_is_known() -> None:
    assert git_version()[0].isdigit()


def test_importing_the_layer_imports_no_gitpython() -> None:
    script = (
        "import sys, pithy_local.git.commit, pithy_local.git.push, pithy_local.git.bundle; print('git' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100, check=True)
    assert done.stdout.strip() == "False"


def test_a_token_shows_in_no_repr_and_is_masked() -> None:
    credential = Credential.of("s3cret/token", "https://host.example/o/r.git")
    assert credential is not None
    assert "s3cret" not in repr(credential)
    assert credential.mask("a s3cret/token b s3cret%2Ftoken") == "a *** b ***"


@pytest.mark.parametrize("token", ["with\nnewline", "with space\x00", "ümlaut"])
def test_a_token_that_could_inject_is_refused(token: str) -> None:
    with pytest.raises(PithyError) as caught:
        Credential.of(token, "https://host.example/o/r.git")
    assert caught.value.code is ErrorCode.GITHUB_AUTH
    assert token not in caught.value.message


def test_a_local_path_gets_no_credential() -> None:
    assert Credential.of("token", "/srv/repo.git") is None


def alive(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
