"""Pushing once, to a path and over HTTP, with a token that shows nowhere."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.git.mirror import Mirror
from pithy_local.git.push import push, remote_head
from pithy_local.git.remote import Remote, parse_repo
from tests.fakes.git_http import FETCH, PUSH, GitHttpServer, Right
from tests.git.conftest import BRANCH, NO_WAITS, TOKEN, commit_in, fetched, intruder
from tests.support import branch_sha, git, make_bare

REPO = "octo/sample"


@pytest.fixture
def sha(mirror: Mirror, work: Path) -> str:
    return commit_in(mirror, work)


def test_a_push_to_a_bare_path(mirror: Mirror, sha: str, bare: Path) -> None:
    push(mirror, sha, BRANCH)
    assert branch_sha(bare, BRANCH) == sha
    assert sorted(git("for-each-ref", "--format=%(refname)", cwd=bare).split()) == [
        "refs/heads/main", f"refs/heads/{BRANCH}"
    ]  # fmt: skip


def test_a_push_to_a_path_with_checked_out_files(tmp_path: Path, work: Path) -> None:
    mirror = fetched(tmp_path, parse_repo(str(work)))
    sha = commit_in(mirror, work)
    push(mirror, sha, BRANCH)
    assert branch_sha(work, BRANCH) == sha
    assert git("status", "--porcelain", cwd=work) == ""


def test_it_may_even_be_the_checked_out_branch(tmp_path: Path, work: Path) -> None:
    git("checkout", "-q", "-b", BRANCH, cwd=work)
    here = branch_sha(work, BRANCH)
    assert here is not None
    mirror = fetched(tmp_path, parse_repo(str(work)))
    sha = commit_in(mirror, work)
    push(mirror, sha, BRANCH, expected=[here])
    assert branch_sha(work, BRANCH) == sha


def test_pushing_again_changes_nothing(mirror: Mirror, sha: str, bare: Path) -> None:
    push(mirror, sha, BRANCH)
    push(mirror, sha, BRANCH)
    assert branch_sha(bare, BRANCH) == sha


def test_a_follow_up_replaces_what_we_left(mirror: Mirror, sha: str, bare: Path, work: Path) -> None:
    push(mirror, sha, BRANCH)
    work.with_name("work-changed").rename(work.with_name("work-before"))
    second = commit_in(mirror, work, "second\n")
    push(mirror, second, BRANCH, expected=[sha])
    assert branch_sha(bare, BRANCH) == second


def test_a_branch_that_was_deleted_is_made_again(mirror: Mirror, sha: str, bare: Path) -> None:
    push(mirror, sha, BRANCH, expected=["1" * 40])
    assert branch_sha(bare, BRANCH) == sha


@pytest.mark.parametrize("expected", [(), ("1" * 40, "2" * 40)])
def test_somebody_elses_commit_is_a_conflict_and_stays(
    mirror: Mirror, sha: str, bare: Path, work: Path, expected: tuple[str, ...]
) -> None:
    other = intruder(bare, work)
    with pytest.raises(PithyError) as caught:
        push(mirror, sha, BRANCH, expected=expected)
    assert caught.value.code is ErrorCode.BRANCH_CONFLICT
    assert caught.value.detail["remote_sha"] == other
    assert branch_sha(bare, BRANCH) == other


def test_a_commit_that_arrives_in_between_is_a_conflict(
    server: GitHttpServer, http_mirror: Mirror, http_sha: str, served: Path, work: Path
) -> None:
    gate = server.hold(PUSH)
    other: list[str] = []

    def intrude() -> None:
        gate.reached.wait(60)
        other.append(intruder(served, work))
        gate.release()

    thread = threading.Thread(target=intrude)
    thread.start()
    with pytest.raises(PithyError) as caught:
        push(http_mirror, http_sha, BRANCH, token=TOKEN)
    thread.join()
    assert caught.value.code is ErrorCode.BRANCH_CONFLICT
    assert branch_sha(served, BRANCH) == other[0]


def test_a_hook_that_declines(mirror: Mirror, sha: str, bare: Path) -> None:
    hook = bare / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'no pushes on Fridays' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(PithyError, match="hook declined") as caught:
        push(mirror, sha, BRANCH)
    assert caught.value.code is ErrorCode.PUSH_REJECTED
    assert "no pushes on Fridays" in caught.value.detail["git"]


def test_a_server_that_denies_rewriting(mirror: Mirror, sha: str, bare: Path, work: Path) -> None:
    other = intruder(bare, work)
    git("config", "receive.denyNonFastForwards", "true", cwd=bare)
    with pytest.raises(PithyError) as caught:
        push(mirror, sha, BRANCH, expected=[other])
    assert caught.value.code is ErrorCode.PUSH_REJECTED


def test_a_push_over_http(http_mirror: Mirror, http_sha: str, served: Path, server: GitHttpServer) -> None:
    push(http_mirror, http_sha, BRANCH, token=TOKEN)
    assert branch_sha(served, BRANCH) == http_sha
    assert remote_head(http_mirror, BRANCH, TOKEN) == http_sha
    assert {call.token_name for call in server.calls if call.authorized} == {"tester"}


def test_a_lost_answer_is_looked_up(http_mirror: Mirror, http_sha: str, served: Path, server: GitHttpServer) -> None:
    server.lose_answer(PUSH)
    push(http_mirror, http_sha, BRANCH, token=TOKEN)
    assert branch_sha(served, BRANCH) == http_sha
    assert any(call.status is None for call in server.calls)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, ErrorCode.GITHUB_AUTH), (403, ErrorCode.PUSH_REJECTED), (404, ErrorCode.REPO_UNREACHABLE),
        (500, ErrorCode.REPO_UNREACHABLE), (503, ErrorCode.REPO_UNREACHABLE),
    ],
)  # fmt: skip
def test_what_the_server_answers(
    http_mirror: Mirror, http_sha: str, server: GitHttpServer, status: int, code: ErrorCode
) -> None:
    server.fail_next(PUSH, status, times=4)
    with pytest.raises(PithyError) as caught:
        push(http_mirror, http_sha, BRANCH, token=TOKEN, waits=NO_WAITS)
    assert caught.value.code is code
    assert TOKEN not in repr(caught.value) + str(caught.value.to_json())


def test_a_token_that_may_only_read(http_mirror: Mirror, http_sha: str, server: GitHttpServer) -> None:
    server.add_token("ghp_readonly", Right.READ)
    with pytest.raises(PithyError, match="no right to push") as caught:
        push(http_mirror, http_sha, BRANCH, token="ghp_readonly")
    assert (caught.value.code, caught.value.detail["http_status"]) == (ErrorCode.PUSH_REJECTED, 403)


def test_a_token_that_has_expired(http_mirror: Mirror, http_sha: str) -> None:
    with pytest.raises(PithyError) as caught:
        push(http_mirror, http_sha, BRANCH, token="ghp_expired")
    assert caught.value.code is ErrorCode.GITHUB_AUTH


def test_a_url_that_wants_a_login_to_push_says_that_we_have_none(tmp_path: Path, work: Path) -> None:
    make_bare(tmp_path / "open" / "octo" / "sample.git", work)
    with GitHttpServer(tmp_path / "open", anonymous=Right.READ) as server:
        mirror = fetched(tmp_path, parse_repo(server.url_of(REPO)))
        with pytest.raises(PithyError) as caught:
            push(mirror, commit_in(mirror, work), BRANCH)
    assert caught.value.code is ErrorCode.PUSH_REJECTED
    assert "without credentials" in caught.value.hint


def test_a_server_that_is_gone(http_mirror: Mirror, http_sha: str, server: GitHttpServer) -> None:
    server.stop()
    with pytest.raises(PithyError) as caught:
        push(http_mirror, http_sha, BRANCH, token=TOKEN, waits=NO_WAITS)
    assert caught.value.code is ErrorCode.REPO_UNREACHABLE


def test_the_remote_head_is_of_this_branch_alone(mirror: Mirror, sha: str, bare: Path) -> None:
    git("update-ref", f"refs/x/refs/heads/{BRANCH}", "main", cwd=bare)
    git("update-ref", f"refs/heads/refs/heads/{BRANCH}", "main", cwd=bare)
    assert remote_head(mirror, BRANCH) is None


@pytest.mark.parametrize("branch", ["--exec=x", "a:b", "a b", "", "+main"])
def test_a_branch_name_is_nothing_else(mirror: Mirror, sha: str, branch: str) -> None:
    if branch == "+main":
        push(mirror, sha, branch)  # an odd name, but a name
        assert remote_head(mirror, branch) == sha
        return
    with pytest.raises(ValueError, match="not a branch name"):
        push(mirror, sha, branch)


def test_the_token_is_in_no_argument_file_or_error(
    server: GitHttpServer, http_mirror: Mirror, http_sha: str, http_remote: Remote
) -> None:
    gate, seen = server.hold(PUSH), list[str]()

    def look() -> None:
        gate.reached.wait(60)
        seen.extend(command_lines())
        gate.release()

    thread = threading.Thread(target=look)
    thread.start()
    push(http_mirror, http_sha, BRANCH, token=TOKEN)
    thread.join()
    pushing = [line for line in seen if http_remote.url in line]
    assert len(pushing) >= 2  # git push and git-remote-http
    assert not any(TOKEN in line for line in seen)
    for path in http_mirror.folder.rglob("*"):
        assert path.is_dir() or TOKEN.encode() not in path.read_bytes()


def test_the_token_answers_no_other_origin(http_mirror: Mirror, http_sha: str, tmp_path: Path, work: Path) -> None:
    """Were git led to another host, its question would name that host: askpass gives it nothing."""
    make_bare(tmp_path / "other" / "octo" / "sample.git", work)
    with GitHttpServer(tmp_path / "other") as other:
        other.add_token(TOKEN)
        asked = http_mirror.git.run(
            "ls-remote", "--", other.url_of(REPO), check=False, credential=http_mirror.credential(TOKEN)
        )
        assert not asked.ok
        assert not any(call.authorized for call in other.calls)


def command_lines() -> list[str]:
    """The arguments of every process there is."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
        except OSError:
            continue  # ended in between
    return lines


def test_reading_needs_no_push_right(http_mirror: Mirror, server: GitHttpServer) -> None:
    server.add_token("ghp_readonly", Right.READ)
    assert remote_head(http_mirror, "main", "ghp_readonly") == http_mirror.resolve_base("main")[1]
    assert all(call.service == FETCH for call in server.calls)
