"""`replay`: an attempt once more from its recorded replies, and whether the same comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pithy_local.cli import render
from pithy_local.cli.command import State, Verb, pass_state
from pithy_local.cli.diff import print_patch
from pithy_local.cli.params import SETTLED, task_argument
from pithy_local.cli.render import Screen
from pithy_local.errors import ErrorCode, ExitCode
from pithy_local.models import TaskError

if TYPE_CHECKING:
    from pithy_local.models import Task
    from pithy_local.service import Recording


@click.command(cls=Verb)
@task_argument(*SETTLED)
@click.option("--attempt", type=click.IntRange(min=1), metavar="N", help="This attempt; the latest otherwise.")
@click.option("--diff", "wants_diff", is_flag=True, help="Print the diff that the replay makes.")
@pass_state
def replay(state: State, task_id: str, attempt: int | None, wants_diff: bool) -> int:
    """Run an attempt of the task ID again from its recorded model replies: no tokens are spent, nothing is pushed.

    It builds on the same commit with the same executor and today's settings; nothing of it is kept. Exit code 0 if
    the same diff comes of it (or the same error where there was none), 1 if not, 8 when no reply is recorded, 6 while
    the attempt runs. In a pipe: id, attempt and `same` or `different`, separated by tabs; with --diff the diff.
    """
    from pithy_local import service
    from pithy_local.cli.work import see_through

    with state.app() as app:
        recorded = service.recording(app, task_id, attempt=attempt)
        number = recorded.attempt.number
        state.say(f"replaying attempt {number} of {recorded.task.id}: {recorded.task.title}")
        with service.replaying(app, recorded) as again:
            own = service.add(again.app, again.request).task.id

            def say(text: str) -> None:  # the replay's own id is gone when it has ended
                state.say(text.replace(own, recorded.task.id))

            task = see_through(again.app, own, say=say, follow=True, adoptable=False)
            made = service.replayed(again, task)
    same = recorded.same(task, made)
    if not same:
        state.say(f"attempt {number} came to {_result(recorded.diff, recorded.attempt.error)}")
        state.say(f"the replay came to {_result(made, task.error)}")
    _print(state, recorded, task, made, same=same, wants_diff=wants_diff)
    return int(ExitCode.OK if same else ExitCode.FAILED)


def _print(
    state: State, recorded: Recording, task: Task, made: bytes | None, *, same: bool, wants_diff: bool
) -> None:  # fmt: skip
    screen, word = Screen.current(), "same" if same else "different"
    number = recorded.attempt.number
    if state.json:
        whole = {"diff": None if made is None else made.decode("utf-8", "replace")} if wants_diff else {}
        found = {"id": recorded.task.id, "attempt": number, "same": same, "error": _error(task), **whole}
        render.out_json(found, screen)
    elif wants_diff:
        state.say(word)
        print_patch(made or b"", screen)
    elif screen.tty:
        render.out(screen.paint(f"{word} as attempt {number}" if same else word, "32" if same else "31"))
    else:
        render.out(render.tsv((recorded.task.id, number, word)))


def _error(task: Task) -> dict[str, str] | None:
    """What stopped the replay before its change was ready."""
    if task.error is None or task.error.code == ErrorCode.AWAITING_REVIEW.word:
        return None
    return {"code": task.error.code, "message": task.error.message}


def _result(diff: bytes | None, error: TaskError | None) -> str:
    if diff is not None:
        return f"a diff of {render.size(len(diff))}"
    return f"{error.code}: {error.message}" if error else "nothing"
