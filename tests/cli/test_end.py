"""`rm` and `prune` as commands; `cancel` on what waits for a person."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from pithy_local.models import Status
from tests.cli.support import Cli
from tests.seeding import claim, enqueue


def ids(cli: Cli) -> list[str]:
    return [line.split("\t")[0] for line in cli("list", "--all").out.splitlines()]


def test_rm_needs_yes_where_nobody_can_be_asked(cli: Cli) -> None:
    task = cli.seed_settled(Status.FAILED)
    for verb in (("rm", task.id), ("prune", "--older-than", "0")):
        done = cli(*verb)
        assert (done.code, done.out) == (2, "")
        assert done.error_lines[1] == "hint: Add --yes."
    assert ids(cli) == [task.id]


def test_rm_prints_what_it_removed(cli: Cli) -> None:
    first, second, other = (cli.seed_settled(Status.FAILED, diff=b"x") for _ in range(3))
    done = cli("rm", first.id, second.id[:10], first.id, "--yes")
    assert (done.code, done.out, done.err) == (0, f"{first.id}\n{second.id}\n", "")
    assert ids(cli) == [other.id]
    assert [path.name for path in (cli.home.root / "artifacts").iterdir()] == [other.id]
    assert cli("rm", other.id, "--yes", "--json").json() == [other.id]


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1), ("\x04", 130)])
def test_rm_asks_on_a_terminal(cli: Cli, typed: str, code: int) -> None:
    task = cli.seed_settled(Status.FAILED)
    done = cli.on_terminal("rm", task.id, typed=typed)
    assert done.code == code
    assert "Remove 1 task with logs and diffs" in done.out
    assert ids(cli) == ([] if code == 0 else [task.id])


def test_an_unknown_id_does_not_keep_the_others(cli: Cli) -> None:
    first, second = cli.seed_settled(Status.FAILED), cli.seed()
    removed = cli("rm", "zzzz", first.id, "yyyy", "--yes")
    assert (removed.code, removed.out) == (5, f"{first.id}\n")
    assert removed.error_lines[0] == "pithy-local: error: no task has the id 'zzzz'; no task has the id 'yyyy'"
    cancelled = cli("cancel", second.id, "zzzz", "--json")
    assert (cancelled.code, cancelled.error["code"]) == (5, "no_such_task")
    assert [task["status"] for task in cancelled.json()] == ["cancelled"]


def test_rm_of_unknown_ids_alone_asks_nothing(cli: Cli) -> None:
    cli.seed_settled(Status.FAILED)
    done = cli("rm", "zzzz")
    assert (done.code, done.error_lines[0]) == (5, "pithy-local: error: no task has the id 'zzzz'")


def test_an_unknown_id_counts_more_than_a_refusal_and_both_are_said(cli: Cli) -> None:
    queued = cli.seed()
    done = cli("rm", queued.id, "zzzz", "--yes")
    assert (done.code, f"task {queued.id} is queued" in done.error_lines[0], "'zzzz'" in done.error_lines[0]) == (
        5, True, True,
    )  # fmt: skip


def test_a_prefix_that_fits_several_stops_before_anything_is_removed(cli: Cli) -> None:
    tasks = [cli.seed_settled(Status.FAILED) for _ in range(2)]
    assert cli("rm", tasks[0].id, tasks[0].id[:1], "--yes").code == 2
    assert len(ids(cli)) == 2


def test_rm_does_what_it_can(cli: Cli) -> None:
    queued, failed = cli.seed(), cli.seed_settled(Status.FAILED)
    done = cli("rm", queued.id, failed.id, "--yes")
    assert (done.code, done.out) == (6, f"{failed.id}\n")
    assert done.error_lines[0] == f"pithy-local: error: task {queued.id} is queued"
    assert f"pithy-local cancel {queued.id}" in done.error_lines[1]
    assert ids(cli) == [queued.id]


def test_prune_removes_what_is_old_enough(cli: Cli) -> None:
    queued, failed = cli.seed(), cli.seed_settled(Status.FAILED)
    assert cli("prune", "--yes").err == "Nothing to remove.\n"
    assert cli("prune", "--older-than", "1d", "--json").json() == []
    time.sleep(0.01)
    done = cli("prune", "--older-than", "0.001", "--yes")
    assert (done.code, done.out) == (0, f"{failed.id}\n")
    assert ids(cli) == [queued.id]


def test_prune_says_how_many_it_would_remove(cli: Cli) -> None:
    for _ in range(2):
        cli.seed_settled(Status.CANCELLED)
    done = cli.on_terminal("prune", "--older-than", "0s", typed="n\n")
    assert (done.code, "Remove 2 tasks with logs and diffs" in done.out, len(ids(cli))) == (1, True, 2)


def test_an_age_that_is_none_is_bad_input(cli: Cli) -> None:
    done = cli("prune", "--older-than", "soon", "--yes")
    assert (done.code, "such as 90s, 10m or 30d" in done.error_lines[0]) == (2, True)


@pytest.mark.parametrize("status", [Status.NEEDS_REVIEW, Status.NEEDS_CLARIFICATION])
def test_cancel_ends_what_waits_for_a_person(cli: Cli, status: Status) -> None:
    task = cli.seed_settled(status)
    assert cli("cancel", task.id, "--json").json()[0]["status"] == "cancelled"


def test_what_is_cancelled_with_a_task_is_printed_and_named(cli: Cli) -> None:
    task = cli.seed()
    waits = cli.seed(after=task.id)
    last = cli.seed(after=waits.id)
    done = cli("cancel", task.id, "--json")
    shown = [(each["id"], each["status"], each["error"] and each["error"]["code"]) for each in done.json()]

    assert shown == [
        (task.id, "cancelled", None), (waits.id, "cancelled", "dependency_failed"),
        (last.id, "cancelled", "dependency_failed"),
    ]  # fmt: skip
    words = f"2 tasks that are to start after {task.id} are cancelled with it: {waits.id}, {last.id}"
    assert (done.code, done.err) == (0, f"{words}\n")


def test_a_task_that_waits_for_another_one_is_cancelled_beside_it(cli: Cli) -> None:
    task = cli.seed()
    waits = cli.seed(after=task.id)
    done = cli("cancel", task.id, waits.id)

    assert [line.split("\t")[:2] for line in done.out.splitlines()] == [[task.id, "cancelled"], [waits.id, "cancelled"]]
    assert (done.code, done.err) == (0, "")


def test_what_will_be_cancelled_with_a_running_task_is_named(cli: Cli) -> None:
    with closing(cli.store()) as store:
        task = enqueue(store)
        claim(store, task)
        waits = enqueue(store, after=task.id)
    done = cli("cancel", task.id)

    assert [line.split("\t")[:2] for line in done.out.splitlines()] == [[task.id, "running"]]
    assert done.err == f"1 task that is to start after {task.id} will be cancelled with it: {waits.id}\n"


def test_a_refused_cancel_says_what_to_do_instead(cli: Cli) -> None:
    task = cli.seed_settled(Status.FAILED)
    done = cli("cancel", task.id)
    assert done.error_lines == [
        f"pithy-local: error: task {task.id} is failed already",
        f"hint: `pithy-local retry {task.id}` tries again.",
    ]
