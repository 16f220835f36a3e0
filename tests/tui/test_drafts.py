"""A task as the user writes it in the dialog, and what is asked of the service."""

from __future__ import annotations

import pytest

from pithy_local.errors import UsageError
from pithy_local.models import Status
from pithy_local.tui.drafts import draft_of, request_of
from pithy_local.tui.records import Draft
from tests.tui.records import a_task


def test_empty_fields_leave_it_to_the_configuration() -> None:
    asked = request_of(Draft(repo=" acme/api ", prompt="Fix it", executor=" ", after=""))
    assert (asked.repo, asked.prompt) == ("acme/api", "Fix it")
    assert [asked.base, asked.model, asked.provider, asked.executor, asked.publish] == [None] * 5
    assert [asked.max_tokens, asked.after, asked.at, asked.verify, asked.priority] == [None, None, None, (), 0]


def test_every_field_is_taken() -> None:
    asked = request_of(Draft(
        verify="pytest -q ;; ruff check . ;;", priority="-3", max_tokens="5000", publish="review", provider="anthropic",
        after="0dx3v5xhg3 Fix the login", at="tomorrow 6:00", executor="local unisolated",
    ))  # fmt: skip
    assert asked.verify == ("pytest -q", "ruff check .")
    assert (asked.priority, asked.max_tokens) == (-3, 5000)
    assert (asked.publish, asked.provider, asked.after, asked.at) == (
        "review",
        "anthropic",
        "0dx3v5xhg3",
        "tomorrow 6:00",
    )
    assert (asked.executor, asked.unisolated) == ("local", True)


def test_isolation_is_given_up_by_that_word_alone() -> None:
    asked = request_of(Draft(executor="local unisolatd"))
    assert (asked.executor, asked.unisolated) == ("local unisolatd", False)


@pytest.mark.parametrize("field", ["priority", "max_tokens"])
def test_a_number_that_is_none_is_told_with_its_field(field: str) -> None:
    with pytest.raises(UsageError, match="`soon` is no number") as raised:
        request_of(Draft(**{field: "soon"}))
    assert raised.value.detail == {"field": field}


def test_a_task_like_another_is_run_as_that_one_was() -> None:
    task = a_task(
        status=Status.FAILED, provider="anthropic", model="claude", executor="local", unisolated=True, max_tokens=9,
        after="0dx0000000", verify_commands=("make", "make test"), priority=2, publish="review",
    )  # fmt: skip
    asked = request_of(draft_of(task))
    assert (asked.provider, asked.model, asked.executor, asked.unisolated) == ("anthropic", "claude", "local", True)
    assert (asked.max_tokens, asked.after, asked.priority) == (9, "0dx0000000", 2)
    assert (asked.repo, asked.prompt, asked.base) == (task.repo, task.prompt, task.base)
    assert (asked.verify, asked.publish) == (task.verify_commands, "review")
