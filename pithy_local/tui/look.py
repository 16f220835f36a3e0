"""How things look: glyph, word and colour of a state, ages, and the one way untrusted text becomes screen text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.content import Content

from pithy_local.models import LogLine, Patch, Status, Stream, Task, TaskError, Usage
from pithy_local.service import Needle
from pithy_local.text import clip, last_segment, safe, safe_line, short_age, short_count
from pithy_local.tui.records import Engine, Entry, Snapshot

LINE_SHOWN = 4096
"""Characters of one log line that the view shows; `logs ID` has all of it."""

_UNSTEADY = re.compile("[\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]|(?<=[\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])\u200d")
"""Variation selectors, skin tones and joiners between emoji: terminals disagree on the width of what they make."""

MUTED = "dim"
AWAITING_REVIEW = "awaiting_review"
MATCH = "black on #ffd75f"
TIME_WIDTH = 9
RED, PINK = "#ff6b6b", "#ff8ad8"
"""Light enough to be read in shades of grey: the plain ones become nearly black under NO_COLOR."""
MARK = f"bold {PINK}"


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
    Status.NEEDS_CLARIFICATION: Look(glyph="?", word="question", style=f"bold {PINK}"),
    Status.CANCELLED: Look(glyph="⊘", word="cancelled", style=MUTED),
}

STREAM = {
    Stream.OUT: Look(glyph=" ", word="", style=""),
    Stream.ERR: Look(glyph="!", word="", style=RED),
    Stream.SYS: Look(glyph="›", word="", style="cyan"),
}


def line(text: str, style: str = "") -> Text:
    """Untrusted text as one safe, markup-free line. Nothing else may bring such text to a widget."""
    return piece(steady(safe_line(text)), style)


def piece(text: str, style: str | Style = "") -> Text:
    """Our own words as one line to which others may be appended: the style is theirs alone."""
    shown = Text(text, no_wrap=True, overflow="ellipsis", end="")
    if style:
        shown.stylize(style)
    return shown


def indented(columns: int, text: str, style: str = "") -> Text:
    """The same, some columns to the right."""
    return piece(" " * columns).append_text(line(text, style))


def steady(text: str) -> str:
    """The text with every emoji as wide in every terminal: else a title could push the frame out of place."""
    return text if text.isascii() else _UNSTEADY.sub("", text)


def status(task: Task) -> Text:
    look = STATUS[task.status]
    return piece(f"{look.glyph} {look.word}", look.style)


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
        return "your turn" if task.error.code == AWAITING_REVIEW else task.error.code
    return task.question or entry.held


def cost(usage: Usage) -> str:
    """`$1.84`; "" where nothing was spent, `?` where a price is not known."""
    if usage.cost_usd is None:
        return "?" if usage.total_tokens else ""
    return money(usage.cost_usd) if usage.total_tokens else ""


def change(patch: Patch) -> str:
    """`+31 −4 in 2 files`"""
    return f"+{patch.added} −{patch.removed} in {patch.files} file{'s' * (patch.files != 1)}"


def money(usd: float) -> str:
    """`$0.03`; less than a cent says so."""
    return "<$0.01" if 0 < usd < 0.005 else f"${usd:,.2f}"


def since_ms(task: Task) -> int:
    """When what the task does now began: settled, started, or added."""
    return task.finished_at or task.started_at or task.created_at


def log_line(line: LogLine, *, needle: Needle | None = None, times: bool = False) -> Text:
    """A log line with its stream's mark; colours of the program stay, every other escape sequence is gone."""
    look = STREAM[line.stream]
    shown = Text(no_wrap=True, end="")
    if times:
        shown.append(f"{datetime.fromtimestamp(line.at / 1000):%H:%M:%S} ", MUTED)
    shown.append(f"{look.glyph} ", look.style)
    body = steady(safe(clip(last_segment(line.text), LINE_SHOWN), keep_sgr=True))
    shown.append_text(Text.from_ansi(body) if "\x1b" in body else Text(body, look.style))
    if needle is not None:
        highlight(shown, needle, start=2 + (TIME_WIDTH if times else 0))
    return shown


def highlight(text: Text, needle: Needle, start: int = 0) -> None:
    """Mark every place where the needle is."""
    plain = text.plain if needle.exact else text.plain.lower()
    at = plain.find(needle.text, start)
    while at >= 0:
        text.stylize(MATCH, at, at + len(needle.text))
        at = plain.find(needle.text, at + len(needle.text))


def log_line_width(line: LogLine) -> int:
    """About how many columns `log_line` takes: what is not shown as it stands is counted as if it were."""
    text = clip(line.text, LINE_SHOWN)
    return 2 + (len(text) if text.isascii() else cell_len(text))


def status_line(snapshot: Snapshot, engine: Engine, said: str = "") -> Text:
    """One line: the queue in numbers, then the engine or why it does not work."""
    overview = snapshot.overview
    shown = Text(no_wrap=True, overflow="ellipsis", end="")
    shown.append(" pithy-local ", "bold")
    shown.append(f" {overview.running} running / {overview.concurrency}", "cyan" if overview.running else "")
    shown.append(f"  queue {overview.queued}")
    if overview.paused is not None:
        shown.append(" paused: budget" if overview.paused.reason == "budget" else " paused", "bold yellow")
    elif overview.waiting:
        shown.append(f" ({overview.waiting} waiting)", MUTED)
    shown.append(f"  review {overview.review}", "yellow" if overview.review else "")
    shown.append(f"  {money(snapshot.spent_usd)} today" if snapshot.spent_usd else "", MUTED).append("  ")
    shown.append_text(_engine(engine))
    if said:
        shown.append("   ").append_text(line(said, MUTED))
    return shown


def _engine(engine: Engine) -> Text:
    if engine.problem:
        return line(f"✗ {engine.label}: {engine.problem} · {engine.hint}", f"bold {RED}")
    if not engine.working:
        return piece(f"{engine.label} · only watching", MUTED)
    return piece(engine.label, "green" if engine.isolated else "bold yellow")


def header(entry: Entry, now_ms: int, *, low: bool = False) -> Text:
    """The selected task above its tabs: state, where it goes, what went wrong and what to do.

    `low`: there is little room, and what needs the user goes first.
    """
    task = entry.task
    lines = [_state(entry, now_ms), *([] if low and task.error else [_target(task)])]
    if task.question:
        lines.append(line(f"? {task.question}", PINK))
    if task.error is not None:
        if task.error.code != AWAITING_REVIEW:  # nothing went wrong there
            lines.append(line(f"{task.error.code}: {task.error.message}", RED))
        lines.append(line(f"→ {_hint(task, task.error)}", "yellow"))
    return Text("\n", no_wrap=True, overflow="ellipsis").join(lines) if low else Text("\n").join(lines)


def _hint(task: Task, error: TaskError) -> str:
    """What to do, in here: the error's own hint may name commands of the command line."""
    if error.code == AWAITING_REVIEW:
        return "Look at the diff, then accept it, send it back or reject it."
    return "Answer it." if task.status is Status.NEEDS_CLARIFICATION else error.hint


def _state(entry: Entry, now_ms: int) -> Text:
    task = entry.task
    words = [short_age(now_ms - since_ms(task))]
    if task.status is Status.RUNNING or entry.held:
        words.append(now(entry))
    if task.usage.total_tokens:
        words.append(f"{short_count(task.usage.total_tokens)} tokens")
        words.append(cost(task.usage))
    if task.pr_url:
        words.append(f"PR #{task.pr_number} {task.pr_url}")
    return Text.assemble(status(task), " ", line(" · ".join(word for word in words if word)))


def _target(task: Task) -> Text:
    base = f" {task.base}" if task.base else ""
    where = f"{task.repo}{base} → {task.branch} · {task.model} · {task.executor}"
    shown = line(where, MUTED)
    if task.executor == "local":
        shown.append(" UNISOLATED", "bold yellow")
    return shown


def title(task: Task) -> Content:
    """The selected task's title, for the frame around it."""
    return Content.assemble((task.id, "dim"), f"  {line(task.title).plain}")
