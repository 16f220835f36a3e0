"""What a user does with tasks: decides, writes, copies, looks at the diff, goes elsewhere."""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from textual.widgets import Button

from pithy_local.errors import UsageError
from pithy_local.models import Status, Stream, Task, TaskError
from pithy_local.store.holds import Holds
from pithy_local.tui.app import Dashboard
from pithy_local.tui.board import Board
from pithy_local.tui.screens.copying import CopyScreen
from pithy_local.tui.screens.help import HelpScreen
from pithy_local.tui.screens.text import Writing
from tests.tui.driving import User, dashboard
from tests.tui.seeding import Seed
from tests.tui.test_diffs import TWO_FILES

HELD = TaskError(code="awaiting_review", message="it waits for your review", hint="Accept it or send it back.")


def waiting_for_review(seed: Seed, title: str = "Add dark mode") -> Task:
    return seed.settled(Status.NEEDS_REVIEW, title, error=HELD, diff=TWO_FILES)


async def open_diff(user: User) -> None:
    await user.sees("◆ review")
    await user.presses("2", "enter")
    await user.sees("▾ M src/app.py", "+import re")


async def test_the_diff_is_walked_file_by_file_and_folded(seed: Seed) -> None:
    waiting_for_review(seed)
    async with dashboard(seed) as user:
        await open_diff(user)
        await user.sees("2 Diff +4 −3", "file 1 of 2 · unified")
        await user.presses("J", "J")
        assert user.diff.cursor == 9
        await user.presses("right_square_bracket")
        await user.sees("file 2 of 2")
        await user.presses("left_square_bracket", "v")
        await user.sees("▸ M src/app.py", "✓ viewed", "1 of 2 viewed")
        await user.sees_no("import re")
        await user.presses("left_square_bracket", "v")
        await user.sees("import re")


async def test_a_wide_terminal_shows_old_and_new_side_by_side(seed: Seed) -> None:
    waiting_for_review(seed)
    async with dashboard(seed, size=(200, 50)) as user:
        await open_diff(user)
        await user.presses("z")
        await user.sees("split")
        assert re.search(r"-import sys +│ +2 \+import re", user.screen)
        await user.presses("w")
        await user.sees("unified")


async def test_a_diff_is_sent_back_with_a_note_on_the_place(seed: Seed) -> None:
    task = waiting_for_review(seed)
    async with dashboard(seed) as user:
        await open_diff(user)
        await user.presses(*"jjjjj", "b")
        await user.until(lambda: isinstance(user.app.screen, Writing), "the note")
        await user.types("keep sys")
        await user.presses("escape", "right_square_bracket", "b", "escape", "left_square_bracket", *"jjjjj", "b")
        await user.sees("In src/app.py:2: keep sys")
        await user.sees_no("a b.txt")
        await user.presses("ctrl+s")
        await user.is_told("is queued again")
        await user.sees("○ queued")
    assert seed.tasks.attempts(task.id)[-1].feedback == "In src/app.py:2: keep sys"


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


async def test_p_pauses_the_queue_and_lets_it_go_on(seed: Seed, other: Seed) -> None:
    seed.queued()
    async with dashboard(seed) as user:
        await user.sees("○ queued")
        await user.presses("p")
        await user.sees("queue 1 paused")
        assert Holds(other.app.store).paused is not None
        await user.presses("p")
        await user.sees_no("paused  ")
        await user.is_told("The queue goes on")


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


async def test_the_filter_narrows_as_one_types_and_esc_brings_back_what_was(seed: Seed) -> None:
    for repo in ("acme/api", "acme/web"):
        seed.queued(f"Change {repo}", repo=repo)
    async with dashboard(seed) as user:
        await user.sees("Change acme/api", "Change acme/web")
        await user.presses("slash")
        await user.types("repo:api")
        await user.sees("/repo:api", "1 of 2")
        assert user.table.rows == 1
        await user.presses("enter", "slash")
        await user.types("zzz")
        await user.until(lambda: user.table.rows == 0, "nothing left")
        await user.presses("escape")
        await user.until(lambda: user.table.rows == 1, "the filter before")
        await user.presses("escape")
        await user.until(lambda: user.table.rows == 2, "everything")


async def test_older_tasks_are_loaded_at_the_end_of_the_list(seed: Seed) -> None:
    for n in range(620):
        seed.queued(f"Task {n}")
    async with dashboard(seed) as user:
        await user.until(lambda: user.table.rows == 500, "the newest 500")
        await user.presses("G")
        await user.until(lambda: user.table.rows == 620, "all of them")
        await user.presses("G")
        await user.sees("Task 0 ")


async def test_steps_and_info_say_all_there_is(seed: Seed) -> None:
    lease = seed.running("Fix the flaky test")
    lease.record_step("surveying [/x]")
    lease.record_answer(1, "applied")
    seed.used(lease, 1_200, 34)
    async with dashboard(seed) as user:
        await user.sees("● running")
        await user.presses("3")
        await user.sees(
            "Attempt 1", "● agent", "surveying [/x]", "openai gpt-4o", "1.2k in, 34 out", "✓ answer 1: applied"
        )
        await user.presses("4")
        await user.sees("branch", lease.task.branch, "Prompt", "Fix the flaky test")


async def test_info_has_the_error_with_the_command_that_helps(seed: Seed) -> None:
    detail = {"http_status": 503, "message": "[/oops]\x1b[2J\nline two"}
    error = TaskError(code="llm_service", message="it is down", hint="Try again later.", detail=detail)
    task = seed.settled(Status.FAILED, error=error)
    async with dashboard(seed, size=(120, 50)) as user:
        await user.sees("✗ failed")
        await user.presses("4")
        await user.sees("llm_service: it is down", f"$ pithy-local retry {task.id}", "http_status: 503", "[/oops]")


async def test_statistics_show_what_the_command_line_shows(seed: Seed) -> None:
    seed.settled(Status.COMPLETED)
    seed.settled(Status.FAILED, error=TaskError(code="timeout", message="", hint=""))
    async with dashboard(seed) as user:
        await user.sees("✗ failed")
        await user.presses("S")
        await user.sees("Tasks  2", "50% of 2 settled", "timeout 1", "By repository", "acme/api")
        await user.presses("tab", "tab")
        await user.sees("Tasks  2")
        await user.presses("escape")
        await user.sees_no("By repository")


async def test_statistics_take_the_room_there_is_when_there_is_more_or_less(seed: Seed) -> None:
    repo = f"acme/{'long-' * 7}name"
    lease = seed.running(repo=repo)
    seed.used(lease, 1000, 100)
    async with dashboard(seed, size=(80, 24)) as user:
        await user.sees("● running")
        await user.presses("S", "G")
        await user.sees("acme/long-long")
        assert repo not in user.screen
        for size in ((200, 20), (120, 20)):
            await user.pilot.resize_terminal(*size)
            await user.until(lambda: any(repo in line and "██" in line for line in user.screen.splitlines()), "the bar")


async def test_the_palette_goes_to_a_task_whatever_its_title(seed: Seed) -> None:
    wanted = seed.queued("[/foo] \\[bold] \x1b[2J strange")
    seed.queued("Another")
    async with dashboard(seed) as user:
        await user.sees("Another")
        await user.presses("ctrl+p")
        await user.types("Go to strange")
        await user.sees("[/foo]")
        await user.presses("down", "enter")
        await user.until(lambda: user.table.selected == wanted.id, "the task is selected")


async def test_the_palette_does_what_the_keys_do(seed: Seed) -> None:
    seed.queued("Something")
    async with dashboard(seed) as user:
        await user.sees("Something")
        await user.presses("ctrl+p")
        await user.types("Cancel")
        await user.sees("Cancel (asks first)")
        await user.presses("down", "enter")
        await user.sees("Cancel task")


async def test_a_narrow_terminal_opens_a_task_over_everything_and_esc_goes_back(seed: Seed) -> None:
    seed.log(seed.running(), "a line")
    async with dashboard(seed, size=(80, 24)) as user:
        await user.sees("Status", "a line")
        await user.presses("enter")
        await user.sees_no("Status ")
        await user.presses("escape")
        await user.sees("Status", "a line")


async def test_tabs_and_hints_can_be_clicked(seed: Seed) -> None:
    seed.log(seed.running(), "a line", stream=Stream.SYS)
    async with dashboard(seed) as user:
        await user.sees("a line")
        await user.pilot.click("#tabs", offset=(34, 0))
        await user.sees("Prompt")
        await user.pilot.click("#hints", offset=(25, 0))
        await user.sees("What should change?")


async def test_keys_of_the_users_own_hold_everywhere(seed: Seed) -> None:
    settings = msgspec.structs.replace(seed.app.settings, keys={"task.cancel": "X,delete", "dashboard.new": "f2"})
    seed.queued()
    board = Board(replace(seed.app, settings=settings), worker=False)
    async with dashboard(seed, board=board) as user:
        await user.sees("○ queued", "X Cancel", "f2 New")
        await user.presses("x", "n")
        await user.presses("X")
        await user.sees("Cancel task", "Keep it (n)")
        await user.presses("escape", "question_mark")
        await user.until(lambda: isinstance(user.app.screen, HelpScreen), "the help")
        await user.sees("f2")


def test_wrong_keys_are_told_before_anything_opens(seed: Seed) -> None:
    settings = msgspec.structs.replace(seed.app.settings, keys={"task.cancl": "X"})
    with pytest.raises(UsageError, match=r"no action `task\.cancl`"):
        Dashboard(Board(replace(seed.app, settings=settings), worker=False))
