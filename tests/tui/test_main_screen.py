"""The main screen: what is shown and acted on is the selected task, and every key stays alive."""

from __future__ import annotations

import threading
from dataclasses import replace

from pithy_local.doctor import Check
from pithy_local.models import Status, Task, TaskError
from pithy_local.tui.board import Board
from pithy_local.tui.records import Engine
from pithy_local.tui.screens.copying import CopyScreen
from pithy_local.tui.screens.doctor import DoctorScreen
from pithy_local.tui.widgets.checkup import Checkup
from tests.tui.driving import dashboard
from tests.tui.seeding import Seed
from tests.tui.test_diffs import TWO_FILES


class SlowBoard(Board):
    """Reads no diff before it may."""

    def __init__(self, seed: Seed) -> None:
        super().__init__(seed.app, worker=False)
        self.may_read = threading.Event()
        self.may_read.set()

    def diff(self, task_id: str, attempt: int | None = None) -> bytes:
        assert self.may_read.wait(60)
        return super().diff(task_id, attempt)


class GoneBoard(Board):
    """An engine that answers until it has a `problem`, and a doctor who finds what is `found`."""

    def __init__(self, seed: Seed, found: list[Check]) -> None:
        super().__init__(seed.app, worker=False, checks=lambda app: iter(found))
        self.problem = ""

    def engine(self) -> Engine:
        return replace(super().engine(), problem=self.problem)


def reviewed(seed: Seed, title: str, diff: bytes = TWO_FILES) -> Task:
    return seed.settled(Status.NEEDS_REVIEW, title, diff=diff)


async def test_nothing_of_a_task_that_is_not_selected_is_shown_or_acted_on(seed: Seed) -> None:
    older = reviewed(seed, "The older one", TWO_FILES.replace(b"src/app.py", b"src/old.py"))
    newer = reviewed(seed, "The newer one")
    board = SlowBoard(seed)
    async with dashboard(seed, board=board) as user:
        await user.presses("2")
        await user.sees("src/app.py", newer.id)
        board.may_read.clear()
        await user.presses("j")
        await user.sees("The older one", older.id)
        await user.sees_no("src/app.py")
        await user.presses("tab", "b")
        await user.is_told("the diff is not there yet")
        board.may_read.set()
        await user.sees("src/old.py")
        await user.presses("shift+tab", "slash")
        await user.types("nothing like it")
        await user.sees("No task passes the filter: esc shows all.")
        await user.sees_no("src/old.py")
        assert "+4 −3" not in user.static("#tabs")
        await user.presses("enter", "A")
        await user.is_told("no task is selected")
        await user.presses("slash", "escape", "escape")
        await user.until(lambda: user.table.rows == 2, "both tasks")


async def test_the_first_run_is_read_by_keys_looked_at_again_and_left_with_the_first_task(
    seed: Seed, other: Seed
) -> None:
    found = [Check(name=f"thing {n}", ok=False, message="is missing [/x]", fix="Get it.") for n in range(9)]
    board = GoneBoard(seed, found)
    async with dashboard(seed, board=board, size=(80, 24)) as user:
        await user.sees("Type a task, get a pull request.", "✗ thing 0: is missing [/x]")
        await user.until(lambda: user.main.query_one(Checkup).max_scroll_y > 0, "more than fits")
        await user.presses("G")
        await user.sees("9 things stop tasks from running")
        found[:] = [Check(name="thing 0", ok=True, message="is there")]
        await user.presses("d")
        await user.sees("Ready: press n.")
        found[:] = [Check(name="docker", ok=False, message="does not answer")]
        board.problem = "the engine is gone"
        await user.sees("One thing stops tasks from running")
        await user.presses("z", "tab", "j", "escape")
        await user.sees("Type a task, get a pull request.")
        first = other.queued("The first one")
        other.queued("The second one")
        await user.sees("The first one", "The second one")
        await user.presses("j")
        await user.until(lambda: user.table.selected == first.id, "the table has the keys")
        await user.presses("z", "D")
        await user.is_told("only a settled task")
        await user.presses("d")
        await user.until(lambda: isinstance(user.app.screen, DoctorScreen), "the doctor")
        await user.sees("✗ docker: does not answer")
        found[:] = [Check(name="thing 1", ok=None, message="is old")]
        await user.presses("d")
        await user.sees("! thing 1: is old")
        await user.presses("escape")
        await user.sees("The first one")


async def test_the_last_task_is_deleted_while_it_has_the_whole_screen(seed: Seed) -> None:
    seed.settled(Status.FAILED)
    async with dashboard(seed) as user:
        await user.sees("✗ failed")
        await user.presses("z", "D", "y")
        await user.sees("Type a task, get a pull request.")


async def test_a_yes_to_a_question_that_is_no_longer_true_does_nothing(seed: Seed, other: Seed) -> None:
    lease = other.running("Almost done")
    async with dashboard(seed) as user:
        await user.sees("● running")
        await user.presses("x")
        await user.sees("The attempt is stopped")
        lease.record_patch(other.kept(lease, TWO_FILES))
        lease.settle(Status.NEEDS_REVIEW, TaskError(code="awaiting_review", message="", hint=""))
        await user.sees("◆ review")
        await user.presses("y")
        await user.is_told("has changed meanwhile, it is review now: nothing was done")
    assert seed.tasks.get(lease.task.id).status is Status.NEEDS_REVIEW


async def test_the_cursor_stays_in_view_when_the_terminal_becomes_smaller(seed: Seed) -> None:
    for n in range(14):
        seed.queued(f"Task {n}")
    async with dashboard(seed) as user:
        await user.until(lambda: user.table.rows == 14, "the tasks")
        await user.presses("G")
        await user.pilot.resize_terminal(80, 24)
        await user.sees("Task 0 ")
        table = user.table
        assert table.scroll_offset.y <= table.cursor < table.scroll_offset.y + table.view_height


async def test_keys_of_the_selected_task_do_not_ask_the_marked_ones(seed: Seed) -> None:
    seed.settled(Status.FAILED, "Without one")
    seed.settled(Status.COMPLETED, "With one", pr=7)
    async with dashboard(seed, size=(160, 40)) as user:
        await user.sees("g Open PR")
        await user.presses("j")
        await user.sees_no("g Open PR")
        await user.presses("space", "k")
        await user.sees("1 marked", "g Open PR")
        assert user.main.why_not("tasks.pr") == ""
        assert user.main.why_not("tasks.shell").startswith("there is no container")
        assert user.main.why_not("tasks.clear") == ""
        assert user.main.why_not("diff.viewed") == "there is no diff"
        assert user.main.why_not("log.detail") == "the log is empty"
        assert user.main.why_not("log.next") == "nothing is searched for: it writes a new task"


async def test_what_takes_long_is_said_once_and_not_begun_twice(seed: Seed) -> None:
    board = SlowBoard(seed)
    board.may_read.clear()
    reviewed(seed, "Change")
    async with dashboard(seed, board=board) as user:
        await user.sees("◆ review")
        for _ in range(2):
            await user.presses("y")
            await user.until(lambda: isinstance(user.app.screen, CopyScreen), "the menu")
            await user.presses("d")
        await user.is_told("Copy: still under way")
        board.may_read.set()
        await user.is_told("Copied the diff")
    assert sum("Copied" in each for each in user.app.told) == 1


async def test_a_home_that_was_moved_is_told(seed: Seed) -> None:
    seed.queued()
    async with dashboard(seed) as user:
        await user.sees("○ queued")
        root = seed.app.home.root
        root.rename(root.with_name("elsewhere"))
        await user.sees("✗ store: the home was moved or removed")
        await user.is_told("Quit, and open the dashboard again.")
