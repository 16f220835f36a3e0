"""Every field of a task, its error with what to do, and what was asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from rich.text import Text

from pithy_local.models import Status, Task, TaskError
from pithy_local.text import clip, safe_block, short_count
from pithy_local.tui import look
from pithy_local.tui.models.steps import span
from pithy_local.tui.records import Details

PROMPT_SHOWN = 20_000
DETAIL_SHOWN = 4_000
NAME = 11


def page(details: Details, now_ms: int) -> Text:
    """The error first: it is what people come for."""
    task = details.entry.task
    blocks = [
        *([_error(task, task.error)] if task.error is not None else []),
        *([_question(task)] if task.question else []),
        Text("\n").join(_row(name, value) for name, value in _fields(details, now_ms) if value),
        look.piece("Prompt", "bold").append("\n").append_text(_block(task.prompt, PROMPT_SHOWN)),
    ]
    return Text("\n\n").join(blocks)


def _row(name: str, value: str) -> Text:
    return look.piece(f"{name:<{NAME}}", look.MUTED).append_text(look.line(value))


def _block(text: str, most: int) -> Text:
    """Text of many lines, each of them safe."""
    return Text(look.steady(safe_block(clip(text, most))))


def _error(task: Task, error: TaskError) -> Text:
    shown = look.line(f"{error.code}: {error.message}", f"bold {look.RED}")
    if error.hint:
        shown.append("\n").append_text(look.line(f"→ {error.hint}", "yellow"))
    for command in fixes(task):
        shown.append("\n").append_text(look.indented(2, f"$ {command}", "cyan"))
    for line in _detail(error.detail):
        shown.append("\n").append_text(line)
    return shown


def _detail(detail: Mapping[str, object]) -> Iterator[Text]:
    """What the other side said: short things in a line, text of several lines as a block."""
    for name, value in detail.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        if value is None or not text:
            continue
        if "\n" in text.strip():
            yield look.indented(2, f"{name}:", look.MUTED)
            yield from (look.indented(4, f"{line}") for line in clip(text, DETAIL_SHOWN).split("\n"))
        else:
            yield look.indented(2, f"{name}: {clip(text, DETAIL_SHOWN)}", look.MUTED)


def fixes(task: Task) -> Iterator[str]:
    """The commands that help a task on from where it stands."""
    if task.status is Status.NEEDS_REVIEW and task.patch is not None:
        yield f"pithy-local accept {task.id}"
        yield f"pithy-local reject {task.id}"
    if task.status is Status.NEEDS_CLARIFICATION:
        yield f'pithy-local answer {task.id} "…"'
    elif task.status.settled:
        yield f"pithy-local retry {task.id}"


def _question(task: Task) -> Text:
    return look.piece("The model asks\n", f"bold {look.PINK}").append_text(_block(task.question or "", DETAIL_SHOWN))


def _fields(details: Details, now_ms: int) -> Iterator[tuple[str, str]]:
    task, usage = details.entry.task, details.entry.task.usage
    yield "id", task.id
    yield "status", f"{task.status.value}{f' · {task.phase.value}' if task.phase else ''}"
    yield "waits", details.entry.held
    yield "repo", task.repo
    yield "base", f"{task.base or 'default branch'}{f' at {task.base_sha[:12]}' if task.base_sha else ''}"
    yield "branch", f"{task.branch}{f'  commit {task.head_sha[:12]}' if task.head_sha else ''}"
    yield "PR", task.pr_url or ""
    yield "model", f"{task.provider} {task.model}"
    yield "executor", task.executor + (" UNISOLATED" if task.executor == "local" else "")
    yield "publish", task.publish
    yield "verify", "; ".join(task.verify_commands)
    yield "priority", str(task.priority or "")
    if task.patch is not None:
        mended = f", {task.patch.mended} hunks mended: look at the change" if task.patch.mended else ""
        yield "patch", f"{look.change(task.patch)}, {task.patch.bytes:,} bytes{mended}"
    if usage.total_tokens:
        given, answered = short_count(usage.input_tokens), short_count(usage.output_tokens)
        yield "tokens", f"{short_count(usage.total_tokens)} ({given} in, {answered} out)  {look.cost(usage)}"
    yield "tokens left", f"of {short_count(task.max_tokens)}" if task.max_tokens else ""
    yield "attempts", _attempts(details)
    yield "created", _moment(task.created_at)
    yield "started", _moment(task.started_at)
    yield "finished", _moment(task.finished_at)
    if task.started_at:
        yield "took", span((task.finished_at or now_ms) - task.started_at)


def _attempts(details: Details) -> str:
    ended = [f"{each.number} {each.outcome}{f' ({each.error.code})' if each.error else ''}"
             for each in details.attempts if each.outcome]  # fmt: skip
    return ", ".join(ended) or str(details.entry.task.attempts)


def _moment(at_ms: int | None) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000):%Y-%m-%d %H:%M:%S}" if at_ms else ""
