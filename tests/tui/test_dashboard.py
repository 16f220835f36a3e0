"""What a user does and sees, on a real home."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import pytest
from textual import events
from textual.widgets import Button, Input, TextArea

from pithy_local.models import Status, Stop, Stream, Task, TaskError
from pithy_local.tui.board import Board
from pithy_local.tui.models.pages import KEPT
from pithy_local.tui.records import PAGE, Draft
from pithy_local.tui.screens.confirm import AskScreen
from pithy_local.tui.screens.new_task import NewTaskScreen
from tests.support import branch_sha, make_bare, make_repo
from tests.tui.driving import dashboard
from tests.tui.seeding import Seed


class BusyBoard(Board):
    """A worker's board at a moment when two attempts run in this process."""

    def __init__(self, seed: Seed) -> None:
        super().__init__(seed.app, worker=False)

    def running_here(self) -> int:
        return 2


async def test_an_empty_home_says_what_this_is(seed: Seed) -> None:
    async with dashboard(seed, size=(80, 24)) as user:
        await user.sees("Type a task, get a pull request.", "Press n", "0 running / 2", "? Help", "q Quit")


async def test_tasks_and_the_selected_log_are_on_one_screen(seed: Seed) -> None:
    error = TaskError(code="policy", message="the diff touches .github/workflows/ci.yml", hint="Look at it.")
    seed.settled(Status.NEEDS_REVIEW, "Add dark mode", error=error)
    lease = seed.running("Fix the flaky test")
    seed.log(lease, "round 1 · asking gpt-4o", stream=Stream.SYS)
    async with dashboard(seed, size=(80, 24)) as user:
        await user.sees("● running", "◆ review", "Fix the", "› round 1 · asking gpt-4o", "FOLLOW ▼", "for you 1")
        await user.presses("j")
        await user.sees("policy: the diff touches", "→ Look at it.")


async def test_the_columns_stay_where_they_are_when_a_task_comes_in(seed: Seed, other: Seed) -> None:
    for _ in range(20):
        seed.queued()
    async with dashboard(seed, size=(80, 24)) as user:
        await user.until(lambda: user.table.rows == 20, "the tasks")
        before = next(line for line in user.screen.splitlines() if "Age" in line)
        other.queued()
        await user.until(lambda: user.table.rows == 21, "the new task")
        assert before in user.screen.splitlines()


async def test_a_task_of_another_process_appears_on_top_and_the_cursor_stays(seed: Seed, other: Seed) -> None:
    first = seed.queued("The first one")
    async with dashboard(seed) as user:
        await user.sees("The first one")
        other.queued("A later one")
        await user.sees("A later one")
        assert user.table.selected == first.id
        assert user.table.cursor == 1
        assert [entry.task.title for entry in user.table.list.rows] == ["A later one", "The first one"]


async def test_a_change_of_state_is_seen(seed: Seed, other: Seed) -> None:
    lease = other.running("Fix it")
    async with dashboard(seed) as user:
        await user.sees("● running")
        lease.settle(Status.FAILED, TaskError(code="timeout", message="took too long", hint="Give it more time."))
        await user.sees("✗ failed", "timeout: took too long", "0 running / 2")


async def test_the_log_follows_and_pauses_on_a_move_up(seed: Seed, other: Seed) -> None:
    lease = other.running()
    other.log(lease, *(f"line {n}" for n in range(1, 201)))
    async with dashboard(seed) as user:
        await user.sees("line 200")
        other.log(lease, "line 201")
        await user.sees("line 201")
        await user.presses("enter", "k")
        top = user.log.scroll_offset.y
        other.log(lease, *(f"line {n}" for n in range(202, 210)))
        await user.sees("PAUSED +8 new")
        assert user.log.scroll_offset.y == top
        assert "line 209" not in user.screen
        await user.presses("G")
        await user.sees("line 209", "FOLLOW ▼")


async def test_scrolling_down_to_the_end_follows_again(seed: Seed) -> None:
    lease = seed.running()
    seed.log(lease, *(f"line {n}" for n in range(1, 201)))
    async with dashboard(seed) as user:
        await user.sees("line 200")
        await user.presses("tab", "k", "k")
        await user.sees("PAUSED", "198 of 200")
        await user.presses("j", "j")
        await user.sees("FOLLOW ▼")


async def test_a_long_line_of_wide_characters_can_be_read_to_its_end(seed: Seed) -> None:
    seed.log(seed.running(), "日" * 300 + "end")
    async with dashboard(seed, size=(80, 24)) as user:
        await user.sees("日日")
        await user.presses("tab")
        user.log.scroll_end(animate=False)
        user.log.scroll_to(x=user.log.max_scroll_x, animate=False)
        await user.sees("日end")


async def test_a_resize_does_not_pause(seed: Seed) -> None:
    lease = seed.running()
    seed.log(lease, *(f"line {n}" for n in range(1, 201)))
    async with dashboard(seed) as user:
        await user.sees("line 200")
        for size in ((80, 24), (140, 50), (80, 24)):
            await user.pilot.resize_terminal(*size)
            await user.sees("line 200", "FOLLOW ▼")


async def test_a_long_log_is_read_in_few_pages(seed: Seed) -> None:
    lease = seed.running()
    total = PAGE * (KEPT + 10)
    seed.log(lease, *(f"line {n}" for n in range(1, total + 1)))
    async with dashboard(seed) as user:
        await user.sees(f"line {total}")
        assert user.log.window.pages <= 2
        await user.presses("enter", "g")
        await user.sees("line 1 ", "line 2 ")
        for row in range(PAGE, total, PAGE):
            user.log.go(row)
            await user.sees(f"line {row + 1} ")
        assert user.log.window.pages <= KEPT
        await user.presses("G")
        await user.sees(f"line {total}")


async def test_each_task_has_its_own_log(seed: Seed) -> None:
    for name in ("one", "two"):
        seed.log(seed.running(f"Task {name}"), f"output of {name}")
    async with dashboard(seed) as user:
        await user.sees("output of two")
        await user.presses("j")
        await user.sees("output of one")
        await user.sees_no("output of two")


async def test_hostile_text_is_shown_as_text(seed: Seed) -> None:
    lease = seed.running("[/foo] \x1b]52;c;aGVsbG8=\x07title", repo="acme/[bold]x")
    seed.log(lease, "\x1b[2J[/foo]\x1b]52;c;aGVsbG8=\x07 end of it", stream=Stream.ERR)
    error = TaskError(code="internal", message="[/bar]\x1b[2J", hint="[red]hint")
    seed.settled(Status.FAILED, "[/failed]", error=error)
    async with dashboard(seed) as user:
        await user.sees("[/failed]", "internal: [/bar]", "→ [red]hint", "[bold]x")
        await user.presses("j")
        await user.sees("! [/foo] end of it", "[/foo] title")
        assert user.screen.replace("\n", "").isprintable()
        await user.presses("x")
        await user.sees("[/foo] title", "Keep it (n)")


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


async def test_a_new_task_is_added_and_selected(seed: Seed, tmp_path: Path) -> None:
    repo = make_bare(tmp_path / "app.git", make_repo(tmp_path / "work", {"a.txt": "a\n"}))
    seed.queued("An older one", repo=str(repo))
    async with dashboard(seed) as user:
        await user.sees("An older one")
        await user.presses("n")
        await user.sees("New task", "What should change?")
        await user.types("Say hello")
        await user.presses("ctrl+s")
        await user.sees("is queued", "Say hello")
        newest = seed.tasks.select()[0]
        assert (newest.title, newest.prompt, newest.base, newest.executor) == ("Say hello", "Say hello", None, "local")
        await user.until(lambda: user.table.selected == newest.id, "the new task is selected")


async def test_esc_does_not_wait_for_a_task_that_is_being_added(seed: Seed, tmp_path: Path) -> None:
    class Slow(Board):
        free = threading.Event()

        def add(self, draft: Draft) -> tuple[Task, tuple[str, ...]]:
            assert self.free.wait(30)
            return super().add(draft)

    repo = make_bare(tmp_path / "repo", make_repo(tmp_path / "work", {"a.txt": "one\n"}))
    async with dashboard(seed, board=Slow(seed.app, worker=False)) as user:
        await user.presses("n")
        await user.until(lambda: isinstance(user.app.screen, NewTaskScreen), "the dialog")
        user.app.screen.query_one("#repo", Input).value = str(repo)
        user.app.screen.query_one(TextArea).text = "Say hello"
        await user.presses("ctrl+s")
        await user.sees("Adding…")
        await user.presses("escape")
        await user.until(lambda: user.app.screen is user.main, "the dialog is closed")
        assert user.main.unsent
        Slow.free.set()
        await user.is_told("is queued")
        assert [task.title for task in seed.tasks.select()] == ["Say hello"]
        assert not user.main.unsent


async def test_a_refused_task_stays_in_the_dialog_with_the_reason(seed: Seed, tmp_path: Path) -> None:
    async with dashboard(seed, size=(80, 24)) as user:
        await user.presses("n")
        await user.until(lambda: isinstance(user.app.screen, NewTaskScreen), "the dialog")
        await user.types(str(tmp_path / "missing"))
        await user.presses("tab")
        await user.types("Do it")
        await user.presses("ctrl+s")
        await user.until(lambda: user.app.screen.query(".problem.-said").first() is not None, "the problem")
        await user.sees("missing", "ctrl+s")
        assert seed.tasks.select() == []
        assert user.app.screen.query_one(TextArea).text == "Do it"


async def test_recent_repositories_are_offered_newest_first(seed: Seed) -> None:
    for repo in ("acme/old", "acme/new", "acme/old"):
        seed.queued(repo=repo)
    async with dashboard(seed) as user:
        await user.sees("○ queued")
        await user.presses("n")
        await user.until(lambda: isinstance(user.app.screen, NewTaskScreen), "the dialog")
        field = user.app.screen.query_one("#repo", Input)
        assert field.value == "acme/old"
        await user.presses("shift+tab", "down")
        assert field.value == "acme/new"


async def test_a_paste_with_escape_sequences_is_made_safe(seed: Seed) -> None:
    async with dashboard(seed) as user:
        await user.presses("n")
        await user.until(lambda: isinstance(user.app.screen, NewTaskScreen), "the dialog")
        for field in (user.app.screen.query_one("#repo", Input), user.app.screen.query_one(TextArea)):
            field.focus()
            await user.pilot.pause()
            user.app.screen.post_message(events.Paste("one\x1b[2J\r\ntwo\x1b]52;c;aGk=\x07"))
        prompt = user.app.screen.query_one(TextArea)
        await user.until(lambda: prompt.text == "one\ntwo", "the pasted text")
        assert "\x1b" not in user.app.screen.query_one("#repo", Input).value


async def test_esc_never_quits(seed: Seed) -> None:
    async with dashboard(seed) as user:
        await user.presses("escape", "escape", "?")
        await user.sees("Tasks wait in a queue")
        await user.presses("escape")
        await user.sees_no("Tasks wait in a queue")
        await user.presses("escape")
        assert user.app.is_running
        assert user.app.return_value is None


async def test_help_shows_every_key(seed: Seed) -> None:
    async with dashboard(seed, size=(120, 60)) as user:
        await user.presses("question_mark")
        await user.sees(
            "The dashboard", "Cancel (asks first)", "◆ review", "now not: no task is selected", "task.cancel"
        )


async def test_q_quits_at_once_when_nothing_runs_here(seed: Seed) -> None:
    seed.running("An attempt of another process")
    async with dashboard(seed) as user:
        await user.presses("q")
        await user.until(lambda: user.app.return_value == 0, "the exit")


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_quitting_with_attempts_in_work_asks(seed: Seed, key: str) -> None:
    async with dashboard(seed, board=BusyBoard(seed)) as user:
        await user.presses(key)
        await user.sees("2 attempts run in this dashboard", "Stay (s)", "Leave them running (l)")
        await user.presses("q", "enter")
        await user.until(lambda: not isinstance(user.app.screen, AskScreen), "the question is gone")
        assert user.app.return_value is None
        await user.presses("q", "c")
        await user.until(lambda: user.app.return_value == 0, "the exit")


async def test_the_supervisors_words_reach_the_status_line(seed: Seed) -> None:
    board = Board(seed.app, worker=False)
    async with dashboard(seed, board=board, size=(160, 40)) as user:
        await user.sees("0 running")
        user.main.hear("0abc: started \x1b[2J[/x]")
        await user.sees("0abc: started [/x]")


async def test_a_dashboard_with_a_worker_does_the_task_it_was_given(seed: Seed, tmp_path: Path) -> None:
    repo = make_bare(tmp_path / "app.git", make_repo(tmp_path / "work", {"a.txt": "hello\n"}))
    answer = "```diff\n--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-hello\n+hello world\n```\n"
    (tmp_path / "replies.json").write_text(json.dumps([answer]))
    board = Board(seed.app, worker=True)
    try:
        async with dashboard(seed, board=board) as user:
            draft = Draft(repo=str(repo), prompt="Say hello to the world")
            task, _ = await asyncio.to_thread(board.add, draft)
            await user.sees("✓ done", "round 1 · asking", "completed: ")
            await user.presses("P")
            await user.sees(f"Replay of {task.id}", "✓ The same as before: +1 −1 in 1 file.")
            await user.presses("escape", "P")
            await user.sees("attempt 1 of")
            await user.presses("escape")  # stops it
            await user.until(lambda: not seed.app.home.replay.root.exists(), "nothing of it is left")
    finally:
        board.stop(Stop.CANCEL, lambda text: None)
    assert branch_sha(repo, task.branch) == seed.tasks.get(task.id).head_sha


async def test_the_mouse_selects_a_task(seed: Seed) -> None:
    lower = seed.queued("The lower one")
    seed.queued("The upper one")
    async with dashboard(seed) as user:
        await user.sees("The lower one")
        await user.pilot.click("TaskTable", offset=(5, 1))
        await user.until(lambda: user.table.selected == lower.id, "row 1")
        await user.sees(f"{lower.id}  The lower one")


async def test_without_colour_the_states_still_differ(seed: Seed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TEXTUAL_THEME", "textual-ansi")
    seed.settled(Status.FAILED)
    seed.settled(Status.COMPLETED)
    async with dashboard(seed) as user:
        await user.sees("✗ failed", "✓ done")
        colours = {segment.style.color for strip in user.app.screen._compositor.render_strips()
                   for segment in user.app._filters[-1].apply(list(strip), user.app.screen.background_colors[1])
                   if segment.style and segment.style.color and segment.style.color.triplet}  # fmt: skip
        assert colours
        assert all(len({*color.triplet}) == 1 for color in colours if color.triplet)
