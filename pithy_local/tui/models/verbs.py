"""What can be done with a task as it stands, why not, and what doing it means, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pithy_local.models import Status, Task
from pithy_local.text import clip
from pithy_local.tui import look

LISTED = 6
"""Tasks that a question names."""
REASON = 300
"""Characters of an error's message in a question."""
WAITS_FOR_YOU = (Status.NEEDS_REVIEW, Status.NEEDS_CLARIFICATION)


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked, what a yes does and keeps, and the words on the two buttons. All of it is safe text."""

    title: str
    what_happens: str
    yes: str
    no: str


@dataclass(frozen=True, kw_only=True)
class Verb:
    """One thing to do with tasks. `why_not`: "" where it can be done; `means`: what it does and what is kept."""

    name: str
    why_not: Callable[[Task], str]
    means: Callable[[Task], str] = lambda task: ""
    of_many: Callable[[Task], str] | None = None
    """The same without what is this task's alone, for a question about several; None: `means` has nothing of it."""
    done: str = ""
    no: str = "Leave it"


def _cannot_cancel(task: Task) -> str:
    if task.status.settled and task.status not in WAITS_FOR_YOU:
        return f"nothing to cancel: the task is {_word(task)}"
    return "it is being cancelled already" if task.cancel_requested else ""


def _cancel_means(task: Task) -> str:
    if task.status is Status.QUEUED:
        return "Nothing has started: out of the queue, and nothing was spent."
    if task.status in WAITS_FOR_YOU:
        return "What waits for you is dropped. Log and diff are kept."
    sandbox = " and the sandbox removed" if task.executor != "local" else ""
    return f"The attempt is stopped{sandbox}. The log is kept; nothing is pushed from here on."


def _cannot_accept(task: Task) -> str:
    if task.status is not Status.NEEDS_REVIEW:
        return f"only a change that waits for review is accepted: this task is {_word(task)}"
    return "" if task.patch is not None else "there is no change to deliver: retry it"


def _accept_means(task: Task) -> str:
    what = look.change(task.patch) if task.patch else "The change"
    where = look.line(f"{task.branch} of {task.repo}").plain
    reason = ""
    if task.error is not None and task.error.code != look.AWAITING_REVIEW:
        reason = f" It was held back: {clip(look.line(task.error.message).plain.rstrip('.'), REASON)}."
    return f"{what} is pushed to {where}, with a pull request where there is a forge.{reason}"


def _accept_many(task: Task) -> str:
    held = f" Held back: {task.error.code}." if task.error and task.error.code != look.AWAITING_REVIEW else ""
    return f"Pushed to a branch of its own, with a pull request where there is a forge.{held}"


def _remove_means(task: Task) -> str:
    waiting = "" if task.status not in WAITS_FOR_YOU else " What waits for you goes with it."
    return (
        "Log, diffs and history are deleted for good. What was spent stays counted; a branch or a pull request stays "
        f"where it is.{waiting}"
    )


def _cannot_run(task: Task) -> str:
    return "" if task.status is Status.QUEUED else f"only a queued task begins: this is {_word(task)}"


def _cannot_replay(task: Task) -> str:
    if task.status is Status.RUNNING:
        return "its replies are still coming"
    return "" if task.attempts else "it has not been tried yet"


def _cannot_reject(task: Task) -> str:
    return "" if task.status in WAITS_FOR_YOU else f"only a task that waits for you is rejected: this is {_word(task)}"


def _cannot_remove(task: Task) -> str:
    return "" if task.status.settled else f"only a settled task is deleted: this is {_word(task)}"


def _cannot_retry(task: Task) -> str:
    return "" if task.status.settled else f"it is {_word(task)}: cancel it first"


def _cannot_answer(task: Task) -> str:
    return "" if task.status is Status.NEEDS_CLARIFICATION else f"there is no question: the task is {_word(task)}"


def _cannot_open_pr(task: Task) -> str:
    if not task.pr_url:
        return "there is no pull request yet" if not task.status.settled else "it has no pull request"
    return "" if task.pr_url.startswith(("https://", "http://")) else "its address is no web page"


def _cannot_shell(task: Task) -> str:
    if task.status is not Status.RUNNING:
        return f"there is no container: the task is {_word(task)}"
    return "" if task.executor == "docker" else f"executor {task.executor} has no container"


def _cannot_send_back(task: Task) -> str:
    if task.patch is None:
        return "there is no diff yet"
    return _cannot_retry(task)


VERBS = {
    "cancel": Verb(
        name="Cancel", why_not=_cannot_cancel, means=_cancel_means, done="is being cancelled", no="Keep it",
    ),
    "accept": Verb(
        name="Accept", why_not=_cannot_accept, means=_accept_means, of_many=_accept_many,
        done="is accepted: the next process that works the queue delivers it", no="Not yet",
    ),
    "reject": Verb(
        name="Reject", why_not=_cannot_reject, done="is dropped", no="Keep it",
        means=lambda task: "Nothing is pushed. Log and diff are kept; Retry takes it up again.",
    ),
    "remove": Verb(name="Delete", why_not=_cannot_remove, means=_remove_means, done="is deleted", no="Keep it"),
    "retry": Verb(name="Retry", why_not=_cannot_retry, done="is queued again"),
    "answer": Verb(name="Answer", why_not=_cannot_answer, done="is queued again"),
    "send_back": Verb(name="Send back", why_not=_cannot_send_back, done="is queued again"),
    "run": Verb(name="Run now", why_not=_cannot_run, done="is taken up as soon as a slot is free"),
    "replay": Verb(name="Replay", why_not=_cannot_replay),
    "edit": Verb(name="Edit", why_not=lambda task: ""),
    "copy": Verb(name="Copy", why_not=lambda task: ""),
    "open_pr": Verb(name="Open the pull request", why_not=_cannot_open_pr),
    "shell": Verb(name="Shell", why_not=_cannot_shell),
}  # fmt: skip


def why_not(verb: str, tasks: Sequence[Task]) -> str:
    """Why none of these tasks takes it; "" where one does."""
    if not tasks:
        return "no task is selected"
    reasons = [VERBS[verb].why_not(task) for task in tasks]
    return "" if "" in reasons else reasons[0]


def able(verb: str, tasks: Sequence[Task]) -> list[Task]:
    """Those of them that take it."""
    return [task for task in tasks if not VERBS[verb].why_not(task)]


def question(verb: str, chosen: Sequence[Task]) -> Question:
    """What is asked before it is done to those of these tasks that take it."""
    tasks, name = able(verb, chosen), VERBS[verb].name
    left = [task for task in chosen if VERBS[verb].why_not(task)]
    rest = f"\n\nOf those that are marked these are left as they are: {_words(left)}." if left else ""
    if len(tasks) == 1:
        task = tasks[0]
        what = f"{_title(task)}\n\n{VERBS[verb].means(task)}{rest}"
        return Question(title=f"{name} task {task.id}?", what_happens=what, yes=f"{name} the task", no=VERBS[verb].no)
    shown = [f"{task.id}  {_title(task, 60)}" for task in tasks[:LISTED]]
    more = [f"… and {len(tasks) - LISTED} more"] if len(tasks) > LISTED else []
    what = "\n".join([*shown, *more, "", *_meanings(VERBS[verb], tasks)])
    return Question(title=f"{name} {len(tasks)} tasks?", what_happens=what + rest, yes=f"{name} them", no="Leave them")


def _meanings(verb: Verb, tasks: Sequence[Task]) -> list[str]:
    """What it means, once for all those for which it means the same: `2 running: The attempt is stopped …`"""
    alike: dict[str, list[Task]] = {}
    for task in tasks:
        alike.setdefault((verb.of_many or verb.means)(task), []).append(task)
    return [f"{_words(group)}: {meaning}" for meaning, group in alike.items()]


def _words(tasks: Sequence[Task]) -> str:
    """`2 running, 1 done`"""
    return ", ".join(f"{number} {word}" for word, number in Counter(map(_word, tasks)).items())


def quit_words(running: int) -> str:
    """What is at stake when the dashboard ends."""
    return "1 attempt runs in this dashboard." if running == 1 else f"{running} attempts run in this dashboard."


def _title(task: Task, most: int = 120) -> str:
    return clip(look.line(task.title).plain, most)


def _word(task: Task) -> str:
    return look.STATUS[task.status].word
