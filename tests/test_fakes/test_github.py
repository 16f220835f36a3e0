"""The fake GitHub, driven by the real PyGithub wherever PyGithub can say it."""

from __future__ import annotations

import http.client
import json
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from github import Auth, BadCredentialsException, Github, GithubException, UnknownObjectException
from github.GithubRetry import GithubRetry
from github.Repository import Repository

from tests.fakes.github import FakeGitHub
from tests.support import branch_sha, commit_files, git

TOKEN = "ghp_canary"
NAME = "octo/hello"
CLONE_URL = "http://127.0.0.1:9/octo/hello.git"

Connect = Callable[..., Github]


@pytest.fixture
def fake(bare: Path) -> Iterator[FakeGitHub]:
    with FakeGitHub() as server:
        server.add_token(TOKEN)
        server.add_repo(NAME, bare, CLONE_URL)
        yield server


@pytest.fixture
def connect(fake: FakeGitHub) -> Iterator[Connect]:
    """Makes PyGithub clients without pauses and without retries, closed at the end."""
    logging.getLogger("github").handlers.clear()
    opened: list[Github] = []

    def make(token: str | None = TOKEN, *, lazy: bool = False, retry: GithubRetry | None = None) -> Github:
        auth = Auth.Token(token) if token else None
        client = Github(
            base_url=fake.url, auth=auth, retry=retry, lazy=lazy, timeout=60,
            seconds_between_requests=None, seconds_between_writes=None,
        )  # fmt: skip
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def repo(connect: Connect) -> Repository:
    return connect().get_repo(NAME)


def refusal(caught: pytest.ExceptionInfo[GithubException]) -> tuple[int, list[Any]]:
    """Status of a refusal and what its `errors` say: the message, else field and code."""
    data: Any = caught.value.data
    return caught.value.status, [e.get("message") or (e["field"], e["code"]) for e in data.get("errors", [])]


def test_a_repository_shows_what_the_test_put_there(fake: FakeGitHub, repo: Repository) -> None:
    assert (repo.full_name, repo.default_branch, repo.clone_url) == (NAME, "main", CLONE_URL)
    assert (repo.permissions.push, repo.permissions.admin, repo.private) == (True, False, True)
    assert fake.violations == []


def test_a_lazy_client_asks_only_when_a_value_is_wanted(fake: FakeGitHub, connect: Connect) -> None:
    repo = connect(lazy=True).get_repo(NAME)
    assert fake.calls == []
    assert repo.default_branch == "main"
    assert [call.operation for call in fake.calls] == ["repos/get"]


def test_who_a_token_is_and_what_it_may(fake: FakeGitHub, connect: Connect) -> None:
    fake.add_token("fine", login="robot", scopes=None)
    classic, fine = connect(), connect("fine")
    assert (classic.get_user().login, classic.oauth_scopes) == ("pithy-tester", ["repo"])
    assert (fine.get_user().login, fine.oauth_scopes) == ("robot", None)
    assert fake.violations == []


def test_a_wrong_token_is_refused_everywhere(fake: FakeGitHub, connect: Connect) -> None:
    client = connect("wrong")
    attempts: list[Callable[[], object]] = [
        lambda: client.get_user().login, lambda: client.get_repo(NAME), client.get_rate_limit
    ]  # fmt: skip
    for attempt in attempts:
        with pytest.raises(BadCredentialsException):
            attempt()
    assert fake.violations == []


def test_without_a_token_only_public_repositories_are_there(fake: FakeGitHub, connect: Connect, bare: Path) -> None:
    fake.add_repo("octo/open", bare, CLONE_URL, private=False)
    assert connect(None).get_repo("octo/open").default_branch == "main"
    with pytest.raises(UnknownObjectException):
        connect(None).get_repo(NAME)


def test_a_repository_outside_the_token_s_reach_does_not_exist(fake: FakeGitHub, connect: Connect) -> None:
    fake.add_token("narrow", repos=["octo/other"])
    with pytest.raises(UnknownObjectException):
        connect("narrow").get_repo(NAME)
    with pytest.raises(UnknownObjectException):
        connect().get_repo("octo/absent")


def test_a_branch_is_what_git_says(repo: Repository, bare: Path) -> None:
    assert repo.get_branch("pj/one").commit.sha == branch_sha(bare, "pj/one")
    assert repo.get_git_ref("heads/pj/one").object.sha == branch_sha(bare, "pj/one")
    with pytest.raises(UnknownObjectException):
        repo.get_branch("pj/none")
    with pytest.raises(UnknownObjectException):
        repo.get_git_ref("heads/pj/none")


def test_a_pull_request_is_opened_with_the_commits_of_its_branch(
    fake: FakeGitHub, repo: Repository, bare: Path
) -> None:
    pr = repo.create_pull(base="main", head="pj/one", title="Pithy Jaunt: one", body="Why\n", draft=True)
    assert (pr.number, pr.title, pr.body, pr.draft, pr.state) == (1, "Pithy Jaunt: one", "Why\n", True, "open")
    assert (pr.head.label, pr.head.ref, pr.base.ref) == ("octo:pj/one", "pj/one", "main")
    assert (pr.head.sha, pr.base.sha) == (branch_sha(bare, "pj/one"), branch_sha(bare, "main"))
    assert (pr.commits, pr.changed_files, pr.additions, pr.deletions) == (1, 2, 2, 0)
    assert pr.html_url == f"{fake.url}/{NAME}/pull/1"
    assert [(p.number, p.author, p.title) for p in fake.prs] == [(1, "pithy-tester", "Pithy Jaunt: one")]
    assert fake.violations == []


def test_a_pull_request_follows_its_branch(fake: FakeGitHub, repo: Repository, work: Path, bare: Path) -> None:
    repo.create_pull(base="main", head="pj/one", title="t", body="b")
    git("checkout", "-q", "pj/one", cwd=work)
    sha = commit_files(work, {"d.txt": "4\n"})
    git("push", "-q", str(bare), "pj/one", cwd=work)
    assert repo.get_pull(1).head.sha == sha == fake.prs[0].head_sha


def test_a_second_pull_request_for_the_same_branch_is_refused(fake: FakeGitHub, repo: Repository) -> None:
    repo.create_pull(base="main", head="pj/one", title="t", body="b")
    with pytest.raises(GithubException) as caught:
        repo.create_pull(base="main", head="octo:pj/one", title="t", body="b")
    assert refusal(caught) == (422, ["A pull request already exists for octo:pj/one."])
    assert (len(fake.prs), fake.violations) == (1, [])


@pytest.mark.parametrize(
    ("base", "head", "title", "reason"),
    [
        ("main", "pj/none", "t", ("head", "invalid")),
        ("none", "pj/one", "t", ("base", "invalid")),
        ("main", "fork:pj/one", "t", ("head", "invalid")),
        ("pj/one", "main", "t", "No commits between pj/one and main"),
        ("main", "lonely", "t", "The lonely branch has no history in common with main"),
        ("main", "pj/one", "", ("title", "missing_field")),
        ("main", "pj/one", "x" * 257, "title is too long (maximum is 256 characters)"),
    ],
)
def test_what_git_does_not_back_is_refused(
    fake: FakeGitHub, repo: Repository, bare: Path, base: str, head: str, title: str, reason: object
) -> None:
    tree = git("rev-parse", "main^{tree}", cwd=bare)
    git("update-ref", "refs/heads/lonely", git("commit-tree", tree, "-m", "alone", cwd=bare), cwd=bare)
    with pytest.raises(GithubException) as caught:
        repo.create_pull(base=base, head=head, title=title, body="b")
    assert refusal(caught) == (422, [reason])
    assert (fake.prs, fake.violations) == ([], [])


@pytest.mark.parametrize("rights", [{"push": False}, {"pull_requests": False, "scopes": None}])
def test_a_token_without_the_right_may_look_but_not_open(
    fake: FakeGitHub, connect: Connect, rights: dict[str, Any]
) -> None:
    fake.add_token("weak", **rights)
    repo = connect("weak").get_repo(NAME)
    assert repo.permissions.push is rights.get("push", True)
    with pytest.raises(GithubException) as caught:
        repo.create_pull(base="main", head="pj/one", title="t", body="b")
    assert caught.value.status == 403
    assert (fake.prs, fake.violations) == ([], [])


def test_the_list_filters_by_owner_and_branch(fake: FakeGitHub, repo: Repository, bare: Path) -> None:
    git("update-ref", "refs/heads/pj/two", "pj/one", cwd=bare)
    repo.create_pull(base="main", head="pj/one", title="one", body="b")
    repo.create_pull(base="main", head="pj/two", title="two", body="b").edit(state="closed")
    found = {
        filters: [pr.title for pr in repo.get_pulls(**dict(filters))]
        for filters in (
            (),
            (("state", "all"),),
            (("state", "all"), ("head", "octo:pj/two")),
            (("state", "all"), ("head", "OCTO:pj/one")),
            (("head", "octo:pj/two"),),
            (("base", "other"),),
        )
    }
    assert list(found.values()) == [["one"], ["two", "one"], ["two"], ["one"], [], []]
    assert fake.violations == []


def test_a_head_filter_without_owner_is_ignored_as_github_does(fake: FakeGitHub, repo: Repository, bare: Path) -> None:
    fake.open_pr(fake.add_repo(NAME, bare, CLONE_URL), "pj/one", title="somebody else's")
    assert [pr.title for pr in repo.get_pulls(head="pj/none")] == ["somebody else's"]


def test_long_lists_come_in_pages(fake: FakeGitHub, connect: Connect, bare: Path) -> None:
    seeded = fake.add_repo("octo/busy", bare, CLONE_URL)
    for number in range(33):  # PyGithub asks for 30 at a time
        git("update-ref", f"refs/heads/b{number}", "pj/one", cwd=bare)
        fake.open_pr(seeded, f"b{number}")
    titles = [pr.head.ref for pr in connect().get_repo("octo/busy").get_pulls(sort="created", direction="asc")]
    assert titles == [f"b{number}" for number in range(33)]
    assert len(fake.called("pulls/list")) == 2
    assert fake.violations == []


def test_a_pull_request_can_be_edited_closed_and_opened_again(fake: FakeGitHub, repo: Repository) -> None:
    pr = repo.create_pull(base="main", head="pj/one", title="t", body="b")
    pr.edit(title="better", body="new")
    pr.edit(state="closed")
    assert (pr.title, pr.body, pr.state, pr.closed_at is None) == ("better", "new", "closed", False)
    pr.edit(state="open")
    assert (repo.get_pull(1).state, fake.violations) == ("open", [])
    with pytest.raises(UnknownObjectException):
        repo.get_pull(2)


def test_the_rate_limit_counts_down_but_not_for_itself(fake: FakeGitHub, connect: Connect) -> None:
    client = connect()
    client.get_user().login  # noqa: B018 - PyGithub asks when the value is read
    client.get_rate_limit()
    assert client.get_rate_limit().rate.remaining == 4999 == client.rate_limiting[0]


def test_a_failure_asked_for_comes_once_and_does_nothing(fake: FakeGitHub, repo: Repository) -> None:
    fake.fail_next("pulls/create", 502, headers={"X-Extra": "yes"})
    with pytest.raises(GithubException) as caught:
        repo.create_pull(base="main", head="pj/one", title="t", body="b")
    assert (caught.value.status, (caught.value.headers or {})["x-extra"], fake.prs) == (502, "yes", [])
    assert repo.create_pull(base="main", head="pj/one", title="t", body="b").number == 1
    assert [call.status for call in fake.called("pulls/create")] == [502, 201]


def test_a_primary_rate_limit_is_known_to_pygithub(fake: FakeGitHub, connect: Connect) -> None:
    fake.rate_limit_next("repos/get", reset_in=3000)
    retry = GithubRetry(total=3, backoff_factor=0.01, max_rate_limit_wait=1)
    with pytest.raises(GithubException) as caught:
        connect(retry=retry).get_repo(NAME)
    assert type(caught.value).__name__ == "RateLimitExceededExceedsMaxWait"
    assert len(fake.calls) == 1


def test_a_lost_answer_has_had_its_effect(fake: FakeGitHub, repo: Repository) -> None:
    fake.lose_answer("pulls/create")
    with pytest.raises(requests.exceptions.ConnectionError):
        repo.create_pull(base="main", head="pj/one", title="t", body="b")
    assert [pr.number for pr in repo.get_pulls(head="octo:pj/one")] == [1]
    assert [call.status for call in fake.called("pulls/create")] == [None]


def test_a_retrying_client_posts_a_lost_answer_twice(fake: FakeGitHub, connect: Connect) -> None:
    """PyGithub's own retry repeats a POST: the second one meets the pull request of the first."""
    repo = connect(retry=GithubRetry(total=2, backoff_factor=0.01)).get_repo(NAME)
    fake.lose_answer("pulls/create")
    with pytest.raises(GithubException) as caught:
        repo.create_pull(base="main", head="pj/one", title="t", body="b")
    assert refusal(caught) == (422, ["A pull request already exists for octo:pj/one."])
    assert len(fake.prs) == 1


def test_a_held_request_goes_on_when_released(fake: FakeGitHub, repo: Repository) -> None:
    gate = fake.hold("pulls/create")
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(repo.create_pull, base="main", head="pj/one", title="t", body="b")
        assert gate.reached.wait(60)
        assert fake.prs == []
        gate.release()
        assert pending.result(60).number == 1


def test_many_clients_at_once_open_one_pull_request_each(fake: FakeGitHub, connect: Connect, bare: Path) -> None:
    branches = [f"b{n}" for n in range(8)]
    for branch in branches:
        git("update-ref", f"refs/heads/{branch}", "pj/one", cwd=bare)

    def deliver(branch: str) -> int:
        return connect().get_repo(NAME).create_pull(base="main", head=branch, title=branch, body="").number

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(deliver, branches))
    assert sorted(numbers) == list(range(1, 9))
    assert fake.violations == []


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("GET", "/repos/octo/hello/nonsense", None, "no such operation in the contract"),
        ("GET", "/repos/octo/hello/issues", None, "no such operation built in the fake"),
        ("GET", "/repos/octo/hello/pulls?state=opened", None, "pulls/list query state"),
        ("GET", "/repos/octo/hello/pulls/first", None, "pulls/get path pull_number"),
        ("POST", "/repos/octo/hello/pulls", {"head": "pj/one"}, '"base" is a required property'),
        ("POST", "/repos/octo/hello/pulls", {"head": "pj/one", "base": "main", "titel": "t"}, "'titel'"),
    ],
)
def test_a_request_outside_the_contract_is_a_500_and_a_violation(
    fake: FakeGitHub, method: str, path: str, body: object, words: str
) -> None:
    headers = {"User-Agent": "test", "Authorization": f"token {TOKEN}"}
    data = None if body is None else json.dumps(body)
    status, answer = ask(fake, method, path, data, headers)
    assert (status, len(fake.violations)) == (500, 1)
    assert words in fake.violations[0]
    assert answer["message"] == fake.violations[0]


def test_a_request_without_user_agent_is_a_violation(fake: FakeGitHub) -> None:
    assert ask(fake, "GET", "/rate_limit", None, {})[0] == 500
    assert fake.violations == ["request of rate-limit/get: rule: GitHub wants a User-Agent"]


def test_an_answer_of_its_own_outside_the_contract_is_a_violation(fake: FakeGitHub, bare: Path) -> None:
    fake.add_repo("octo/broken", bare, None)  # type: ignore[arg-type] # what GitHub would never send
    status, _ = ask(fake, "GET", "/repos/octo/broken", None, {"User-Agent": "t", "Authorization": f"Bearer {TOKEN}"})
    assert status == 500
    assert "own answer to repos/get" in fake.violations[0]


def test_the_recorded_calls_never_hold_a_token(fake: FakeGitHub, repo: Repository, connect: Connect) -> None:
    repo.create_pull(base="main", head="pj/one", title="t", body="b")
    with pytest.raises(BadCredentialsException):
        connect("ghp_wrong").get_repo(NAME)
    assert [call.login for call in fake.calls] == ["pithy-tester", "pithy-tester", None]
    assert "ghp_" not in repr(fake.calls)


def test_reviews_and_their_comments_are_listed_as_github_lists_them(
    fake: FakeGitHub, repo: Repository, bare: Path
) -> None:
    pr = fake.open_pr(fake.add_repo(NAME, bare, CLONE_URL), "pj/one")
    first = fake.add_comment(pr, "a.txt", 2, "first", start_line=1)
    fake.add_comment(pr, "a.txt", 2, "reply", author="octocat", reply_to=first)
    fake.add_comment(pr, "b/c.txt", None, "outdated")
    fake.add_review(pr, "looked at", state="CHANGES_REQUESTED")

    def listed(path: str, **query: str) -> list[Any]:
        _, entries = repo.requester.requestJsonAndCheck("GET", f"/repos/{NAME}/pulls/1/{path}", parameters=dict(query))
        return list(entries)

    told = [(c["body"], c.get("line"), c.get("in_reply_to_id"), c["user"]["login"]) for c in listed("comments")]
    assert told == [
        ("first", 2, None, "coderabbitai[bot]"),
        ("reply", 2, first.id, "octocat"),
        ("outdated", None, None, "coderabbitai[bot]"),
    ]
    newest_first = listed("comments", sort="created", direction="desc")
    assert [c["body"] for c in newest_first] == ["outdated", "reply", "first"]
    assert [(r["body"], r["state"], r["commit_id"]) for r in listed("reviews")] == [
        ("looked at", "CHANGES_REQUESTED", branch_sha(bare, "pj/one"))
    ]
    assert fake.violations == []


def test_a_dropped_request_has_no_effect(fake: FakeGitHub, repo: Repository) -> None:
    fake.drop_next("pulls/create")
    with pytest.raises(requests.exceptions.ConnectionError):
        repo.create_pull(base="main", head="pj/one", title="t", body="b")
    assert fake.prs == []


def test_the_end_of_a_token_and_another_clock_are_in_the_headers(fake: FakeGitHub, connect: Connect) -> None:
    fake.add_token("ends", expires="2026-12-31 23:59:59 UTC")
    fake.clock_offset = 10 * 86_400
    user = connect("ends").get_user()
    assert user.raw_data["login"] == "pithy-tester"
    headers = {name.lower(): value for name, value in user.raw_headers.items()}
    assert headers["github-authentication-token-expiration"] == "2026-12-31 23:59:59 UTC"
    days = (parsedate_to_datetime(str(headers["date"])) - datetime.now(UTC)).total_seconds() / 86_400
    assert 9.9 < days < 10.1


def test_a_secondary_rate_limit_names_a_time_or_does_not(fake: FakeGitHub, repo: Repository) -> None:
    fake.secondary_rate_limit_next("pulls/list", retry_after=5)
    fake.secondary_rate_limit_next("pulls/list", status=429)
    told = []
    for _ in range(2):
        with pytest.raises(GithubException) as caught:
            list(repo.get_pulls())
        told.append((caught.value.status, (caught.value.headers or {}).get("retry-after")))
    assert told == [(403, "5"), (429, None)]


def ask(
    fake: FakeGitHub, method: str, path: str, body: str | None, headers: dict[str, str]
) -> tuple[int, dict[str, Any]]:
    """A request that PyGithub would not make."""
    connection = http.client.HTTPConnection("127.0.0.1", int(fake.url.rpartition(":")[2]), timeout=60)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()
