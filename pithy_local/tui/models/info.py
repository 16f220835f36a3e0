"""Every field of a task, its error with what to do, and what was asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from rich.text import Text

from pithy_local.models import Status, Task, TaskError
from pithy_local.text import clip, safe_block, short_count
from pithy_local.tui import look
from pithy_local.tui.models import rows
from pithy_local.tui.models.rows import Row
from pithy_local.tui.models.steps import span
from pithy_local.tui.records import Details

PROMPT_SHOWN = 20_000
DETAIL_SHOWN = 4_000
NAME = 12


def page(details: Details, now_ms: int) -> tuple[Row, ...]:
    """The error first: it is what people come for."""
    task = details.entry.task
    blocks = [
        [*_error(task, task.error)] if task.error is not None else [],
        [_heading("The model asks", look.PINK), *_block(task.question, DETAIL_SHOWN)] if task.question else [],
        [_row(name, value) for name, value in _fields(details, now_ms) if value],
        [_heading("Prompt"), *_block(task.prompt, PROMPT_SHOWN)],
    ]
    first, *others = (block for block in blocks if block)
    return (*first, *(row for block in others for row in (Row(Text()), *block)))


def _row(name: str, value: str) -> Row:
    return Row(look.piece(f"{name:<{NAME}}", look.MUTED).append_text(look.line(value)), NAME)


def _heading(words: str, style: str = "") -> Row:
    return Row(look.piece(words, f"bold {style}"))


def _block(text: str, most: int) -> tuple[Row, ...]:
    """Text of many lines, each of them safe."""
    return rows.of(Text(look.steady(safe_block(clip(text, most)))))


def _error(task: Task, error: TaskError) -> Iterator[Row]:
    yield Row(look.line(f"{error.code}: {error.message}", f"bold {look.RED}"), 2)
    if error.hint:
        yield Row(look.line(f"→ {error.hint}", "yellow"), 2)
    for command in fixes(task):
        yield Row(look.indented(2, f"$ {command}", "cyan"), 4)
    yield from _detail(error.detail)


def _detail(detail: Mapping[str, object]) -> Iterator[Row]:
    """What the other side said: short things in a line, text of several lines as a block."""
    for name, value in detail.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        if value is None or not text:
            continue
        if "\n" in text.strip():
            yield Row(look.indented(2, f"{name}:", look.MUTED))
            yield from (Row(look.indented(4, line), 4) for line in clip(text, DETAIL_SHOWN).split("\n"))
        else:
            yield Row(look.indented(2, f"{name}: {clip(text, DETAIL_SHOWN)}", look.MUTED), 4)


def fixes(task: Task) -> Iterator[str]:
    """The commands that help a task on from where it stands."""
    if task.status is Status.NEEDS_REVIEW and task.patch is not None:
        yield f"pithy-local accept {task.id}"
        yield f"pithy-local reject {task.id}"
    if task.status is Status.NEEDS_CLARIFICATION:
        yield f'pithy-local answer {task.id} "…"'
    elif task.status.settled:
        yield f"pithy-local retry {task.id}"


def _fields(details: Details, now_ms: int) -> Iterator[tuple[str, str]]:
    task = details.entry.task
    yield "id", task.id
    yield "title", task.title
    yield "status", _status(task)
    yield "waits until", details.entry.held
    yield "repo", task.repo
    yield "base", f"{task.base or 'default branch'}{f' at {task.base_sha[:12]}' if task.base_sha else ''}"
    yield "branch", f"{task.branch}{f'  commit {task.head_sha[:12]}' if task.head_sha else ''}"
    yield "PR", f"#{task.pr_number} {task.pr_url}" if task.pr_url else ""
    yield "model", f"{task.provider} {task.model}"
    yield from _wishes(task)
    yield from _outcome(task)
    yield "attempts", _attempts(details)
    yield "created", _moment(task.created_at)
    yield "started", _moment(task.started_at)
    yield "finished", _moment(task.finished_at)
    if task.started_at:
        yield "took", span((task.finished_at or now_ms) - task.started_at)


def _status(task: Task) -> str:
    words = [look.STATUS[task.status].word, task.phase.value if task.phase else ""]
    words.append("cancelling" if task.cancel_requested else "")
    return " · ".join(word for word in words if word)


def _wishes(task: Task) -> Iterator[tuple[str, str]]:
    """How it was asked to run."""
    unisolated = " UNISOLATED" if task.executor == "local" else ""
    yield "executor", task.executor + unisolated + (", allowed with the task" if task.unisolated else "")
    yield "publish", task.publish
    for number, command in enumerate(task.verify_commands):
        yield "" if number else "verify", command
    yield "priority", str(task.priority or "")
    yield "limit", f"{short_count(task.max_tokens)} tokens" if task.max_tokens else ""
    if task.after:
        yield "after", f"task {task.after}{', which has not completed yet' if task.blocked else ''}"
    yield "not before", _moment(task.not_before)


def _outcome(task: Task) -> Iterator[tuple[str, str]]:
    """What came of it."""
    usage = task.usage
    if task.patch is not None:
        mended = f", {task.patch.mended} hunks mended: look at the change" if task.patch.mended else ""
        yield "patch", f"{look.change(task.patch)}, {task.patch.bytes:,} bytes{mended}"
    if task.verify:
        passed = sum(each.patch_exit == 0 for each in task.verify)
        yield "verified", f"{passed} of {len(task.verify)} commands pass with the change"
    if usage.total_tokens:
        given, answered = short_count(usage.input_tokens), short_count(usage.output_tokens)
        yield "tokens", f"{short_count(usage.total_tokens)} ({given} in, {answered} out)  {look.cost(usage)}"


def _attempts(details: Details) -> str:
    ended = [f"{each.number} {each.outcome}{f' ({each.error.code})' if each.error else ''}"
             for each in details.attempts if each.outcome]  # fmt: skip
    return ", ".join(ended) or str(details.entry.task.attempts)


def _moment(at_ms: int | None) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000):%Y-%m-%d %H:%M:%S}" if at_ms else ""
