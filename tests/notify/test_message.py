"""What a message says."""

from __future__ import annotations

from dataclasses import replace

from pithy_local.models import Attempt, Status, Task, TaskError
from pithy_local.notify.message import MAX_TITLE, compose
from pithy_local.redact import Redactor

TASK = Task(
    id="0123456789", title="Fix it", prompt="Fix it", repo="acme/api", base="main", status=Status.FAILED, phase=None,
    executor="docker", provider="openai", model="gpt-4o", priority=0, branch="pj/0123456789", attempts=1,
    max_tokens=None, unisolated=False, fence=1, cancel_requested=False, created_at=0,
)  # fmt: skip
ATTEMPT = Attempt(task=TASK.id, number=1, created_at=0)
ERROR = TaskError(code="timeout", message="10 minutes were not enough", hint="`pithy-local retry 0123456789`.")


def body(task: Task = TASK, attempt: Attempt = ATTEMPT, status: Status = Status.FAILED) -> str:
    return compose(task, attempt, status, Redactor([]).mask).body


def test_a_failure_says_why_and_what_to_do() -> None:
    assert body(attempt=replace(ATTEMPT, error=ERROR)) == (
        "failed: acme/api\n\n10 minutes were not enough\n\n`pithy-local retry 0123456789`.\n\n"
        "To see more: pithy-local show 0123456789"
    )


def test_a_completed_task_names_branch_and_pull_request() -> None:
    done = replace(ATTEMPT, pr_url="https://github.example/acme/api/pull/7")

    assert body(attempt=done, status=Status.COMPLETED).splitlines()[:3] == [
        "completed: acme/api", "Branch: pj/0123456789", "Pull request: https://github.example/acme/api/pull/7",
    ]  # fmt: skip
    assert "Pull request" not in body(status=Status.COMPLETED)


def test_a_question_is_asked_once_and_says_how_to_answer() -> None:
    asked = TaskError(code="clarification", message="Which of the two?", hint='`pithy-local answer 0123456789 "…"`')
    text = body(attempt=replace(ATTEMPT, question="Which of the two?", error=asked), status=Status.NEEDS_CLARIFICATION)

    assert text.count("Which of the two?") == 1
    assert "pithy-local answer 0123456789" in text


def test_what_a_person_overruled_is_not_told_as_a_reason() -> None:
    overruled = replace(ATTEMPT, error=ERROR)

    for status in (Status.COMPLETED, Status.CANCELLED):
        assert ERROR.message not in body(attempt=overruled, status=status)
        assert ERROR.hint not in body(attempt=overruled, status=status)


def test_the_title_has_status_and_tasks_title_in_one_short_line() -> None:
    title = compose(replace(TASK, title="a\nb" + "c" * 500), ATTEMPT, Status.NEEDS_REVIEW, Redactor([]).mask).title

    assert title.startswith("pithy-local: needs_review: a ⏎ bccc")
    assert len(title) == MAX_TITLE


def test_hostile_text_mentions_nobody_and_moves_no_terminal() -> None:
    hostile = replace(ERROR, message="@everyone <!channel> \x1b[2J\x07 <@U123> https://evil.example")
    text = body(replace(TASK, title="@here"), replace(ATTEMPT, error=hostile))

    assert not any(live in text for live in ("@everyone", "<!channel>", "<@U123>", "https://evil", "\x1b", "\x07"))


def test_a_long_message_is_cut_and_a_secret_in_it_is_not_cut_in_two() -> None:
    secret = "ghp_Canary1234567890"
    long = replace(ERROR, message="x" * 1_490 + secret + "y" * 100_000)
    text = compose(TASK, replace(ATTEMPT, error=long), Status.FAILED, Redactor([secret]).mask).body

    assert len(text) < 2_000
    assert "ghp" not in text
