"""The main screen: what is shown and acted on is the selected task, and every key stays alive."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import msgspec
from textual import events
from textual.keys import key_to_character
from textual.widgets import TextArea

from pithy_local.config import BudgetSettings
from pithy_local.doctor import Check
from pithy_local.models import Status, Task, TaskError, Usage
from pithy_local.store.holds import Holds
from pithy_local.tui.board import Board
from pithy_local.tui.records import Engine
from pithy_local.tui.screens.confirm import AskScreen
from pithy_local.tui.screens.copying import CopyScreen
from pithy_local.tui.screens.doctor import DoctorScreen
from pithy_local.tui.screens.new_task import NewTaskScreen
from pithy_local.tui.widgets.bars import Prompt
from pithy_local.tui.widgets.checkup import Checkup
from tests.spending import spend
from tests.support import make_bare, make_repo
from tests.tui.driving import dashboard
from tests.tui.every_state import StillClock
from tests.tui.seeding import Seed
from tests.tui.test_diffs import TWO_FILES


class SlowBoard(Board):
    """Reads no diff before it may."""

    def __init__(self, seed: Seed) -> None:
        super().__init__(seed.app, worker=False)
        self.may_read = threading.Event()
        self.may_read.set()

    def diff(self, task_id: str, attempt: int | None = None) -> bytes:
        assert self.may_read.wait(9)
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


async def test_giving_up_a_filter_comes_back_to_the_task_it_was_opened_on(seed: Seed) -> None:
    tasks = [seed.queued(f"Task {n}") for n in range(5)]
    async with dashboard(seed) as user:
        await user.until(lambda: user.table.rows == 5, "the tasks")
        await user.presses("j", "j", "slash")
        await user.types("zzz")
        await user.until(lambda: user.table.rows == 0, "no task")
        await user.presses("escape")
        await user.until(lambda: user.table.rows == 5, "all of them")
        assert user.table.selected == tasks[2].id


async def test_a_click_elsewhere_closes_the_line_to_type_into(seed: Seed) -> None:
    seed.queued("The only one")
    async with dashboard(seed, size=(80, 24)) as user:
        await user.sees("The only one")
        prompt = user.main.query_one(Prompt)
        for place in ("#log", "#tasks"):
            await user.presses("slash")
            await user.until(lambda: prompt.is_open, "the line")
            await user.sees("esc Back")
            await user.pilot.click(place)
            await user.presses("x")
            await user.until(lambda: isinstance(user.app.screen, AskScreen), "the question")
            await user.presses("escape")
            assert not prompt.is_open


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


async def test_the_draft_of_a_new_task_and_of_one_like_another_are_kept_apart(seed: Seed) -> None:
    task = seed.settled(Status.FAILED, "Rewrite the parser", repo="acme/cli")
    async with dashboard(seed) as user:
        await user.sees("✗ failed")

        async def opens(key: str) -> str:
            await user.presses(key)
            await user.until(lambda: isinstance(user.app.screen, NewTaskScreen), "the dialog")
            return user.app.screen.query_one(TextArea).text

        assert await opens("e") == "Rewrite the parser"
        await user.presses("escape")
        assert await opens("n") == ""
        assert not user.main.unsent
        await user.types("Half a thought")
        await user.presses("escape")
        await user.until(lambda: user.main.unsent, "the draft counts")
        assert await opens("e") == "Rewrite the parser"
        await user.sees("New task like")
        await user.presses("end")
        await user.types(" again")
        await user.presses("escape")
        assert await opens("n") == "Half a thought"
        await user.presses("escape")
        assert await opens("e") == "Rewrite the parser again"
        await user.presses("escape")
        user.main._notes[f"edit {task.id}"] = "What the editor could not put in place"
        assert await opens("e") == "What the editor could not put in place"


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


async def test_the_log_stays_where_it_is_whatever_the_task_does(seed: Seed, other: Seed) -> None:
    lease = other.running()
    seed.settled(Status.FAILED, error=TaskError(code="internal", message="broken " * 60, hint="Try again. " * 20))
    async with dashboard(seed) as user:
        await user.sees("internal: broken")
        before = user.log.region
        await user.presses("j")
        for doing in ("asking", "asking gpt-4o for the third time in a row and reading " * 4):
            lease.record_step(doing)
            await user.until(lambda doing=doing: doing[:40] in user.screen, doing)  # type: ignore[misc]
            assert user.log.region == before
        await user.sees("acme/api")


async def test_times_go_on_in_the_steps(tmp_path: Path) -> None:
    clock = StillClock()
    seed = Seed(tmp_path, clock=clock)
    seed.running().record_step("asking gpt-4o")
    async with dashboard(seed) as user:
        await user.presses("3")
        await user.sees("asking gpt-4o")
        clock.ms += 754_000
        await user.until(lambda: "12m" in user.static("#steps Static"), "12 minutes")
    seed.close()


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


async def test_a_queued_task_is_begun_although_the_queue_is_paused(seed: Seed, tmp_path: Path) -> None:
    repo = make_bare(tmp_path / "app.git", make_repo(tmp_path / "work", {"a.txt": "a\n"}))
    task = seed.queued("Now", repo=str(repo))
    done = seed.settled(Status.FAILED, "Later")
    async with dashboard(seed) as user:
        await user.sees("✗ failed")
        await user.presses("u")
        await user.is_told("only a queued task")
        await user.presses("j", "p")
        await user.sees("paused")
        await user.presses("u")
        await user.until(lambda: seed.tasks.get(task.id).status is Status.RUNNING, "it is begun")
    assert seed.tasks.get(done.id).status is Status.FAILED
    assert seed.tasks.get(task.id).usage == Usage()


async def test_what_is_typed_behind_a_key_that_opens_the_line_is_text(seed: Seed) -> None:
    """As an ssh packet, a paste or a slow loop brings it: all keys before anything of them was handled."""
    task = seed.settled(Status.FAILED, "Dynamo")
    seed.log(seed.running("Runs"), "Dynamo starts")
    async with dashboard(seed) as user:

        def typed_ahead(*keys: str) -> None:
            for key in keys:
                user.app.post_message(events.Key(key, key_to_character(key)))

        await user.sees("Dynamo starts")
        typed_ahead("slash", *"Dynamo", "enter")
        await user.until(lambda: user.table.list.filter_text == "Dynamo", "the filter")
        await user.presses("escape", "k")
        typed_ahead("tab", "slash", *"Dxq", "enter")
        await user.until(lambda: user.log.needle is not None and user.log.needle.text == "Dxq", "the search")
        assert user.app.screen is user.main
        await user.presses("escape", "escape")
        typed_ahead("n", *"Dynamo?")
        await user.until(lambda: [each.text for each in user.app.screen.query(TextArea)] == ["Dynamo?"], "the prompt")
    assert seed.tasks.get(task.id).status is Status.FAILED


async def test_a_filter_that_finds_little_looks_among_the_older_ones_too(seed: Seed) -> None:
    seed.queued("The very first")
    for n in range(505):
        seed.queued(f"Task {n}")
    async with dashboard(seed) as user:
        await user.until(lambda: user.table.rows == 500, "the newest")
        await user.presses("slash")
        await user.types("title:very")
        await user.sees("The very first", "1 of 506")
        await user.types(" status:zzz")
        await user.sees("no state zzz: queued running")


async def test_a_spent_budget_is_raised_after_a_question_only(seed: Seed) -> None:
    settings = msgspec.structs.replace(seed.app.settings, budget=BudgetSettings(usd_per_day=0.01))
    spend(seed.app.store, seed.running(), 1_000, 100, cost_usd=0.02)
    Holds(seed.app.store).pause_for_budget()
    async with dashboard(seed, board=Board(replace(seed.app, settings=settings), worker=False)) as user:
        await user.sees("paused: budget")
        await user.presses("p")
        await user.sees("Spend more today?", "the day's budget is spent")
        await user.presses("enter")
        await user.sees_no("Spend more today?")
        assert Holds(seed.app.store).paused is not None
        await user.presses("p")
        await user.sees("Spend more today?")
        await user.presses("y")
        await user.is_told("allowed once more")
        await user.sees_no("paused: budget")


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
