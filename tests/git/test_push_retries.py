"""A push whose transfer fails for now is repeated, with a look before it; our own work is never taken for another's."""

from __future__ import annotations

from pathlib import Path

import pytest

from pithy_local.errors import ErrorCode, LeaseLost, PithyError
from pithy_local.git.mirror import Mirror
from pithy_local.git.push import push
from pithy_local.retry import WAITS
from tests.fakes.git_http import FETCH, PUSH, GitHttpServer
from tests.git.conftest import BRANCH, NO_WAITS, TOKEN, commit_in, intruder
from tests.support import branch_sha


def test_a_service_error_is_repeated_after_each_wait(
    http_mirror: Mirror, http_sha: str, served: Path, server: GitHttpServer
) -> None:
    server.fail_next(PUSH, 503, times=3)
    waited: list[float] = []

    push(http_mirror, http_sha, BRANCH, token=TOKEN, wait=waited.append)

    assert branch_sha(served, BRANCH) == http_sha
    assert tuple(waited) == WAITS


def test_a_cut_connection_is_repeated(http_mirror: Mirror, http_sha: str, served: Path, server: GitHttpServer) -> None:
    server.drop_next(PUSH, times=2)  # curl repeats the first by itself
    waited: list[float] = []

    push(http_mirror, http_sha, BRANCH, token=TOKEN, wait=waited.append)

    assert branch_sha(served, BRANCH) == http_sha
    assert waited


def test_a_look_that_fails_is_repeated_too(
    http_mirror: Mirror, http_sha: str, served: Path, server: GitHttpServer
) -> None:
    server.fail_next(FETCH, 502, times=2)

    push(http_mirror, http_sha, BRANCH, token=TOKEN, waits=NO_WAITS)

    assert branch_sha(served, BRANCH) == http_sha


def test_what_arrived_although_the_answer_was_lost_is_not_pushed_again(
    http_mirror: Mirror, http_sha: str, served: Path, server: GitHttpServer
) -> None:
    server.lose_answer(PUSH)
    waited: list[float] = []

    push(http_mirror, http_sha, BRANCH, token=TOKEN, wait=waited.append)

    assert branch_sha(served, BRANCH) == http_sha
    assert waited == []


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_is_final(http_mirror: Mirror, http_sha: str, server: GitHttpServer, status: int) -> None:
    server.fail_next(PUSH, status, times=9)
    waited: list[float] = []

    with pytest.raises(PithyError):
        push(http_mirror, http_sha, BRANCH, token=TOKEN, wait=waited.append)

    assert waited == []


def test_a_lasting_failure_is_told_as_it_is(http_mirror: Mirror, http_sha: str, server: GitHttpServer) -> None:
    server.fail_next(PUSH, 503, times=9)

    with pytest.raises(PithyError) as caught:
        push(http_mirror, http_sha, BRANCH, token=TOKEN, waits=NO_WAITS)

    assert caught.value.code is ErrorCode.REPO_UNREACHABLE
    assert caught.value.detail["http_status"] == 503


def test_somebody_who_comes_while_we_wait_is_a_conflict(
    http_mirror: Mirror, http_sha: str, served: Path, work: Path, server: GitHttpServer
) -> None:
    server.fail_next(PUSH, 503)
    other: list[str] = []

    with pytest.raises(PithyError) as caught:
        push(http_mirror, http_sha, BRANCH, token=TOKEN, wait=lambda _: other.append(intruder(served, work)))

    assert caught.value.code is ErrorCode.BRANCH_CONFLICT
    assert branch_sha(served, BRANCH) == other[0]


def test_a_wait_that_is_broken_off_ends_it(
    http_mirror: Mirror, http_sha: str, served: Path, server: GitHttpServer
) -> None:
    server.fail_next(PUSH, 503, times=9)

    def lose(seconds: float) -> None:
        raise LeaseLost

    with pytest.raises(LeaseLost):
        push(http_mirror, http_sha, BRANCH, token=TOKEN, wait=lose)
    assert branch_sha(served, BRANCH) is None


def test_every_commit_we_ever_made_is_ours(http_mirror: Mirror, http_sha: str, served: Path, work: Path) -> None:
    push(http_mirror, http_sha, BRANCH, token=TOKEN)
    work.with_name("work-changed").rename(work.with_name("work-before"))
    second = commit_in(http_mirror, work, "second\n")

    # The second attempt's commit never arrived, the first one's did: what is there is ours all the same.
    push(http_mirror, second, BRANCH, expected={http_sha, "2" * 40, second}, token=TOKEN)

    assert branch_sha(served, BRANCH) == second


@pytest.mark.parametrize("expected", ["1" * 40, [""], ["HEAD"]])
def test_what_is_expected_are_commits(mirror: Mirror, base: str, expected: list[str]) -> None:
    with pytest.raises(ValueError, match="not a commit id"):
        push(mirror, base, BRANCH, expected=expected)
