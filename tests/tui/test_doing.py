"""What a user does with tasks: decides, writes, copies."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from textual.widgets import Button

from pithy_local.models import Status, TaskError
from pithy_local.tui.screens.copying import CopyScreen
from tests.tui.driving import dashboard
from tests.tui.seeding import Seed
from tests.tui.test_diff_screen import HELD, open_diff, waiting_for_review
from tests.tui.test_diffs import TWO_FILES


async def test_cancel_asks_with_the_focus_on_no_and_enter_keeps_the_task(seed: Seed) -> None:
    task = seed.queued()
    async with dashboard(seed) as user:
        await user.sees("○ queued")
        await user.presses("x")
        await user.sees(f"Cancel task {task.id}?", "Nothing has started")
        assert user.app.focused is user.app.screen.query_one("#no", Button)
        await user.presses("x", "enter")
        await user.sees_no("Cancel task")
        assert seed.tasks.get(task.id).status is Status.QUEUED


async def test_cancel_of_a_queued_task_takes_effect_at_once(seed: Seed) -> None:
    seed.queued()
    async with dashboard(seed) as user:
        await user.sees("○ queued")
        await user.presses("x", "y")
        await user.sees("⊘ cancelled", "queue 0")


async def test_what_is_cancelled_with_a_task_is_named(seed: Seed) -> None:
    first = seed.queued()
    then = seed.queued("Document the fix", after=first.id)
    async with dashboard(seed) as user:
        await user.sees("Document")
        await user.presses("j", "x")
        await user.sees(f"Cancel task {first.id}?")
        await user.presses("y")
        await user.is_told(f"1 task that is to start after {first.id} is cancelled with it: {then.id}")
    assert seed.tasks.get(then.id).status is Status.CANCELLED


async def test_cancel_of_a_running_task_is_asked_of_its_owner(seed: Seed) -> None:
    lease = seed.running()
    async with dashboard(seed) as user:
        await user.sees("● running")
        await user.presses("x")
        await user.sees("sandbox removed")
        await user.presses("y")
        await user.until(lambda: seed.tasks.get(lease.task.id).cancel_requested, "the request")
        await user.sees("cancelling")
        await user.presses("x")
        await user.is_told("being cancelled already")


async def test_a_settled_task_cannot_be_cancelled(seed: Seed) -> None:
    seed.settled(Status.COMPLETED)
    async with dashboard(seed) as user:
        await user.sees("✓ done")
        await user.presses("x")
        await user.is_told("nothing to cancel")


async def test_accept_says_what_happens_and_hands_it_to_the_next_worker(seed: Seed) -> None:
    task = waiting_for_review(seed)
    async with dashboard(seed) as user:
        await open_diff(user)
        await user.presses("J", "J", "A")
        await user.sees("+4 −3 in 2 files is pushed to")
        assert user.app.focused is user.app.screen.query_one("#no", Button)
        await user.presses("y")
        await user.is_told("the next process that works the queue delivers it")
    assert seed.tasks.get(task.id).status is Status.RUNNING


async def test_marked_tasks_are_taken_together_and_only_those_that_can_be(seed: Seed) -> None:
    done = seed.settled(Status.COMPLETED, "Done already")
    tasks = [waiting_for_review(seed, f"Change {n}") for n in range(3)]
    async with dashboard(seed) as user:
        await user.sees("Change 2")
        await user.presses("asterisk", "R")
        await user.sees("4 marked", "Reject 3 tasks?", "Change 0")
        await user.presses("y")
        await user.is_told("3 tasks are dropped")
        await user.sees("1 marked")  # the one that did not take it
    assert {seed.tasks.get(task.id).status for task in tasks} == {Status.CANCELLED}
    assert seed.tasks.get(done.id).status is Status.COMPLETED


async def test_a_question_is_answered(seed: Seed) -> None:
    error = TaskError(code="clarification", message="the model has a question", hint="Answer it.")
    task = seed.settled(Status.NEEDS_CLARIFICATION, error=error, question="Which [/login]?\nThis one?")
    async with dashboard(seed) as user:
        await user.sees("? question")
        await user.presses("c")
        await user.sees(f"Answer {task.id}", "Which [/login]?", "This one?")
        await user.presses("ctrl+s")
        await user.sees("Write your answer.")
        await user.types("OAuth")
        await user.presses("ctrl+s")
        await user.is_told("is queued again")
    assert seed.tasks.attempts(task.id)[-1].feedback == "OAuth"


async def test_retry_goes_without_words_but_not_for_a_completed_task(seed: Seed) -> None:
    seed.settled(Status.COMPLETED, "Done")
    failed = seed.settled(Status.FAILED, "Broken", error=TaskError(code="timeout", message="too long", hint=""))
    async with dashboard(seed) as user:
        await user.sees("✗ failed")
        await user.presses("r", "ctrl+s")
        await user.is_told(f"{failed.id} is queued again")
        await user.presses("j", "r", "ctrl+s")
        await user.sees("It is done. The model sees", "Write what you want else.")


async def test_what_cannot_be_done_says_why(seed: Seed) -> None:
    seed.queued()
    reasons = {
        "A": "only a change that waits", "R": "only a task that waits", "c": "there is no question",
        "r": "cancel it first", "D": "only a settled task", "g": "no pull request", "t": "no container",
    }  # fmt: skip
    async with dashboard(seed) as user:
        await user.sees("○ queued")
        for key, reason in reasons.items():
            await user.presses(key)
            await user.is_told(reason)


async def test_a_settled_task_is_deleted_after_a_question(seed: Seed) -> None:
    seed.settled(Status.FAILED, "Broken")
    async with dashboard(seed) as user:
        await user.sees("✗ failed")
        await user.presses("D")
        await user.sees("are deleted for good")
        await user.presses("y")
        await user.sees("Type a task, get a pull request.")


async def test_y_copies_through_the_terminal_and_what_is_too_long_into_a_file(
    seed: Seed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    long = TWO_FILES + b"+x" * 50_000
    task = seed.settled(Status.NEEDS_REVIEW, error=HELD, diff=long)
    async with dashboard(seed) as user:
        await user.sees("◆ review")
        await user.presses("y")
        await user.until(lambda: isinstance(user.app.screen, CopyScreen), "the menu")
        await user.presses("b")
        await user.is_told("Copied the branch, through the terminal")
        assert user.app.clipboard == task.branch
        await user.presses("y", "d")
        await user.is_told("Too long for the terminal's clipboard")
    assert content_and_mode(tmp_path) == (long, 0o600)


def content_and_mode(folder: Path) -> tuple[bytes, int]:
    """Of the one copy in here."""
    [kept] = folder.glob("pithy-copy-*")
    return kept.read_bytes(), kept.stat().st_mode & 0o777
