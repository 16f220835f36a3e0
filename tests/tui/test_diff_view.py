"""The diff as a user walks through it: the list of files, searching, folding, notes, copies."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.geometry import Offset
from textual.selection import Selection
from textual.widgets import TextArea

from pithy_local import service
from pithy_local.models import Status, Task, TaskError
from pithy_local.tui.models.diffrows import DiffRows, laid_out
from pithy_local.tui.screens.copying import CopyScreen
from pithy_local.tui.screens.text import Writing
from pithy_local.tui.widgets.diff_files import DiffFiles
from tests.seeding import settle
from tests.tui.driving import User, dashboard
from tests.tui.seeding import Seed
from tests.tui.test_diffs import TWO_FILES

HELD = TaskError(code="awaiting_review", message="it waits for your review", hint="Accept it or send it back.")


def a_file(name: str, lines: int = 30) -> bytes:
    """One changed line after `lines` of context."""
    context = "".join(f" {name} {number}\n" for number in range(lines))
    head = f"diff --git a/lib/{name}.py b/lib/{name}.py\nindex 1..2 100644\n@@ -1,{lines + 1} +1,{lines + 1} @@\n"
    return f"{head}{context}-return {name}\n+return {name} + 1\n".encode()


MANY = TWO_FILES + b"".join(a_file(name) for name in ("alpha", "beta", "gamma", "delta"))


def held(seed: Seed, diff: bytes = MANY) -> Task:
    return seed.settled(Status.NEEDS_REVIEW, "Add dark mode", error=HELD, diff=diff)


async def open_diff(user: User) -> None:
    await user.sees("◆ review")
    await user.presses("2", "enter")
    await user.sees("▾ M src/app.py")


def files(user: User) -> DiffFiles:
    return user.main.query_one(DiffFiles)


def rows(user: User) -> DiffRows:
    assert user.diff.content is not None
    return user.diff.content


async def test_on_a_narrow_terminal_the_list_of_files_takes_the_place_of_the_diff(seed: Seed) -> None:
    held(seed)
    async with dashboard(seed, size=(80, 24)) as user:
        await open_diff(user)
        assert not files(user).display
        await user.presses("f")
        await user.sees("M lib/gamma.py", "+1 −1")
        await user.sees_no("import re")
        await user.presses("j", "v", "j", "j", "enter")
        await user.sees("▾ M lib/beta.py", "file 4 of 6", "1 of 6 viewed")
        await user.until(lambda: user.diff.has_focus and not files(user).display, "the diff in place of the list")
        assert rows(user).folded == {1}
        await user.presses("f", "G", "escape")
        await user.sees("file 4 of 6")
        await user.presses("f", "G", "1")
        await user.until(lambda: user.log.has_focus, "the log has the keys")
        await user.presses("2", "f")
        await user.sees("M lib/gamma.py", "+1 −1")
        user.diff.take(user.diff.shown_task, None, "It is gone.")
        await user.presses("v", "enter")
        await user.sees("It is gone.")


async def test_on_a_broad_terminal_list_and_diff_follow_each_other(seed: Seed) -> None:
    held(seed)
    async with dashboard(seed, size=(160, 24)) as user:
        await open_diff(user)
        await user.presses("z")
        await user.sees("M lib/delta.py")
        await user.presses("right_square_bracket", "right_square_bracket")
        await user.until(lambda: files(user).cursor == 2, "the list is where the diff is")
        await user.presses("f", "j")
        await user.sees("file 4 of 6")
        await user.until(lambda: rows(user).file_at(user.diff.cursor) == 3, "the diff follows")
        await user.presses("escape")
        await user.sees("file 3 of 6")
        assert user.diff.has_focus
        await user.pilot.click(DiffFiles, offset=(5, 5))
        await user.sees("file 6 of 6")
        await user.until(lambda: user.diff.has_focus, "the diff has the keys")


async def test_the_head_of_the_file_stays_on_top_and_never_hides_the_cursor(seed: Seed) -> None:
    held(seed)
    async with dashboard(seed, size=(80, 24)) as user:
        await open_diff(user)
        await user.presses("right_square_bracket", "right_square_bracket", *["j"] * 20)
        await user.sees("▾ M lib/alpha.py", "hunk 1 of 1")
        head = rows(user).row_of_file(2)
        assert user.diff.scroll_offset.y > head
        assert user.diff.row_at(0) == head
        for _ in range(5):
            await user.presses(*"kkkk")
            assert user.diff.row_at(user.diff.cursor - user.diff.scroll_offset.y) == user.diff.cursor
        await user.presses("k", "k")
        await user.sees("+only")


async def test_the_cursor_stays_in_sight_of_who_scrolls(seed: Seed) -> None:
    held(seed)
    async with dashboard(seed, size=(80, 24)) as user:
        await open_diff(user)
        for row in (10, 0):
            user.diff.scroll_to(y=row, animate=False)  # as the wheel and the scroll bar do
            await user.until(lambda row=row: user.diff.scroll_offset.y == row, "the row on top")  # type: ignore[misc]
            assert row <= user.diff.cursor < row + user.diff.view_height
            assert not row or user.diff.cursor > row, "not below the head that stays on top"


async def test_searching_opens_folded_files_goes_round_and_back(seed: Seed) -> None:
    held(seed)
    async with dashboard(seed, size=(80, 24)) as user:
        await open_diff(user)
        await user.presses("f", "j", "j", "v", "escape", "slash")
        await user.types("pha + 1")
        await user.presses("enter")
        await user.sees("+return alpha + 1", "match 1 of 1 /pha + 1 · file 3 of 6")
        assert (rows(user).viewed, rows(user).folded) == ({2}, set())
        await user.presses("n")
        await user.is_told("went on from the other end")
        await user.presses("slash", "ctrl+u")
        await user.types("RETURN")
        await user.presses("enter")
        await user.is_told("Nothing has `RETURN`")
        await user.presses("escape")
        await user.sees_no("/RETURN")
        assert user.diff.has_focus


async def test_both_sides_of_a_row_are_found_one_after_the_other(seed: Seed) -> None:
    held(seed)
    async with dashboard(seed, size=(200, 40)) as user:
        await open_diff(user)
        await user.presses("z")
        await user.sees("split")
        await user.presses("slash")
        await user.types("import")
        await user.presses("enter")
        await user.sees("match 1 of 4 /import")
        places, numbers = [user.diff.cursor], ["match 1 of 4 /import"]
        for key in "nnnnNNNN":
            await user.presses(key)
            places.append(user.diff.cursor)
            numbers.append(user.diff.search_words)
        assert places == [2, 3, 3, 4, 2, 4, 3, 3, 2]
        assert numbers == [f"match {number} of 4 /import" for number in (1, 2, 3, 4, 1, 4, 3, 2, 1)]


async def test_notes_on_several_places_become_one_feedback(seed: Seed) -> None:
    task = held(seed)
    async with dashboard(seed) as user:
        await open_diff(user)
        await user.presses(*"jjj", "b")
        await user.until(lambda: isinstance(user.app.screen, Writing), "the note")
        await user.presses("escape", "j", "j", "b")
        await user.sees("In src/app.py:2: ")
        await user.types("keep sys")
        await user.presses("escape", "right_square_bracket", "b")
        await user.until(lambda: isinstance(user.app.screen, Writing), "the note")
        assert user.app.screen.query_one(TextArea).text == "In src/app.py:2: keep sys\n\nIn new.txt: "
        await user.types("why")
        await user.presses("ctrl+s")
        await user.is_told("is queued again")
    assert seed.tasks.attempts(task.id)[-1].feedback == "In src/app.py:2: keep sys\n\nIn new.txt: why"


async def test_the_hunk_is_copied_and_the_diff_saved(
    seed: Seed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    task = held(seed)
    async with dashboard(seed) as user:
        await open_diff(user)
        await user.presses("J", "J", "y")
        await user.until(lambda: isinstance(user.app.screen, CopyScreen), "the menu")
        await user.sees("src/app.py:40 (removed line)")
        await user.presses("h")
        await user.is_told("Copied the hunk")
        assert user.app.clipboard == "@@ -40 +41,0 @@\n-gone\n"
        for told in (f"{len(MANY):,} bytes are in", "exists"):
            await user.presses("s", "enter")
            await user.is_told(told)
    assert (tmp_path / f"{task.id}.diff").read_bytes() == MANY


async def test_in_another_diff_of_the_task_only_what_changed_is_to_be_viewed_again(seed: Seed) -> None:
    task = held(seed)
    async with dashboard(seed) as user:
        await open_diff(user)
        await user.presses("v", "v", "J")
        await user.sees("2 of 6 viewed")
        line = user.diff.cursor
        user.diff.take(task.id, laid_out(MANY))
        assert user.diff.cursor == line
        user.diff.take(task.id, laid_out(MANY.replace(b"+only", b"+other")))
        assert (rows(user).viewed, rows(user).folded, user.diff.cursor) == ({0}, {0}, 0)


async def test_what_an_earlier_attempt_made_can_be_seen_saved_and_talked_about(
    seed: Seed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    task = held(seed, TWO_FILES)
    service.retry(seed.app, task.id, feedback="keep sys")
    settle(seed.app.store, task, Status.NEEDS_REVIEW, error=HELD, diff=MANY)
    async with dashboard(seed) as user:
        await open_diff(user)
        await user.sees("attempt 2 · file 1 of 6")
        assert user.main.why_not("diff.previous-attempt") == ""
        await user.presses("}", "{")
        await user.sees("attempt 1 · file 1 of 2")
        assert user.diff.place == "src/app.py of attempt 1"
        await user.presses("s", "enter")
        await user.is_told(f"{len(TWO_FILES)} bytes are in")
        await user.presses("}")
        await user.sees("attempt 2 · file 1 of 6")
        assert user.diff.place == "src/app.py"


async def test_numbers_stay_while_long_lines_are_scrolled_and_the_selection_has_none(seed: Seed) -> None:
    long = TWO_FILES.replace(b"import json", b"import json  # " + b"far " * 60 + b"there")
    held(seed, long)
    async with dashboard(seed, size=(80, 24)) as user:
        await open_diff(user)
        await user.sees_no("there")
        await user.presses(*["right"] * 9)
        await user.sees("far there", "▾ M src/app.py", "@@ -1,4 +1,5 @@ def main():")
        assert any("  3 " in line and "far there" in line for line in user.screen.splitlines())
        selected = user.diff.get_selection(Selection(Offset(0, 2), Offset(17, 3)))
    assert selected == ("import os\nimpo", "\n")


async def test_long_paths_and_long_numbers_keep_their_columns(seed: Seed) -> None:
    path = f"{'folder/' * 20}module.py"
    head = f"diff --git a/{path} b/{path}\nindex 1111111..2222222 100644\n--- a/{path}\n+++ b/{path}\n"
    held(seed, f"{head}@@ -99999,2 +99999,2 @@\n kept\n-old text\n+new text\n".encode())
    async with dashboard(seed, size=(80, 24)) as user:
        await user.sees("◆ review")
        await user.presses("2", "enter")
        await user.sees("▾ M …/folder/", "/folder/module.py  +1 −1")
        texts = (" kept", "-old", "+new")
        assert {line.index(text) for line in user.screen.splitlines() for text in texts if text in line} == {16}
        assert user.diff.get_selection(Selection(Offset(0, 3), Offset(18, 3))) == ("old", "\n")
