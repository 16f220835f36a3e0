"""The task table without a terminal: its filter, its order, its marks, and how wide its columns are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from pithy_local.models import Status, Task, TaskError, Usage
from pithy_local.tui.models import filters
from pithy_local.tui.models.tasklist import TaskList
from pithy_local.tui.records import Entry
from pithy_local.tui.widgets.tasks import Columns
from tests.tui.records import a_task


def passing(text: str, tasks: list[Task]) -> list[str]:
    return [task.id for task in tasks if filters.passes(task, filters.parse(text))]


TASKS = [
    a_task("aaa", title="Fix the flaky test", repo="acme/api", status=Status.FAILED,
           error=TaskError(code="llm_timeout", message="", hint="")),
    a_task("bbb", title="Add dark mode", repo="acme/web", prompt="dark", status=Status.NEEDS_REVIEW,
           model="claude-sonnet-5-5", pr_number=41),
    a_task("ccc", title="fix: parse [errors]", repo="acme/cli", status=Status.COMPLETED, prompt="the loader is broken"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ["aaa", "bbb", "ccc"]),
        ("fix", ["aaa", "ccc"]),
        ("FIX flaky", ["aaa"]),
        ("loader", ["ccc"]),
        ("!fix", ["bbb"]),
        ("status:failed", ["aaa"]),
        ("status:failed,review", ["aaa", "bbb"]),
        ("status:needs_r", ["bbb"]),
        ("status:done", ["ccc"]),
        ("!status:failed repo:acme", ["bbb", "ccc"]),
        ("repo:api", ["aaa"]),
        ("model:claude", ["bbb"]),
        ("error:timeout", ["aaa"]),
        ("id:cc", ["ccc"]),
        ("fix:", ["ccc"]),
        ("[errors]", ["ccc"]),
        ("status:", ["aaa", "bbb", "ccc"]),
        ("!", ["aaa", "bbb", "ccc"]),
        ("nothing at all", []),
        ('"flaky test"', ["aaa"]),
        ('"test flaky"', []),
        ('!"dark mode" repo:"acme/c"', ["ccc"]),
        ('"flaky te', ["aaa"]),
        ('"', ["aaa", "bbb", "ccc"]),
        ("title:dark,fix", ["aaa", "bbb", "ccc"]),
        ('title:"parse [err"', ["ccc"]),
        ("prompt:loader", ["ccc"]),
        ("pr:4", ["bbb"]),
        ("pr:", ["aaa", "bbb", "ccc"]),
        ("colour:red", []),
    ],
)
def test_a_filter_lets_through_what_has_every_term(text: str, shown: list[str]) -> None:
    assert passing(text, TASKS) == shown


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour:red", "no field colour: status repo model branch error executor id title prompt pr"),
        ("!status:zzz", "no state zzz: queued running done failed review question cancelled"),
        ("status:needs_r,zzz", ""),
        ("fix: the http: thing", ""),
        ('"colour:red"', ""),
        ("status: !", ""),
    ],
)
def test_a_filter_that_cannot_be_meant_so_is_told(text: str, words: str) -> None:
    assert filters.problem(text) == words


def listed() -> TaskList:
    tasks = TaskList()
    tasks.take([Entry(task=task) for task in TASKS])
    return tasks


def ids(tasks: TaskList) -> list[str]:
    return [entry.task.id for entry in tasks.rows]


def test_sorting_goes_through_every_order_and_back() -> None:
    tasks = listed()
    seen = {tasks.next_sort(): ids(tasks) for _ in range(4)}
    assert seen == {
        "state": ["bbb", "aaa", "ccc"], "repository": ["aaa", "ccc", "bbb"], "cost": ["aaa", "bbb", "ccc"],
        "newest": ["aaa", "bbb", "ccc"],
    }  # fmt: skip


def test_what_cost_most_comes_first_by_cost() -> None:
    tasks = TaskList()
    dear = replace(TASKS[2], usage=Usage(input_tokens=1, cost_usd=2.0))
    tasks.take([Entry(task=task) for task in (TASKS[0], dear)])
    tasks.sort = "repository"
    tasks.next_sort()
    assert ids(tasks) == ["ccc", "aaa"]


def test_the_filter_holds_when_tasks_come_in() -> None:
    tasks = listed()
    tasks.filter("repo:api")
    tasks.take([Entry(task=a_task("ddd", repo="acme/api")), *(Entry(task=task) for task in TASKS)])
    assert ids(tasks) == ["ddd", "aaa"]
    assert tasks.loaded == 4
    assert tasks.row_of("bbb") is None


def test_marks_go_with_their_tasks() -> None:
    tasks = listed()
    tasks.toggle_mark("aaa")
    tasks.toggle_mark("bbb")
    tasks.take([Entry(task=TASKS[1])])
    assert tasks.marked == {"bbb"}


def test_nothing_is_done_to_a_marked_task_that_the_filter_hides() -> None:
    tasks = listed()
    tasks.toggle_all()
    tasks.filter("repo:web")
    assert [entry.task.id for entry in tasks.shown_marks] == ["bbb"]
    assert tasks.marked == {"aaa", "bbb", "ccc"}


def test_mark_all_marks_what_is_shown_and_then_nothing() -> None:
    tasks = listed()
    tasks.filter("fix")
    tasks.toggle_all()
    assert tasks.marked == {"aaa", "ccc"}
    tasks.toggle_all()
    assert tasks.marked == set()


def test_titles_get_the_room_before_everything_else() -> None:
    long = Entry(task=replace(TASKS[0], repo=f"acme/{'x' * 47}"))
    spent = Entry(task=replace(TASKS[0], usage=Usage(input_tokens=9, cost_usd=0.02)))
    assert Columns.fit(62, [long]) == Columns(repo=10, title=33, now=0, cost=0)
    assert Columns.fit(62, [long, spent]) == Columns(repo=10, title=26, now=0, cost=6)
    assert Columns.fit(53, [long, spent]).cost == 0
    assert Columns.fit(82, [spent]) == Columns(repo=4, title=32, now=19, cost=6)


@pytest.mark.parametrize("width", [30, 40, 52, 60, 63, 80, 120, 200])
def test_a_row_is_never_wider_than_the_table(width: int) -> None:
    entries = [Entry(task=replace(TASKS[0], title="日本語 " * 40, usage=Usage(input_tokens=9, cost_usd=1234.5)))]
    columns = Columns.fit(width, entries)
    row = columns.row(entries[0], 10**13, marked=True)
    assert cell_len(row.plain) <= max(width, 40)
    assert "✗ failed" in row.plain
    assert cell_len(columns.head().plain) <= max(width, 40) + 1
