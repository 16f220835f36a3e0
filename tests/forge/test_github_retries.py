"""What is asked again, when, and that nothing is made twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from pithy_local.errors import ErrorCode, LeaseLost, PithyError
from pithy_local.forge.github import GitHubForge
from pithy_local.retry import WAITS
from tests.fakes.github import FakeGitHub
from tests.fakes.github_state import Repo
from tests.forge.conftest import BRANCH, SLUG, TOKEN, opened, refused

CREATE, LIST = "pulls/create", "pulls/list"


@pytest.fixture
def patient(github: FakeGitHub, repo: Repo) -> Iterator[GitHubForge]:
    """With the waits of the product; the tests give a `wait` that takes none."""
    github.add_token(TOKEN)
    made = GitHubForge(api_url=github.url, token=TOKEN, write_pause=0)
    yield made
    made.close()


def operations(github: FakeGitHub) -> list[str]:
    return [call.operation for call in github.calls]


def test_a_pull_request_takes_one_request_and_three_more(patient: GitHubForge, github: FakeGitHub) -> None:
    github.fail_next(CREATE, 502, times=3)
    waited: list[float] = []

    pr = opened(patient, wait=waited.append)

    assert pr.number == 1
    assert waited == [1.0, 2.0, 4.0]
    assert operations(github) == [LIST, CREATE] * 4


def test_after_that_it_is_looked_for_once_more_and_the_error_is_githubs(
    patient: GitHubForge, github: FakeGitHub
) -> None:
    github.fail_next(CREATE, 502, {"message": "Bad Gateway"}, times=9)
    waited: list[float] = []

    error = refused(patient, ErrorCode.GITHUB_ERROR, wait=waited.append)

    assert waited == [1.0, 2.0, 4.0]
    assert operations(github) == [*[LIST, CREATE] * 4, LIST]
    assert error.message == "GitHub answered 502: Bad Gateway"
    assert error.detail["http_status"] == 502
    assert github.prs == []


@pytest.mark.parametrize("lost_at", [1, 2, 4])
def test_a_lost_answer_is_looked_up_and_nothing_is_opened_twice(
    forge: GitHubForge, github: FakeGitHub, lost_at: int
) -> None:
    if lost_at > 1:
        github.fail_next(CREATE, 500, times=lost_at - 1)
    github.lose_answer(CREATE)

    pr = opened(forge)

    assert pr.number == 1
    assert len(github.called(CREATE)) == lost_at
    assert len(github.prs) == 1


def test_no_answer_at_all_is_asked_again(forge: GitHubForge, github: FakeGitHub) -> None:
    github.drop_next(CREATE, times=3)

    assert opened(forge).number == 1
    assert [call.status for call in github.called(CREATE)] == [None, None, None, 201]


def test_a_pull_request_that_appears_meanwhile_is_adopted(forge: GitHubForge, github: FakeGitHub, repo: Repo) -> None:
    github.open_pr(repo, BRANCH, body="opened meanwhile")
    github.fail_next(LIST, 200, [])

    pr = opened(forge)

    assert pr.body == "opened meanwhile"
    assert [call.status for call in github.called(CREATE)] == [422]


def test_a_pull_request_that_is_listed_late_is_waited_for(forge: GitHubForge, github: FakeGitHub) -> None:
    github.lose_answer(CREATE)
    github.fail_next(LIST, 200, [], times=3)

    assert opened(forge).number == 1
    assert [call.status for call in github.called(CREATE)] == [None, 422, 422]
    assert len(github.prs) == 1


def test_one_that_exists_and_is_never_listed_is_githubs_error(forge: GitHubForge, github: FakeGitHub) -> None:
    github.lose_answer(CREATE)
    github.fail_next(LIST, 200, [], times=9)

    error = refused(forge, ErrorCode.GITHUB_ERROR)

    assert "already exists" in error.message
    assert len(github.prs) == 1


def test_a_look_that_fails_for_now_is_repeated_and_takes_no_request_away(
    forge: GitHubForge, github: FakeGitHub
) -> None:
    github.fail_next(LIST, 503, times=3)
    github.fail_next(CREATE, 503, times=3)

    assert opened(forge).number == 1
    assert operations(github) == [*[LIST] * 4, CREATE, *[LIST, CREATE] * 3]


def test_without_a_look_nothing_is_opened(forge: GitHubForge, github: FakeGitHub) -> None:
    github.fail_next(LIST, 503, times=4)

    refused(forge, ErrorCode.GITHUB_ERROR)

    assert github.called(CREATE) == []


@pytest.mark.parametrize("status", [401, 403, 404, 422])
def test_a_refusal_is_final(forge: GitHubForge, github: FakeGitHub, status: int) -> None:
    github.fail_next(CREATE, status)

    with pytest.raises(PithyError) as caught:
        opened(forge)

    assert caught.value.detail["http_status"] == status
    assert len(github.called(CREATE)) == 1


def test_a_wait_that_is_broken_off_ends_it(patient: GitHubForge, github: FakeGitHub) -> None:
    github.fail_next(CREATE, 500, times=9)

    def lose(seconds: float) -> None:
        raise LeaseLost

    with pytest.raises(LeaseLost):
        opened(patient, wait=lose)
    assert len(github.called(CREATE)) == 1


def test_others_may_ask_while_one_waits(patient: GitHubForge, github: FakeGitHub) -> None:
    github.fail_next(CREATE, 500)
    seen: list[str] = []

    opened(patient, wait=lambda _: seen.append(patient.repository(SLUG).default_branch))

    assert seen == ["main"]


@pytest.mark.parametrize("fail", [FakeGitHub.drop_next, lambda fake, *args, **more: fake.fail_next(*args, 503, **more)])
def test_a_read_is_repeated_after_the_same_waits(
    patient: GitHubForge, github: FakeGitHub, fail: Callable[..., None]
) -> None:
    fail(github, "repos/get", times=3)
    waited: list[float] = []

    assert patient.repository(SLUG, wait=waited.append).default_branch == "main"
    assert tuple(waited) == WAITS


def test_a_lasting_service_error_keeps_its_status(forge: GitHubForge, github: FakeGitHub) -> None:
    github.fail_next("repos/get", 503, times=4)

    with pytest.raises(PithyError) as caught:
        forge.repository(SLUG)

    assert caught.value.code is ErrorCode.GITHUB_ERROR
    assert caught.value.detail["http_status"] == 503


def test_who_does_not_want_to_wait_asks_once(patient: GitHubForge, github: FakeGitHub) -> None:
    github.fail_next("repos/get", 503)

    with pytest.raises(PithyError):
        patient.repository(SLUG, wait=None)

    assert len(github.calls) == 1


@pytest.mark.parametrize("status", [403, 429])
def test_a_short_rate_limit_is_waited_for(patient: GitHubForge, github: FakeGitHub, status: int) -> None:
    github.secondary_rate_limit_next(CREATE, retry_after=30, status=status)
    waited: list[float] = []

    assert opened(patient, wait=waited.append).number == 1
    assert waited == [30]


def test_one_that_is_shorter_than_the_schedule_takes_the_schedules_time(
    patient: GitHubForge, github: FakeGitHub
) -> None:
    github.secondary_rate_limit_next(CREATE, retry_after=1, times=3)
    waited: list[float] = []

    opened(patient, wait=waited.append)

    assert waited == [1, 2.0, 4.0]


def test_a_secondary_rate_limit_without_a_time_takes_a_minute(patient: GitHubForge, github: FakeGitHub) -> None:
    github.secondary_rate_limit_next(LIST)
    waited: list[float] = []

    opened(patient, wait=waited.append)

    assert waited == [60]


def test_a_primary_rate_limit_is_waited_for_until_its_end(patient: GitHubForge, github: FakeGitHub) -> None:
    github.clock_offset = 1_000_000  # GitHub's clock counts, not ours
    github.rate_limit_next("repos/get", reset_in=1_000_020)
    waited: list[float] = []

    patient.repository(SLUG, wait=waited.append)

    assert len(waited) == 1
    assert 15 < waited[0] < 25


@pytest.mark.parametrize("operation", [LIST, CREATE])
def test_a_rate_limit_that_would_take_too_long_is_an_error_at_once(
    patient: GitHubForge, github: FakeGitHub, operation: str
) -> None:
    github.rate_limit_next(operation, reset_in=3600)

    error = refused(patient, ErrorCode.GITHUB_RATE_LIMIT)

    assert error.detail["http_status"] == 403
    assert 3500 < error.detail["retry_after"] <= 3601
    assert "API rate limit exceeded" in error.message
    assert "(again in 59m)" in error.message or "(again in 1h)" in error.message
    assert len(github.called(operation)) == 1


def test_a_silly_retry_after_is_an_error_at_once(patient: GitHubForge, github: FakeGitHub) -> None:
    github.secondary_rate_limit_next(CREATE, retry_after=10**30)

    refused(patient, ErrorCode.GITHUB_RATE_LIMIT)
