"""The selected task above its tabs: how it stands, where it goes, what went wrong and what to do.

Never more lines than the layout has for it: the log below must not move when the words change.
"""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from pithy_local.models import Status, Task, TaskError
from pithy_local.text import clip, short_age, short_count
from pithy_local.tui import look
from pithy_local.tui.keymap import Keymap
from pithy_local.tui.models.hints import in_here
from pithy_local.tui.records import Entry

MOST = 1_000
"""Characters of a text that are looked at: more never fit."""


def header(entry: Entry, now_ms: int, *, lines: int, width: int, console: Console, keymap: Keymap) -> Text:
    """At most this many lines of this width, as safe text. What needs the user goes before where the task goes."""
    task, room = entry.task, lines - 1
    what_to_do = _advice(task, task.error, keymap) if task.error else ""
    advice = [look.line(f"→ {what_to_do}", "yellow")] if what_to_do else []
    needs_you = bool(task.error or task.question)
    below = _wrapped(_words(entry), width, max(1, room - (len(advice) if needs_you else 1)), console)
    below += _wrapped(advice, width, room - len(below), console)
    if len(below) < room:
        below.insert(0, _target(task))
    shown = [_state(task, now_ms), *below]
    for each in shown:
        each.truncate(width, overflow="ellipsis")
    return Text("\n", no_wrap=True, end="").join(shown)


def _wrapped(texts: list[Text], width: int, most: int, console: Console) -> list[Text]:
    """Broken between words into at most so many lines; the last one may be longer than the others."""
    broken = [line for text in texts for line in text.wrap(console, width, no_wrap=False, overflow="fold")]
    if most < 1:
        return []
    for line in broken:
        line.rstrip()
    return broken if len(broken) <= most else [*broken[: most - 1], Text(" ").join(broken[most - 1 :])]


def _words(entry: Entry) -> list[Text]:
    """What happens with it, the question it asks, what went wrong, or what came of it."""
    task = entry.task
    shown = []
    if task.status is Status.RUNNING or entry.held:
        shown.append(look.line(look.now(entry)))
    if task.question:
        shown.append(look.line(clip(f"? {task.question}", MOST), look.PINK))
    elif task.error is not None and task.error.code != look.AWAITING_REVIEW:  # nothing went wrong there
        shown.append(look.line(clip(f"{task.error.code}: {task.error.message}", MOST), look.RED))
    elif task.pr_url:
        shown.append(look.line(f"PR #{task.pr_number} {task.pr_url}"))
    return shown


def _advice(task: Task, error: TaskError, keymap: Keymap) -> str:
    """What to do, in here: the error's own hint names commands of the command line."""
    if error.code == look.AWAITING_REVIEW:
        return "Look at the diff, then accept it, send it back or reject it."
    return "Answer it." if task.status is Status.NEEDS_CLARIFICATION else in_here(error.hint, keymap, task.id)


def _state(task: Task, now_ms: int) -> Text:
    words = [short_age(now_ms - look.since_ms(task))]
    if task.usage.total_tokens:
        words += [f"{short_count(task.usage.total_tokens)} tokens", look.cost(task.usage)]
    return Text.assemble(look.status(task), " ", look.line(" · ".join(word for word in words if word)))


def _target(task: Task) -> Text:
    base = f" {task.base}" if task.base else ""
    shown = look.line(f"{task.repo}{base} → {task.branch} · {task.model} · {task.executor}", look.MUTED)
    if task.executor == "local":
        shown.append(" UNISOLATED", "bold yellow")
    return shown
