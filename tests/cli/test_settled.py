"""`retry`, `answer`, `accept`, `reject` as commands: what they print and how they end. States: tests/service."""

from __future__ import annotations

from contextlib import closing

import pytest

from pithy_local.models import Status, Task
from pithy_local.store.processes import Processes
from pithy_local.store.tasks import Tasks
from tests.cli.support import Cli


@pytest.fixture
def review(cli: Cli) -> Task:
    return cli.seed_settled(Status.NEEDS_REVIEW, diff=b"diff\n")


@pytest.fixture
def question(cli: Cli) -> Task:
    return cli.seed_settled(Status.NEEDS_CLARIFICATION, question="Which?")


@pytest.fixture
def worker(cli: Cli) -> None:
    """Something that looks like a worker of this home: this very process, which claims nothing."""
    with closing(cli.store()) as store:
        Processes(store).register("run")


def feedback(cli: Cli, task: Task) -> str | None:
    with closing(cli.store()) as store:
        return Tasks(store).attempts(task.id)[-1].feedback


def test_retry_in_a_pipe_prints_the_task_as_a_record(cli: Cli) -> None:
    task = cli.seed_settled(Status.FAILED)
    done = cli("retry", task.id[:9])
    assert (done.code, done.err) == (0, "")
    assert done.out.split("\t")[:2] == [task.id, "queued"]


def test_retry_as_json_is_the_task_object(cli: Cli) -> None:
    task = cli.seed_settled(Status.FAILED)
    assert cli("retry", task.id, "--json").json() == cli("show", task.id, "--json").json()


def test_retry_on_a_terminal_is_one_line(cli: Cli) -> None:
    task = cli.seed_settled(Status.FAILED)
    assert cli.on_terminal("retry", task.id, env={"NO_COLOR": "1"}).out == f"○ queued  {task.id}  Fix it\n"


def test_a_completed_task_needs_feedback(cli: Cli) -> None:
    task = cli.seed_settled(Status.COMPLETED)
    refused = cli("retry", task.id, "--json")
    assert (refused.code, refused.out, refused.error["code"]) == (6, "", "refused")
    assert refused.error["message"] == f"task {task.id} is completed: there is nothing to do"
    assert f"pithy-local retry {task.id} --feedback" in refused.error["hint"]
    assert cli("retry", task.id, "--feedback", "Use tabs").code == 0
    assert feedback(cli, task) == "Use tabs"


def test_feedback_comes_from_stdin(cli: Cli) -> None:
    task = cli.seed_settled(Status.FAILED)
    assert cli("retry", task.id, "--feedback", "-", stdin="Nimm Größe\n".encode()).code == 0
    assert feedback(cli, task) == "Nimm Größe"


@pytest.mark.parametrize(("text", "stdin"), [("", b""), ("-", b""), ("-", b"\xff")])
def test_words_that_are_none_are_bad_input(cli: Cli, question: Task, text: str, stdin: bytes) -> None:
    for args in (("answer", question.id, text), ("retry", question.id, "--feedback", text)):
        done = cli(*args, stdin=stdin)
        assert (done.code, done.out, len(done.error_lines)) == (2, "", 2)
    assert cli("show", question.id, "--json").json()["status"] == "needs_clarification"


def test_an_answer_queues_the_task_again(cli: Cli, question: Task) -> None:
    done = cli("answer", question.id, "The second", "--json").json()
    assert (done["status"], done["question"], done["attempts"]) == ("queued", None, 2)
    assert feedback(cli, question) == "The second"


def test_an_answer_that_begins_with_a_dash_goes_last(cli: Cli, question: Task) -> None:
    assert cli("answer", question.id, "--", "- both").code == 0
    assert feedback(cli, question) == "- both"


def test_there_is_no_question_to_answer(cli: Cli, review: Task) -> None:
    done = cli("answer", review.id, "x")
    assert done.code == 6
    assert done.error_lines == [
        f"pithy-local: error: task {review.id} is needs_review: there is no question to answer",
        f"hint: `pithy-local accept {review.id}` delivers it, `pithy-local reject {review.id}` drops it.",
    ]


@pytest.mark.parametrize("kind", ["review", "question"])
def test_reject_cancels_and_delivers_nothing(cli: Cli, kind: str, request: pytest.FixtureRequest) -> None:
    task: Task = request.getfixturevalue(kind)
    done = cli("reject", task.id, "--json").json()
    assert (done["status"], done["head_sha"], done["error"]) == ("cancelled", None, None)


def test_what_is_cancelled_with_a_rejected_task_is_named(cli: Cli, review: Task) -> None:
    waits = [cli.seed(after=review.id).id for _ in range(12)]
    done = cli("reject", review.id)
    named = f"{', '.join(waits[:10])} and 2 more"

    assert done.err == f"12 tasks that are to start after {review.id} are cancelled with it: {named}\n"


@pytest.mark.usefixtures("worker")
def test_accept_leaves_the_delivery_to_a_worker_that_runs(cli: Cli, review: Task) -> None:
    done = cli("accept", review.id, "--json")
    assert done.code == 0
    assert (done.json()["status"], done.json()["phase"]) == ("running", "delivering")
    assert done.err == f"{review.id}: the worker that runs delivers it; `pithy-local wait {review.id}` waits for that\n"


def test_a_task_without_a_diff_cannot_be_accepted(cli: Cli) -> None:
    task = cli.seed_settled(Status.NEEDS_REVIEW)
    done = cli("accept", task.id)
    assert (done.code, done.out) == (6, "")
    assert done.error_lines[0] == f"pithy-local: error: task {task.id} has no diff that could be delivered"
    assert f"retry {task.id} --feedback" in done.error_lines[1]


@pytest.mark.parametrize("args", [("retry",), ("answer", "x"), ("accept",), ("reject",)])
def test_an_unknown_id_and_an_ambiguous_one(cli: Cli, args: tuple[str, ...]) -> None:
    first, second = cli.seed_settled(Status.FAILED), cli.seed_settled(Status.FAILED)
    verb, *rest = args
    assert cli(verb, "zzzz", *rest).code == 5
    ambiguous = cli(verb, first.id[:4], *rest)
    assert ambiguous.code == 2
    assert second.id in ambiguous.error_lines[0]


@pytest.mark.parametrize("args", [("retry",), ("answer",), ("answer", "x"), ("accept",), ("reject",), ("rm",)])
def test_what_is_missing_is_bad_input(cli: Cli, args: tuple[str, ...]) -> None:
    done = cli(*args)
    assert (done.code, len(done.error_lines)) == (2, 2)
