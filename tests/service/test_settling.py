"""What each decision about a task does in each state, and what it says where it does nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pithy_local import service
from pithy_local.errors import ErrorCode, NoSuchTask, PithyError, Refused, UsageError
from pithy_local.models import Phase, Status, Task
from pithy_local.service import App
from pithy_local.service.words import MAX_PROMPT_BYTES
from tests.seeding import claim, enqueue, settle
from tests.service.conftest import KEY
from tests.spending import spend
from tests.store.conftest import HandClock, take_up
from tests.support import make_repo

Make = Callable[[App], Task]


def running(app: App) -> Task:
    return service.find(app, claim(app.store, enqueue(app.store)).task.id)


STATES: dict[str, Make] = {
    "queued": lambda app: enqueue(app.store),
    "running": running,
    "completed": lambda app: settle(app.store, enqueue(app.store), Status.COMPLETED),
    "failed": lambda app: settle(app.store, enqueue(app.store), Status.FAILED),
    "review": lambda app: settle(app.store, enqueue(app.store), Status.NEEDS_REVIEW, diff=b"diff\n"),
    "review, no diff": lambda app: settle(app.store, enqueue(app.store), Status.NEEDS_REVIEW),
    "question": lambda app: settle(app.store, enqueue(app.store), Status.NEEDS_CLARIFICATION, question="Which?"),
    "cancelled": lambda app: settle(app.store, enqueue(app.store), Status.CANCELLED),
}
VERBS: dict[str, Callable[[App, str], object]] = {
    "cancel": service.cancel,
    "retry": service.retry,
    "retry --feedback": lambda app, ref: service.retry(app, ref, feedback="Use tabs"),
    "answer": lambda app, ref: service.answer(app, ref, "The second"),
    "accept": service.accept,
    "reject": service.reject,
    "rm": service.remove,
}
GONE = "gone"
OUTCOMES = {
    "queued": {"cancel": "cancelled"},
    "running": {"cancel": "running"},
    "completed": {"retry --feedback": "queued", "rm": GONE},
    "failed": {"retry": "queued", "retry --feedback": "queued", "rm": GONE},
    "review": {
        "cancel": "cancelled", "retry": "queued", "retry --feedback": "queued", "accept": "running",
        "reject": "cancelled", "rm": GONE,
    },
    "review, no diff": {
        "cancel": "cancelled", "retry": "queued", "retry --feedback": "queued", "reject": "cancelled", "rm": GONE,
    },
    "question": {
        "cancel": "cancelled", "retry": "queued", "retry --feedback": "queued", "answer": "queued",
        "reject": "cancelled", "rm": GONE,
    },
    "cancelled": {"retry": "queued", "retry --feedback": "queued", "rm": GONE},
}  # fmt: skip
"""What a verb makes of a task; what is not there is refused."""
NEXT = {
    "queued": "run", "running": "wait", "completed": "retry", "failed": "retry", "review": "accept",
    "review, no diff": "retry", "question": "answer", "cancelled": "retry",
}  # fmt: skip
"""The command that a refusal names first."""


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("state", STATES)
def test_every_verb_in_every_state(app: App, state: str, verb: str) -> None:
    task = STATES[state](app)
    wanted = OUTCOMES[state].get(verb)

    if wanted is None:
        with pytest.raises(Refused) as refused:
            VERBS[verb](app, task.id)
        assert refused.value.hint.startswith(f"`pithy-local {NEXT[state]} {task.id}")
        assert task.id in refused.value.message
        assert service.find(app, task.id) == task
        return

    VERBS[verb](app, task.id)
    if wanted == GONE:
        with pytest.raises(NoSuchTask):
            service.find(app, task.id)
    else:
        assert service.find(app, task.id).status.value == wanted


@pytest.mark.parametrize("verb", VERBS)
def test_an_unknown_id_is_said(app: App, verb: str) -> None:
    with pytest.raises(NoSuchTask):
        VERBS[verb](app, "zzzz")


@pytest.mark.parametrize("verb", VERBS)
def test_a_prefix_that_fits_two_tasks_changes_neither(app: App, verb: str) -> None:
    first, second = STATES["question"](app), STATES["question"](app)

    with pytest.raises(UsageError, match="fits more than one task"):
        VERBS[verb](app, first.id[:4])

    assert [service.find(app, task.id) for task in (first, second)] == [first, second]


def test_a_running_task_that_is_cancelled_is_asked_to_stop(app: App) -> None:
    task = running(app)

    assert service.cancel(app, task.id).cancel_requested


def test_what_failed_while_it_was_delivered_is_delivered_again(app: App) -> None:
    task = settle(app.store, enqueue(app.store), Status.FAILED, delivering=True)

    again = service.retry(app, task.id)

    last = service.attempts(app, task.id)[-1]
    assert (again.attempts, last.redelivery, last.patch) == (2, True, task.patch)


def test_what_failed_while_it_was_delivered_again_is_delivered_a_third_time(app: App) -> None:
    task = settle(app.store, enqueue(app.store), Status.FAILED, delivering=True)
    settle(app.store, service.retry(app, task.id), Status.FAILED)

    service.retry(app, task.id)

    assert [attempt.redelivery for attempt in service.attempts(app, task.id)] == [False, True, True]


@pytest.mark.parametrize("status", [Status.FAILED, Status.NEEDS_REVIEW, Status.CANCELLED])
def test_what_never_came_to_its_delivery_is_made_anew(app: App, status: Status) -> None:
    task = settle(app.store, enqueue(app.store), status, diff=b"diff\n")

    service.retry(app, task.id)

    last = service.attempts(app, task.id)[-1]
    assert (last.redelivery, last.feedback, last.patch) == (False, None, None)


def test_feedback_always_asks_the_model(app: App) -> None:
    task = settle(app.store, enqueue(app.store), Status.FAILED, delivering=True)

    service.retry(app, task.id, feedback="  Use tabs\n")

    last = service.attempts(app, task.id)[-1]
    assert (last.redelivery, last.feedback) == (False, "Use tabs")


def test_an_answer_goes_with_the_next_attempt(app: App) -> None:
    task = STATES["question"](app)

    again = service.answer(app, task.id, "The second")

    assert (again.attempts, again.question) == (2, None)
    assert [(a.question, a.feedback) for a in service.attempts(app, task.id)] == [
        ("Which?", None),
        (None, "The second"),
    ]


@pytest.mark.parametrize("text", ["", " \n ", "a\0b", "x" * (MAX_PROMPT_BYTES + 1), "ü" * (MAX_PROMPT_BYTES // 2 + 1)])
def test_words_that_cannot_be_used_change_nothing(app: App, text: str) -> None:
    task = STATES["question"](app)

    with pytest.raises(UsageError):
        service.answer(app, task.id, text)
    with pytest.raises(UsageError):
        service.retry(app, task.id, feedback=text)

    assert service.find(app, task.id) == task


def test_a_pasted_key_is_not_stored(app: App) -> None:
    question, failed = STATES["question"](app), STATES["failed"](app)

    service.answer(app, question.id, f"The key is {KEY}")
    service.retry(app, failed.id, feedback=f"The key is {KEY}")

    for task in (question, failed):
        feedback = service.attempts(app, task.id)[-1].feedback
        assert feedback
        assert KEY not in feedback


def test_a_removed_task_leaves_no_file_and_stays_counted(app: App) -> None:
    task = enqueue(app.store)
    lease = claim(app.store, task)
    spend(app.store, lease, 100, 20, cost_usd=0.5)
    folder = app.home.artifacts(task.id, 1)
    folder.mkdir(parents=True)
    (folder / "patch.diff").write_bytes(b"diff\n")
    lease.settle(Status.FAILED)

    assert service.remove(app, task.id).id == task.id

    assert not folder.parent.exists()
    assert service.stats(app).total.total_tokens == 120


def test_prune_removes_what_settled_long_ago(app: App, clock: HandClock) -> None:
    old = [STATES[state](app).id for state in ("completed", "failed", "review", "question", "cancelled")]
    kept = [STATES[state](app).id for state in ("queued", "running")]
    clock.sleep(3_600)
    kept.append(STATES["failed"](app).id)

    assert service.prunable(app, 1_800) == old
    assert service.prune(app, 1_800) == old

    assert [task.id for task in service.list_tasks(app)] == kept[::-1]
    assert service.prune(app, 1_800) == []


def test_an_accepted_task_waits_for_whoever_claims_it(app: App) -> None:
    task = STATES["review"](app)

    accepted = service.accept(app, task.id)

    assert (accepted.status, accepted.phase) == (Status.RUNNING, "delivering")
    claimed = take_up(app.store, claim(app.store, enqueue(app.store)).owner)
    assert claimed is not None
    assert claimed.id == task.id


def test_a_queued_task_is_executed_although_the_queue_is_paused(app: App, tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "repo", {"hello.txt": "hello\n"})
    task = enqueue(app.store, repo=str(repo))
    service.pause(app)

    started = service.execute(app, task.id)

    assert (started.status, started.phase) == (Status.RUNNING, Phase.PREPARING)
    with pytest.raises(Refused, match="is running: only a queued one") as refused:
        service.execute(app, task.id)
    assert refused.value.hint.startswith(f"`pithy-local wait {task.id}`")


@pytest.mark.parametrize("repo", ["/nowhere/at/all", "http://127.0.0.1:9/acme/api.git"])
def test_a_task_whose_repository_cannot_be_reached_is_not_executed(app: App, repo: str) -> None:
    task = enqueue(app.store, repo=repo)

    with pytest.raises(PithyError) as refused:
        service.execute(app, task.id)

    assert (refused.value.code, refused.value.code.http_status) == (ErrorCode.REPO_UNREACHABLE, 422)
    assert service.find(app, task.id).status is Status.QUEUED


def test_a_task_that_others_wait_for_is_not_removed(app: App) -> None:
    task = enqueue(app.store)
    waits = enqueue(app.store, after=task.id)
    settle(app.store, task, Status.NEEDS_REVIEW, diff=b"diff\n")

    with pytest.raises(Refused, match=f"waited for by {waits.id}") as refused:
        service.remove(app, task.id)

    assert refused.value.hint.startswith(f"`pithy-local accept {task.id}`")
    assert service.prune(app, -1) == []


def test_what_was_cancelled_with_another_task_is_told_to_wait_for_its_retry(app: App) -> None:
    task = enqueue(app.store)
    waits = enqueue(app.store, after=task.id)
    settle(app.store, task, Status.FAILED)

    with pytest.raises(Refused) as refused:
        service.retry(app, waits.id)

    assert refused.value.hint == f"`pithy-local retry {task.id}` queues it again."
