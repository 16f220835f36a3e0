"""What the user does to tasks, in words: what a yes was given to, what was written for it, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence

from pithy_local.errors import PithyError, Refused
from pithy_local.models import Task
from pithy_local.text import safe_line
from pithy_local.tui import look
from pithy_local.tui.models import verbs
from pithy_local.tui.models.verbs import Question

WANTED = "Write what you want else."
TAKE_ALONG = ("cancel", "reject")
"""What ends a task and with it those that are to start after it."""
PROBLEMS = 3
"""So many refusals are told each for itself."""


def retry_means(*, done: bool) -> str:
    """What sending feedback does; `done`: there is a completed task among those that are tried again."""
    if done:
        return "It is done. The model sees what it did and what you write here, and tries again."
    return (
        "The model sees what it did before and what you write here. Nothing written: it is tried as it was; where only "
        "the delivery failed, that alone is repeated and costs nothing."
    )


def budget_question(error: PithyError) -> Question:
    """What is asked where the queue would go on but for the day's budget."""
    what = f"{safe_line(error.message)}.\n\nWhat is allowed for a day is allowed once more, and the queue goes on."
    return Question(title="Spend more today?", what_happens=what, yes="Allow it once more", no="Stay paused")


def check_unchanged(verb: str, asked: Task, now: Task) -> None:
    """A yes was given to what the question said. Raises Refused where that is no longer what would happen."""
    means = verbs.VERBS[verb].means
    if (means(asked), asked.attempts) != (means(now), now.attempts):
        word = look.STATUS[now.status].word
        raise Refused(f"{now.id} has changed meanwhile, it is {word} now: nothing was done", hint="Look at it first.")


def in_turn(verb: str, tasks: Sequence[Task]) -> list[Task]:
    """The order in which it is done to them: what waits for another task is newer than that. It would end with it, and
    begins only after it was told to begin."""
    return sorted(tasks, key=lambda task: task.id, reverse=verb in TAKE_ALONG)


def told(verb: str, done: Sequence[Task]) -> str:
    """What became of these tasks: a running one is cancelled later than one that waits."""
    at_once = verb == "cancel" and all(task.status.settled for task in done)
    words = "is cancelled" if at_once else verbs.VERBS[verb].done
    return f"{done[0].id} {words}" if len(done) == 1 else f"{len(done)} tasks {words.replace('is ', 'are ', 1)}"


def going_on(kept: str, start: str) -> str:
    """What was written before and not sent, with the place that is spoken of now below it."""
    if not kept.strip():
        return start
    return kept if start.strip() in kept else f"{kept.rstrip()}\n\n{start}"
