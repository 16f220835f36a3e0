"""Fetching, default branch, base, pins: against local repositories and git's http-backend."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from pathlib import Path

import pytest

from pithy_local.errors import ErrorCode, LeaseLost, PithyError
from pithy_local.git.bundle import bundle
from pithy_local.git.mirror import Mirror
from pithy_local.git.push import push
from pithy_local.git.remote import Remote, parse_repo
from tests.fakes.git_http import FETCH, GitHttpServer, Right
from tests.git.conftest import FILES, TASK, TOKEN, fetched
from tests.support import branch_sha, commit_files, git, make_bare, make_repo, wait_until


def quiet(text: str) -> None:
    """Narration that nobody reads."""


def refs(mirror: Mirror) -> dict[str, str]:
    """Every ref of the mirror but the default branch's name, with its commit."""
    lines = git("for-each-ref", "--format=%(refname) %(objectname)", cwd=mirror.repo).splitlines()
    return {name: sha for name, sha in (line.split() for line in lines) if name != "refs/upstream/HEAD"}


def test_a_fetch_brings_every_branch_and_no_tag(bare: Path, tmp_path: Path) -> None:
    git("branch", "feature/x", "main", cwd=bare)
    git("tag", "v1", "main", cwd=bare)
    mirror = fetched(tmp_path, parse_repo(str(bare)))
    assert sorted(refs(mirror)) == ["refs/upstream/heads/feature/x", "refs/upstream/heads/main"]


def test_a_second_fetch_follows_the_remote_and_prunes_there_alone(mirror: Mirror, work: Path, bare: Path) -> None:
    git("branch", "old", "main", cwd=bare)
    mirror.fetch("", quiet)
    mirror.pin(TASK, mirror.resolve_base("old")[1])
    newer = commit_files(work, {"new.txt": "new\n"})
    git("push", "-q", str(bare), "+main", ":old", cwd=work)
    mirror.fetch("", quiet)
    assert refs(mirror) == {
        "refs/upstream/heads/main": newer,
        f"refs/pithy/{TASK}/base": git("rev-parse", "main~1", cwd=work),
    }


def test_a_branch_that_was_rewritten_is_followed(mirror: Mirror, work: Path, bare: Path) -> None:
    git("commit", "-q", "--amend", "-m", "Another", cwd=work)
    git("push", "-q", "--force", str(bare), "main", cwd=work)
    mirror.fetch("", quiet)
    assert mirror.resolve_base("main")[1] == branch_sha(work, "main")


def test_the_default_branch_is_the_remotes(tmp_path: Path) -> None:
    work = make_repo(tmp_path / "w", FILES, branch="trunk")
    git("branch", "main", cwd=work)
    assert fetched(tmp_path, parse_repo(str(work))).resolve_base(None) == ("trunk", branch_sha(work, "trunk"))


def test_a_detached_head_falls_back_to_main(work: Path, tmp_path: Path) -> None:
    git("checkout", "-q", "--detach", cwd=work)
    git("branch", "aside", cwd=work)
    assert fetched(tmp_path, parse_repo(str(work))).default_branch() == "main"


def test_no_likely_default_branch_names_the_choices(work: Path, tmp_path: Path) -> None:
    git("branch", "-m", "one", cwd=work)
    git("branch", "two", cwd=work)
    git("checkout", "-q", "--detach", cwd=work)
    with pytest.raises(PithyError) as caught:
        fetched(tmp_path, parse_repo(str(work))).default_branch()
    assert caught.value.code is ErrorCode.REPO_ANALYSIS
    assert "one, two" in caught.value.hint


@pytest.mark.parametrize("base", [None, "main"])
def test_an_empty_repository_cannot_be_worked_on(tmp_path: Path, base: str | None) -> None:
    git("init", "-q", "--bare", str(tmp_path / "empty.git"))
    mirror = fetched(tmp_path, parse_repo(str(tmp_path / "empty.git")))
    with pytest.raises(PithyError, match="is empty") as caught:
        mirror.resolve_base(base)
    assert caught.value.code is ErrorCode.REPO_ANALYSIS


def test_a_missing_base_names_near_branches(mirror: Mirror, bare: Path) -> None:
    git("branch", "release/2.0", "main", cwd=bare)
    mirror.fetch("", quiet)
    with pytest.raises(PithyError, match="no branch 'release/2'") as caught:
        mirror.resolve_base("release/2")
    assert caught.value.code is ErrorCode.REPO_ANALYSIS
    assert "release/2.0" in caught.value.hint


@pytest.mark.parametrize("base", ["--all", "main~1", "main^{tree}", "../../heads", "a b"])
def test_a_base_that_is_no_branch_name_is_just_missing(mirror: Mirror, base: str) -> None:
    with pytest.raises(PithyError, match="has no branch"):
        mirror.resolve_base(base)


def test_release_removes_the_tasks_refs_and_no_others(mirror: Mirror, base: str) -> None:
    mirror.pin(TASK, base)
    mirror.pin(TASK, base, "head")
    mirror.pin(f"{TASK}x", base)
    mirror.release(TASK)
    mirror.release(TASK)
    assert [ref for ref in refs(mirror) if ref.startswith("refs/pithy/")] == [f"refs/pithy/{TASK}x/base"]


def test_releasing_where_there_is_no_mirror_makes_none(tmp_path: Path, bare: Path) -> None:
    mirror = Mirror(tmp_path / "mirrors", parse_repo(str(bare)))
    mirror.release(TASK)
    assert not mirror.folder.exists()


def test_mirrors_of_two_remotes_are_two(tmp_path: Path) -> None:
    first, second = (Mirror(tmp_path, parse_repo(text)) for text in ("/srv/a-b", "/srv/a/b"))
    assert first.folder != second.folder


def test_a_missing_repository_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(PithyError) as caught:
        fetched(tmp_path, parse_repo(str(tmp_path / "nowhere")))
    assert caught.value.code is ErrorCode.REPO_UNREACHABLE


def test_paths_with_spaces_and_quotes(work: Path, tmp_path: Path) -> None:
    odd = work.rename(tmp_path / 'it\'s a "ü" $(x) %41')
    mirror = fetched(tmp_path / "data dir's", parse_repo(str(odd)))
    name, base = mirror.resolve_base(None)
    bundle(mirror, TASK, name, base, tmp_path / "repo.tar")
    push(mirror, base, "pj/x")
    assert branch_sha(odd, "pj/x") == base


def test_two_fetches_at_once_both_end_well(bare: Path, tmp_path: Path) -> None:
    errors: list[BaseException] = []

    def fetch() -> None:
        try:
            fetched(tmp_path, parse_repo(str(bare)))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_waiting_for_another_fetch_is_said_and_can_be_stopped(mirror: Mirror) -> None:
    said: list[str] = []

    def checkpoint() -> None:
        if said:
            raise InterruptedError

    with open(mirror.folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(InterruptedError):
            mirror.fetch("", said.append, checkpoint)
    assert said[0].startswith("Waiting")


def test_an_old_lock_file_of_a_killed_git_does_not_block_for_ever(mirror: Mirror, work: Path, bare: Path) -> None:
    newer = commit_files(work, {"new.txt": "new\n"})
    git("push", "-q", str(bare), "main", cwd=work)
    lock = mirror.repo / "refs/upstream/heads/main.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    os.utime(lock, (time.time() - 3600,) * 2)
    mirror.fetch("", quiet)
    assert mirror.resolve_base("main")[1] == newer


def test_a_private_repository_is_fetched_with_the_token(http_mirror: Mirror, work: Path) -> None:
    assert http_mirror.resolve_base(None) == ("main", branch_sha(work, "main"))


def test_a_public_repository_is_fetched_without_one(server: GitHttpServer, tmp_path: Path, work: Path) -> None:
    public = tmp_path / "public"
    make_bare(public / "octo" / "open.git", work)
    with GitHttpServer(public, anonymous=Right.READ) as open_server:
        mirror = fetched(tmp_path, parse_repo(open_server.url_of("octo/open")))
        assert mirror.default_branch() == "main"
        assert not any(call.authorized for call in open_server.calls)


def test_a_wrong_token_is_an_authentication_error_without_the_token(http_remote: Remote, tmp_path: Path) -> None:
    with pytest.raises(PithyError) as caught:
        fetched(tmp_path, http_remote, "ghp_wrongwrongwrong")
    assert caught.value.code is ErrorCode.GITHUB_AUTH
    assert "ghp_wrong" not in repr(caught.value) + str(caught.value.to_json())


def test_no_token_where_one_is_needed_is_unreachable(http_remote: Remote, tmp_path: Path) -> None:
    with pytest.raises(PithyError) as caught:
        fetched(tmp_path, http_remote)
    assert caught.value.code is ErrorCode.REPO_UNREACHABLE


def test_a_repository_that_does_not_exist_is_unreachable(server: GitHttpServer, tmp_path: Path) -> None:
    remote = parse_repo("octo/none").at(server.url_of("octo/none"))
    with pytest.raises(PithyError) as caught:
        fetched(tmp_path, remote, TOKEN)
    assert caught.value.code is ErrorCode.REPO_UNREACHABLE


@pytest.mark.parametrize(
    ("status", "code"),
    [(403, ErrorCode.GITHUB_AUTH), (500, ErrorCode.REPO_UNREACHABLE), (503, ErrorCode.REPO_UNREACHABLE)],
)
def test_other_answers(
    server: GitHttpServer, http_remote: Remote, tmp_path: Path, status: int, code: ErrorCode
) -> None:
    server.fail_next(FETCH, status, times=4)
    with pytest.raises(PithyError) as caught:
        fetched(tmp_path, http_remote, TOKEN)
    assert (caught.value.code, caught.value.detail["http_status"]) == (code, status)


def test_a_redirect_does_not_take_the_token_along(
    server: GitHttpServer, http_remote: Remote, tmp_path: Path, work: Path
) -> None:
    make_bare(tmp_path / "elsewhere" / "octo" / "sample.git", work)
    with GitHttpServer(tmp_path / "elsewhere") as other:
        target = f"{other.url_of('octo/sample')}/info/refs?service={FETCH}"
        server.fail_next(FETCH, 301, headers={"Location": target})
        with pytest.raises(PithyError) as caught:
            fetched(tmp_path, http_remote, TOKEN)
        assert other.calls == []
    assert caught.value.code is ErrorCode.REPO_UNREACHABLE


@pytest.mark.parametrize("fault", ["503", "cut"])
def test_a_transfer_that_fails_for_now_is_repeated_and_said(
    server: GitHttpServer, http_remote: Remote, tmp_path: Path, fault: str
) -> None:
    if fault == "cut":
        server.drop_next(FETCH, times=2)  # curl repeats the first by itself
    else:
        server.fail_next(FETCH, 503, times=3)
    mirror, said, waited = Mirror(tmp_path / "mirrors", http_remote), list[str](), list[float]()

    mirror.fetch(TOKEN, said.append, wait=waited.append)

    assert mirror.resolve_base(None)[0] == "main"
    assert waited == ([1.0, 2.0, 4.0][: len(waited)] if fault == "cut" else [1.0, 2.0, 4.0])
    assert sum("again in" in line for line in said) == len(waited) >= 1


def test_a_wait_that_is_broken_off_ends_the_fetch(server: GitHttpServer, http_remote: Remote, tmp_path: Path) -> None:
    server.fail_next(FETCH, 503, times=9)

    def lose(seconds: float) -> None:
        raise LeaseLost

    with pytest.raises(LeaseLost):
        Mirror(tmp_path / "mirrors", http_remote).fetch(TOKEN, quiet, wait=lose)


def test_a_path_is_asked_once(tmp_path: Path, bare: Path) -> None:
    mirror, waited = Mirror(tmp_path / "mirrors", parse_repo(str(bare))), list[float]()
    bare.rename(tmp_path / "moved.git")

    with pytest.raises(PithyError) as caught:
        mirror.fetch("", quiet, wait=waited.append)
    assert (caught.value.code, waited) == (ErrorCode.REPO_UNREACHABLE, [])
    assert "--repo" in caught.value.hint


def test_nobody_listening_is_unreachable(server: GitHttpServer, http_remote: Remote, tmp_path: Path) -> None:
    server.stop()
    with pytest.raises(PithyError) as caught:
        fetched(tmp_path, http_remote, TOKEN)
    assert caught.value.code is ErrorCode.REPO_UNREACHABLE


def test_a_fetch_in_progress_is_stopped_by_its_checkpoint(
    server: GitHttpServer, http_remote: Remote, tmp_path: Path
) -> None:
    gate = server.hold(FETCH)

    def checkpoint() -> None:
        if gate.reached.is_set():
            raise InterruptedError

    mirror = Mirror(tmp_path / "mirrors", http_remote)
    with pytest.raises(InterruptedError):
        mirror.fetch(TOKEN, quiet, checkpoint)
    wait_until(lambda: not commands_with(str(http_remote.url)), what="the end of git's children")


def commands_with(word: str) -> list[str]:
    """Command lines of running processes that hold a word."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
        except OSError:
            continue
    return [line for line in lines if word in line]
