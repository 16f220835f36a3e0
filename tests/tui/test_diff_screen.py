"""The diff as a user walks it in the dashboard, and sends it back."""

from __future__ import annotations

import re

from pithy_local.models import Status, Task, TaskError
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
