"""How things look: glyph, word and colour of a state, ages, and the one way untrusted text becomes screen text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from pithy_local.models import LogLine, Status, Stream, Task
from pithy_local.service import Overview
from pithy_local.text import clip, last_segment, safe, safe_line, short_age, short_count
from pithy_local.tui.board import Engine, Entry

LINE_SHOWN = 4096
"""Characters of one log line that the view shows; `logs ID` has all of it."""

_UNSTEADY = re.compile("[\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]|(?<=[\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])\u200d")
"""Variation selectors, skin tones and joiners between emoji: terminals disagree on the width of what they make."""

MUTED = "dim"
RED = "#ff6b6b"
"""Light enough to be read in shades of grey: the plain red becomes nearly black under NO_COLOR."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """A state on the screen. The word always stands beside the glyph: colour alone tells nothing."""

    glyph: str
    word: str
    style: str


STATUS = {
    Status.QUEUED: Look(glyph="○", word="queued", style=MUTED),
    Status.RUNNING: Look(glyph="●", word="running", style="bold cyan"),
    Status.COMPLETED: Look(glyph="✓", word="done", style="green"),
    Status.FAILED: Look(glyph="✗", word="failed", style=RED),
    Status.NEEDS_REVIEW: Look(glyph="◆", word="review", style="bold yellow"),
    Status.NEEDS_CLARIFICATION: Look(glyph="?", word="question", style="bold magenta"),
    Status.CANCELLED: Look(glyph="⊘", word="cancelled", style=MUTED),
}

STREAM = {
    Stream.OUT: Look(glyph=" ", word="", style=""),
    Stream.ERR: Look(glyph="!", word="", style=RED),
    Stream.SYS: Look(glyph="›", word="", style="cyan"),
}


def line(text: str, style: str = "") -> Text:
    """Untrusted text as one safe, markup-free line. Nothing else may bring such text to a widget."""
    return Text(steady(safe_line(text)), style, no_wrap=True, overflow="ellipsis", end="")


def steady(text: str) -> str:
    """The text with every emoji as wide in every terminal: else a title could push the frame out of place."""
    return text if text.isascii() else _UNSTEADY.sub("", text)


def status(task: Task) -> Text:
    look = STATUS[task.status]
    return Text(f"{look.glyph} {look.word}", look.style, no_wrap=True, end="")


def repo_name(repo: str) -> str:
    """What tells a repository from others in few characters: `api` of `acme/api`, the folder of a path."""
    return repo.rstrip("/").rpartition("/")[2].removesuffix(".git") or repo


def now(entry: Entry) -> str:
    """What the table says about where a task stands, beyond its status; untrusted in part."""
    task = entry.task
    if task.status is Status.RUNNING:
        words = ["cancelling" if task.cancel_requested else str(task.phase or "starting"), entry.doing]
        if task.executor == "local":
            words.insert(0, "UNISOLATED")
        return " · ".join(word for word in words if word)
    if task.status is Status.COMPLETED:
        return f"PR #{task.pr_number}" if task.pr_number else task.branch
    if task.error is not None:
        return task.error.code
    return task.question or ""


def since_ms(task: Task) -> int:
    """When what the task does now began: settled, started, or added."""
    return task.finished_at or task.started_at or task.created_at


def log_line(line: LogLine) -> Text:
    """A log line with its stream's mark; colours of the program stay, every other escape sequence is gone."""
    look = STREAM[line.stream]
    shown = Text(f"{look.glyph} ", look.style, no_wrap=True, end="")
    body = steady(safe(clip(last_segment(line.text), LINE_SHOWN), keep_sgr=True))
    shown.append_text(Text.from_ansi(body) if "\x1b" in body else Text(body, look.style))
    return shown


def log_line_width(line: LogLine) -> int:
    """About how many columns `log_line` takes: what is not shown as it stands is counted as if it were."""
    text = clip(line.text, LINE_SHOWN)
    return 2 + (len(text) if text.isascii() else cell_len(text))


def status_line(overview: Overview, engine: Engine, said: str = "") -> Text:
    """One line: the queue in numbers, then the engine or why it does not work."""
    shown = Text(no_wrap=True, overflow="ellipsis", end="")
    shown.append(" pithy-local ", "bold")
    shown.append(f" {overview.running} running / {overview.concurrency}", "cyan" if overview.running else "")
    shown.append(f"  queue {overview.queued}")
    if overview.paused is not None:
        shown.append(" paused: budget" if overview.paused.reason == "budget" else " paused", "bold yellow")
    elif overview.waiting:
        shown.append(f" ({overview.waiting} waiting)", MUTED)
    shown.append(f"  review {overview.review}  ", "yellow" if overview.review else "")
    if engine.problem:
        shown.append_text(line(f"✗ {engine.label}: {engine.problem} · {engine.hint}", f"bold {RED}"))
    elif not engine.working:
        shown.append(f"{engine.label} · only watching", MUTED)
    else:
        shown.append(engine.label, "green" if engine.isolated else "bold yellow")
    if said:
        shown.append("   ").append_text(line(said, MUTED))
    return shown


def header(entry: Entry, now_ms: int) -> Text:
    """The selected task above its log: state, where it goes, what went wrong and what to do."""
    task = entry.task
    lines = [_state(entry, now_ms), _target(task)]
    if task.pr_url:
        lines.append(line(f"PR #{task.pr_number} {task.pr_url}", "green"))
    if task.question:
        lines.append(line(f"? {task.question}", "magenta"))
    if task.error is not None:
        lines.append(line(f"{task.error.code}: {task.error.message}", RED))
        lines.append(line(f"→ {task.error.hint}", "yellow"))
    return Text("\n").join(lines)


def _state(entry: Entry, now_ms: int) -> Text:
    task = entry.task
    words = [short_age(now_ms - since_ms(task))]
    if task.status is Status.RUNNING:
        words.append(now(entry))
    if task.usage.total_tokens:
        words.append(f"{short_count(task.usage.total_tokens)} tokens")
    return Text.assemble(status(task), " ", line(" · ".join(words)))


def _target(task: Task) -> Text:
    base = f" {task.base}" if task.base else ""
    where = f"{task.repo}{base} → {task.branch} · {task.model} · {task.executor}"
    shown = line(where, MUTED)
    if task.executor == "local":
        shown.append(" UNISOLATED", "bold yellow")
    return shown
