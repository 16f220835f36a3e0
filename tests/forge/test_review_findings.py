"""Which pull requests CodeRabbit's findings are read from, in which order they come, and what a failure does."""

from __future__ import annotations

import pytest

from pithy_local.errors import ErrorCode, PithyError
from pithy_local.forge.coderabbit import BOT
from pithy_local.forge.github import GitHubForge
from tests.fakes.github import FakeGitHub
from tests.fakes.github_state import PullRequest, Repo
from tests.forge.conftest import BRANCH, SLUG
from tests.support import git

FOLDED = """\
<details>
<summary>🧹 Nitpick comments (1)</summary><blockquote>

<details>
<summary>tests/test_app.py (2)</summary><blockquote>

`90`: _🔴 Critical_

**Stop on cancel.**

---

`16-22`: **Add type hints.**

</blockquote></details>

</blockquote></details>
"""


def commented(github: FakeGitHub, repo: Repo, branch: str, *bodies: str) -> PullRequest:
    """An open pull request of `branch` with comments of CodeRabbit's."""
    if repo.sha(branch) is None:
        git("update-ref", f"refs/heads/{branch}", f"refs/heads/{BRANCH}", cwd=repo.bare)
    pr = github.open_pr(repo, branch)
    for line, body in enumerate(bodies, 1):
        github.add_comment(pr, f"{branch}.py", line, body)
    return pr


def test_the_gravest_comes_first_and_of_equals_that_on_our_branch(
    forge: GitHubForge, github: FakeGitHub, repo: Repo
) -> None:
    commented(github, repo, "older", "_🔴 Critical_\n\nolder critical", "_🟠 Major_\n\nolder major")
    pr = commented(github, repo, BRANCH, "_🔵 Trivial_\n\nours trivial", "_🟠 Major_\n\nours major")
    github.add_review(pr, FOLDED)
    commented(github, repo, "newer", "_🟠 Major_\n\nnewer major")

    found = forge.review_findings(SLUG, BRANCH)

    assert [finding.text.split("\n")[0] for finding in found] == [
        "**Stop on cancel.**", "older critical", "ours major", "newer major", "older major", "ours trivial",
        "**Add type hints.**",
    ]  # fmt: skip
    assert found[2].source == f"{github.url}/{SLUG}/pull/{pr.number}#discussion_r{pr.comments[1].id}"
    assert forge.review_findings(SLUG, BRANCH, limit=2) == found[:2]


def test_people_outdated_comments_and_closed_pull_requests_say_nothing(
    forge: GitHubForge, github: FakeGitHub, repo: Repo
) -> None:
    pr = commented(github, repo, BRANCH)
    github.add_comment(pr, "a.py", None, "_🔴 Critical_\n\noutdated")
    github.add_comment(pr, "a.py", 1, "_🔴 Critical_\n\nby a person", author="octocat")
    asked = github.add_comment(pr, "a.py", 2, "_🔴 Critical_\n\nsettled")
    github.add_comment(pr, "a.py", 2, "Thanks! <!-- <review_comment_addressed> -->", reply_to=asked)
    commented(github, repo, "closed", "_🔴 Critical_\n\nclosed").state = "closed"
    on_file = github.add_comment(pr, "b.py", None, "on the file", on_file=True)

    assert [one.text for one in forge.review_findings(SLUG, BRANCH)] == [on_file.body]


def test_no_reviews_are_no_findings(forge: GitHubForge, repo: Repo) -> None:
    assert forge.review_findings(SLUG, BRANCH) == ()


def test_many_pull_requests_take_a_bounded_number_of_requests(
    forge: GitHubForge, github: FakeGitHub, repo: Repo
) -> None:
    for number in range(14):
        commented(github, repo, f"b{number}", f"number {number}")
    commented(github, repo, BRANCH, "ours")

    found = forge.review_findings(SLUG, BRANCH, limit=50)

    assert [one.text for one in found] == ["ours", *(f"number {number}" for number in range(13, 3, -1))]
    assert len(github.calls) == 2 + 2 * 11


def test_a_failure_on_the_way_is_an_error(forge: GitHubForge, github: FakeGitHub, repo: Repo) -> None:
    commented(github, repo, BRANCH, "ours")
    github.fail_next("pulls/list-reviews", 502, times=4)

    with pytest.raises(PithyError) as caught:
        forge.review_findings(SLUG, BRANCH)
    assert caught.value.code is ErrorCode.GITHUB_ERROR


@pytest.mark.parametrize("operation", ["pulls/list-review-comments", "pulls/list-reviews"])
@pytest.mark.parametrize("answer", [b"{}", b'["text"]', b"<html>"])
def test_an_answer_of_another_shape_is_an_error(
    forge: GitHubForge, github: FakeGitHub, repo: Repo, operation: str, answer: bytes
) -> None:
    commented(github, repo, BRANCH, "ours")
    github.fail_next(operation, 200, answer, times=4)

    with pytest.raises(PithyError) as caught:
        forge.review_findings(SLUG, BRANCH)
    assert caught.value.code is ErrorCode.GITHUB_ERROR


def test_objects_of_another_shape_are_no_findings(forge: GitHubForge, github: FakeGitHub, repo: Repo) -> None:
    commented(github, repo, BRANCH, "ours")
    github.fail_next("pulls/list-review-comments", 200, [{}, {"user": 1}, {"user": {"login": BOT}, "body": {}}])
    github.fail_next("pulls/list-reviews", 200, [{}, {"user": {"login": BOT}, "body": 3, "submitted_at": {}}])

    assert forge.review_findings(SLUG, BRANCH) == ()


def test_pull_requests_without_a_number_are_passed_over(forge: GitHubForge, github: FakeGitHub, repo: Repo) -> None:
    github.fail_next("pulls/list", 200, [])
    github.fail_next("pulls/list", 200, [{}, {"number": "1"}])

    assert forge.review_findings(SLUG, BRANCH) == ()
