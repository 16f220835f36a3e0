"""The git server, driven by real git."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.fakes.git_http import FETCH, PUSH, GitHttpServer, Right
from tests.support import branch_sha, commit_files, git, run_git, wait_until

SECRET = "ghp_git_canary"


@pytest.fixture
def server(bare: Path) -> Iterator[GitHttpServer]:
    with GitHttpServer(bare.parents[1]) as running:
        running.add_token(SECRET, name="owner")
        yield running


@pytest.fixture
def askpass(tmp_path: Path) -> Path:
    """A program that gives git the user name and the token from the environment."""
    program = tmp_path / "askpass.py"
    program.write_text(
        f"#!{sys.executable}\nimport os, sys\n"
        "print(os.environ['TEST_TOKEN'] if 'Password' in sys.argv[1] else 'x-access-token')\n"
    )
    program.chmod(0o700)
    return program


def remote(
    askpass: Path, *args: str, cwd: Path | None = None, token: str | None = SECRET
) -> subprocess.CompletedProcess[bytes]:
    """Run git against the server with `token`, None for no credentials at all."""
    env = {} if token is None else {"GIT_ASKPASS": str(askpass), "TEST_TOKEN": token}
    return run_git(*args, cwd=cwd, env=env)


def test_a_clone_and_a_push_reach_the_real_repository(
    server: GitHttpServer, askpass: Path, bare: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    assert remote(askpass, "clone", "-q", server.url_of("octo/hello"), str(clone)).returncode == 0
    git("checkout", "-q", "-b", "pj/new", cwd=clone)
    sha = commit_files(clone, {"new.txt": "new\n"})
    assert remote(askpass, "push", "-q", "origin", "pj/new", cwd=clone).returncode == 0
    assert branch_sha(bare, "pj/new") == sha


def test_a_depth_limited_fetch_of_one_branch_works(server: GitHttpServer, askpass: Path, tmp_path: Path) -> None:
    args = (
        "clone",
        "-q",
        "--depth=1",
        "--single-branch",
        "-b",
        "pj/one",
        server.url_of("octo/hello"),
        str(tmp_path / "c"),
    )
    assert remote(askpass, *args).returncode == 0
    assert git("rev-list", "--count", "HEAD", cwd=tmp_path / "c") == "1"


def test_calls_tell_who_came_with_which_credentials(server: GitHttpServer, askpass: Path, work: Path) -> None:
    remote(askpass, "push", "-q", server.url_of("octo/hello"), "pj/one:refs/heads/pj/two", cwd=work)
    told = [(c.service, c.advertisement, c.authorized, c.token_name, c.status) for c in server.calls]
    assert told[:2] == [(PUSH, True, False, None, 401), (PUSH, True, True, "owner", 200)]
    assert told[-1] == (PUSH, False, True, "owner", 200)
    assert {call.repo for call in server.calls} == {"octo/hello"}
    assert SECRET not in repr(server.calls)


def test_a_large_push_travels_in_chunks(server: GitHttpServer, askpass: Path, work: Path, bare: Path) -> None:
    blob = random.Random(7).randbytes(3_000_000)
    sha = commit_files(work, {"blob.bin": blob})
    done = remote(askpass, "push", "-q", server.url_of("octo/hello"), "HEAD:refs/heads/big", cwd=work)
    assert done.returncode == 0, done.stderr
    assert branch_sha(bare, "big") == sha
    assert [call.chunked for call in server.calls if call.body_bytes > 2_000_000] == [True]


def test_a_gzipped_request_is_understood(server: GitHttpServer, askpass: Path, bare: Path, tmp_path: Path) -> None:
    tree = git("rev-parse", "main^{tree}", cwd=bare)
    for number in range(30):  # one "want" line for each makes the request long enough for git to compress it
        commit = git("commit-tree", tree, "-p", "main", "-m", f"branch {number}", cwd=bare)
        git("update-ref", f"refs/heads/b{number}", commit, cwd=bare)
    done = remote(askpass, "clone", "-q", server.url_of("octo/hello"), str(tmp_path / "clone"))
    assert done.returncode == 0, done.stderr
    assert any(call.gzipped and call.status == 200 for call in server.calls)


@pytest.mark.parametrize(("token", "words"), [(None, "could not read Username"), ("wrong", "Authentication failed")])
def test_without_good_credentials_git_is_turned_away(
    server: GitHttpServer, askpass: Path, tmp_path: Path, token: str | None, words: str
) -> None:
    done = remote(askpass, "clone", "-q", server.url_of("octo/hello"), str(tmp_path / "c"), token=token)
    assert words in done.stderr.decode()
    assert {call.status for call in server.calls} == {401}


def test_a_token_without_the_right_to_push_may_fetch(
    server: GitHttpServer, askpass: Path, work: Path, bare: Path
) -> None:
    server.add_token("reader", Right.READ, name="reader")
    url = server.url_of("octo/hello")
    assert remote(askpass, "ls-remote", "-q", url, token="reader").returncode == 0
    done = remote(askpass, "push", "-q", url, "pj/one:refs/heads/no", cwd=work, token="reader")
    assert "403" in done.stderr.decode()
    assert branch_sha(bare, "no") is None


def test_anonymous_readers_are_let_in_where_the_server_says_so(
    bare: Path, work: Path, askpass: Path, tmp_path: Path
) -> None:
    with GitHttpServer(bare.parents[1], anonymous=Right.READ) as public:
        url = public.url_of("octo/hello")
        assert run_git("clone", "-q", url, str(tmp_path / "c")).returncode == 0
        assert not any(call.authorized for call in public.calls)
        assert run_git("push", "-q", url, "pj/one:refs/heads/no", cwd=work).returncode != 0


@pytest.mark.parametrize("name", ["octo/absent", "../served/octo/hello", "octo/%2e%2e/%2e%2e/work"])
def test_what_is_not_below_the_root_is_not_found(server: GitHttpServer, askpass: Path, name: str) -> None:
    done = remote(askpass, "ls-remote", server.url_of(name))
    assert done.returncode != 0
    assert {call.status for call in server.calls} <= {401, 404}


def test_a_hook_of_the_repository_may_refuse_a_push(
    server: GitHttpServer, askpass: Path, bare: Path, work: Path
) -> None:
    hook = bare / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'GH006: Protected branch update failed'\nexit 1\n")
    hook.chmod(0o755)
    done = remote(askpass, "push", server.url_of("octo/hello"), "pj/one:refs/heads/no", cwd=work)
    assert "GH006: Protected branch" in done.stderr.decode()
    assert (done.returncode, branch_sha(bare, "no")) == (1, None)


def test_a_lost_answer_has_had_its_effect(server: GitHttpServer, askpass: Path, work: Path, bare: Path) -> None:
    server.lose_answer(PUSH)
    done = remote(askpass, "push", "-q", server.url_of("octo/hello"), "pj/one:refs/heads/kept", cwd=work)
    assert done.returncode != 0
    assert branch_sha(bare, "kept") == branch_sha(work, "pj/one")


def test_a_dropped_pack_has_no_effect(server: GitHttpServer, askpass: Path, work: Path, bare: Path) -> None:
    server.drop_next(PUSH, times=9)
    done = remote(askpass, "push", "-q", server.url_of("octo/hello"), "pj/one:refs/heads/none", cwd=work)
    assert done.returncode != 0
    assert branch_sha(bare, "none") is None


def test_the_probe_before_a_large_push_does_not_use_up_the_fault(
    server: GitHttpServer, askpass: Path, work: Path, bare: Path
) -> None:
    sha = commit_files(work, {"blob.bin": random.Random(7).randbytes(2_000_000)})
    server.lose_answer(PUSH)
    done = remote(askpass, "push", "-q", server.url_of("octo/hello"), "HEAD:refs/heads/big", cwd=work)
    assert done.returncode != 0
    assert branch_sha(bare, "big") == sha


def test_a_failure_asked_for_comes_once(server: GitHttpServer, askpass: Path) -> None:
    server.fail_next(FETCH, 503)
    assert "503" in remote(askpass, "ls-remote", server.url_of("octo/hello")).stderr.decode()
    assert remote(askpass, "ls-remote", server.url_of("octo/hello")).returncode == 0


def test_a_held_push_has_no_effect_until_released(server: GitHttpServer, askpass: Path, work: Path, bare: Path) -> None:
    gate = server.hold(PUSH)
    with ThreadPoolExecutor(1) as pool:
        url = server.url_of("octo/hello")
        pending = pool.submit(remote, askpass, "push", "-q", url, "pj/one:refs/heads/held", cwd=work)
        assert gate.reached.wait(60)
        assert branch_sha(bare, "held") is None
        gate.release()
        assert pending.result(60).returncode == 0
    assert branch_sha(bare, "held") is not None


def test_stop_ends_a_backend_with_a_hanging_hook(bare: Path, askpass: Path, work: Path, tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    hook = bare / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\necho $$ > {marker}\nsleep 300\n")
    hook.chmod(0o755)
    server = GitHttpServer(bare.parents[1]).start()
    server.add_token(SECRET)
    with ThreadPoolExecutor(1) as pool:
        url = server.url_of("octo/hello")
        pending = pool.submit(remote, askpass, "push", "-q", url, "pj/one:refs/heads/no", cwd=work)
        pid = int(wait_until(lambda: marker.exists() and marker.read_text().strip(), 20, "the hook"))
        server.stop()
        assert pending.result(60).returncode != 0
    wait_until(lambda: not running(pid), 20, "the end of the hook")


def test_pushes_at_once_all_arrive(server: GitHttpServer, askpass: Path, work: Path, bare: Path) -> None:
    url = server.url_of("octo/hello")
    names = [f"p{n}" for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        jobs = [pool.submit(remote, askpass, "push", "-q", url, f"pj/one:refs/heads/{n}", cwd=work) for n in names]
        assert [job.result(60).returncode for job in jobs] == [0] * 6
    assert {branch_sha(bare, name) for name in names} == {branch_sha(work, "pj/one")}


def running(pid: int) -> bool:
    """Whether the process still runs; a zombie, in a container without an init, does not count."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
