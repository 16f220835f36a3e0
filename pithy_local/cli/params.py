"""Arguments and values that several verbs take: task ids, which the shell completes, durations, text from stdin."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import click

from pithy_local.cli.command import State
from pithy_local.errors import UsageError
from pithy_local.models import Status

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., Any])
Offer = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]

SETTLED = tuple(status for status in Status if status.settled)
MOST = 1_000_000_000
"""Of whatever is counted: far beyond use, far below what SQLite can hold."""
MOST_SECONDS = 36_500 * 86_400.0
"""A hundred years."""
COUNT = click.IntRange(1, MOST)
OFFERED = 50
"""Tasks that the shell is offered at most, the newest first."""


def task_argument(*statuses: Status) -> Callable[[F], F]:
    """The argument ID, as `task_id`. `statuses`: those that the verb takes, none = every one."""
    return click.argument("task_id", metavar="ID", shell_complete=offer(*statuses))


def tasks_argument(*statuses: Status, required: bool = True) -> Callable[[F], F]:
    """The arguments ID..., as `ids`."""
    metavar = "ID..." if required else "[ID]..."
    return click.argument("ids", nargs=-1, required=required, metavar=metavar, shell_complete=offer(*statuses))


class Span(click.ParamType[float]):
    """Seconds as a number, or a duration such as `90s`, `10m`, `30d`."""

    name = "seconds"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        from pithy_local.config import parse_duration

        seconds = parse_duration(str(value))
        if seconds is None:
            self.fail(f"{value!r} is neither a number of seconds nor a duration such as 90s, 10m or 30d", param, ctx)
        if seconds > MOST_SECONDS:
            self.fail(f"{str(value)[:20]!r} is more than a hundred years", param, ctx)
        return seconds


def read_text(argument: str, state: State, what: str) -> str:
    """The text itself, or what stdin holds for `-`. Raises UsageError unless it is UTF-8."""
    if argument != "-":
        return argument
    if state.may_ask:
        state.say(f"The {what}, please; ctrl+d ends it:")
    return decoded(sys.stdin.buffer, what)


def decoded(source: BinaryIO, what: str) -> str:
    """All of `source`: UTF-8 with or without a byte order mark. Raises UsageError for anything else.

    What is too long is not read to its end, for there may be none: UsageError.
    """
    from pithy_local.service.words import MAX_PROMPT_BYTES, too_long

    data = source.read(MAX_PROMPT_BYTES + 1)
    if len(data) > MAX_PROMPT_BYTES:
        raise too_long(what)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"the {what} is not UTF-8: {error.reason}", hint="Convert it to UTF-8.") from error


def offer(*statuses: Status) -> Offer:
    """What the shell completes to: ids of tasks with one of these statuses, none = of every one."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            return _fitting(ctx.find_object(State) or State(), statuses, incomplete)
        except Exception:
            return []  # whatever is wrong, the verb says it better than the tab key

    return complete


def _fitting(state: State, statuses: tuple[Status, ...], incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from pithy_local.service import list_tasks
    from pithy_local.text import safe_line

    with state.app() as app:
        tasks = list_tasks(app, statuses=statuses)
    fitting = [task for task in tasks if task.id.startswith(incomplete.lower())][:OFFERED]
    return [CompletionItem(task.id, help=f"{task.status.value}: {safe_line(task.title)}") for task in fitting]
