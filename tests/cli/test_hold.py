"""`pause`, `resume`, and `run` while something holds the tasks back."""

from __future__ import annotations

import signal
from contextlib import closing

import pytest

from pithy_local.models import Status
from pithy_local.store.holds import Holds
from tests.cli.support import Cli
from tests.seeding import claim, enqueue
from tests.spending import spend

pytestmark = pytest.mark.usefixtures("noon")
HOUR = 3_600_000
FREE = {"paused": False, "reason": None, "until": None}


def spend_the_budget(cli: Cli) -> None:
    """5 of 4 dollars were spent today, and a worker saw it."""
    cli.config.write_text('executor = "local"\n[budget]\nusd_per_day = 4.0\n')
    with closing(cli.store()) as store:
        lease = claim(store, enqueue(store))
        spend(store, lease, 10, 10, cost_usd=5.0)
        lease.settle(Status.FAILED)
        Holds(store).pause_for_budget()


def test_pause_and_resume_say_what_they_do(cli: Cli) -> None:
    paused, resumed, again = cli("pause"), cli("resume"), cli("resume")
    assert [done.code for done in (paused, resumed, again)] == [0, 0, 0]
    assert [done.out for done in (paused, resumed, again)] == ["", "", ""]
    assert "`pithy-local resume` goes on" in paused.err
    assert (resumed.err, again.err) == ("the queue goes on\n", "the queue was not paused\n")


def test_pause_and_resume_as_json(cli: Cli) -> None:
    assert cli("pause", "--json").json() == {"paused": True, "reason": "user", "until": None}
    assert cli("resume", "--json").json() == FREE


def test_a_spent_budget_needs_more_than_resume(cli: Cli) -> None:
    spend_the_budget(cli)
    refused = cli("resume", "--json")
    assert (refused.code, refused.out, refused.error["code"]) == (6, "", "budget")
    assert "pithy-local resume --budget" in refused.error["hint"]
    allowed = cli("resume", "--budget")
    assert (allowed.code, allowed.err) == (0, "the queue goes on\nspent today: $5.00 of the $8.00 allowed\n")
    assert cli("resume", "--json").json() == FREE


def test_run_until_idle_does_not_hide_a_pause(cli: Cli) -> None:
    assert cli("pause").code == 0
    assert cli("run", "--until-idle").code == 0
    cli.seed()
    cli.seed()
    done = cli("run", "--until-idle")
    assert (done.code, done.out) == (6, "")
    assert done.error_lines == [
        "pithy-local: error: the queue is paused: 2 tasks stay queued", "hint: `pithy-local resume` goes on."
    ]  # fmt: skip


@pytest.mark.parametrize("named", [False, True])
def test_a_spent_budget_stops_named_tasks_too(cli: Cli, named: bool) -> None:
    spend_the_budget(cli)
    task = cli.seed(executor="local", provider="scripted")
    done = cli("run", task.id if named else "--until-idle", "--json")
    assert (done.code, done.error["code"]) == (6, "budget")
    assert done.error["message"] == "the day's budget is spent: 1 task stays queued"
    assert cli("show", task.id, "--json").json()["status"] == "queued"


def test_who_waits_for_a_task_is_told_that_the_budget_is_spent(cli: Cli) -> None:
    task = cli.seed_settled(Status.FAILED, executor="local", provider="scripted")
    spend_the_budget(cli)
    done = cli("retry", task.id, "--wait")
    assert (done.code, done.out.split("\t")[:2]) == (6, [task.id, "queued"])
    assert done.error_lines[-3] == f"{task.id} stays queued: `pithy-local run {task.id}` works it"
    assert "pithy-local resume --budget" in done.error_lines[-1]


def test_run_waits_while_the_queue_is_paused_and_says_so_once(cli: Cli) -> None:
    cli("pause")
    cli.seed(executor="local")  # one that needs the engine would end `run`: there is none
    worker = cli.start("run")
    assert worker.stderr is not None
    assert worker.stderr.readline() == b"working the queue, 2 at once; ctrl+c stops\n"
    assert worker.stderr.readline() == b"the queue is paused. `pithy-local resume` goes on.\n"
    cli.seed(executor="local")
    cli("resume", "--quiet")
    said = [worker.stderr.readline()]
    while said[-1] not in (b"the queue goes on\n", b""):  # a task may have started just before
        said.append(worker.stderr.readline())
    assert said[-1], said
    worker.send_signal(signal.SIGINT)
    worker.communicate(timeout=100)
    assert worker.returncode == 130


def test_run_says_until_when_tasks_wait(cli: Cli) -> None:
    with closing(cli.store()) as store:
        for _ in range(2):
            enqueue(store, executor="local", provider="anthropic")
        claim(store, enqueue(store, executor="local")).requeue(not_before=store.clock.now_ms() + HOUR)
        Holds(store).close_gate("anthropic", store.clock.now_ms() + HOUR)
    done = cli("run", "--until-idle")
    assert (done.code, done.out) == (0, "")
    rate_limit, parked = done.err.splitlines()
    assert rate_limit.startswith("2 tasks wait until ")
    assert rate_limit.endswith(": rate limit of anthropic")
    assert parked.startswith("1 task waits until ")


def test_list_says_until_when_a_task_waits(cli: Cli) -> None:
    with closing(cli.store()) as store:
        task = enqueue(store, executor="local", repo="acme/" + "long" * 9, title="words " * 9)
        claim(store, task).requeue(not_before=store.clock.now_ms() + HOUR)
    done = cli.on_terminal("list", columns=80, env={"NO_COLOR": "1"})
    row = done.out.splitlines()[1]
    assert row.startswith("○ queued · until ")
    assert len(row) <= 80
    assert cli("list").out.split("\t")[1] == "queued"


def test_list_and_show_say_after_which_task_one_starts(cli: Cli) -> None:
    first = cli.seed(title="First")
    second = cli.seed(title="Second", after=first.id)
    row = cli.on_terminal("list", columns=120, env={"NO_COLOR": "1"}).out.splitlines()[1]
    assert row.startswith(f"○ queued · after {first.id}")
    page = cli.on_terminal("show", second.id, columns=120, env={"NO_COLOR": "1"}).out
    assert f"until task {first.id} has completed" in page
    assert cli("show", second.id, "--json").json()["after"] == first.id
    cli("cancel", first.id)
    shown = cli("show", second.id, "--json").json()
    assert (shown["status"], shown["error"]["code"]) == ("cancelled", "dependency_failed")
    page = cli.on_terminal("show", second.id, columns=120, env={"NO_COLOR": "1"}).out
    assert f"dependency_failed: task {first.id}, which this one was to start after, did not complete" in page
    assert f"hint: `pithy-local retry {first.id}`" in page


def test_list_on_a_terminal_says_that_the_queue_is_paused(cli: Cli) -> None:
    cli("pause")
    cli.seed()
    assert cli.on_terminal("list").err == "the queue is paused. `pithy-local resume` goes on.\n"
    assert cli("list").err == ""


def test_show_says_why_a_task_does_not_start(cli: Cli) -> None:
    def waits(task: str) -> str:
        page = cli.on_terminal("show", task, columns=200, env={"NO_COLOR": "1"}).out.splitlines()
        return next(line.removeprefix("waits").strip() for line in page if line.startswith("waits"))

    task = cli.seed().id
    assert waits(task) == "for a worker: `pithy-local run`, or the dashboard"
    with closing(cli.store()) as store:
        Holds(store).close_gate("openai", store.clock.now_ms() + HOUR)
    assert waits(task).endswith(": rate limit of openai")
    cli("pause")
    assert waits(task).startswith("the queue is paused.")


def test_a_small_budget_is_said_exactly(cli: Cli) -> None:
    cli.config.write_text("[budget]\nusd_per_day = 0.02\n")
    assert cli("resume", "--budget").err == "the queue was not paused\nspent today: $0.0000 of the $0.0200 allowed\n"


def test_a_pause_is_not_why_a_task_waits_whose_time_has_not_come(cli: Cli) -> None:
    with closing(cli.store()) as store:
        enqueue(store, executor="local", not_before=store.clock.now_ms() + HOUR)
    cli("pause")
    done = cli("run", "--until-idle")
    assert done.code == 0
    assert done.err.startswith("1 task waits until ")


def test_run_says_that_another_process_has_the_task(cli: Cli) -> None:
    with closing(cli.store()) as store:
        lease = claim(store, enqueue(store))
        worker = cli.start("run", lease.task.id)
        assert worker.stderr is not None
        said = worker.stderr.readline().decode()
        lease.settle(Status.CANCELLED)
        worker.communicate(timeout=100)
    assert said == f"{lease.task.id}: another process works it; `pithy-local logs {lease.task.id} -f` follows it\n"
    assert worker.returncode == 0
