"""All about one task: the page that `show` prints on a terminal, and JSON objects as fields for a pipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pithy_local.cli import render
from pithy_local.cli.render import Screen
from pithy_local.clock import iso
from pithy_local.models import Attempt, Status, Task, TaskError, Verified
from pithy_local.text import clip, safe_block, safe_line, short_age, short_count

UNISOLATED = "local UNISOLATED"
MAX_LINES = 20
"""Lines that are shown of what a command wrote."""
MAX_SAID = 2_000
"""Characters that are shown of what was said with an earlier attempt."""


def page(task: Task, attempts: Sequence[Attempt], held: str, now: int, screen: Screen) -> Iterator[str]:
    """The lines. `held`: why a queued task does not start, "" where nothing keeps it; `now` in ms since 1970."""
    yield headline(task, screen, title_sgr="1")
    for part in (
        _facts(task, held, now, screen),
        _question(task, screen) if task.question else _error(task.error, screen),
        _evidence(task.verify, screen),
        _history(attempts, screen),
        (f"  {line}" for line in safe_block(task.prompt).split("\n")),
    ):
        lines = list(part)
        if lines:
            yield ""
            yield from lines


def headline(task: Task, screen: Screen, *, title_sgr: str = "") -> str:
    """Status, id and title in one line."""
    return f"{render.paint_cell(status(task), screen)}  {task.id}  {screen.paint(safe_line(task.title), title_sgr)}"


def status(task: Task, held: str = "") -> render.Cell:
    """The status; of a running task also where it is, of a queued one what it waits for (`until 13:05`)."""
    where = f"· {held}" if held else task.phase.value if task.phase else ""
    return render.status_cell(task.status, "cancelling" if task.phase and task.cancel_requested else where)


def flat(values: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """A JSON object as names and values: `error.code`, `usage.total_tokens`, `verify.1.command`."""
    for name, value in values.items():
        inner = {str(number): each for number, each in enumerate(value, 1)} if isinstance(value, list) else value
        if isinstance(inner, dict):
            yield from ((f"{name}.{deeper}", each) for deeper, each in flat(inner))
        else:
            yield name, value


def _facts(task: Task, held: str, now: int, screen: Screen) -> Iterator[str]:
    yield render.fields(_pairs(task, held, now, screen), screen)


def _pairs(task: Task, held: str, now: int, screen: Screen) -> Iterator[tuple[str, str]]:
    """What is known of a task, in the order in which people ask."""
    at = f" at {task.base_sha[:12]}" if task.base_sha else ""
    yield "repo", safe_line(f"{task.repo}  base {task.base}{at}" if task.base else task.repo)
    yield "branch", safe_line(task.branch + (f"  commit {task.head_sha[:12]}" if task.head_sha else ""))
    yield "pr", safe_line(task.pr_url or "")
    yield "waits", safe_line(held)
    yield "where", screen.paint(UNISOLATED, "33") if task.executor == "local" else safe_line(task.executor)
    yield "model", safe_line(f"{task.provider} {task.model}")
    yield "publish", "" if task.publish == "auto" else safe_line(task.publish)
    yield "verify", "" if task.verify else safe_line("; ".join(task.verify_commands))
    if task.patch:
        patch, files = task.patch, render.number_of(task.patch.files, "file")
        mended = f", {render.number_of(patch.mended, 'hunk')} mended: look at the change" if patch.mended else ""
        yield "patch", f"+{patch.added} −{patch.removed} in {files}, {render.size(patch.bytes)}{mended}"
    usage = task.usage
    if usage.total_tokens:
        cost = "cost unknown" if usage.cost_usd is None else render.money(usage.cost_usd)
        yield "tokens", f"{_count_pair(usage.input_tokens, usage.output_tokens)}, {cost}"
    yield "priority", str(task.priority or "")
    yield "after", "" if task.blocked else task.after or ""
    yield "created", f"{iso(task.created_at)}  {short_age(now - task.created_at)} ago"
    if task.started_at:
        yield "took" if task.finished_at else "running", render.span((task.finished_at or now) - task.started_at)


def _count_pair(given: int, answered: int) -> str:
    """`12.4k (11.9k in, 512 out)`"""
    return f"{short_count(given + answered)} ({short_count(given)} in, {short_count(answered)} out)"


def _question(task: Task, screen: Screen) -> Iterator[str]:
    """What the model wants to know, whole, and how to answer."""
    first, *rest = safe_block(task.question or "").split("\n")
    yield screen.paint(f"question: {first}", "33")
    yield from (f"  {line}" for line in rest)
    if task.error is not None and task.error.hint:
        yield f"hint: {safe_line(task.error.hint)}"


def _error(error: TaskError | None, screen: Screen) -> Iterator[str]:
    if error is None:
        return
    yield screen.paint(f"{error.code}: {safe_line(error.message)}", "31")
    if error.hint:
        yield f"hint: {safe_line(error.hint)}"
    yield from (f"  {line}" for line in _detail({**error.detail, "rejected": []}))
    yield from refusals(error)


def _detail(detail: Mapping[str, object]) -> Iterator[str]:
    """What is known about an error, a line each: `http_status: 401`; of a list of records one line a record; text of
    several lines is a block below its name."""
    for name, value in detail.items():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, dict):
                yield from _record(name, part)
            elif _is_block(part):
                yield safe_line(f"{name}:")
                yield from _block(str(part))
            elif part is not None:
                yield safe_line(f"{name}: {part}")


def _record(name: str, record: Mapping[str, object]) -> Iterator[str]:
    """What is short in one line, then the blocks."""
    short = (f"{key} {_joined(each)}" for key, each in record.items() if not _is_block(each) and each is not None)
    yield safe_line(f"{name}: {', '.join(short)}")
    for key, each in record.items():
        if _is_block(each):
            yield f"  {safe_line(key)}:"
            yield from (f"  {line}" for line in _block(str(each)))


def _is_block(value: object) -> bool:
    return isinstance(value, str) and "\n" in value.strip()


def _joined(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _block(text: str) -> Iterator[str]:
    """The last lines of a text, indented."""
    lines = safe_block(text.rstrip()).split("\n")
    if len(lines) > MAX_LINES:
        yield f"  … {len(lines) - MAX_LINES} lines before"
    yield from (f"  {line}" for line in lines[-MAX_LINES:])


def refusals(error: TaskError) -> Iterator[str]:
    """Each answer of the model that was refused: where it is kept, and why it was refused, as it was told the model."""
    for entry in error.detail.get("rejected", []):
        code, reason = str(entry.get("code", "")), str(entry.get("reason", ""))
        yield safe_line(f"answer {entry.get('round', '?')} was refused [{code}], kept in {entry.get('path', '?')}:")
        yield from (f"  {line}" for line in safe_block(reason).split("\n"))


def _evidence(verified: Sequence[Verified], screen: Screen) -> Iterator[str]:
    """How the verify commands ended before and after the change."""
    if verified:
        rows = [
            (each.command, _exit(each.base_exit), render.Cell(text=_exit(each.patch_exit), sgr=_colour(each)),
             render.span(int(each.seconds * 1000)))
            for each in verified
        ]  # fmt: skip
        yield render.table(("VERIFY", "ON BASE", "ON CHANGE", "TOOK"), rows, screen, flexible=(0,))


def _exit(code: int | None) -> str:
    if code is None:
        return "not run"
    return {0: "passed", 124: "timed out"}.get(code, f"failed ({code})")


def _colour(verified: Verified) -> str:
    if verified.patch_exit == 0:
        return "32"
    return "31" if verified.broken else "33"


def _history(attempts: Sequence[Attempt], screen: Screen) -> Iterator[str]:
    """Every attempt, and what was asked and said between them."""
    if len(attempts) < 2:
        return
    header = ("ATTEMPT", "OUTCOME", "TOOK", "TOKENS")
    yield render.table(header, [_attempt(attempt) for attempt in attempts], screen, flexible=(1,))
    for attempt in attempts:
        if attempt.feedback:
            yield f"attempt {attempt.number} was told: {_said(attempt.feedback)}"
        if attempt.question:
            yield f"attempt {attempt.number} asked: {_said(attempt.question)}"


def _said(text: str) -> str:
    return safe_line(clip(text, MAX_SAID))


def _attempt(attempt: Attempt) -> render.Row:
    took = render.span(attempt.finished_at - attempt.started_at) if attempt.started_at and attempt.finished_at else ""
    outcome = attempt.outcome or (Status.RUNNING if attempt.started_at else Status.QUEUED).value
    if attempt.error:
        outcome += f" {attempt.error.code}"
    if attempt.redelivery:
        outcome += ", delivered as it was made"
    return (str(attempt.number), outcome, took, short_count(attempt.usage.total_tokens))
